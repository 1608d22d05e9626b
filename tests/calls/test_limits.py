"""The limits at work: who goes too far is cut, stays out until a person says otherwise, and no restart helps."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.calls.limits import FACT, LimitBoard
from engine.domain.limits import Kind, Measure
from engine.domain.request import ConnectRequest
from engine.domain.tariff import UNIT, money
from engine.domain.values import CallId, Slug
from engine.errors import JournalUnwritable, Refused, UnknownThing
from tests.calls.exchange import Exchange
from tests.calls.room import CRM, SHOP, Room, agent, directory
from tests.clockwork import Hands

Caps = dict[tuple[Kind, Measure], int]
TWO_LEGS = money(0.02)
"""A minute of a call at home: the agent's mobile and the customer."""
AGENT_HOUR: Caps = {("agent", "spend_per_hour"): 2 * TWO_LEGS}
RULE = "limit-spend-per-hour agent:alice"


async def refused(room: Room, name: str = "alice", **order: Any) -> Refused:
    with pytest.raises(Refused) as told:
        await room.ask(name, **order)
    return told.value


def value(room: Room, scope: str, measure: str) -> float:
    return next((i.value for i in room.limits.view().items if (i.scope, i.measure) == (scope, measure)), 0.0)


async def spend_it_all(room: Room, hands: Hands) -> str:
    """A call of alice's that is cut when its third minute cannot be paid."""
    call_id = await room.talking()
    for _ in range(2):
        hands.turn(59)
        room.limits.look()
    return call_id


async def test_a_call_that_spends_too_much_is_cut_and_its_record_says_why(
    tmp_path: Path, exchange: Exchange, hands: Hands
) -> None:
    async with Room(tmp_path, exchange, caps=AGENT_HOUR) as room:
        call_id = await room.talking()
        assert value(room, "agent:alice", "spend_per_hour") == TWO_LEGS / UNIT
        hands.turn(59)
        room.limits.look()
        assert room.stage(call_id) == "talking"
        assert [(r.scope, r.level) for r in room.readings] == [("agent:alice", "warning")]
        hands.turn(59)
        room.limits.look()
        verdict = await room.ended(call_id)
        assert (verdict.outcome, verdict.hangup_by, verdict.rule) == ("answered", "engine", RULE)
        assert value(room, "agent:alice", "spend_per_hour") == 2 * TWO_LEGS / UNIT
        (record,) = [row["record"] for row in await room.rows("cdr")]
        assert (record["rule"], record["hangup_by"]) == (RULE, "engine")
        assert f"ended by {RULE}" in await room.service.ladder(call_id)


async def test_a_locked_scope_stays_so_until_a_person_allows_it(
    tmp_path: Path, exchange: Exchange, hands: Hands
) -> None:
    async with Room(tmp_path, exchange, caps=AGENT_HOUR) as room:
        await room.ended(await spend_it_all(room, hands))
        locked = await refused(room)
        assert (locked.rule, locked.status) == ("limit-locked", 403)
        assert "engine limits rearm agent:alice" in locked.what_next
        hands.turn(7200)
        assert (await refused(room)).rule == "limit-locked"  # time alone does not mend it
        await room.agent_rung("bruno")
        assert [lock.limit.scope for lock in room.limits.view().locked] == ["agent:alice"]
        with pytest.raises(UnknownThing):
            await room.limits.rearm("agent:bruno", CRM)
        await room.limits.rearm("agent:alice", CRM)
        await room.agent_rung("alice")
        actions = [row["action"] for row in await room.rows("audit")]
        assert {"limits: lock agent:alice", "limits: rearm agent:alice", "call.originate"} == set(actions)


async def test_who_listens_is_told(tmp_path: Path, exchange: Exchange, hands: Hands) -> None:
    async with Room(tmp_path, exchange, caps=AGENT_HOUR) as room:
        call_id = await spend_it_all(room, hands)
        await room.ended(call_id)
        kinds = {"call.limit_warning", "call.limit_reached"}
        events = [msgspec.json.decode(row.payload) for row in await room.journal.events(0, 100)]
        told = [event for event in events if event["type"] in kinds]
        assert [event["type"] for event in told] == ["call.limit_warning", "call.limit_reached"]
        assert {event["call_id"] for event in told} == {call_id}
        assert told[1]["data"]["limit"] == {
            "scope": "agent:alice", "measure": "spend_per_hour", "value": 0.06, "cap": 0.04,
        }  # fmt: skip


