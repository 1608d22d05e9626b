"""Silence of a time when nobody listened is not the far end's: its timers wait, but not for ever."""

import pytest

from engine.calls import runner
from engine.domain import effects as fx
from engine.domain.events import TimerFired
from tests.calls.exchange import Exchange
from tests.calls.room import CRM, Room
from tests.clockwork import Hands

QUIET_S = 0.05
"""Long enough for a timer that is due to have fired, were it to."""


def fired(room: Room) -> list[str]:
    return [event.timer for _, event in room.told if isinstance(event, TimerFired)]


async def nothing_fires(room: Room) -> None:
    with pytest.raises(TimeoutError):
        await room.until(lambda: fired(room), QUIET_S)


async def test_a_loop_that_hung_reads_what_the_far_end_did_before_its_time_is_up(
    room: Room, exchange: Exchange, hands: Hands
) -> None:
    call_id = await room.agent_rung()
    hands.turn(40)  # the engine hung; the ringing time passed meanwhile
    await nothing_fires(room)
    exchange.answers(room.channel(call_id, "agent"))  # this was said long ago
    await room.until(lambda: room.phase(call_id, "customer") == "dialling")
    assert fired(room) == []


async def test_a_loop_that_hung_ends_what_is_silent_still(room: Room, hands: Hands) -> None:
    call_id = await room.agent_rung()
    hands.turn(40)
    await nothing_fires(room)
    hands.turn(runner.LISTEN_S)
    assert (await room.ended(call_id)).outcome == "agent_no_answer"


async def test_while_asterisk_is_not_heard_nobody_is_called_silent(
    room: Room, exchange: Exchange, hands: Hands
) -> None:
    call_id = await room.agent_rung()
    heard = [False]
    room.hearing = lambda: heard[0]
    hands.turn(25)
    for _ in range(3):
        await nothing_fires(room)
        hands.turn(runner.LISTEN_S)
    heard[0] = True
    exchange.answers(room.channel(call_id, "agent"))
    await room.until(lambda: room.phase(call_id, "customer") == "dialling")


async def test_an_asterisk_that_wakes_up_is_given_the_time_to_tell_what_happened(
    room: Room, exchange: Exchange, hands: Hands
) -> None:
    call_id = await room.agent_rung()
    heard = [False]
    room.hearing = lambda: heard[0]
    hands.turn(25)
    await nothing_fires(room)
    heard[0] = True  # it takes our beat, and has not yet read the answer that waits in its socket
    hands.turn(runner.LISTEN_S)
    await nothing_fires(room)
    exchange.answers(room.channel(call_id, "agent"))
    await room.until(lambda: room.phase(call_id, "customer") == "dialling")


async def test_an_asterisk_that_woke_up_and_has_nothing_to_tell_ends_what_is_silent(room: Room, hands: Hands) -> None:
    call_id = await room.agent_rung()
    heard = [False]
    room.hearing = lambda: heard[0]
    hands.turn(25)
    await nothing_fires(room)
    heard[0] = True
    hands.turn(runner.LISTEN_S)
    await nothing_fires(room)
    hands.turn(runner.LISTEN_S)
    assert (await room.ended(call_id)).outcome == "agent_no_answer"


async def test_an_asterisk_that_stays_deaf_is_not_waited_for_for_ever(room: Room, hands: Hands) -> None:
    call_id = await room.agent_rung()
    room.hearing = lambda: False
    hands.turn(25)
    await nothing_fires(room)
    hands.turn(runner.DEAF_AT_MOST_S)
    assert (await room.ended(call_id)).outcome == "agent_no_answer"


async def test_hanging_up_is_repeated_heard_or_not(room: Room, exchange: Exchange, hands: Hands) -> None:
    call_id = await room.talking()
    exchange.ignores = {fx.HangUp}
    room.hearing = lambda: False
    await room.service.finish(call_id, CRM)
    await room.until(lambda: len(exchange.given(fx.HangUp)) == 2)
    hands.turn(5)
    await room.until(lambda: len(exchange.given(fx.HangUp)) == 4)


async def test_a_timer_that_waits_to_listen_is_cancelled_like_any_other(
    room: Room, exchange: Exchange, hands: Hands
) -> None:
    call_id = await room.agent_rung()
    room.hearing = lambda: False
    hands.turn(25.1)
    await nothing_fires(room)
    exchange.ends(room.channel(call_id, "agent"), 17, 486)
    assert (await room.ended(call_id)).outcome == "agent_busy"
    hands.turn(120)
    await nothing_fires(room)
