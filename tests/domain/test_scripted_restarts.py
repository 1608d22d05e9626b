"""The engine dies while its caller is in a scenario, and comes back: nothing is skipped, and nothing done twice."""

from typing import Any

import pytest

from engine.domain import recovery
from engine.domain.effects import (
    Answer,
    AskHouse,
    ChooseMember,
    CloseBridge,
    DialChannel,
    Effect,
    JoinBridge,
    OpenBridge,
    PlanReach,
    Ring,
    StartComfort,
    StartRecording,
    StopComfort,
    StopPlayback,
    StopRecording,
    Utter,
)
from engine.domain.events import EngineRestarted, PlaybackEnded
from engine.domain.ids import bridge_id
from engine.domain.recovery import Ending
from engine.domain.scenario.graph import AnyNode, Hours, Play
from engine.domain.values import Slug
from tests.domain.calls import CALL, CAME, member, moment
from tests.domain.led_calls import (
    END,
    HELLO,
    MENU,
    MESSAGE,
    NOTIFY,
    RING,
    RING_AND_AFTER,
    SURVEY,
    TOLD,
    LedCall,
)
from tests.domain.legality import check_record
from tests.domain.scenario.caller import say

M1, M2 = member("m1"), member("m2")
NODES: dict[str, AnyNode] = {
    "hello": HELLO,
    "menu": MENU,
    "ring": RING_AND_AFTER,
    "more": SURVEY,
    "told": NOTIFY,
}


def in_menu(**fields: Any) -> LedCall:
    return LedCall(NODES, on_hangup=TOLD, **fields).after(2).hears("Bonjour").after(1)


def sought(**fields: Any) -> LedCall:
    return in_menu(**fields).types("1")


def rung(**fields: Any) -> LedCall:
    return sought(**fields).planned(M1).agent_rings()


def talking(**fields: Any) -> LedCall:
    return rung(**fields).after(3).agent_answers()


def surveyed(**fields: Any) -> LedCall:
    return talking(**fields).after(20).agent_hangs_up()


STAGES = {"menu": in_menu, "sought": sought, "rung": rung, "talk": talking, "survey": surveyed}


def about_recordings(scene: LedCall) -> list[Effect]:
    """What recovery ordered of them."""
    return [order for order in scene.recovered if isinstance(order, StartRecording | StopRecording)]


# -- whatever it does --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
def test_a_restart_dials_nobody_and_the_call_goes_on(stage: str) -> None:
    scene = STAGES[stage]()
    dialled, where = scene.ordered(DialChannel), scene.stage
    assert scene.after(0.5).engine_restarts().stage == where
    assert scene.ordered(DialChannel) == dialled
    scene.after(1).caller_hangs_up()
    row = check_record(scene.call if stage == "talk" else scene.told("done").call)
    assert (row.recovered, row.events_missed) == (True, False)
    assert row.outcome == ("answered" if stage in ("talk", "survey") else "abandoned")


@pytest.mark.parametrize("stage", STAGES)
def test_two_restarts_are_as_good_as_one(stage: str) -> None:
    scene = STAGES[stage]().engine_restarts()
    once = (scene.stage, scene.way, scene.said)
    scene.engine_restarts()
    assert (scene.stage, scene.way, scene.said) == once
    assert len(set(scene.call.comforted)) == len(scene.call.comforted)


@pytest.mark.parametrize("stage", STAGES)
def test_the_caller_hung_up_meanwhile(stage: str) -> None:
    """At their own time, which Asterisk's event log knows; what the scenario does then is done."""
    scene = STAGES[stage]().after(1)
    left = scene.at
    scene.after(1).engine_restarts(endings={CAME: Ending(at=left, cause=16)})
    if stage != "talk":
        assert scene.ordered(AskHouse) != []
        scene.told("done")
    row = check_record(scene.call)
    assert (row.hangup_by, row.legs[-1].ended_at) == ("customer", left.utc)
    assert row.outcome == ("answered" if stage in ("talk", "survey") else "abandoned")


