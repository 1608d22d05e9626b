"""A caller in a scenario: what they hear and press, what is asked for them, and what their record tells."""

import pytest

from engine.domain import machine
from engine.domain.cdr import VisitRecord
from engine.domain.effects import Answer, AskHouse, HangUp, Ring, StartRecording, StopPlayback, StopRecording, Utter
from engine.domain.events import (
    CallRequested,
    DigitPressed,
    HouseReplied,
    PlaybackEnded,
    RecordingEnded,
    TimerFired,
)
from engine.domain.ids import channel_id, recording_id
from engine.domain.scenario.graph import (
    AnyNode,
    Callback,
    Collect,
    Hangup,
    Hours,
    Limits,
    NodeName,
    Play,
    Record,
    Variable,
)
from engine.domain.stages import Finishing
from engine.domain.values import Slug
from tests.domain.calls import CALL, CAME, moment
from tests.domain.led_calls import END, HELLO, MENU, MESSAGE, NOTIFY, SALES, TOLD, LedCall, asked_of_scenario
from tests.domain.legality import check_record
from tests.domain.scenario.caller import say, texts

CLOSED = Hours(calendar=Slug("office"), next=END, on={"closed": NodeName("shut")})
SHUT = Play(prompt=say("Fermé"), next=END)


def gone(scene: LedCall) -> tuple[str, str, int | None, str | None]:
    """How it ended, once the record is found legal."""
    row = check_record(scene.call)
    return row.outcome, row.hangup_by, row.cause, row.rule


# -- what is heard, and pressed ----------------------------------------------------------------------------------------


def test_the_first_thing_said_answers_the_caller() -> None:
    scene = LedCall({"hello": Play(prompt=say("Bonjour"), next=END)})
    assert [type(order) for order in scene.orders[-3:]].count(Utter) == 1
    assert scene.ordered(Answer) == [Answer(channel=CAME, life_s=scene.call.request.life_s)]
    assert scene.ordered(Ring) == []
    scene.after(2).hears("Bonjour").after(1).hears("Au revoir")
    row = check_record(scene.call)
    assert (row.outcome, row.hangup_by, row.cause) == ("served", "engine", 16)
    assert (row.ivr_path, row.billable_s, row.talk_s) == (["main/hello=done", "main/end=ended"], 3.0, 0.0)
    assert (row.scenario, row.scenario_version, row.redirected_from) == ("main", "1", None)
    assert (row.agent_id, row.group_id, row.transferred_to) == (None, None, None)


def test_a_caller_who_is_told_before_the_answer_is_never_answered() -> None:
    nodes: dict[str, AnyNode] = {"hello": Play(prompt=say("Fermé"), unanswered=True, next=END), "end": Hangup()}
    scene = LedCall(nodes).hears("Fermé")
    assert scene.ordered(Answer) == []
    assert HangUp(channel=CAME, cause=16) in scene.orders
    assert gone(scene) == ("served", "engine", 16, None)


@pytest.mark.parametrize(("end", "cause"), [(Hangup(reason="busy"), 17), (Hangup(reason="congestion"), 42)])
def test_the_network_is_told_what_the_scenario_says(end: Hangup, cause: int) -> None:
    scene = LedCall({"end": end})
    assert HangUp(channel=CAME, cause=cause) in scene.orders
    assert gone(scene) == ("served", "engine", cause, None)


def test_a_key_cuts_the_prompt_and_leads_on() -> None:
    scene = LedCall({"menu": MENU, "ring": SHUT})
    assert scene.said == ["Tapez un"]
    (playback,) = scene.call.playbacks
    scene.after(1).types("1")
    assert StopPlayback(playback=playback) in scene.orders
    assert scene.said == ["Fermé"]
    visits = check_record(scene.hears("Fermé").hears("Au revoir").call).ivr_visits
    assert visits is not None
    assert visits[0] == VisitRecord(
        scenario="main",
        node="menu",
        at=moment(0).utc,
        left=moment(1).utc,
        outcome="key 1",
        keys="1",
        prompts=1,
        cut=1,
        message=None,
    )


