"""A caller in a scenario whose call somebody else ends: what they said so far is kept, and applications are told."""

from engine.domain.effects import AskHouse, HangUp
from tests.domain.calls import CAME
from tests.domain.led_calls import MESSAGE, NOTIFY, TOLD, LedCall
from tests.domain.legality import check_record
from tests.domain.test_scripted import gone
from tests.domain.test_scripted_reaching import M1, reaching, unanswered


def test_an_application_ends_the_call_and_what_was_said_so_far_is_kept() -> None:
    """The scenario does what it does for a caller who left: applications are told."""
    scene = LedCall({"message": MESSAGE, "told": NOTIFY}, on_hangup=TOLD).hears("Parlez").after(6).finish_ordered()
    assert (scene.hung_up, scene.stage) == ([CAME], "Scripted")
    ending = scene.call
    assert scene.finish_ordered().call == ending
    scene.recorded(5.5).told("left")
    assert scene.last(AskHouse).question.event == "call.gone"
    assert gone(scene.told("done")) == ("voicemail_left", "api", 16, None)
    assert scene.said == []


def test_the_engine_is_not_kept_waiting_by_what_the_scenario_still_does() -> None:
    """It orders the end when a step of the call has failed: nothing may hold that up."""
    scene = LedCall({"message": MESSAGE}).hears("Parlez").after(6).finish_ordered().finish_ordered("engine")
    assert gone(scene) == ("abandoned", "engine", 16, None)


def test_an_engine_that_died_then_hangs_up_again_and_keeps_the_message() -> None:
    scene = LedCall({"message": MESSAGE}, stubborn=[HangUp]).hears("Parlez").after(6).finish_ordered()
    scene.engine_restarts()
    assert HangUp(channel=CAME) in scene.recovered
    scene.caller_hangs_up()
    assert gone(scene.recorded(5.5).told("left")) == ("voicemail_left", "api", 16, None)


def test_an_application_ends_the_call_while_somebody_is_rung() -> None:
    scene = reaching().planned(M1).finish_ordered()
    assert scene.hung_up == [scene.channel("agent"), CAME]
    row = check_record(scene.call)
    assert (row.outcome, row.hangup_by) == ("abandoned", "api")
    assert row.ivr_path is not None
    assert row.ivr_path[-1] == "main/ring=hung up"


def test_an_application_ends_a_call_nobody_has_answered() -> None:
    row = check_record(unanswered().planned(M1).finish_ordered().call)
    assert (row.outcome, row.hangup_by) == ("abandoned", "api")
