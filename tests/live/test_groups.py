"""Calls for a group, on a real Asterisk: customers and colleagues ring several agents, and one of them takes it.

And the service codes that the same telephones dial.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from engine.domain.directory import Agent, Directory, Group, Number, ToGroup
from engine.domain.values import E164, Extension, Slug
from engine.sandbox import audio
from engine.sandbox.behaviours import coded, mobile, tone_of
from engine.sandbox.example import example_directory
from engine.sandbox.farend_files import PARIS
from engine.sandbox.parties import FarCall, Phone
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.live.hearing import house_prompts, sounds, words
from tests.live.test_arrivals import the_call, the_row, they_hear_each_other

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="session")]

House = tuple[Sandbox, RunningEngine]

ALL, IN_TURN, NOBODY = E164("+33140000030"), E164("+33140000031"), E164("+33140000032")
ANNES_MOBILE = mobile("10", ring_s=None, tone_hz=600, serial=31)


def company(box: Sandbox) -> Directory:
    """The example's; Anne's mobile rings until it is told. Three groups, each with a number of ours."""
    known = example_directory(box.farend)
    agents = dict(known.agents)
    anne: Agent = msgspec.structs.replace(agents[Slug("anne")], mobile=E164(ANNES_MOBILE))
    agents[anne.id] = anne
    groups = (
        group("all", "2050", "bruno", "anne", "david"),
        group("in-turn", "2051", "bruno", "david", strategy="one_by_one", ring_s=5),
        group("nobody", "2052"),
    )
    numbers = [
        Number(id=number, trunk=Slug("paris-1"), target=ToGroup(of.id), service="hotline")
        for number, of in zip((ALL, IN_TURN, NOBODY), groups, strict=True)
    ]
    return msgspec.structs.replace(
        known, agents=agents, groups={g.id: g for g in groups}, numbers={n.id: n for n in numbers}
    )


def group(name: str, extension: str, *members: str, **more: Any) -> Group:
    return Group(
        id=Slug(name),
        name=name.capitalize(),
        site=Slug("paris"),
        extension=Extension(extension),
        members=tuple(Slug(member) for member in members),
        **more,
    )


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def house() -> AsyncIterator[House]:
    async with Sandbox("groups") as box:
        file = crowd.written(box, company(box))
        async with RunningEngine(box, file) as engine:
            yield box, engine


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def phones(house: House) -> dict[str, Phone]:
    """A telephone each; Bruno's and David's ring until they are told."""
    box, _ = house
    digits = {
        "bruno": coded("10", ring_s=None, tone_hz=640, serial=32),
        "david": coded("10", ring_s=None, tone_hz=720, serial=33),
        "anne": coded("10", tone_hz=800, serial=34),
    }
    accounts = {name: company(box).agents[Slug(name)] for name in digits}
    signed_in = await box.farend.phones(*((a.sip_user, a.secret, digits[name]) for name, a in accounts.items()))
    return dict(zip(digits, signed_in, strict=True))


async def calls_in(box: Sandbox, number: str, serial: int) -> tuple[FarCall, str]:
    """A customer calls; the call, and the customer's number."""
    customer = mobile("10", tone_hz=1000 + 20 * (serial % 10), serial=serial)
    return await box.farend.call(number, customer, PARIS), customer


def ringing(box: Sandbox, *numbers: str) -> bool:
    """Whether each of these rings, unanswered."""
    return all([c.answered_at for c in box.farend.calls(number) if c.live] == [None] for number in numbers)


async def ring(box: Sandbox, *numbers: str) -> None:
    await box.farend.until(lambda: ringing(box, *numbers))


async def hears(box: Sandbox, hearer: str, speaker: str) -> None:
    """Until this party hears that one's tone, in the newest of its calls."""

    def heard_now() -> bool:
        files = box.farend.heard(hearer)
        if not files or audio.duration_s(files[-1]) < 1:
            return False
        tone, since = tone_of(speaker), audio.duration_s(files[-1]) - 0.6
        return audio.tone_levels(files[-1], [tone], start_s=since)[tone] > -30

    await box.farend.until(heard_now)


async def quiet(box: Sandbox) -> None:
    await box.farend.until(lambda: not any(call.live for call in box.farend.calls()))


