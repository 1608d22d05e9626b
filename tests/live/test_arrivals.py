"""Calls that come to us, on a real Asterisk: an agent dials on a telephone, a customer calls one of our numbers."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from engine.domain.directory import Directory, Number, ToAgent
from engine.domain.values import E164, Slug
from engine.sandbox import audio
from engine.sandbox.behaviours import coded, mobile, tone_of
from engine.sandbox.example import example_directory
from engine.sandbox.farend_files import PARIS
from engine.sandbox.parties import FarCall, Phone
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.crowd import until

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="session")]

House = tuple[Sandbox, RunningEngine]

ANNES_MOBILE = mobile("20", tone_hz=600, serial=1)
AT_THE_MOBILE = ("confirming", "talking")
TO_BRUNO, TO_ANNE, NOT_IN_USE = E164("+33140000020"), E164("+33140000021"), E164("+33140000022")


def company(box: Sandbox) -> Directory:
    """The example's, with numbers: one rings Bruno's telephones, one Anne's mobile, one leads nowhere today."""
    known = example_directory(box.farend)
    numbers = [
        Number(id=TO_BRUNO, trunk=Slug("paris-1"), target=ToAgent(Slug("bruno")), service="sales", campaign="spring"),
        Number(id=TO_ANNE, trunk=Slug("paris-1"), target=ToAgent(Slug("anne"))),
        Number(id=NOT_IN_USE, trunk=Slug("paris-1"), target=ToAgent(Slug("bruno")), active=False),
    ]
    return msgspec.structs.replace(known, numbers={number.id: number for number in numbers})


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def house() -> AsyncIterator[House]:
    async with Sandbox("arrivals") as box:
        file = crowd.written(box, company(box))
        async with RunningEngine(box, file) as engine:
            yield box, engine


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def bruno(house: House) -> list[Phone]:
    """Two telephones: one is picked up after half a second, the other only rings."""
    box, _ = house
    account = company(box).agents[Slug("bruno")]
    return await box.farend.phones(
        (account.sip_user, account.secret, coded("10", ring_s=0.5, tone_hz=600, serial=1)),
        (account.sip_user, account.secret, coded("81", tone_hz=640, serial=2)),
    )


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def david(house: House) -> Phone:
    """A telephone at the other site."""
    box, _ = house
    account = company(box).agents[Slug("david")]
    return await box.farend.phone(account.sip_user, account.secret, coded("10", ring_s=0.5, tone_hz=700, serial=3))


def _is(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, tuple) else bool(value == wanted)


async def the_call(engine: RunningEngine, **known: Any) -> dict[str, Any]:
    """The one living call of which all this is true."""

    async def found() -> dict[str, Any] | None:
        calls = (await engine.get("/v1/calls?live=true")).body["items"]
        return next(
            (call for call in calls if all(call[n] in (v if isinstance(v, tuple) else (v,)) for n, v in known.items())),
            None,
        )

    call: dict[str, Any] = await until(found)
    return call


async def the_row(house: House, call_id: str) -> dict[str, Any]:
    box, _ = house
    return (await crowd.all_recorded(box, [call_id]))[call_id]


async def the_row_of(house: House, caller: str) -> dict[str, Any]:
    """The one of a customer who called once."""
    box, _ = house

    async def found() -> dict[str, Any] | None:
        return next((row for row in (await crowd.rows(box)).values() if row["caller"] == caller), None)

    row: dict[str, Any] = await until(found)
    return row


async def they_hear_each_other(box: Sandbox, one: str, other: str) -> None:
    for hearer, speaker in ((one, other), (other, one)):

        def heard_now(hearer: str = hearer, speaker: str = speaker) -> bool:
            files = box.farend.heard(hearer)
            if not files or audio.duration_s(files[-1]) < 1:
                return False
            levels = audio.tone_levels(files[-1], [tone_of(speaker)], start_s=audio.duration_s(files[-1]) - 0.6)
            return levels[tone_of(speaker)] > -30

        await box.farend.until(heard_now, timeout_s=10)


@asynccontextmanager
async def refused_unanswered(box: Sandbox, calls: int) -> AsyncIterator[None]:
    """Asterisk's own log has the end of so many calls, and no answer of any."""
    log = box.asterisk_settings.paths.hangups
    before = len(log.read_text())

    def lines() -> list[str]:
        return log.read_text()[before:].splitlines()

    def ended() -> set[str]:
        return {line.split(",")[1] for line in lines() if '"HANGUP"' in line}

    yield
    await box.farend.until(lambda: len(ended()) >= calls)  # written a moment after the far end knows
    assert len({line.split(",")[1] for line in lines()}) == calls
    assert not [line for line in lines() if line.endswith('"ANSWER"')]


