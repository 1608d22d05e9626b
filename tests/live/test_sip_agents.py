"""Agents with telephones: all of them ring, the first answer wins, the others stop. And orders that are refused.

The whole table is played at once, each row with an agent and telephones of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg
import pytest
import pytest_asyncio

from engine.sandbox.behaviours import coded, mobile
from engine.sandbox.parties import FarCall, Invite
from tests.crowd import Manner
from tests.live import hearing
from tests.live.company import DOORS, Member
from tests.live.house import House

pytestmark = [pytest.mark.live]

PHONE_HZ, CUSTOMER_HZ = 600, 1400
TOGETHER_S = 1.0  # between the first and the last telephone's INVITE, and from the answer to the others' end

RINGS = Manner("81")
ANSWERS = Manner("10", 1.5)
LEAVES = Manner("32", 1.0)  # a customer who talks for 2 s


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the telephones and the customer do (above), and what must come of it (below)."""

    name: str
    phones: tuple[Manner, ...]
    customer: Manner = LEAVES
    site: str = "paris"
    order: Mapping[str, Any] | None = None
    delete_in: str | None = None  # the stage in which an application ends it

    ends: tuple[str, str, int | None, int | None]  # outcome, who hung up, Q.850 cause, SIP code
    winner: int | None = None  # the telephone that is answered, counted from 0
    hears: str = ""
    legs: tuple[str, ...]  # how each attempt ended: the telephones' in any order, then the customer's


ROWS = (
    Row(
        name="the first answer wins",
        phones=(RINGS, ANSWERS, RINGS),
        ends=("answered", "customer", 16, None),
        winner=1,
        hears="connecting ringing customer",
        legs=("elsewhere", "answered", "elsewhere", "answered"),
    ),
    Row(
        name="one refuses, the other goes on",
        phones=(Manner("70", 0.5), ANSWERS),
        ends=("answered", "customer", 16, None),
        winner=1,
        hears="connecting ringing customer",
        legs=("busy", "answered", "answered"),
    ),
    Row(
        name="one says nothing at all, the other answers",
        phones=(Manner("80"), ANSWERS),
        ends=("answered", "customer", 16, None),
        winner=1,
        hears="connecting ringing customer",
        legs=("elsewhere", "answered", "answered"),
    ),
    Row(
        name="one is busy, the other rings in vain",
        phones=(Manner("50", 0.2), RINGS),
        order={"ring_agent_s": 5},
        ends=("agent_no_answer", "engine", 19, None),
        legs=("busy", "no_answer"),
    ),
    Row(
        name="all are busy",
        phones=(Manner("50", 0.2), Manner("70", 0.5)),
        ends=("agent_busy", "agent", 17, 486),
        legs=("busy", "busy"),
    ),
    Row(
        name="a telephone that cannot take the call",
        phones=(Manner("54", 0.2),),
        ends=("agent_unreachable", "network", 34, 503),
        legs=("refused",),
    ),
    Row(
        name="asked for 1 when the request says so",
        phones=(Manner("26", 0.5),),
        order={"confirm": True},
        ends=("answered", "customer", 16, None),
        winner=0,
        hears="connecting ringing customer",
        legs=("answered", "answered"),
    ),
    Row(
        name="asked for 1 and silent",
        phones=(Manner("25", 0.5),),
        order={"confirm": True},
        ends=("agent_voicemail", "engine", 16, None),
        winner=0,
        hears="press-one press-one press-one",
        legs=("answered",),
    ),
    Row(
        name="the customer's only trunk refuses",
        phones=(ANSWERS,),
        site="alone",
        ends=("congestion", "network", 34, 503),
        winner=0,
        hears="connecting congestion",
        legs=("answered", "refused"),
    ),
    Row(
        name="DELETE while all ring",
        phones=(RINGS, RINGS),
        delete_in="reaching-agent",
        ends=("abandoned", "api", 16, None),
        legs=("no_answer", "no_answer"),
    ),
)


class Line(NamedTuple):
    """A row with its agent and numbers."""

    row: Row
    member: Member
    phones: tuple[str, ...]  # the digits of each
    customer: str


def _line(index: int, row: Row) -> Line:
    phones = tuple(
        coded(manner.behaviour, ring_s=manner.ring_s, tone_hz=PHONE_HZ, serial=3 * index + number)
        for number, manner in enumerate(row.phones)
    )
    member = Member(f"agent-{index:02d}", row.site, None, mode="sip")
    customer = mobile(row.customer.behaviour, ring_s=row.customer.ring_s, tone_hz=CUSTOMER_HZ, serial=index)
    return Line(row, member, phones, customer)