def test_the_end_of_what_was_cut_means_nothing() -> None:
    scene = LedCall({"menu": MENU, "ring": SHUT})
    (cut,) = scene.call.playbacks
    scene.types("1")
    before = scene.call
    scene.tell(PlaybackEnded(at=scene.at, playback=cut, heard=False))
    assert scene.call == before
    assert scene.said == ["Fermé"]


def test_a_caller_who_presses_nothing_is_asked_again() -> None:
    scene = LedCall({"menu": MENU, "ring": SHUT}).hears("Tapez un").after(6)
    assert scene.said == ["Tapez un"]


def test_keys_of_others_are_not_the_callers() -> None:
    scene = LedCall({"menu": MENU, "ring": SHUT})
    before = scene.call
    scene.tell(DigitPressed(at=scene.at, channel=channel_id(CALL, "agent", 1), digit="1"))
    assert scene.call == before


def test_what_cannot_be_said_is_passed_over() -> None:
    scene = LedCall({"hello": Play(prompt=say("Bonjour"), next=END)}).speech_ends(heard=False)
    assert scene.said == ["Au revoir"]


def test_what_is_typed_in_secret_is_masked_while_it_is_typed() -> None:
    """There is nothing to mute: no call is recorded yet."""
    code = Collect(prompt=say("Code"), into=Variable("code"), max_digits=4, sensitive=True, next=END)
    scene = LedCall({"code": code}, vars=texts("code")).types("••••")
    scene.told("done")
    assert scene.way[0] == "code=done"
    assert scene.call.run is not None
    assert scene.call.run.path[0].keys == "••••"


def test_who_can_not_be_answered_is_let_go() -> None:
    """Their network is told that it was no fault of theirs."""
    scene = LedCall({"hello": Play(prompt=say("Bonjour"), next=END)}, stubborn=[Answer]).after(10)
    assert HangUp(channel=CAME, cause=42) in scene.orders
    assert gone(scene) == ("abandoned", "engine", 42, "scenario-fault")


def test_a_scenario_keeps_a_caller_only_so_long() -> None:
    quick = Limits(duration_s=30)
    nodes: dict[str, AnyNode] = {"menu": MENU, "ring": SHUT, "sorry": Hangup()}
    scene = LedCall(nodes, limits=quick)
    scene.after(31)
    assert gone(scene) == ("abandoned", "engine", 16, "scenario-limit")


# -- questions ---------------------------------------------------------------------------------------------------------


def test_the_house_is_asked_and_its_answer_leads_on() -> None:
    scene = LedCall({"hours": CLOSED, "shut": SHUT})
    assert scene.last(AskHouse).question.calendar == "office"
    assert scene.ordered(Answer) == []  # nothing was said yet
    scene.told("closed").hears("Fermé").hears("Au revoir")
    assert gone(scene) == ("closed", "engine", 16, None)


def test_an_answer_to_another_question_means_nothing() -> None:
    scene = LedCall({"hours": CLOSED, "shut": SHUT})
    before = scene.call
    assert scene.tell(HouseReplied(at=scene.at, number=77, outcome="closed")).call == before


def test_an_answer_that_comes_after_the_end_means_nothing() -> None:
    scene = LedCall({"hours": CLOSED, "shut": SHUT, "sorry": Hangup()}).after(8)
    assert gone(scene) == ("served", "engine", 16, None)  # no answer is an error, and that had a way to its end
    over = scene.call
    assert scene.told("closed").call == over


def test_what_was_decided_last_says_what_came_of_it() -> None:
    later = Callback(queue=SALES, next=END, on={"refused": END})
    scene = LedCall({"hours": CLOSED, "shut": Play(prompt=say("Fermé"), next=NodeName("later")), "later": later})
    scene.told("closed").hears("Fermé")
    for _ in range(5):
        if scene.said:
            scene.speech_ends()
    scene.types("1").told("stored").hears("Au revoir")
    assert gone(scene) == ("callback_requested", "engine", 16, None)


