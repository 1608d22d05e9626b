"""The far end behaves as its numbers say: one Asterisk calls, the other is called."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from engine.config.render import directory_files
from engine.domain.values import Slug
from engine.sandbox.behaviours import mobile
from engine.sandbox.example import example_directory, switch_on_phone
from engine.sandbox.sandbox import Sandbox


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def trunks(box: Sandbox) -> AsyncIterator[None]:
    """The engine's Asterisk knows the example's trunks and agents; no engine runs."""
    box.asterisk.write(directory_files(example_directory(box.farend), box.asterisk_settings))
    await box.asterisk.cli("module reload res_pjsip.so")
    await box.asterisk.cli("module reload res_pjsip_outbound_registration.so")
    await box.asterisk.cli("module load res_clioriginate.so")
    yield
    await box.asterisk.cli("channel request hangup all")
    await box.farend.until(lambda: not any(call.live for call in box.farend.calls()))


async def dial(box: Sandbox, number: str, trunk: str = "paris-1") -> None:
    await box.asterisk.cli(f"channel originate PJSIP/{number}@trunk-{trunk} application Wait 60")


async def test_a_party_rings_answers_and_hangs_up_when_told(box: Sandbox) -> None:
    number = mobile("10", ring_s=None, serial=11)
    await dial(box, number)
    invite = await box.farend.invited(number)
    assert (invite.number, invite.trunk) == (number, "127.0.0.2")
    (call,) = box.farend.calls(number)
    assert call.answered_at is None
    await box.farend.answer_now(number)
    await box.farend.until(lambda: call.answered_at is not None)
    await box.farend.hang_up(number)
    await box.farend.until(lambda: not call.live)


async def test_two_parties_hear_each_other(box: Sandbox) -> None:
    ours, theirs = mobile("10", ring_s=0, serial=12), mobile("10", ring_s=0, tone_hz=1400, serial=13)
    await box.asterisk.cli(f"channel originate PJSIP/{ours}@trunk-paris-1 application Dial PJSIP/{theirs}@trunk-lyon-1")
    await box.farend.invited(theirs)
    await box.farend.until(
        lambda: bool(box.farend.heard(theirs)) and box.farend.heard(theirs)[0].stat().st_size > 32000
    )
    assert box.farend.heard(ours)


@pytest.mark.parametrize("trunk", ["lyon-1", "gsm-1"])
async def test_each_trunk_leads_to_its_own_address(box: Sandbox, trunk: str) -> None:
    number = mobile("10", serial=14 if trunk == "lyon-1" else 15)
    await dial(box, number, trunk)
    invite = await box.farend.invited(number)
    assert invite.trunk == {"lyon-1": "127.0.0.3", "gsm-1": "127.0.0.4"}[trunk]


async def test_a_telephone_registers_and_is_called(box: Sandbox) -> None:
    agent = example_directory(box.farend).agents[Slug("bruno")]
    phone = await switch_on_phone(box.farend, agent)
    assert phone.contact in await box.asterisk.cli("pjsip show contacts")
    await box.asterisk.cli(f"channel originate PJSIP/{agent.sip_user} application Wait 60")
    await box.farend.invited(phone.contact)
    await box.farend.unregister(phone)
    assert phone.contact not in await box.asterisk.cli("pjsip show contacts")