async def test_all_ring_and_the_first_to_pick_up_has_the_call(house: House, phones: dict[str, Phone]) -> None:
    box, engine = house
    _, customer = await calls_in(box, ALL, 41)
    bruno, david = phones["bruno"].contact, phones["david"].contact
    await ring(box, bruno, david, ANNES_MOBILE)
    waiting = await the_call(engine, group="all", stage="offering")
    assert (waiting["agent"], waiting["to"]) == (None, customer)
    assert [leg["answered_at"] for leg in waiting["legs"]] == [None] * 4  # nothing is charged
    await box.farend.answer_now(david)
    found = await the_call(engine, id=waiting["id"], stage="talking")
    assert found["agent"] == "david"
    await they_hear_each_other(box, customer, david)
    await box.farend.until(lambda: not any(c.live for n in (bruno, ANNES_MOBILE) for c in box.farend.calls(n)))
    assert box.farend.calls(bruno)[-1].cause == 26  # answered elsewhere: no missed call
    await box.farend.hang_up(customer)
    row = await the_row(house, found["id"])
    assert (row["outcome"], row["agent_id"], row["group_id"], row["did"]) == ("answered", "david", "all", ALL)
    assert {leg["agent"]: leg["result"] for leg in row["legs"]} == {
        "bruno": "elsewhere",
        "anne": "elsewhere",
        "david": "answered",
        None: "answered",
    }
    await quiet(box)


async def test_a_mobile_has_the_call_once_a_person_pressed_one(house: House, phones: dict[str, Phone]) -> None:
    box, engine = house
    _, customer = await calls_in(box, ALL, 42)
    await ring(box, phones["bruno"].contact, ANNES_MOBILE)
    await box.farend.answer_now(ANNES_MOBILE)
    waiting = await the_call(engine, group="all", stage="offering")
    await box.farend.until(lambda: bool(box.farend.heard(ANNES_MOBILE)))
    await box.farend.press(ANNES_MOBILE, "1")
    found = await the_call(engine, id=waiting["id"], agent="anne", stage="talking")
    assert found["mode"] == "mobile"
    await they_hear_each_other(box, customer, ANNES_MOBILE)
    await box.farend.hang_up(ANNES_MOBILE)
    row = await the_row(house, found["id"])
    assert (row["outcome"], row["agent_id"], row["agent_mode"]) == ("answered", "anne", "mobile")
    await quiet(box)


async def test_a_colleague_dials_the_group_one_after_another(house: House, phones: dict[str, Phone]) -> None:
    """Bruno is busy, David picks up. Meanwhile both who talk are busy for everybody else."""
    box, engine = house
    bruno, david = phones["bruno"].contact, phones["david"].contact
    await box.farend.dial(phones["anne"], "2051")
    await ring(box, bruno)
    assert not ringing(box, david)
    await box.farend.hang_up(bruno, cause=17)
    await ring(box, david)
    await box.farend.answer_now(david)
    found = await the_call(engine, agent="david", stage="talking")
    await they_hear_each_other(box, phones["anne"].contact, david)
    for busy in ("anne", "david"):
        refused = await engine.post("/v1/calls", {"agent": busy, "to": "0140000099"})
        assert (refused.status, refused.body["code"]) == (409, "agent-busy")
    _, customer = await calls_in(box, IN_TURN, 43)
    await ring(box, bruno)
    await box.farend.hang_up(customer)
    await box.farend.hang_up(david)
    row = await the_row(house, found["id"])
    assert (row["direction"], row["kind"], row["caller"], row["callee"]) == ("internal", "dialled", "2001", "2051")
    assert [(leg["agent"], leg["result"]) for leg in row["legs"]][:2] == [("bruno", "busy"), ("david", "answered")]
    await quiet(box)


async def both_decline(box: Sandbox, phones: dict[str, Phone]) -> None:
    """One after the other."""
    for member in ("bruno", "david"):
        await ring(box, phones[member].contact)
        await box.farend.hang_up(phones[member].contact, cause=21)


async def caller_is_told(box: Sandbox, call: FarCall, customer: str, said: str, cause: int) -> dict[str, Any]:
    """They hear the words though nobody answered, then their network is told; the call's row."""
    await box.farend.until(lambda: not call.live)
    assert call.cause == cause
    whole = box.dir / "whole.sln"  # the recording begins with the sound: a packet late, and it is not all there
    whole.write_bytes(bytes(audio.RATE) + (await box.farend.heard_whole(customer)).read_bytes())
    assert words(sounds(whole, house_prompts(), {})) == [f"fr/{said}"]

    async def recorded() -> dict[str, Any] | None:
        return next((row for row in (await crowd.rows(box)).values() if row["caller"] == customer), None)

    row: dict[str, Any] = await crowd.until(recorded)
    (channel,) = [leg["channel"] for leg in row["legs"] if leg["role"] == "customer"]

    def told() -> list[str]:
        return [line for line in box.asterisk_settings.paths.hangups.read_text().splitlines() if f'"{channel}"' in line]

    await box.farend.until(lambda: any("HANGUP" in line for line in told()))
    assert len(told()) == 1  # Asterisk itself knows of no answer
    assert (row["customer_answered_at"], row["billable_s"]) == (None, 0)
    return row