@pytest.mark.parametrize("stage", STAGES)
def test_a_lost_socket_is_no_restart(stage: str) -> None:
    scene = STAGES[stage]()
    before = scene.call
    assert scene.reconnects(scene.seen()).call == before


@pytest.mark.parametrize("stage", ["menu", "sought", "survey"])
def test_the_scenario_is_lost_with_the_engine(stage: str) -> None:
    row = check_record(STAGES[stage]().forgets_the_scenario().engine_restarts().call)
    talked = stage == "survey"
    assert (row.outcome, row.hangup_by, row.rule) == ("answered" if talked else "abandoned", "engine", "scenario-lost")


# -- what was said -----------------------------------------------------------------------------------------------------


def test_what_was_being_said_is_said_again() -> None:
    scene = in_menu()
    (old,) = scene.call.playbacks
    scene.engine_restarts()
    assert StopPlayback(playback=old) in scene.orders
    assert (scene.said, len(scene.call.playbacks)) == (["Tapez un"], 1)


def test_what_was_never_said_is_said() -> None:
    """The order died with the engine: Asterisk plays nothing, and that is not how a prompt ends which was heard."""
    scene = LedCall({"hello": HELLO, "menu": MENU, "ring": RING}).engine_restarts(silent=True)
    assert (scene.way, scene.said) == (["hello="], ["Bonjour"])


def test_a_socket_that_was_lost_for_a_while_has_let_it_be_heard() -> None:
    scene = LedCall({"hello": HELLO, "menu": MENU, "ring": RING})
    assert scene.reconnects(scene.seen(silent=True)).said == ["Tapez un"]


def test_a_caller_who_was_being_answered_is() -> None:
    scene = LedCall({"hello": HELLO, "menu": MENU, "ring": RING}, stubborn=[Answer])
    scene.stubborn.clear()
    scene.engine_restarts()
    assert (len(scene.ordered(Answer)), scene.said) == (3, ["Bonjour"])  # once by the picture, once by the scenario


def test_a_caller_who_was_answered_meanwhile() -> None:
    scene = LedCall({"hello": HELLO, "menu": MENU, "ring": RING}, stubborn=[Answer])
    scene.engine_restarts(up=[CAME])
    assert scene.said == ["Bonjour"]
    assert len(scene.call.playbacks) == 1


def test_whoever_hears_something_unanswered_is_not_rung() -> None:
    nodes: dict[str, AnyNode] = {"hello": Play(prompt=say("Fermé"), unanswered=True, next=END)}
    scene = LedCall(nodes).engine_restarts()
    assert (scene.ordered(Ring), scene.ordered(Answer), scene.said) == ([], [], ["Fermé"])


def test_whoever_waits_unanswered_hears_it_ring_again() -> None:
    scene = LedCall({"ring": RING}).engine_restarts()
    assert scene.ordered(Ring) == 2 * [Ring(channel=CAME)]
    assert scene.planned(M1).agent_rings().engine_restarts().recovered == [Ring(channel=CAME)]


def test_until_the_picture_is_there_no_prompt_counts_as_heard() -> None:
    scene = in_menu()
    (old,) = scene.call.playbacks
    scene.tell(EngineRestarted(at=scene.at)).tell(PlaybackEnded(at=scene.at, playback=old, heard=True))
    assert scene.led.stale
    assert scene.said == []
    scene.reconnects(scene.seen())
    assert (scene.led.stale, scene.said) == (False, ["Tapez un"])


# -- what was asked ----------------------------------------------------------------------------------------------------


def test_a_question_is_asked_again_under_its_number() -> None:
    hours = Hours(calendar=Slug("office"), next=END, on={"closed": END})
    scene = LedCall({"hours": hours}).after(1).engine_restarts()
    first, second = scene.ordered(AskHouse)
    assert first == second
    assert scene.told("open").said == ["Au revoir"]