LINES = {row.name: _line(index, row) for index, row in enumerate(ROWS)}
MOBILE = mobile("81", tone_hz=PHONE_HZ, serial=90)
NOBODY = Member("no-phone", "paris", None, mode="sip")
GONE = Member("phone-gone", "paris", None, mode="sip")
BUSY = Member("busy", "paris", MOBILE)
DISABLED = Member("disabled", "paris", None, mode="sip", enabled=False)
NOT_PERMITTED = Member("not-permitted", "paris", mobile("10", serial=91), permitted=False)
NO_NUMBER = Member("no-number", "paris", None, mode="sip")
TIGHT = Member("tight", "tight", mobile("10", serial=92))
OTHERS = (NOBODY, GONE, BUSY, DISABLED, NOT_PERMITTED, NO_NUMBER, TIGHT)


@dataclass(frozen=True)
class Played:
    """What was seen of a row."""

    record: Mapping[str, Any]
    invites: list[list[Invite]]  # of each telephone
    calls: list[list[FarCall]]
    customer: list[Invite]
    said: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house() -> AsyncIterator[House]:
    async with House([*(line.member for line in LINES.values()), *OTHERS]) as opened:
        await opened.phones(*((line.member, digits) for line in LINES.values() for digits in line.phones))
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(house: House) -> Mapping[str, Played | BaseException]:
    results = await asyncio.gather(*(_play(house, line) for line in LINES.values()), return_exceptions=True)
    return dict(zip(LINES, results, strict=True))


async def _play(house: House, line: Line) -> Played:
    row, farend = line.row, house.farend
    call_id = await house.place(line.member.id, line.customer, **(row.order or {}))
    if row.delete_in is not None:
        await house.reached(call_id, row.delete_in)
        await farend.until(lambda: all(farend.invites(digits) for digits in line.phones))
        assert (await house.engine.delete(f"/v1/calls/{call_id}")).status == 204
    record = (await house.written(call_id)).row
    await farend.until(lambda: all(farend.invites(digits) for digits in line.phones))
    await farend.until(lambda: not any(call.live for digits in line.phones for call in farend.calls(digits)))
    said: list[str] = []
    if row.winner is not None:
        heard = await farend.heard_whole(line.phones[row.winner])
        tones = {"ringing": hearing.RINGING_HZ, "customer": CUSTOMER_HZ}
        sounds = await asyncio.to_thread(hearing.sounds, heard, hearing.house_prompts(), tones)
        said = hearing.words(sounds, without=["comfort"])
    return Played(
        record=record,
        invites=[farend.invites(digits) for digits in line.phones],
        calls=[farend.calls(digits) for digits in line.phones],
        customer=farend.invites(line.customer),
        said=said,
    )


@pytest.mark.parametrize("name", LINES)
async def test_telephones(played: Mapping[str, Played | BaseException], name: str) -> None:
    seen = played[name]
    if isinstance(seen, BaseException):
        raise seen
    line = LINES[name]
    row, record = line.row, seen.record
    assert row.ends == (record["outcome"], record["hangup_by"], record["cause"], record["sip_code"])
    assert ("sip", line.member.id) == (record["agent_mode"], record["agent_id"])
    results = [leg["result"] for leg in record["legs"]]
    phones = len(row.phones)
    assert (sorted(row.legs[:phones]), row.legs[phones:]) == (sorted(results[:phones]), tuple(results[phones:]))
    assert [f"fr/{word}" if "-" in word or word in SPOKEN else word for word in row.hears.split()] == seen.said
    _all_rang_together(seen)
    if row.winner is not None:
        _the_others_stopped(seen, row.winner)


SPOKEN = {"connecting", "congestion"}


def _all_rang_together(seen: Played) -> None:
    """Each exactly once, at the same time, showing the customer's number."""
    assert {1} == {len(invites) for invites in seen.invites}
    moments = [invites[0].at for invites in seen.invites]
    assert max(moments) - min(moments) < TOGETHER_S
    assert {seen.record["callee"]} == {invites[0].from_number for invites in seen.invites}


def _the_others_stopped(seen: Played, winner: int) -> None:
    answered_at = seen.calls[winner][0].answered_at
    assert answered_at is not None
    for number, (call,) in enumerate(seen.calls):
        if number != winner:
            assert call.answered_at is None
            assert call.ended_at is not None
            assert call.ended_at - answered_at < TOGETHER_S


