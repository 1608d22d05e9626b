"""A call's timers: due when they should be, over a restart too, and never for the deaf."""

from pathlib import Path

import pytest

from engine.domain.events import (
    TimerFired,
)
from tests.calls.exchange import Exchange
from tests.calls.room import Room
from tests.clockwork import Hands


async def test_a_timer_fires_when_due_and_not_before(room: Room, hands: Hands) -> None:
    call_id = await room.agent_rung()
    hands.turn(24.5)
    with pytest.raises(TimeoutError):
        await room.until(lambda: room.registry.get(call_id) is None, 0.1)
    hands.turn(0.5)
    assert (await room.ended(call_id)).outcome == "agent_no_answer"


async def test_the_order_of_ringing_times_is_the_order_s(room: Room, hands: Hands) -> None:
    call_id = (await room.ask(ring_agent_s=5)).id
    await room.until(lambda: room.phase(call_id, "agent") == "dialling")
    hands.turn(5)
    assert (await room.ended(call_id)).outcome == "agent_no_answer"


async def test_a_timer_started_again_counts_from_then(room: Room, exchange: Exchange, hands: Hands) -> None:
    """A second trunk is tried: the agent's ringing time begins again."""
    call_id = await room.agent_dialled()
    hands.turn(20)
    exchange.ends(room.channel(call_id, "agent"), 34, 503)
    await room.until(lambda: len(room.call(call_id).agent.attempts) == 2)
    await room.until(lambda: room.phase(call_id, "agent") == "dialling")
    hands.turn(20)
    with pytest.raises(TimeoutError):
        await room.until(lambda: room.registry.get(call_id) is None, 0.1)
    hands.turn(5)
    assert (await room.ended(call_id)).outcome == "agent_no_answer"


async def test_a_cancelled_timer_does_not_fire(room: Room, hands: Hands) -> None:
    call_id = await room.talking()
    hands.turn(120)
    with pytest.raises(TimeoutError):
        await room.until(lambda: any(isinstance(event, TimerFired) for _, event in room.told), 0.1)
    assert room.stage(call_id) == "talking"
    assert set(room.task(call_id)._timers) == {"max-talk", "warn"}


async def test_nothing_is_armed_for_a_call_that_is_over(room: Room, exchange: Exchange) -> None:
    call_id = await room.talking()
    task = room.task(call_id)
    exchange.ends(room.channel(call_id, "customer"), 16)
    await room.ended(call_id)
    assert task._timers == {}


async def test_after_a_restart_a_timer_has_the_time_that_was_left(
    tmp_path: Path, exchange: Exchange, hands: Hands
) -> None:
    async with Room(tmp_path, exchange) as first:
        call_id = await first.agent_rung()
        hands.turn(15)
    async with Room(tmp_path, exchange) as second:
        assert await second.service.resume() == 1
        await second.reconciler.connected(exchange.picture)
        hands.turn(9.5)
        with pytest.raises(TimeoutError):
            await second.until(lambda: second.registry.get(call_id) is None, 0.1)
        hands.turn(0.5)
        assert (await second.ended(call_id)).outcome == "agent_no_answer"
        assert [row["record"]["recovered"] for row in await second.rows("cdr")] == [True]


async def test_an_overdue_timer_waits_for_what_was_missed(tmp_path: Path, exchange: Exchange, hands: Hands) -> None:
    """The agent answered while no engine was there: the ringing time that ran out meanwhile ends nothing."""
    async with Room(tmp_path, exchange) as first:
        call_id = await first.agent_rung()
    exchange.channels[first.channel(call_id, "agent")] = "up"
    hands.turn(60)
    async with Room(tmp_path, exchange) as second:
        await second.service.resume()
        await second.until(lambda: second.call(call_id).recovered)
        with pytest.raises(TimeoutError):
            await second.until(lambda: second.phase(call_id, "agent") != "ringing", 0.1)
        await second.reconciler.connected(exchange.picture)
        await second.until(lambda: second.phase(call_id, "customer") == "dialling")


async def test_an_overdue_timer_fires_once_what_was_missed_is_known(
    tmp_path: Path, exchange: Exchange, hands: Hands
) -> None:
    async with Room(tmp_path, exchange) as first:
        call_id = await first.agent_rung()
    hands.turn(60)
    async with Room(tmp_path, exchange) as second:
        await second.service.resume()
        await second.reconciler.connected(exchange.picture)
        assert (await second.ended(call_id)).outcome == "agent_no_answer"