def test_whom_to_ring_is_asked_again_under_its_number() -> None:
    scene = sought().after(1).engine_restarts()
    first, second = scene.ordered(PlanReach)
    assert first == second
    assert scene.call.comforted == (CAME,)
    assert scene.planned(M1).picks_up().stage == "Talking"


def test_members_are_asked_for_again() -> None:
    scene = sought(stubborn=[ChooseMember]).planned(M1)
    scene.stubborn.clear()
    assert scene.engine_restarts().rung == ["PJSIP/m1/sip:phone-1"]


# -- what was recorded -------------------------------------------------------------------------------------------------


def recording() -> LedCall:
    return LedCall({"message": MESSAGE, "told": NOTIFY}, on_hangup=TOLD).hears("Parlez").after(4)


def test_a_recording_goes_on() -> None:
    """It is ordered again, which is answered by how it ended, if it did."""
    scene = recording().engine_restarts()
    assert about_recordings(scene) == [scene.last(StartRecording)]
    assert scene.after(3).recorded(7.0).told("left").said == ["Au revoir"]


def test_a_recording_that_was_to_end_ends() -> None:
    scene = recording().types("#").engine_restarts()
    start = scene.last(StartRecording)
    assert about_recordings(scene) == [start, StopRecording(recording=start.recording)]
    assert scene.recorded(4.0).told("left").said == ["Au revoir"]


def test_a_message_whose_caller_hung_up_meanwhile() -> None:
    scene = recording().engine_restarts(endings={CAME: Ending(at=moment(6), cause=16)})
    assert about_recordings(scene) == [scene.last(StartRecording)]
    scene.recorded(5.5).told("left").told("done")
    assert check_record(scene.call).outcome == "voicemail_left"


def test_nobody_is_recorded_who_is_recorded_no_more() -> None:
    scene = recording().recorded(4.0).engine_restarts()
    assert about_recordings(scene) == []


# -- bridges and comfort -----------------------------------------------------------------------------------------------


def test_the_bridge_of_a_talk_that_is_over_is_closed() -> None:
    """The order died with the engine, and the call lives on without the bridge."""
    scene = surveyed()
    seen = scene.seen()
    first = bridge_id(CALL)
    still = recovery.Seen(
        at=seen.at, channels=seen.channels, bridges={first: frozenset({CAME})}, playbacks=seen.playbacks, endings={}
    )
    scene.reconnects(still)
    assert CloseBridge(bridge=first) in scene.recovered
    assert scene.call.customer.attempts[0].joined is False


def test_both_are_joined_again_to_the_second_bridge() -> None:
    nodes = {**NODES, "more": RING}
    scene = LedCall(nodes).after(2).hears("Bonjour").types("1").planned(M1).picks_up().after(9).agent_hangs_up()
    scene.stubborn = {OpenBridge, JoinBridge}
    scene.planned(M2).picks_up()
    assert scene.stage == "Talking"
    scene.engine_restarts(no_bridge=True)
    second = bridge_id(CALL, 2)
    assert [o for o in scene.recovered if isinstance(o, OpenBridge | JoinBridge)] == [
        OpenBridge(bridge=second),
        JoinBridge(bridge=second, channel=scene.channel("agent")),
        JoinBridge(bridge=second, channel=CAME),
    ]


@pytest.mark.parametrize("stage", STAGES)
def test_only_who_waits_hears_music(stage: str) -> None:
    """The end of it may have died with the engine: a talk with music in it is none."""
    scene = STAGES[stage]().engine_restarts()
    waits = stage in ("sought", "rung")
    assert (StartComfort(channel=CAME, comfort="music") in scene.recovered) == waits
    assert (StopComfort(channel=CAME) in scene.recovered) != waits


def test_a_restart_in_the_survey_asks_again() -> None:
    scene = surveyed().engine_restarts()
    assert scene.said == ["Satisfait ?"]
    assert [order for order in scene.recovered if isinstance(order, Utter)] == []
