"""A whole trunk refuses, falls silent, comes back; the far end calls in; telephones come and go."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio

from engine.config.render import directory_files
from engine.domain.values import Slug
from engine.sandbox import audio
from engine.sandbox.behaviours import mobile, tone_of
from engine.sandbox.example import example_directory, switch_on_phone, unwatched
from engine.sandbox.farend_files import OPERATOR, PARIS
from engine.sandbox.gate import SILENT
from engine.sandbox.sandbox import Sandbox


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def trunks(box: Sandbox) -> AsyncIterator[None]:
    """The engine's Asterisk knows the example's trunks and agents; no engine runs."""
    example = example_directory(box.farend)
    directory = msgspec.structs.replace(example, trunks=unwatched(example.trunks))
    box.asterisk.write(directory_files(directory, box.asterisk_settings))
    await box.asterisk.cli("module reload res_pjsip.so")
    await box.asterisk.cli("module reload res_pjsip_outbound_registration.so")
    await box.asterisk.cli("module load res_clioriginate.so")
    yield
    box.farend.trunk_refuses(PARIS, None)
    await box.asterisk.cli("channel request hangup all")
    await box.farend.until(lambda: not any(call.live for call in box.farend.calls()))


async def dial(box: Sandbox, number: str) -> None:
    await box.asterisk.cli(f"channel originate PJSIP/{number}@trunk-paris-1 application Wait 60")


async def test_a_trunk_refuses_and_comes_back(box: Sandbox) -> None:
    number = mobile("10", ring_s=None, serial=81)
    box.farend.trunk_refuses(PARIS, 503)
    await dial(box, number)
    invite = await box.farend.invited(number)
    assert (invite.trunk, invite.number, invite.uniqueid) == (PARIS, number, "")
    assert box.farend.calls(number) == []
    box.farend.trunk_refuses(PARIS, None)
    await dial(box, number)
    await box.farend.invited(number, 2)
    assert len(box.farend.calls(number)) == 1


async def test_a_silent_trunk_answers_nothing(box: Sandbox) -> None:
    number = mobile("10", serial=82)
    box.farend.trunk_refuses(PARIS, SILENT)
    await dial(box, number)
    assert "trunk-paris-1" in await box.asterisk.cli("core show channels concise")
    await box.asterisk.cli("channel request hangup all")
    assert box.farend.invites(number) == []


@pytest.mark.parametrize(("trunk", "serial"), [(PARIS, 83), (OPERATOR, 84)])
async def test_a_caller_comes_in_by_each_kind_of_trunk(box: Sandbox, trunk: str, serial: int) -> None:
    number = mobile("10", serial=serial)
    call = await box.farend.call("+33140000001", number, trunk)
    assert call.live
    concise = ""
    async with asyncio.timeout(30):
        while number not in concise:  # the caller's number, on a channel of the engine's Asterisk
            concise = await box.asterisk.cli("core show channels concise")
    await box.farend.hang_up(number)


async def test_what_each_party_heard_is_measured(box: Sandbox) -> None:
    ours, theirs = mobile("10", ring_s=0, tone_hz=620, serial=85), mobile("10", ring_s=0, tone_hz=1780, serial=86)
    dialling = f"channel originate PJSIP/{ours}@trunk-paris-1 application Dial PJSIP/{theirs}@trunk-lyon-1"
    await box.asterisk.cli(dialling)
    await box.farend.invited(theirs)
    for number in (ours, theirs):
        await box.farend.until(lambda n=number: sum(audio.duration_s(f) for f in box.farend.heard(n)) > 4)  # type: ignore[misc]
    await box.farend.hang_up(ours)
    for me, other in ((ours, theirs), (theirs, ours)):
        file = await box.farend.heard_whole(me)
        assert audio.duration_s(file) > 4
        assert audio.separation_db(file, tone_of(other), [tone_of(me)], start_s=1) > 40
        assert audio.gaps(file, tone_of(other), 60) == []


async def test_an_agents_telephones_ring_together(box: Sandbox) -> None:
    agent = example_directory(box.farend).agents[Slug("bruno")]
    phones = [await switch_on_phone(box.farend, agent, device=device) for device in (1, 2)]
    contacts = await box.asterisk.cli("pjsip show contacts")
    assert all(phone.contact in contacts for phone in phones)
    await box.farend.unregister(phones[0])
    contacts = await box.asterisk.cli("pjsip show contacts")
    assert [phone.contact in contacts for phone in phones] == [False, True]
    await box.farend.register(phones[0])
    await box.farend.remove_phones()
    assert agent.sip_user not in await box.asterisk.cli("pjsip show contacts")