async def test_killing_the_engine_gives_nobody_a_new_allowance(
    tmp_path: Path, exchange: Exchange, hands: Hands
) -> None:
    async with Room(tmp_path, exchange, caps=AGENT_HOUR) as first:
        over = await first.talking("bruno")
        await first.service.finish(over, CRM)
        await first.ended(over)
        alive = await first.talking("alice")
        hands.turn(59)
        first.limits.look()
        before = first.limits.view().items
        assert value(first, "agent:alice", "spend_per_hour") == 2 * TWO_LEGS / UNIT
    async with Room(tmp_path, exchange, caps=AGENT_HOUR) as second:
        assert await second.limits.load() == 2
        await second.service.resume()
        second.limits.look()
        assert second.limits.view().items == before
        hands.turn(59)
        second.limits.look()
        assert (await second.ended(alive)).rule == RULE
    async with Room(tmp_path, exchange, caps=AGENT_HOUR) as third:
        assert await third.limits.load() == 2
        assert (await refused(third)).rule == "limit-locked"
        await third.limits.rearm("agent:alice", CRM)
    async with Room(tmp_path, exchange, caps=AGENT_HOUR) as fourth:
        await fourth.limits.load()
        assert value(fourth, "agent:alice", "spend_per_hour") == 0
        assert value(fourth, "agent:bruno", "spend_per_hour") == TWO_LEGS / UNIT
        await fourth.agent_rung("alice")


@pytest.mark.parametrize(
    ("caps", "rule", "status"),
    [
        ({("token", "concurrent_calls"): 1}, "limit-concurrent-calls", 429),
        ({("house", "calls_per_minute"): 1}, "limit-calls-per-minute", 429),
        ({("trunk", "spend_per_day"): int(TWO_LEGS)}, "limit-spend-per-day", 403),
    ],
)
async def test_the_order_that_would_go_beyond_is_refused_and_the_others_cut(
    tmp_path: Path, exchange: Exchange, caps: Caps, rule: str, status: int
) -> None:
    async with Room(tmp_path, exchange, caps=caps) as room:
        running = await room.agent_rung("alice")
        told = await refused(room, "bruno")
        assert (told.rule, told.status) == (rule, status)
        verdict = await room.ended(running)
        assert (verdict.outcome, verdict.hangup_by) == ("abandoned", "engine")
        assert str(verdict.rule).startswith(f"{rule} ")
        assert room.board.in_use() == {}


async def test_another_tokens_calls_go_on(tmp_path: Path, exchange: Exchange) -> None:
    async with Room(tmp_path, exchange, caps={("token", "concurrent_calls"): 1}) as room:
        running = (await room.ask("alice", actor=SHOP)).id
        await room.ask("bruno")
        assert (await refused(room, "chloe")).rule == "limit-concurrent-calls"
        assert room.registry.get(running) is not None
        assert (await refused(room, "chloe")).rule == "limit-locked"


async def test_a_locked_trunk_is_passed_over_while_there_is_another(tmp_path: Path, exchange: Exchange) -> None:
    async with Room(tmp_path, exchange, caps={("trunk", "concurrent_calls"): 1}) as room:
        running = await room.agent_rung("alice")
        assert (await refused(room, "bruno")).rule == "limit-concurrent-calls"
        await room.ended(running)
        assert room.board.free(Slug("paris-1")) == 0
        call = room.call(await room.agent_rung("bruno"))
        assert call.agent.attempts[-1].route.trunk == "paris-2"
        assert [route.trunk for route in call.customer.routes] == ["paris-2"]
        await refused(room, "chloe")
        assert (await refused(room, "chloe")).message.startswith("trunk:paris-1 reached a limit")


async def test_a_closed_site_may_spend_less(tmp_path: Path, exchange: Exchange) -> None:
    closed = directory(agent("alice"), agent("bruno"), open_hours=("sun 03:00-04:00",))
    async with Room(tmp_path, exchange, closed, caps={("agent", "spend_per_hour"): 4 * TWO_LEGS - 1}) as room:
        assert (await refused(room, "alice")).rule == "limit-spend-per-hour"
        room.source.directory = directory(open_hours=("mon-sun 00:00-24:00",))
        await room.agent_rung("bruno")


async def test_what_is_dear_is_counted_by_its_prefix(tmp_path: Path, exchange: Exchange) -> None:
    abroad = directory(agent("alice", rights=("mobile", "international")), dialable_countries=("GB", "BE"))
    caps: Caps = {("prefix", "spend_per_hour"): money(10)}
    async with Room(tmp_path, exchange, abroad, caps=caps) as room:
        for to in ("+44 20 7946 0018", "+32 2 555 00 00"):
            call_id = (await room.ask("alice", to=to)).id
            await room.service.finish(call_id, CRM)
            await room.ended(call_id)
        assert {item.scope for item in room.limits.view().items} == {"prefix:+44", "prefix:other"}