def test_who_hears_closed_and_hangs_up_was_told_so() -> None:
    scene = LedCall({"hours": CLOSED, "shut": SHUT}).told("closed").after(1).caller_hangs_up()
    assert gone(scene) == ("closed", "customer", 16, None)


# -- the caller hangs up -----------------------------------------------------------------------------------------------


def test_who_hangs_up_in_a_menu_gave_up() -> None:
    scene = LedCall({"menu": MENU, "ring": SHUT}).after(4).caller_hangs_up()
    assert gone(scene) == ("abandoned", "customer", 16, None)
    assert scene.record.ivr_path == ["main/menu=hung up"]


def test_applications_are_told_of_a_caller_who_hung_up() -> None:
    """Unheard, the scenario goes on where it says; then it is over."""
    scene = LedCall({"menu": MENU, "ring": SHUT, "told": NOTIFY}, on_hangup=TOLD).after(4).caller_hangs_up()
    assert scene.stage == "Scripted"
    assert scene.last(AskHouse).question.event == "call.gone"
    scene.after(1).told("done")
    assert gone(scene) == ("abandoned", "customer", 16, None)
    assert scene.record.ivr_path == ["main/menu=hung up", "main/told=done", "main/end=ended"]
    assert scene.said == []


def test_a_caller_who_is_gone_is_neither_recorded_nor_spoken_to() -> None:
    """Their hang-up was told a moment before the prompt that would have led there."""
    before = LedCall({"hello": HELLO, "menu": MENU, "ring": SHUT})
    (said,) = before.call.playbacks
    scene = before.caller_hangs_up()
    over = scene.call
    assert scene.tell(PlaybackEnded(at=scene.at, playback=said, heard=True)).call == over


# -- messages ----------------------------------------------------------------------------------------------------------


def test_a_message_is_recorded_and_kept() -> None:
    scene = LedCall({"message": MESSAGE}).hears("Parlez")
    name = recording_id(CALL, scene.led.taking)
    assert scene.ordered(StartRecording) == [
        StartRecording(recording=name, channel=CAME, max_s=120, silence_s=5, beep=True)
    ]
    scene.after(9).recorded(7.0)
    assert (scene.last(AskHouse).question.mailbox, scene.last(AskHouse).question.seconds) == ("sales", 7.0)
    scene.told("left").hears("Au revoir")
    assert gone(scene) == ("voicemail_left", "engine", 16, None)
    assert scene.record.recordings == ["message-2"]


def test_a_key_ends_the_message() -> None:
    scene = LedCall({"message": MESSAGE}).hears("Parlez").after(4).types("#")
    name = scene.last(StartRecording).recording
    assert scene.ordered(StopRecording) == [StopRecording(recording=name)]
    assert scene.types("#").recorded(3.9).last(AskHouse).question.mailbox == "sales"
    assert scene.ordered(StopRecording)[2:] == []


def test_who_hangs_up_while_they_are_recorded_has_left_a_message() -> None:
    scene = LedCall({"message": MESSAGE, "told": NOTIFY}, on_hangup=TOLD).hears("Parlez").after(6).caller_hangs_up()
    assert scene.stage == "Scripted"
    scene.recorded(5.5).told("left")
    assert scene.last(AskHouse).question.event == "call.gone"
    assert gone(scene.told("done")) == ("voicemail_left", "customer", 16, None)


def test_who_hangs_up_while_the_message_is_stored_has_left_it() -> None:
    scene = LedCall({"message": MESSAGE}).hears("Parlez").after(6).recorded(5.5).caller_hangs_up()
    assert gone(scene.told("left")) == ("voicemail_left", "customer", 16, None)