# -- an agent dials ----------------------------------------------------------------------------------------------------


async def test_an_agent_dials_a_number_outside(house: House, david: Phone) -> None:
    box, engine = house
    customer = mobile("10", ring_s=0.5, tone_hz=1000, serial=61)
    call = await box.farend.dial(david, f"0{customer[3:]}")
    found = await the_call(engine, agent="david", stage="talking")
    assert found["to"] == customer
    assert [invite.from_number for invite in box.farend.invites(customer)] == ["+33472000001"]
    await they_hear_each_other(box, david.contact, customer)
    await box.farend.hang_up(customer)
    await box.farend.until(lambda: not call.live)
    row = await the_row(house, found["id"])
    assert (row["outcome"], row["hangup_by"], row["kind"]) == ("answered", "customer", "dialled")
    assert (row["direction"], row["trunk"], row["callee_dialled"]) == ("outbound", "lyon-1", f"0{customer[3:]}")


async def test_an_agent_who_dials_is_told_that_the_customer_is_busy(house: House, david: Phone) -> None:
    box, engine = house
    call = await box.farend.dial(david, mobile("50", serial=62))
    found = await the_call(engine, agent="david", stage="explaining")
    await box.farend.until(lambda: not call.live, timeout_s=15)
    row = await the_row(house, found["id"])
    assert (row["outcome"], row["cause"]) == ("customer_busy", 17)


async def test_an_agent_calls_a_colleague_by_extension(house: House, bruno: list[Phone]) -> None:
    """Both telephones of the colleague ring, one is picked up, the other stops."""
    box, engine = house
    account = company(box).agents[Slug("anne")]
    anne = await box.farend.phone(account.sip_user, account.secret, coded("10", tone_hz=800, serial=4))
    call = await box.farend.dial(anne, "2002")
    found = await the_call(engine, agent="anne", stage="talking")
    await they_hear_each_other(box, anne.contact, bruno[0].contact)
    assert [leg["state"] for leg in found["legs"]].count("up") == 2
    await box.farend.hang_up(bruno[0].contact)
    await box.farend.until(lambda: not call.live)
    row = await the_row(house, found["id"])
    assert (row["outcome"], row["direction"], row["callee"], row["trunk"]) == ("answered", "internal", "2002", None)


async def test_an_agent_dials_what_is_not_theirs_to_call(house: House, david: Phone) -> None:
    """Told by the network; no call."""
    box, engine = house
    wanted = {"0899701234": 21, "3099": 1, "0612": 1, "+12125550123": 21, "*72": 21}
    async with refused_unanswered(box, len(wanted)):
        calls = [await box.farend.dial(david, dialled) for dialled in wanted]
        await box.farend.until(lambda: not any(call.live for call in calls), timeout_s=20)
    assert dict(zip(wanted, (call.cause for call in calls), strict=True)) == wanted
    assert (await engine.get("/v1/calls?live=true")).body["items"] == []


# -- a customer calls --------------------------------------------------------------------------------------------------


async def calls_in(box: Sandbox, number: str, customer: str) -> FarCall:
    return await box.farend.call(number, customer, PARIS)


async def test_a_customer_reaches_an_agents_telephones(house: House, bruno: list[Phone]) -> None:
    box, engine = house
    customer = mobile("10", tone_hz=1200, serial=71)
    await calls_in(box, TO_BRUNO, customer)
    found = await the_call(engine, agent="bruno", stage="talking")
    await they_hear_each_other(box, customer, bruno[0].contact)
    assert {invite.from_number for phone in bruno for invite in box.farend.invites(phone.contact)} >= {customer}
    await box.farend.hang_up(customer)
    await box.farend.until(lambda: not any(call.live for call in box.farend.calls()))  # long before any audit
    row = await the_row(house, found["id"])
    assert (row["outcome"], row["hangup_by"], row["direction"]) == ("answered", "customer", "inbound")
    assert (row["caller"], row["callee"], row["did"]) == (customer, TO_BRUNO, TO_BRUNO)
    assert (row["service"], row["campaign_id"], row["trunk"], row["kind"]) == ("sales", "spring", "paris-1", "inbound")