async def test_a_call_that_never_began_is_not_counted(tmp_path: Path, exchange: Exchange) -> None:
    async with Room(tmp_path, exchange, caps={("house", "calls_per_minute"): 1}) as room:
        room.notary.broken = lambda step: True
        with pytest.raises(JournalUnwritable):
            await room.ask()
        room.notary.broken = lambda step: False
        assert value(room, "house", "calls_per_minute") == 0
        await room.agent_rung()


async def test_what_cannot_be_read_costs_the_others_nothing(tmp_path: Path, exchange: Exchange) -> None:
    async with Room(tmp_path, exchange, caps=AGENT_HOUR) as room:
        assert not room.limits._count("c", b"{}")
        assert not room.limits._count("c", b"\xff")
        assert await room.limits.load() == 0


async def test_a_lock_holds_though_it_cannot_be_written(
    tmp_path: Path, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Room(tmp_path, exchange, caps={("token", "concurrent_calls"): 1}) as room:

        async def full(*_: object) -> None:
            raise JournalUnwritable("the disk is full")

        await room.agent_rung("alice")
        monkeypatch.setattr(room.journal, "put", full)
        assert (await refused(room, "bruno")).rule == "limit-concurrent-calls"
        assert (await refused(room, "bruno")).rule == "limit-locked"
        await room.until(lambda: not any(task.get_name().endswith("_write_down") for task in room._tasks))
        assert await room.journal.get(FACT) is None


async def test_a_look_that_fails_is_not_the_last(
    tmp_path: Path, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.calls.limits.LOOK_EVERY_S", 0.001)
    monkeypatch.setattr("engine.calls.limits.FORGET_EVERY", 2)
    looks = []

    def look(self: LimitBoard) -> None:
        looks.append(1)
        if len(looks) == 1:
            raise ValueError("a defect")

    monkeypatch.setattr(LimitBoard, "look", look)
    async with Room(tmp_path, exchange, caps=AGENT_HOUR) as room:
        room.spawn(room.limits.run())
        await room.until(lambda: len(looks) > 5)


# -- the outside credit check ------------------------------------------------------------------------------------------


class Bank:
    """Grants so many seconds, or refuses."""

    def __init__(self, grants: int | Refused | None) -> None:
        self.grants = grants
        self.asked: list[ConnectRequest] = []

    async def ask(self, call_id: CallId, request: ConnectRequest) -> int | None:
        self.asked.append(request)
        if isinstance(self.grants, Refused):
            raise self.grants
        return self.grants


@pytest.mark.parametrize(
    ("grants", "expected"),
    [(30, (30, "credit-used-up")), (None, (4 * 3600, None)), (5 * 3600, (4 * 3600, None))],
)
async def test_a_call_lasts_as_long_as_its_credit(
    tmp_path: Path, exchange: Exchange, hands: Hands, grants: int | None, expected: tuple[int, str | None]
) -> None:
    bank, (talks_s, rule) = Bank(grants), expected
    async with Room(tmp_path, exchange, credit=bank) as room:
        call_id = await room.talking()
        assert [request.agent for request in bank.asked] == ["alice"]
        hands.turn(talks_s - 1)
        await room.quiet()
        assert room.stage(call_id) == "talking"
        hands.turn(2)
        verdict = await room.ended(call_id)
        assert (verdict.outcome, verdict.hangup_by, verdict.rule) == ("answered", "engine", rule)


async def test_what_the_credit_check_refuses_was_no_call(tmp_path: Path, exchange: Exchange) -> None:
    bank = Bank(Refused("no", rule="credit-refused", status=403))
    async with Room(tmp_path, exchange, caps={("house", "calls_per_minute"): 5}, credit=bank) as room:
        assert (await refused(room)).rule == "credit-refused"
        assert (exchange.orders, room.board.in_use()) == ([], {})
        assert value(room, "house", "calls_per_minute") == 0
        assert [row["rule"] for row in await room.rows("audit")] == ["credit-refused"]


async def test_nobody_is_asked_about_a_call_that_is_refused_here(tmp_path: Path, exchange: Exchange) -> None:
    bank = Bank(None)
    async with Room(tmp_path, exchange, credit=bank) as room:
        assert (await refused(room, to="0899 70 00 00")).rule == "destination-premium"
        assert bank.asked == []