async def test_nobody_is_there(house: House) -> None:
    """SIP has but one answer, 480, for 19 and 20."""
    box, _ = house
    call, customer = await calls_in(box, NOBODY, 44)
    row = await caller_is_told(box, call, customer, "nobody-answers", 19)
    assert (row["outcome"], row["group_id"], row["agent_id"], row["cause"]) == ("nobody_logged_in", "nobody", None, 20)


async def test_nobody_takes_it(house: House, phones: dict[str, Phone]) -> None:
    box, _ = house
    call, customer = await calls_in(box, IN_TURN, 47)
    await both_decline(box, phones)
    row = await caller_is_told(box, call, customer, "nobody-answers", 19)
    assert (row["outcome"], row["cause"]) == ("nobody_accepted", 19)


async def test_a_caller_who_hangs_up_while_told_why(house: House, phones: dict[str, Phone]) -> None:
    """And an engine that is killed meanwhile: one row, and the outcome it was."""
    box, engine = house
    _, customer = await calls_in(box, IN_TURN, 48)
    await both_decline(box, phones)
    told = await the_call(engine, group="in-turn", stage="explaining")
    await engine.kill()
    await box.farend.hang_up(customer)
    await engine.start()
    row = await the_row(house, told["id"])
    assert (row["outcome"], row["recovered"], row["customer_answered_at"]) == ("nobody_accepted", True, None)
    await quiet(box)


async def test_a_caller_who_gives_up_stops_them_all(house: House, phones: dict[str, Phone]) -> None:
    box, engine = house
    _, customer = await calls_in(box, ALL, 45)
    await ring(box, phones["bruno"].contact, phones["david"].contact, ANNES_MOBILE)
    found = await the_call(engine, group="all", stage="offering")
    await box.farend.hang_up(customer)
    row = await the_row(house, found["id"])
    assert (row["outcome"], row["hangup_by"], row["agent_id"]) == ("abandoned", "customer", None)
    await quiet(box)


async def test_killed_while_they_ring(house: House, phones: dict[str, Phone]) -> None:
    """The next engine rings nobody twice, and whoever picks up has the call."""
    box, engine = house
    bruno, david = phones["bruno"].contact, phones["david"].contact
    _, customer = await calls_in(box, ALL, 46)
    await ring(box, bruno, david, ANNES_MOBILE)
    found = await the_call(engine, group="all", stage="offering")
    rung = {number: len(box.farend.invites(number)) for number in (bruno, david, ANNES_MOBILE)}
    await engine.kill()
    await asyncio.gather(engine.start(), box.farend.answer_now(bruno))  # while nobody listens
    again = await the_call(engine, id=found["id"], stage="talking")
    assert (again["agent"], again["recovered"]) == ("bruno", True)
    await they_hear_each_other(box, customer, bruno)
    await box.farend.until(lambda: not any(c.live for n in (david, ANNES_MOBILE) for c in box.farend.calls(n)))
    assert rung == {number: len(box.farend.invites(number)) for number in rung}
    await box.farend.hang_up(customer)
    row = await the_row(house, found["id"])
    assert (row["outcome"], row["agent_id"], row["recovered"]) == ("answered", "bruno", True)
    await quiet(box)


async def test_service_codes_need_no_engine(house: House, phones: dict[str, Phone]) -> None:
    """One telephone hears itself, the other its own extension. The last test of the house: nobody starts it again."""
    box, engine = house
    anne, david = phones["anne"], phones["david"]
    await engine.kill()
    echo, own = await asyncio.gather(box.farend.dial(anne, "*43"), box.farend.dial(david, "*65"))

    async def says_it() -> bool:
        return "!SayDigits!3002!" in await box.asterisk.cli("core show channels concise")

    await asyncio.gather(hears(box, anne.contact, anne.contact), crowd.until(says_it))
    await asyncio.gather(box.farend.hang_up(anne.contact), box.farend.hang_up(david.contact))
    await box.farend.until(lambda: not echo.live and not own.live)