def test_a_recording_whose_end_is_never_told() -> None:
    """After its time it counts as failed; should it go on, it is ended."""
    scene = LedCall({"message": MESSAGE}).hears("Parlez").after(123)
    assert scene.way[0] == "message=error"
    assert scene.ordered(StopRecording) == [StopRecording(recording=scene.last(StartRecording).recording)]
    assert scene.led.recording is None
    before = scene.call
    assert scene.recorded(5.0).call == before


def test_two_messages_in_a_row() -> None:
    """The end of the first is not that of the second."""
    second = Record(prompt=say("Encore"), next=END, on={"empty": END})
    first = Record(prompt=say("Parlez"), next=NodeName("second"), on={"empty": END})
    scene = LedCall({"first": first, "second": second}).hears("Parlez").recorded(4.0).hears("Encore")
    one, two = (order.recording for order in scene.orders if isinstance(order, StartRecording))
    before = scene.call
    assert scene.tell(RecordingEnded(at=scene.at, recording=one, seconds=9.0)).call == before
    assert one != two
    assert scene.recorded(6.0).way[:2] == ["first=recorded", "second=recorded"]
    assert scene.hears("Au revoir").record.recordings == ["message-2", "message-4"]


def test_an_announcement_that_is_empty_lets_the_recording_before_end() -> None:
    """Its end was never told, and the next message begins at once."""
    second = Record(prompt=(), next=END, on={"empty": END})
    first = Record(prompt=say("Parlez"), next=END, on={"empty": END, "error": NodeName("second")})
    scene = LedCall({"first": first, "second": second}).hears("Parlez").after(123)
    one, two = (order.recording for order in scene.orders if isinstance(order, StartRecording))
    assert scene.ordered(StopRecording) == [StopRecording(recording=one)]
    assert scene.led.recording is not None
    assert scene.led.recording.recording == two


# -- somebody ends it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("by", "outcome"), [("api", "hung up"), ("engine", "")])
def test_a_call_in_a_menu_is_ended(by: str, outcome: str) -> None:
    scene = LedCall({"menu": MENU, "ring": SHUT}).after(2).finish_ordered(by)
    assert gone(scene) == ("abandoned", by, 16, None)
    assert scene.record.ivr_path == [f"main/menu={outcome}"]


def test_a_call_that_was_told_closed_is_ended() -> None:
    scene = LedCall({"hours": CLOSED, "shut": SHUT}).told("closed").finish_ordered()
    assert gone(scene) == ("closed", "api", 16, None)


def test_a_call_is_ended_whose_caller_is_gone() -> None:
    scene = LedCall({"menu": MENU, "ring": SHUT, "told": NOTIFY}, on_hangup=TOLD).caller_hangs_up().finish_ordered()
    assert gone(scene) == ("abandoned", "api", 16, None)


def test_asterisk_dies_in_a_menu() -> None:
    scene = LedCall({"menu": MENU, "ring": SHUT}).asterisk_dies()
    assert gone(scene) == ("asterisk_lost", "network", None, None)


def test_a_timer_of_the_scenario_that_means_nothing_is_let_go() -> None:
    scene = LedCall({"menu": MENU, "ring": SHUT})
    before = scene.call
    assert scene.tell(TimerFired(at=moment(999), timer="run-filler")).call == before


# -- a scenario that is lost -------------------------------------------------------------------------------------------


def test_a_call_whose_scenario_is_not_there_ends_at_once() -> None:
    first = CallRequested(at=moment(0), request=asked_of_scenario())
    call, effects = machine.begin(CALL, first)
    assert HangUp(channel=CAME, cause=41) in effects
    assert call.run is None


def test_a_scenario_that_is_lost_while_its_caller_is_in_it() -> None:
    scene = LedCall({"menu": MENU, "ring": SHUT})
    for event in (
        DigitPressed(at=scene.at, channel=CAME, digit="1"),
        TimerFired(at=moment(9999), timer="run-limit"),
    ):
        call, effects = machine.step(scene.call, event)
        assert HangUp(channel=CAME) in effects
        assert isinstance(call.stage, Finishing)
