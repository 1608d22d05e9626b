"""After each connection: what calls missed, what nobody owns, and what no event will ever tell."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from engine.calls import reconcile
from engine.calls.reconcile import Picture
from engine.calls.runner import Reconcile
from engine.domain import effects as fx
from engine.domain import ids
from engine.domain.events import AsteriskLost, DigitPressed
from engine.domain.recovery import Ending, Seen
from engine.domain.values import BridgeId, CallId, ChannelId, Slug
from tests.calls.exchange import Exchange
from tests.calls.room import CRM, Room
from tests.clockwork import Hands

NOBODY = CallId("01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e01")
OURS, OUR_BRIDGE = ids.channel_id(NOBODY, "agent", 1), ids.bridge_id(NOBODY)
STRANGERS = ("1795201746.12", "PJSIP-x", "z" * 38, "01931f6e7c1a7b3a8f7a5d2b8a1c9e01_a0001")


# -- a lost socket -----------------------------------------------------------------------------------------------------


async def test_an_answer_that_nobody_heard_is_heard_of(room: Room, exchange: Exchange) -> None:
    call_id = await room.agent_rung()
    exchange.deaf = True
    exchange.answers(room.channel(call_id, "agent"))
    exchange.deaf = False
    await room.reconciler.connected(exchange.picture)
    await room.until(lambda: room.phase(call_id, "customer") == "dialling")
    assert not room.call(call_id).recovered


@pytest.mark.parametrize("told_by_cel", [True, False])
async def test_an_end_that_nobody_heard_is_heard_of(room: Room, exchange: Exchange, told_by_cel: bool) -> None:
    call_id = await room.talking()
    channel = room.channel(call_id, "customer")
    exchange.deaf = True
    exchange.ends(channel, 16)
    exchange.deaf = False
    at = room.clock.at(room.clock.now().utc - timedelta(seconds=0))
    if told_by_cel:
        exchange.cel[channel] = Ending(at=at, cause=31)
    await room.reconciler.connected(exchange.picture)
    verdict = await room.ended(call_id)
    assert (verdict.outcome, verdict.cause) == ("answered", 31 if told_by_cel else None)
    (row,) = await room.rows("cdr")
    assert row["record"]["events_missed"] is not told_by_cel


async def test_a_talk_goes_on_undisturbed(room: Room, exchange: Exchange) -> None:
    call_id = await room.talking()
    orders = list(exchange.orders)
    await room.reconciler.connected(exchange.picture)
    await room.quiet()
    again = exchange.orders[len(orders) :]
    assert all(isinstance(order, fx.StopComfort) for order in again), again
    assert room.stage(call_id) == "talking"


async def test_with_nobody_there_is_nothing_to_compare(room: Room, exchange: Exchange) -> None:
    await room.reconciler.connected(exchange.picture)
    assert exchange.orphans == []


async def test_a_call_that_closes_while_a_reconcile_waits_keeps_nobody_waiting(room: Room, exchange: Exchange) -> None:
    call_id = await room.talking()
    room.notary.gate = asyncio.Event()
    room.task(call_id).post(AsteriskLost(at=room.clock.now()))
    connected = asyncio.create_task(room.reconciler.connected(exchange.picture))
    await room.until(lambda: room.task(call_id)._mailbox.qsize() > 0)
    room.notary.gate.set()
    await asyncio.wait_for(connected, 2)
    assert len(await room.rows("cdr")) == 1


async def test_a_turn_that_nobody_awaits_any_more_is_no_error(room: Room) -> None:
    call_id = await room.talking()
    room.notary.gate = asyncio.Event()
    task = room.task(call_id)
    task.post(AsteriskLost(at=room.clock.now()))
    late = Reconcile(Seen(at=room.clock.now(), channels={}, bridges={}, playbacks=frozenset(), endings={}))
    late.done.cancel()
    task.post(late)
    room.notary.gate.set()
    await room.ended(call_id)


async def test_a_turn_given_up_is_still_taken(room: Room, exchange: Exchange, hands: Hands) -> None:
    """A disk that hangs: the reconciler goes on without this call, the call catches up when it can."""
    call_id = await room.talking()
    room.notary.gate = asyncio.Event()
    exchange.presses(room.channel(call_id, "agent"), "5")
    handed = len(room.notary.handed)
    await room.until(lambda: len(room.notary.handed) > handed)
    exchange.deaf = True
    exchange.ends(room.channel(call_id, "customer"), 16)
    exchange.deaf = False
    with capture_logs() as logs:
        connected = asyncio.create_task(room.reconciler.connected(exchange.picture))
        await room.until(lambda: room.task(call_id)._mailbox.qsize() > 0)
        hands.turn(reconcile.TAKE_TURN_S)
        await connected
    assert [line["late"] for line in logs if line["event"] == "calls.reconciled"] == [1]
    room.notary.gate.set()
    await room.ended(call_id)


async def test_a_prompt_that_ended_unheard_holds_nobody_up(room: Room, exchange: Exchange) -> None:
    call_id = (await room.ask(confirm=True)).id
    await room.until(lambda: room.phase(call_id, "agent") == "dialling")
    exchange.answers(room.channel(call_id, "agent"))
    await room.until(lambda: exchange.playbacks)
    exchange.playbacks.clear()
    await room.reconciler.connected(exchange.picture)
    await room.until(lambda: not room.call(call_id).playbacks)
    assert room.stage(call_id) == "confirming"


# -- a restart of the engine -------------------------------------------------------------------------------------------


async def test_calls_of_every_stage_live_on_after_a_kill(tmp_path: Path, exchange: Exchange) -> None:
    async with Room(tmp_path, exchange) as first:
        rings, rung, talks = await first.agent_rung(), await first.customer_rung("bruno"), await first.talking("chloe")
        before = {call_id: first.stage(call_id) for call_id in (rings, rung, talks)}
    async with Room(tmp_path, exchange) as second:
        assert await second.service.resume() == 3
        await second.reconciler.connected(exchange.picture)
        assert {call_id: second.stage(call_id) for call_id in before} == before
        assert all(second.call(call_id).recovered for call_id in before)
        assert second.registry.of_agent(Slug("alice")) == rings
        exchange.answers(second.channel(rung, "customer"))
        for call_id in before:
            await second.service.finish(call_id, CRM)
        for call_id in before:
            await second.ended(call_id)
        await second.quiet()
        assert (exchange.channels, exchange.bridges, second.board.in_use()) == ({}, {}, {})
        assert len(await second.rows("cdr")) == 3


async def test_a_channel_that_was_ordered_and_never_made_is_made(tmp_path: Path, exchange: Exchange) -> None:
    exchange.ignores = {fx.CreateChannel}
    async with Room(tmp_path, exchange) as first:
        call_id = (await first.ask()).id
        await first.until(lambda: exchange.given(fx.CreateChannel))
    exchange.ignores = set()
    async with Room(tmp_path, exchange) as second:
        await second.service.resume()
        await second.reconciler.connected(exchange.picture)
        await second.until(lambda: second.phase(call_id, "agent") == "dialling")


async def test_a_dial_in_doubt_is_never_given_twice(tmp_path: Path, exchange: Exchange, hands: Hands) -> None:
    """Killed between the journal and the order: nobody knows, so the leg is hung up."""
    exchange.ignores = {fx.DialChannel}
    async with Room(tmp_path, exchange) as first:
        call_id = (await first.ask()).id
        await first.until(lambda: exchange.given(fx.DialChannel))
    async with Room(tmp_path, exchange) as second:
        await second.service.resume()
        await second.reconciler.connected(exchange.picture)
        await second.until(lambda: "doubt" in second.task(call_id)._timers)
        hands.turn(4)
        assert (await second.ended(call_id)).outcome == "indeterminate"
    assert sum(exchange.dials.values()) == 1


async def test_a_state_that_cannot_be_read_keeps_no_other_call_from_living(tmp_path: Path, exchange: Exchange) -> None:
    async with Room(tmp_path, exchange) as first:
        hurt, well = await first.talking("alice"), await first.talking("bruno")
        (row,) = [step for step, _ in first.notary.handed if step.call_id == hurt][-1:]
        await first.journal.append(type(row)(**{f: getattr(row, f) for f in row.__struct_fields__} | {"state": b"{}"}))
    async with Room(tmp_path, exchange) as second:
        with capture_logs() as logs:
            assert await second.service.resume() == 1
        assert [line["call"] for line in logs if line["event"] == "call.unreadable"] == [hurt]
        await second.reconciler.connected(exchange.picture)
        assert second.stage(well) == "talking"
        assert second.registry.get(hurt) is None
        assert len(exchange.channels) == 2  # the other call's were nobody's


# -- a restart of Asterisk ---------------------------------------------------------------------------------------------


async def test_every_call_ends_with_its_asterisk(room: Room, exchange: Exchange) -> None:
    calls = [await room.agent_rung("alice"), await room.talking("bruno")]
    exchange.channels.clear()
    exchange.bridges.clear()
    room.reconciler.asterisk_restarted()
    await room.reconciler.connected(exchange.picture)
    assert {(await room.ended(call_id)).outcome for call_id in calls} == {"asterisk_lost"}
    assert len(await room.rows("cdr")) == 2


# -- orphans -----------------------------------------------------------------------------------------------------------


async def test_orphans_are_ended_and_strangers_are_left_alone(room: Room, exchange: Exchange) -> None:
    await room.talking()
    mine = set(exchange.channels)
    for channel in (OURS, *map(ChannelId, STRANGERS)):
        exchange.channels[channel] = "up"
    exchange.bridges.update({OUR_BRIDGE: set()} | {BridgeId(name): set() for name in STRANGERS})
    await room.reconciler.connected(exchange.picture)
    assert exchange.orphans == [OURS, OUR_BRIDGE]  # hung up before its bridge goes
    assert set(exchange.channels) == mine | set(STRANGERS)


async def test_what_another_application_made_is_left_alone_too(room: Room, exchange: Exchange) -> None:
    """Two engines may share an Asterisk: names alike are no proof."""
    exchange.channels[OURS], exchange.bridges[OUR_BRIDGE] = "up", set()
    seen = exchange.picture
    await room.reconciler.connected(Picture(seen.channels, seen.bridges, foreign=frozenset([OURS, OUR_BRIDGE])))
    await room.reconciler.audit(Picture(seen.channels, seen.bridges, foreign=frozenset([OURS, OUR_BRIDGE])))
    assert exchange.orphans == []


async def test_what_a_call_left_when_it_was_buried_is_ended(room: Room, exchange: Exchange, hands: Hands) -> None:
    """Asterisk neither hangs up nor says so: after the last push the call ends, and the audit ends the rest."""
    call_id = await room.talking()
    exchange.ignores = {fx.HangUp, fx.CloseBridge}
    await room.service.finish(call_id, CRM)
    for pushes in range(1, 4):
        await room.until(lambda: len(exchange.given(fx.HangUp)) >= 2 * pushes)  # noqa: B023 - awaited here
        await room.quiet()
        hands.turn(5)
    verdict = await room.ended(call_id)
    assert verdict.hangup_by == "api"
    assert len(exchange.channels) == 2
    audit = asyncio.create_task(room.reconciler.audit(exchange.picture))
    await asyncio.sleep(0)
    hands.turn(reconcile.AUDIT_GRACE_S)
    await audit
    assert (exchange.channels, exchange.bridges) == ({}, {})


# -- audits ------------------------------------------------------------------------------------------------------------


async def audited(room: Room, hands: Hands, picture: Picture) -> None:
    """An audit, its grace included."""
    audit = asyncio.create_task(room.reconciler.audit(picture))
    await asyncio.sleep(0)
    hands.turn(reconcile.AUDIT_GRACE_S)
    await audit


async def test_a_channel_that_went_without_a_word_is_noticed(room: Room, exchange: Exchange, hands: Hands) -> None:
    call_id = await room.talking()
    exchange.deaf = True
    exchange.ends(room.channel(call_id, "customer"), 16)
    exchange.deaf = False
    await audited(room, hands, exchange.picture)
    assert (await room.ended(call_id)).outcome == "answered"


async def test_an_audit_that_finds_everything_in_order_does_nothing(room: Room, exchange: Exchange) -> None:
    call_id = await room.talking()
    before = await room.events(call_id)
    await room.reconciler.audit(exchange.picture)
    assert await room.events(call_id) == before


async def test_a_channel_younger_than_the_picture_is_not_missed(room: Room, exchange: Exchange, hands: Hands) -> None:
    old = exchange.picture
    call_id = await room.talking()
    exchange.channels[OURS] = "up"  # a reason to look at all
    await audited(room, hands, Picture(old.channels | {OURS: "up"}, old.bridges))  # type: ignore[operator]
    await room.quiet()
    assert exchange.orphans == [OURS]
    assert room.stage(call_id) == "talking"


async def test_an_attempt_begun_during_the_grace_is_not_missed(room: Room, exchange: Exchange, hands: Hands) -> None:
    """One leg is gone without a word; the call's next channel is younger than the picture."""
    call_id = await room.customer_dialled()
    exchange.deaf = True
    exchange.ends(room.channel(call_id, "customer"), 34)
    exchange.deaf = False
    audit = asyncio.create_task(room.reconciler.audit(exchange.picture))
    await asyncio.sleep(0)
    gone = room.channel(call_id, "customer")
    exchange.channels[gone] = "down"
    exchange.ends(gone, 34, 503)  # its end is told after all, and the second trunk is tried
    await room.until(lambda: len(room.call(call_id).customer.attempts) == 2)
    await room.until(lambda: room.phase(call_id, "customer") == "dialling")
    hands.turn(reconcile.AUDIT_GRACE_S)
    await audit
    exchange.answers(room.channel(call_id, "customer"))
    await room.until(lambda: room.stage(call_id) == "talking")