async def test_the_customer_sees_the_trunks_number(played: Mapping[str, Played | BaseException]) -> None:
    """And the call record says the same."""
    seen = played["the first answer wins"]
    assert isinstance(seen, Played)
    assert [seen.record["caller"]] == [invite.from_number for invite in seen.customer]
    number = [door.trunk for door in DOORS].index(seen.record["trunk"])
    assert f"+3314000{number:04d}" == seen.record["caller"]


# -- refused -----------------------------------------------------------------------------------------------------------


class Refusal(NamedTuple):
    name: str
    agent: str
    to: str
    order: Mapping[str, Any]
    status: int
    code: str


TO = mobile("10", serial=99)
REFUSALS = (
    Refusal("no telephone registered", NOBODY.id, TO, {}, 409, "no-phone-registered"),
    Refusal("disabled", DISABLED.id, TO, {}, 403, "agent-disabled"),
    Refusal("unknown", "nobody-at-all", TO, {}, 404, "unknown-agent"),
    Refusal("mobile not permitted", NOT_PERMITTED.id, TO, {}, 403, "mobile-not-permitted"),
    Refusal("no mobile", NO_NUMBER.id, TO, {"mode": "mobile"}, 403, "mobile-number-missing"),
    Refusal("mobile mode, sip asked", NOT_PERMITTED.id, TO, {"mode": "sip"}, 409, "no-phone-registered"),
    Refusal("no number at all", BUSY.id, "yesterday", {}, 422, "number-not-dialable"),
    Refusal("too few digits", BUSY.id, "06123", {}, 422, "number-not-dialable"),
    Refusal("dial string smuggled in", BUSY.id, "0612345678@evil", {}, 422, "number-not-dialable"),
    Refusal("emergency", BUSY.id, "112", {}, 403, "destination-emergency"),
    Refusal("short number", BUSY.id, "3900", {}, 403, "destination-short-number"),
    Refusal("premium rate", BUSY.id, "0899701234", {}, 403, "destination-premium"),
    Refusal("abroad", BUSY.id, "+12125550123", {}, 403, "destination-international"),
    Refusal("recording", BUSY.id, TO, {"record": True}, 422, "recording-unavailable"),
    Refusal("somebody else's caller id", BUSY.id, TO, {"caller_id": "+33155555555"}, 422, "caller-id-not-owned"),
    Refusal("no caller id", BUSY.id, TO, {"caller_id": "me"}, 422, "caller-id"),
    Refusal("no channel free", TIGHT.id, TO, {}, 503, "trunk-full"),
)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
async def test_refused_at_once(house: House, refusal: Refusal) -> None:
    """A refusal names its rule, rings nobody, makes no call and is kept in the audit."""
    before = await _audited(house, refusal.code)
    answer = await house.engine.post("/v1/calls", {"agent": refusal.agent, "to": refusal.to, **refusal.order})
    assert (refusal.status, refusal.code) == (answer.status, answer.body["code"])
    assert answer.body["detail"]
    assert ("Retry-After" in answer.headers) == (refusal.status == 503)
    assert refusal.agent not in {call["agent"] for call in await _live(house)}
    assert house.farend.invites(TO) == []
    async with asyncio.timeout(30):
        while await _audited(house, refusal.code) == before:  # noqa: ASYNC110 - the condition is in PostgreSQL
            await asyncio.sleep(0.05)


async def test_a_telephone_switched_off_again_is_not_registered(house: House) -> None:
    (phone,) = await house.phones((GONE, coded("10", tone_hz=PHONE_HZ, serial=95)))
    await house.farend.unregister(phone)
    answer = await house.engine.post("/v1/calls", {"agent": GONE.id, "to": TO})
    assert (answer.status, answer.body["code"]) == (409, "no-phone-registered")


async def test_an_agent_has_one_call_at_a_time(house: House) -> None:
    customer = mobile("10", serial=96)
    call_id = await house.place(BUSY.id, customer)
    await house.farend.invited(MOBILE)
    answer = await house.engine.post("/v1/calls", {"agent": BUSY.id, "to": customer})
    assert (answer.status, answer.body["code"]) == (409, "agent-busy")
    assert call_id in answer.body["detail"]
    assert (await house.engine.delete(f"/v1/calls/{call_id}")).status == 204
    await house.written(call_id)
    again = await house.place(BUSY.id, customer)
    assert (await house.engine.delete(f"/v1/calls/{again}")).status == 204
    await house.written(again)


async def _live(house: House) -> list[dict[str, Any]]:
    return list((await house.engine.get("/v1/calls?live=true")).body["items"])


async def _audited(house: House, rule: str) -> int:
    connection = await asyncpg.connect(house.box.postgres.dsn)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM audit WHERE rule = $1", rule))
    finally:
        await connection.close()
