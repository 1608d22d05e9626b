"""One call's task: journal first, act second; and misfortune that stays its own."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from engine.calls.runner import CallTask
from engine.domain import effects as fx
from engine.domain import machine
from engine.domain.call import Call
from engine.domain.cdr import Disposition
from engine.domain.events import (
    AsteriskLost,
    CallRequested,
    ChannelRinging,
    DigitPressed,
    Disposed,
    Event,
    FinishOrdered,
)
from engine.domain.machine import Step
from engine.domain.scenario.graph import Program
from engine.domain.values import CallId, ChannelId, Slug
from engine.errors import JournalDamaged, JournalUnwritable
from engine.journal import StepRow
from tests.calls.exchange import Exchange
from tests.calls.room import CRM, Room
from tests.clockwork import Hands

SOLD = Disposition(code="sold")


# -- journal first, act second -----------------------------------------------------------------------------------------


async def test_a_whole_call_is_journalled_before_it_is_acted_upon(room: Room, exchange: Exchange) -> None:
    call_id = await room.talking()
    assert await room.events(call_id) == [
        "CallRequested",
        "ChannelReady",
        "DialSent",
        "ChannelRinging",
        "ChannelAnswered",
        "ChannelJoined",
        "ChannelReady",
        "ChannelJoined",
        "DialSent",
        "ChannelRinging",
        "ChannelAnswered",
    ]
    exchange.ends(room.channel(call_id, "customer"), 16)
    verdict = await room.ended(call_id)
    assert (verdict.outcome, verdict.hangup_by) == ("answered", "customer")
    await room.quiet()
    assert exchange.unwritten == []
    assert (exchange.channels, exchange.bridges) == ({}, {})
    assert [row["record"]["outcome"] for row in await room.rows("cdr")] == ["answered"]
    assert len(room.registry) == 0
    assert room.board.in_use() == {}


async def test_the_first_step_and_those_that_dial_wait_for_the_disk(room: Room) -> None:
    await room.talking()
    for step, durable in room.notary.handed:
        effects = msgspec.json.decode(step.effects, type=list[fx.Effect])
        first = msgspec.json.decode(step.event)["type"] == "CallRequested"
        assert durable == (first or any(isinstance(effect, fx.DialChannel) for effect in effects))
    assert sum(durable for _, durable in room.notary.handed) == 3


async def test_nobody_is_rung_while_the_step_waits_for_the_disk(room: Room, exchange: Exchange) -> None:
    room.notary.gate = asyncio.Event()
    asked = asyncio.create_task(room.ask())
    await room.until(lambda: room.notary.handed)
    assert exchange.orders == []
    room.notary.gate.set()
    await asked
    await room.until(lambda: exchange.given(fx.DialChannel))


# -- the journal cannot be written -------------------------------------------------------------------------------------


def dials(step: StepRow | None) -> bool:
    return step is not None and b'"DialChannel"' in step.effects


async def test_a_call_whose_steps_cannot_be_written_is_ended_from_memory(room: Room, exchange: Exchange) -> None:
    call_id = await room.talking()
    room.notary.broken = lambda step: True
    exchange.strict = False
    await room.service.finish(call_id, CRM)
    assert (await room.ended(call_id)).hangup_by == "api"
    await room.quiet()
    assert (exchange.channels, exchange.bridges) == ({}, {})


async def test_nobody_new_is_dialled_while_nothing_can_be_written(room: Room, exchange: Exchange, hands: Hands) -> None:
    room.notary.broken = dials
    exchange.strict = False
    call_id = (await room.ask()).id
    await room.until(lambda: room.phase(call_id, "agent") == "ordered")
    await room.quiet()
    assert exchange.dials == {}
    hands.turn(26)
    await room.ended(call_id)
    assert exchange.dials == {}


async def test_a_new_call_is_refused_while_nothing_can_be_written(room: Room, exchange: Exchange) -> None:
    room.notary.broken = lambda step: True
    with pytest.raises(JournalUnwritable) as refused:
        await room.ask()
    assert refused.value.http_status == 503
    assert (exchange.orders, room.board.in_use(), len(room.registry)) == ([], {}, 0)
    room.notary.broken = lambda step: False
    await room.agent_rung()


async def test_what_could_not_be_written_is_written_with_the_next_step(room: Room, exchange: Exchange) -> None:
    call_id = await room.talking()
    room.notary.broken = lambda step: True
    exchange.presses(room.channel(call_id, "agent"), "5")
    await room.until(lambda: isinstance(room.told[-1][1], DigitPressed))
    assert "DigitPressed" not in await room.events(call_id)
    room.notary.broken = lambda step: False
    exchange.ends(room.channel(call_id, "customer"), 16)
    await room.ended(call_id)
    assert (await room.events(call_id))[11:] == ["DigitPressed", "ChannelEnded", "ChannelEnded"]
    assert len(await room.rows("cdr")) == 1


async def test_a_call_that_ended_unwritten_is_written_as_soon_as_there_is_room(
    room: Room, exchange: Exchange, hands: Hands
) -> None:
    call_id = await room.talking()
    room.notary.broken = lambda step: True
    exchange.strict = False
    exchange.ends(room.channel(call_id, "customer"), 16)
    await room.ended(call_id)
    assert room.registry.of_agent(Slug("alice")) is None
    handed = len(room.notary.handed)
    hands.turn(1.1)
    await room.until(lambda: len(room.notary.handed) > handed)
    assert await room.rows("cdr") == []
    room.notary.broken = lambda step: False
    hands.turn(1.1)
    await room.until(lambda: not room._tasks)
    assert [row["record"]["outcome"] for row in await room.rows("cdr")] == ["answered"]
    assert await room.journal.open_calls() == []


async def test_a_disk_that_is_really_full_costs_no_living_call(room: Room, exchange: Exchange, hands: Hands) -> None:
    """The journal's own file may not grow: what SQLite says then, not a double."""
    call_id = await room.talking("alice")
    await may_grow(room, False)
    exchange.strict = False
    with pytest.raises(JournalUnwritable) as refused:
        await fill(room, "bruno")
    assert refused.value.http_status == 503
    dials = sum(exchange.dials.values())
    exchange.presses(room.channel(call_id, "agent"), "5")
    exchange.ends(room.channel(call_id, "customer"), 16)
    assert (await room.ended(call_id)).outcome == "answered"
    await room.quiet()
    assert (exchange.channels, sum(exchange.dials.values())) == ({}, dials)
    await may_grow(room, True)
    hands.turn(1.1)
    await room.until(lambda: not room._tasks)
    assert call_id in [row["record"]["call_id"] for row in await room.rows("cdr")]
    assert await room.journal.open_calls() == []


