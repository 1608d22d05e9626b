"""The three ways a Yeastar offers, both ways, and what each trunk may be told: by real Asterisks on both sides."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from engine.sandbox.behaviours import coded, mobile
from engine.sandbox.farend_files import LYON, OPERATOR, PARIS, PHONES
from engine.sandbox.gate import SILENT
from engine.sandbox.parties import FarCall, Phone
from engine.sandbox.sandbox import Sandbox
from tests.live.lines import Line, line_in

pytestmark = pytest.mark.live

DID = "33140000001"
MOVED = "127.0.3.9"  # where the operator moves to


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own() -> AsyncIterator[Sandbox]:
    async with Sandbox("trunks", print) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(loop_scope="session")
async def line(own: Sandbox) -> AsyncIterator[Line]:
    async with line_in(own) as made:
        yield made


# An account trunk: the Yeastar signs in to us


async def test_an_account_calls_us_and_is_called(line: Line) -> None:
    yeastar = await line.yeastar()
    told = await line.arrives(lambda: line.farend.dial(yeastar, DID, from_number="0612345678"))
    assert told == ["inbound", "trunk-home", DID, "0612345678"]
    assert (await line.asked("home", 11)).trunk == PHONES


async def test_an_account_with_the_wrong_password_gets_nowhere(line: Line) -> None:
    digits = coded("10", ring_s=0.3, tone_hz=900, serial=2)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(line.farend.yeastar("trunk-home", "not-the-secret-at-all", digits), 3)
    stranger = Phone(f"phone-{digits}", "trunk-home", f"p{digits}")
    assert await line.arrives(lambda: line.farend.dial(stranger, DID, from_number="0612345678"), 3) == []
    await line.until_said("pjsip show aor trunk-home", "max_contacts")
    assert "sip:p" not in await line.box.asterisk.cli("pjsip show aor trunk-home")


async def test_an_account_lost_and_regained(line: Line) -> None:
    yeastar = await line.yeastar(serial=3)
    await line.farend.unregister(yeastar)
    number = mobile("10", ring_s=0.2, tone_hz=700, serial=31)
    with pytest.raises(aiohttp.ClientResponseError):
        await line.calls_out("home", number)
    await line.farend.register(yeastar)
    assert (await line.asked("home", 32)).number
    assert line.farend.invites(number) == []


async def test_an_account_that_moves_replaces_itself(line: Line) -> None:
    await line.yeastar(serial=4)
    await line.yeastar(serial=5)
    shown = await line.box.asterisk.cli("pjsip show aor trunk-home")
    assert shown.count("Contact:  trunk-home") == 1
    assert f"sip:p{coded('10', ring_s=0.3, tone_hz=900, serial=5)}@" in shown
    assert (await line.asked("home", 12)).trunk == PHONES


# A register trunk: we sign in to the operator


async def test_a_registration_refused_and_mended(line: Line) -> None:
    await line.farend.give_account("given-over-there")
    await line.apply(line.trunk("gsm-1", secret="given-over-there"))
    await line.until_said("pjsip show registrations", "trunk-gsm-1", "Registered")
    assert (await line.asked("gsm-1", 41)).trunk == OPERATOR
    await line.farend.give_account("changed-over-there")
    await line.box.asterisk.cli("pjsip send register trunk-gsm-1")
    await line.until_said("pjsip show registrations", "trunk-gsm-1", "Rejected")
    await line.apply(line.trunk("gsm-1", secret="changed-over-there"))
    await line.until_said("pjsip show registrations", "trunk-gsm-1", "Registered")
    told = await line.arrives(lambda: line.farend.call("+33472000001", "0612345678", OPERATOR))
    assert told[:3] == ["inbound", "trunk-gsm-1", "+33472000001"]


async def test_a_registration_lost_and_regained(line: Line) -> None:
    line.farend.trunk_refuses(OPERATOR, SILENT)
    await line.box.asterisk.cli("pjsip send register trunk-gsm-1")
    await line.until_said("pjsip show registrations", "trunk-gsm-1", "Rejected", patience_s=30)  # the word for silence
    await line.box.asterisk.cli("pjsip qualify trunk-gsm-1")
    await line.until_said("pjsip show contacts", "trunk-gsm-1", "Unavail")
    with pytest.raises(aiohttp.ClientResponseError):
        await line.calls_out("gsm-1", mobile("10", serial=42))
    line.farend.trunk_refuses(OPERATOR, None)
    await line.until_said("pjsip show registrations", "trunk-gsm-1", "Registered", patience_s=30)  # by itself
    await line.box.asterisk.cli("pjsip qualify trunk-gsm-1")
    await line.until_said("pjsip show contacts", "trunk-gsm-1", "Avail")
    assert (await line.asked("gsm-1", 43)).trunk == OPERATOR
    assert await line.arrives(lambda: line.farend.call(DID, "0612345678", OPERATOR)) != []


async def test_a_registration_that_moves_is_known_at_its_new_address_only(line: Line) -> None:
    await line.farend.open_trunk(MOVED)
    try:
        await line.apply(line.trunk("gsm-1", host=MOVED))
        await line.until_said("pjsip show registrations", MOVED, "Registered")
        assert (await line.asked("gsm-1", 44)).trunk == MOVED
        assert await line.arrives(lambda: line.farend.call(DID, "0612345678", OPERATOR), 3) == []
    finally:
        await line.farend.close_trunk(MOVED)


# A peer trunk: known by its address


async def test_a_peer_lost_and_regained(line: Line) -> None:
    for refuses, status in ((SILENT, "Unavail"), (None, "Avail")):
        line.farend.trunk_refuses(PARIS, refuses)
        await line.box.asterisk.cli("pjsip qualify trunk-paris-1")
        await line.until_said("pjsip show contacts", "trunk-paris-1", status)
        if refuses is not None:
            with pytest.raises(aiohttp.ClientResponseError):
                await line.calls_out("paris-1", mobile("10", serial=52))
    assert (await line.asked("paris-1", 53)).trunk == PARIS


async def test_a_stranger_is_no_trunk_whatever_it_calls_itself(line: Line) -> None:
    """A peer has no password: its address is all there is, and this one is nobody's."""
    digits = coded("10", ring_s=0.3, tone_hz=900, serial=54)
    stranger = Phone(f"phone-{digits}", "trunk-paris-1", f"p{digits}")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(line.farend.yeastar("trunk-paris-1", "guessed", digits, from_user="trunk-paris-1"), 3)
    assert await line.arrives(lambda: line.farend.dial(stranger, DID), 3) == []