async def test_an_end_told_during_the_grace_is_the_end_that_counts(
    room: Room, exchange: Exchange, hands: Hands
) -> None:
    call_id = await room.talking()
    channel = room.channel(call_id, "customer")
    del exchange.channels[channel]
    audit = asyncio.create_task(room.reconciler.audit(exchange.picture))
    await asyncio.sleep(0)
    exchange.channels[channel] = "up"
    exchange.ends(channel, 16)
    verdict = await room.ended(call_id)
    hands.turn(reconcile.AUDIT_GRACE_S)
    await audit
    assert verdict.cause == 16
    assert len(await room.rows("cdr")) == 1


async def test_an_audit_looks_at_channels_alone(room: Room, exchange: Exchange, hands: Hands) -> None:
    """It does not repeat orders: they may be on their way."""
    call_id = await room.talking()
    other = await room.agent_rung("bruno")
    del exchange.channels[room.channel(call_id, "customer")]
    before = len(exchange.orders)
    await audited(room, hands, exchange.picture)
    await room.ended(call_id)
    await room.quiet()
    assert all(ids.owner(getattr(o, "channel", call_id)) != other for o in exchange.orders[before:])
    exchange.presses(room.channel(other, "agent"), "1")
    await room.until(lambda: isinstance(room.told[-1][1], DigitPressed))