async def fill(room: Room, agent: str) -> None:
    """Call and finish until a call is refused; none of those accepted is left half done."""
    for _ in range(500):
        call_id = (await room.ask(agent)).id
        await room.service.finish(call_id, CRM)
        await room.ended(call_id)
        room.service._acceptor._recent.clear()


async def may_grow(room: Room, yes: bool) -> None:
    def pragma(connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA max_page_count = {1 << 30 if yes else 1}").fetchone()

    await room.journal._writer.submit(pragma)


# -- misfortune --------------------------------------------------------------------------------------------------------


def failing(monkeypatch: pytest.MonkeyPatch, call_id: CallId, *kinds: type[Event] | Any) -> None:
    """The machine cannot take these events of this call."""
    real = machine.step

    def step(call: Call, event: Event, program: Program | None) -> Step:
        if call.id == call_id and isinstance(event, kinds):
            raise ZeroDivisionError("a defect of ours")
        return real(call, event, program)

    monkeypatch.setattr(machine, "step", step)


async def test_a_step_that_fails_ends_its_own_call_alone(
    room: Room, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurt, well = await room.talking("alice"), await room.talking("bruno")
    failing(monkeypatch, hurt, DigitPressed)
    with capture_logs() as logs:
        exchange.presses(room.channel(hurt, "agent"), "5")
        assert (await room.ended(hurt)).hangup_by == "engine"
    assert [line["log_level"] for line in logs if line["event"] == "call.step_failed"] == ["error"]
    assert room.stage(well) == "talking"
    await room.quiet()
    assert len(exchange.channels) == 2
    assert len(await room.rows("cdr")) == 1


async def test_a_call_that_cannot_even_be_finished_is_buried(
    room: Room, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurt = await room.talking()
    failing(monkeypatch, hurt, DigitPressed, FinishOrdered)
    exchange.presses(room.channel(hurt, "agent"), "5")
    assert (await room.ended(hurt)).outcome == "asterisk_lost"
    await room.reconciler.connected(exchange.picture)
    assert exchange.channels == {}


async def test_a_call_whose_machine_does_nothing_any_more_is_given_up(
    tmp_path: Path, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It must not spin for ever. Its channels are nobody's then, and the next start reads it again."""
    async with Room(tmp_path, exchange) as room:
        hurt = await room.talking()
        with monkeypatch.context() as defect, capture_logs() as logs:
            failing(defect, hurt, object)
            exchange.presses(room.channel(hurt, "agent"), "5")
            await room.until(lambda: room.registry.get(hurt) is None)
        assert [line["log_level"] for line in logs if line["event"] == "call.given_up"] == ["critical"]
        assert room.board.in_use() == {}
        await room.reconciler.connected(exchange.picture)
        assert (exchange.channels, exchange.bridges) == ({}, {})
        assert room.registry.is_free(Slug("alice"))
        assert room.limits.ledger._living == {}  # and spends no more
    async with Room(tmp_path, exchange) as second:
        assert await second.service.resume() == 1
        await second.reconciler.connected(exchange.picture)
        await second.ended(hurt)
        assert len(await second.rows("cdr")) == 1


async def test_a_listener_that_fails_ends_nothing_but_this_call(room: Room, exchange: Exchange) -> None:
    """`changed` is everybody's ear; one that breaks must not keep calls from ending."""
    hurt, well = await room.talking("alice"), await room.talking("bruno")

    def breaks(call: Call, event: Event) -> None:
        if call.id == hurt:
            raise ZeroDivisionError("a defect of a listener's")

    task = room.task(hurt)
    room.on_change = breaks
    exchange.ends(room.channel(hurt, "customer"), 16)
    await room.until(lambda: room.registry.get(hurt) is None)
    assert task._timers == {}
    assert len(await room.rows("cdr")) == 1
    assert room.stage(well) == "talking"


async def test_a_listener_that_fails_at_the_first_step_leaves_no_call_without_its_task(
    room: Room, exchange: Exchange
) -> None:
    def breaks(call: Call, event: Event) -> None:
        if isinstance(event, CallRequested):
            raise ZeroDivisionError("a defect of a listener's")

    room.on_change = breaks
    call_id = (await room.ask()).id
    assert (await room.ended(call_id)).hangup_by == "engine"
    await room.quiet()
    assert (exchange.channels, len(await room.rows("cdr"))) == ({}, 1)
    room.on_change = lambda call, event: None
    await room.agent_rung()


async def test_a_journal_that_is_damaged_beyond_writing_ends_no_task(room: Room, hands: Hands) -> None:
    """A call that is over goes on owing; it must not end everybody's by what the journal raises."""
    call_id = await room.talking()
    room.notary.broken = lambda step: True
    room.exchange.strict = False
    finishing = asyncio.create_task(room.service.finish(call_id, CRM))
    await room.ended(call_id)
    await finishing

    def damaged(step: StepRow | None) -> bool:
        raise JournalDamaged("it is no journal any more")

    handed = len(room.notary.handed)
    room.notary.broken = damaged
    hands.turn(1.1)
    await room.until(lambda: len(room.notary.handed) > handed)
    room.notary.broken = lambda step: False
    hands.turn(1.1)
    await room.until(lambda: not room._tasks)
    assert len(await room.rows("cdr")) == 1


@pytest.mark.parametrize("order", [fx.CreateChannel, fx.DialChannel, fx.JoinBridge, fx.OpenBridge, fx.StartComfort])
async def test_an_order_that_fails_unforeseen_ends_its_own_call(
    room: Room, exchange: Exchange, order: type[fx.Effect]
) -> None:
    exchange.raises[order] = ZeroDivisionError("a defect of ours")
    with capture_logs() as logs:
        call_id = (await room.ask()).id
        if order not in (fx.CreateChannel, fx.DialChannel):
            await room.until(lambda: room.phase(call_id, "agent") == "dialling")
            exchange.answers(room.channel(call_id, "agent"))
        assert (await room.ended(call_id)).hangup_by == "engine"
    assert next(line["order"] for line in logs if line["event"] == "call.order_failed") == order.__name__
    await room.quiet()
    await room.reconciler.connected(exchange.picture)
    assert (exchange.channels, exchange.bridges) == ({}, {})
    assert len(await room.rows("cdr")) == 1


async def test_when_every_order_fails_the_call_still_ends_once(room: Room, exchange: Exchange) -> None:
    room.source.directory = room.source.directory
    for order in (fx.CreateChannel, fx.HangUp, fx.CloseBridge):
        exchange.raises[order] = ZeroDivisionError("a defect of ours")
    call_id = (await room.ask()).id
    await room.ended(call_id)
    assert len(await room.rows("cdr")) == 1


# -- late --------------------------------------------------------------------------------------------------------------


async def test_events_after_the_end_mean_nothing(room: Room, exchange: Exchange) -> None:
    call_id = await room.talking()
    task, channel = room.task(call_id), room.channel(call_id, "agent")
    exchange.ends(room.channel(call_id, "customer"), 16)
    await room.ended(call_id)
    before = await room.events(call_id)
    task.post(ChannelRinging(at=room.clock.now(), channel=channel))
    task.post(AsteriskLost(at=room.clock.now()))
    assert not room.registry.deliver(channel, ChannelRinging(at=room.clock.now(), channel=channel))
    assert await room.events(call_id) == before


async def test_an_event_about_nothing_of_ours_is_nobody_s(room: Room) -> None:
    event = ChannelRinging(at=room.clock.now(), channel=ChannelId("1795201746.12"))
    assert not room.registry.deliver("1795201746.12", event)


@pytest.mark.parametrize("by_finish", [True, False])
async def test_a_disposition_given_while_the_last_step_is_written_is_kept(room: Room, by_finish: bool) -> None:
    call_id = await room.talking()
    task = room.task(call_id)
    room.notary.gate = asyncio.Event()
    handed = len(room.notary.handed)
    task.post(AsteriskLost(at=room.clock.now()))
    await room.until(lambda: len(room.notary.handed) > handed)
    service = room.service
    order = service.finish(call_id, CRM, SOLD) if by_finish else service.dispose(call_id, SOLD, CRM)
    ordered = asyncio.create_task(order)
    await room.until(lambda: task._mailbox.qsize() == 1)
    task.post(ChannelRinging(at=room.clock.now(), channel=room.channel(call_id, "agent")))
    room.notary.gate.set()
    await room.ended(call_id)
    await ordered
    await room.until(lambda: not room._tasks)
    (cdr,), (late,) = await room.rows("cdr"), await room.rows("disposition")
    assert (cdr["record"]["disposition"], late["code"], late["call_id"]) == (None, "sold", call_id)
    assert (await room.events(call_id))[-1] == ("FinishOrdered" if by_finish else "Disposed")


async def test_a_late_disposition_that_cannot_be_taken_hurts_nobody(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the last thing a call's task does: what it raises would end everybody's."""
    call_id = await room.talking()
    task = room.task(call_id)
    room.notary.gate = asyncio.Event()
    handed = len(room.notary.handed)
    task.post(AsteriskLost(at=room.clock.now()))
    await room.until(lambda: len(room.notary.handed) > handed)
    ordered = asyncio.create_task(room.service.dispose(call_id, SOLD, CRM))
    await room.until(lambda: task._mailbox.qsize() == 1)
    failing(monkeypatch, call_id, Disposed)
    with capture_logs() as logs:
        room.notary.gate.set()
        await room.ended(call_id)
        await asyncio.wait_for(ordered, 2)
        await room.until(lambda: not room._tasks)
    assert "call.step_failed" in [line["event"] for line in logs]


async def test_a_disposition_during_the_call_is_in_its_record(room: Room, exchange: Exchange) -> None:
    call_id = await room.talking()
    await room.service.dispose(call_id, SOLD, CRM)
    exchange.ends(room.channel(call_id, "customer"), 16)
    await room.ended(call_id)
    assert [row["record"]["disposition"] for row in await room.rows("cdr")] == ["sold"]
    assert await room.rows("disposition") == []


async def test_a_call_that_has_not_begun_has_no_state(room: Room) -> None:
    task = CallTask(CallId("01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e01"), room.service._around)
    with pytest.raises(RuntimeError, match="has not begun"):
        _ = task.call


async def test_an_event_posted_from_outside_is_taken_in_order(room: Room) -> None:
    call_id = await room.talking()
    task = room.task(call_id)
    for digit in "123":
        task.post(DigitPressed(at=room.clock.now(), channel=room.channel(call_id, "agent"), digit=digit))
    task.post(Disposed(at=room.clock.now(), disposition=SOLD))
    await room.until(lambda: room.call(call_id).disposition == SOLD)
    rows = await room.journal.steps(call_id)
    assert [msgspec.json.decode(row.event).get("digit") for row in rows[-4:]] == ["1", "2", "3", None]