async def test_a_peer_that_moves_is_known_at_its_new_address_only(line: Line) -> None:
    assert (await line.arrives(lambda: line.farend.call(DID, "0612345678", PARIS)))[1] == "trunk-paris-1"
    directory = line.directory(line.trunk("paris-1", host=LYON))
    moved = msgspec.structs.replace(
        directory, trunks={name: trunk for name, trunk in directory.trunks.items() if name != "lyon-1"}
    )
    await line.files.apply(moved)
    assert (await line.arrives(lambda: line.farend.call(DID, "0612345678", LYON)))[1] == "trunk-paris-1"
    assert await line.arrives(lambda: line.farend.call(DID, "0612345678", PARIS), 3) == []
    assert (await line.asked("paris-1", 51)).trunk == LYON


# What each may be told


async def test_the_number_called_by_the_rule_of_the_trunk(line: Line) -> None:
    await line.apply(line.trunk("paris-1", did_strip=1, did_prefix="+33"))
    told = await line.arrives(lambda: line.farend.call("0140000001", "0612345678", PARIS))
    assert told[:3] == ["inbound", "trunk-paris-1", "+33140000001"]
    told = await line.arrives(lambda: line.farend.call("0472000001", "0612345678", LYON))
    assert told[:3] == ["inbound", "trunk-lyon-1", "0472000001"]


async def test_a_trunk_of_which_calls_are_not_wanted_rings_and_nobody_answers(line: Line) -> None:
    await line.apply(line.trunk("paris-1", receive=False))
    call: list[FarCall] = []

    async def place() -> FarCall:
        call.append(await line.farend.call(DID, "0612345678", PARIS))
        return call[0]

    assert await line.arrives(place, 2) == []
    assert call[0].answered_at is None


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "+33140000001"),
        ({"from_user": "400", "from_domain": "pbx.example"}, "+33140000001"),  # by P-Asserted-Identity
        ({"from_user": "400", "pai": False}, "400"),
    ],
)
async def test_who_calls_stands_where_it_was_wanted(line: Line, changes: dict[str, object], shown: str) -> None:
    await line.apply(line.trunk("paris-1", **changes))
    invite = await line.asked("paris-1", 60 + len(changes), callerId='"" <+33140000001>')
    assert invite.from_number == shown


async def test_media_encrypted(line: Line) -> None:
    """The far end answers as it was asked, and Asterisk ends a call whose answer is not encrypted."""
    await line.apply(line.trunk("paris-1", media_encryption="sdes"))
    number = mobile("10", ring_s=0.2, tone_hz=700, serial=71)
    channel = await line.calls_out("paris-1", number)
    await line.farend.until(lambda: any(call.answered_at for call in line.farend.calls(number)))
    assert await line.asking.variable(channel, "CHANNEL(rtp,secure)") == "1"
    await line.farend.hang_up(number)
