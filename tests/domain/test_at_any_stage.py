"""The same thing at every stage: an application finishes, the agent goes, Asterisk dies, old news comes again."""

import msgspec
import pytest

from engine.domain import machine
from engine.domain.cdr import Disposition
from engine.domain.effects import CloseBridge, HangUp, OpenBridge
from engine.domain.events import CallRequested, ChannelReady, ChannelRinging, JoinFailed, PlaybackEnded, TimerFired
from engine.domain.ids import channel_id, playback_id
from engine.domain.stages import Finishing
from tests.domain.calls import CALL, Scene, moment
from tests.domain.legality import check_record
from tests.domain.told_stages import TO_STAGE, to_answer, to_ringing, to_talk

STAGES = list(TO_STAGE)
ORDERED = {
    "ReachingAgent": "abandoned",
    "Confirming": "abandoned",
    "Informing": "abandoned",
    "ReachingCustomer": "customer_cancelled",
    "Talking": "answered",
}


def told(stage: str) -> Scene:
    scene = TO_STAGE[stage](Scene())
    assert stage == scene.stage
    return scene


# -- DELETE ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["api", "engine"])
@pytest.mark.parametrize("stage", STAGES)
def test_finish_ordered(stage: str, by: str) -> None:
    scene = told(stage)
    living = {attempt.channel for leg in scene.call.legs.values() for attempt in leg.live}
    scene.finish_ordered(by, Disposition(code="sold"))
    verdict = scene.verdict
    if stage == "Explaining":
        assert (verdict.outcome, verdict.hangup_by, verdict.cause) == ("customer_busy", "customer", 17)
    else:
        assert (ORDERED[stage], by, 16) == (verdict.outcome, verdict.hangup_by, verdict.cause)
    assert living == set(scene.hung_up)
    opened = [order.bridge for order in scene.orders if isinstance(order, OpenBridge)]
    assert opened == [order.bridge for order in scene.orders if isinstance(order, CloseBridge)]
    assert check_record(scene.call).disposition == "sold"


@pytest.mark.parametrize("stage", STAGES)
def test_finish_ordered_twice(stage: str) -> None:
    """The second order changes nothing, not even who ended the call."""
    scene = told(stage)
    scene.stubborn.add(HangUp)
    first = scene.finish_ordered("api").call
    assert isinstance(first.stage, Finishing)
    assert first == scene.finish_ordered("engine").call


@pytest.mark.parametrize("stage", STAGES)
def test_asterisk_neither_hangs_up_nor_says_so(stage: str) -> None:
    """The order is repeated, and then the call ends without it: what stays in Asterisk is nobody's, and swept."""
    scene = told(stage)
    scene.stubborn.add(HangUp)
    channels = [attempt.channel for leg in scene.call.legs.values() for attempt in leg.live]
    row = check_record(scene.finish_ordered().after(15).call)
    assert channels * 3 == scene.hung_up
    assert row.events_missed
    assert scene.now == (row.ended_at - moment(0).utc).total_seconds()


# -- the agent goes ----------------------------------------------------------------------------------------------------

LEAVES = {
    "ReachingAgent": ("agent_no_answer", "network"),
    "Confirming": ("agent_declined", "agent"),
    "Informing": ("abandoned", "agent"),
    "ReachingCustomer": ("customer_cancelled", "agent"),
    "Talking": ("answered", "agent"),
    "Explaining": ("customer_busy", "customer"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_agent_hangs_up(stage: str) -> None:
    scene = told(stage).agent_hangs_up()
    assert LEAVES[stage] == (scene.verdict.outcome, scene.verdict.hangup_by)
    check_record(scene.call)


# -- Asterisk dies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
def test_asterisk_dies(stage: str) -> None:
    """Nothing is ordered of the dead one; a reason already being told stands."""
    scene = told(stage)
    before = len(scene.orders)
    row = check_record(scene.after(1).asterisk_dies().call)
    assert ("customer_busy" if stage == "Explaining" else "asterisk_lost") == row.outcome
    assert row.events_missed
    assert [order for order in scene.orders[before:] if isinstance(order, HangUp | CloseBridge)] == []
    assert all(leg.ended_at is not None for leg in row.legs)


def test_asterisk_dies_while_the_call_is_ended() -> None:
    scene = to_talk(Scene())
    scene.stubborn.add(HangUp)
    verdict = scene.finish_ordered().asterisk_dies().verdict
    assert (verdict.outcome, verdict.hangup_by) == ("answered", "api")


# -- old news ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
def test_everything_that_ever_happened_happens_again(stage: str) -> None:
    """Nothing changes. Should a channel that has ended seem to come to be, it is ended again, to be sure."""
    scene = told(stage)
    over = [a.channel for leg in scene.call.legs.values() for a in leg.attempts if not a.live]
    for event in scene.events:
        reborn = isinstance(event, ChannelReady) and event.channel in over
        effects = tuple(HangUp(channel=channel) for channel in over) if reborn else ()
        assert (scene.call, effects) == machine.step(scene.call, event), event


@pytest.mark.parametrize("stage", [*STAGES, "Ended"])
def test_what_means_nothing_changes_nothing(stage: str) -> None:
    scene = told(stage) if stage != "Ended" else to_talk(Scene()).agent_hangs_up()
    stranger = channel_id(CALL, "customer", 99)
    for event in (
        ChannelRinging(at=scene.at, channel=stranger),
        JoinFailed(at=scene.at, channel=stranger, why="?"),
        PlaybackEnded(at=scene.at, playback=playback_id(CALL, 99), heard=True),
        TimerFired(at=scene.at, timer="confirm" if stage != "Confirming" else "max-talk"),
        CallRequested(at=scene.at, request=scene.call.request),
    ):
        assert (scene.call, ()) == machine.step(scene.call, event), event
    assert scene.call == scene.hears_key("1", on=stranger).call


def test_a_timer_that_was_started_anew_is_not_due_yet() -> None:
    scene = to_answer(Scene()).prompt_ends()
    early = TimerFired(at=moment(scene.call.timers["confirm"] - 0.5), timer="confirm")
    assert (scene.call, ()) == machine.step(scene.call, early)


def test_a_timer_that_means_nothing_now_is_let_go() -> None:
    """Another version of the machine may have left it in the journal."""
    scene = to_talk(Scene())
    left = msgspec.structs.replace(scene.call, timers={**scene.call.timers, "confirm": scene.now})
    assert machine.step(left, TimerFired(at=scene.at, timer="confirm")) == (scene.call, ())


def test_answer_that_crosses_our_hang_up() -> None:
    """The customer answers in the very moment their ringing limit is over."""
    scene = to_ringing(Scene())
    scene.stubborn.add(HangUp)
    scene.timer("ring-customer").customer_answers()
    assert scene.stage == "Explaining"
    scene.customer_ends(16)
    assert scene.agent_hangs_up().verdict.outcome == "customer_no_answer"


def test_a_journal_begins_with_the_request() -> None:
    with pytest.raises(ValueError, match="begins with CallRequested"):
        machine.fold(CALL, [ChannelRinging(at=moment(0), channel=channel_id(CALL, "agent", 1))])