async def test_a_customer_reaches_an_agents_mobile_once_a_person_pressed_one(house: House) -> None:
    """Until then the customer hears it ring, and nothing is charged."""
    box, engine = house
    anne = company(box).agents[Slug("anne")]
    customer = mobile("10", tone_hz=1300, serial=72)
    call = await calls_in(box, TO_ANNE, customer)
    waiting = await the_call(engine, agent="anne", stage="confirming")
    assert [leg["answered_at"] for leg in waiting["legs"] if leg["role"] == "customer"] == [None]
    found = await the_call(engine, agent="anne", stage="talking")
    await they_hear_each_other(box, customer, str(anne.mobile))
    await box.farend.hang_up(str(anne.mobile))
    await box.farend.until(lambda: not call.live)
    row = await the_row(house, found["id"])
    assert (row["outcome"], row["hangup_by"], row["agent_mode"]) == ("answered", "agent", "mobile")


async def test_a_customer_who_gives_up_stops_the_mobile(house: House) -> None:
    box, engine = house
    customer = mobile("10", tone_hz=1100, serial=73)
    rung = len(box.farend.invites(ANNES_MOBILE))
    await calls_in(box, TO_ANNE, customer)
    found = await the_call(engine, agent="anne", stage="reaching-agent")
    await box.farend.invited(ANNES_MOBILE, rung + 1)
    await box.farend.hang_up(customer)
    row = await the_row(house, found["id"])
    assert (row["outcome"], row["hangup_by"], row["caller"]) == ("abandoned", "customer", customer)
    await box.farend.until(lambda: not any(call.live for call in box.farend.calls()))
    assert box.farend.calls(ANNES_MOBILE)[-1].answered_at is None


async def test_a_number_that_leads_nowhere(house: House) -> None:
    box, _ = house
    async with refused_unanswered(box, 2):
        calls = [
            await calls_in(box, number, mobile("10", tone_hz=1000, serial=74))
            for number in (NOT_IN_USE, "+33140000099")
        ]
        await box.farend.until(lambda: not any(call.live for call in calls), timeout_s=20)
    assert [call.cause for call in calls] == [1, 1]


async def test_a_busy_agent(house: House, bruno: list[Phone]) -> None:
    box, engine = house
    first, second = (mobile("10", tone_hz=tone, serial=75) for tone in (1000, 1040))
    await calls_in(box, TO_BRUNO, first)
    talking = await the_call(engine, agent="bruno", stage="talking")
    call = await calls_in(box, TO_BRUNO, second)
    await box.farend.until(lambda: not call.live, timeout_s=20)
    assert call.cause == 17
    missed = await the_row_of(house, second)
    assert (missed["outcome"], missed["rule"], missed["agent_id"]) == ("agent_busy", "agent-busy", "bruno")
    await box.farend.hang_up(first)
    assert (await the_row(house, talking["id"]))["outcome"] == "answered"


async def test_a_caller_who_came_in_as_the_engine_died_is_let_in_by_the_next(house: House, bruno: list[Phone]) -> None:
    """Stopped first, so that the caller surely is in our application and nothing of it is written; then killed."""
    box, engine = house
    customer = mobile("10", tone_hz=1080, serial=78)
    engine.process.send(signal.SIGSTOP)
    await calls_in(box, TO_BRUNO, customer)

    async def waits_in_our_application() -> bool:
        return "standardiste,inbound,trunk-paris-1" in await box.asterisk.cli("core show channels concise")

    await until(waits_in_our_application)
    await engine.kill()
    await engine.start()
    found = await the_call(engine, agent="bruno", stage="talking")
    await they_hear_each_other(box, customer, bruno[0].contact)
    await box.farend.hang_up(customer)
    assert (await the_row(house, found["id"]))["outcome"] == "answered"


async def test_killed_while_one_customer_waits_and_another_talks(house: House, bruno: list[Phone]) -> None:
    """The next engine goes on with both: the mobile still rings, the talk is undisturbed, each has one record."""
    box, engine = house
    waits, talks = mobile("10", tone_hz=1000, serial=76), mobile("10", tone_hz=1060, serial=77)
    await calls_in(box, TO_BRUNO, talks)
    talking = await the_call(engine, agent="bruno", stage="talking")
    await calls_in(box, TO_ANNE, waits)
    waiting = await the_call(engine, agent="anne", stage="reaching-agent")
    await engine.kill()
    await engine.start()
    if (await the_call(engine, id=waiting["id"], stage=AT_THE_MOBILE))["stage"] != "talking":
        await box.farend.press(ANNES_MOBILE, "1")  # a person asked again, whose first key nobody was there to hear
    again = await the_call(engine, id=waiting["id"], stage="talking")
    assert again["recovered"]
    assert (await engine.get(f"/v1/calls/{talking['id']}")).body["talking"] == ["agent", "customer"]
    for number in (talks, waits):
        await box.farend.hang_up(number)
    for call in (talking, waiting):
        row = await the_row(house, call["id"])
        assert (row["outcome"], row["recovered"]) == ("answered", True)
