"""What others hear of a call: which events, in which order, with what in them."""

import msgspec
import pytest

from engine.domain import machine, record
from engine.domain.call import Call
from engine.domain.cdr import Disposition
from engine.domain.events import CallRequested, Disposed
from engine.domain.limits import Level, Measure, Reading
from engine.domain.public_events import (
    EVENT_TYPES,
    CallbackAsked,
    MessageLeft,
    Notified,
    PublicEvent,
    of_limit,
    of_scenario,
    of_step,
)
from engine.domain.scenario.graph import AnyNode
from tests.domain.calls import CALL, CUSTOMER, Scene, Tale, asked, asked_sip, member, moment
from tests.domain.led_calls import HELLO, MENU, RING, RING_AND_AFTER, LedCall
from tests.domain.told_stages import TO_STAGE, to_answer, to_customer, to_reason, to_ringing, to_talk

REACHED = [
    "call.requested", "call.agent_ringing", "call.agent_answered", "call.agent_confirmed", "call.customer_dialled",
    "call.customer_ringing",
]  # fmt: skip
SOLD = Disposition(code="sold", note="two of them")


def heard(scene: Scene) -> list[PublicEvent]:
    """Every public event of a scene, as it would have been told step by step."""
    call: Call | None = None
    told: list[PublicEvent] = []
    for event in scene.events:
        if call is None:
            assert isinstance(event, CallRequested)
            after = machine.begin(CALL, event, scene.program).call
        else:
            after = machine.step(call, event, scene.program).call
        told.extend(of_step(call, event, after))
        call = after
    return told


def names(scene: Scene) -> list[str]:
    return [event.type for event in heard(scene)]


def test_a_conversation_from_end_to_end() -> None:
    scene = to_talk(Scene()).after(60).customer_hangs_up().after(1)
    assert [*REACHED, "call.customer_answered", "call.ended"] == names(scene)


def test_a_caller_whom_a_scenario_leads_to_two_agents() -> None:
    """That the scenario answers them is nobody's news; that they talk to somebody is, each time."""
    nodes: dict[str, AnyNode] = {"menu": MENU, "ring": RING_AND_AFTER, "more": RING}
    scene = LedCall(nodes).hears("Tapez un").types("1").planned(member("m1")).picks_up().after(9).agent_hangs_up()
    scene.planned(member("m2", mobile=True)).picks_up().presses("1").after(5).caller_hangs_up()
    assert names(scene) == [
        "call.requested", "call.agent_ringing", "call.agent_answered", "call.customer_answered",
        "call.agent_answered", "call.agent_confirmed", "call.customer_answered", "call.ended",
    ]  # fmt: skip
    who = [(event.data.agent, event.data.direction) for event in heard(scene) if event.type == "call.customer_answered"]
    assert who == [("m1", "inbound"), ("m2", "inbound")]


def test_a_caller_whom_a_scenario_serves_alone() -> None:
    scene = LedCall({"hello": HELLO, "menu": MENU, "ring": RING}).hears("Bonjour").caller_hangs_up()
    assert names(scene) == ["call.requested", "call.ended"]


def test_the_last_one_has_the_whole_record() -> None:
    scene = to_talk(Scene()).after(60).customer_hangs_up().after(1)
    *others, last = heard(scene)
    assert record.of(scene.call) == last.data.cdr
    assert all(event.data.cdr is None for event in others)


def test_each_says_of_which_call_and_what_the_application_gave() -> None:
    for event in heard(to_talk(Scene())):
        assert (event.call_id, event.data.to) == (CALL, CUSTOMER)
        assert event.data.variables == {"order": 4711, "tags": ["vip", "é"]}
        assert (event.data.agent, event.data.mode, event.data.site) == ("alice", "mobile", "paris")
        assert (event.data.campaign, event.data.contact) == ("autumn", "c-17")


def test_each_says_when() -> None:
    at = {event.type: event.at for event in heard(to_talk(Scene()))}
    assert moment(5).utc == at["call.agent_answered"]
    assert moment(18).utc == at["call.customer_answered"]


def test_the_customer_is_told_with_the_trunk_of_the_newest_try() -> None:
    scene = to_customer(Scene()).customer_ends(34, 503).customer_rings().customer_answers()
    trunks = {event.type: event.data.trunk for event in heard(scene)}
    assert trunks["call.customer_dialled"] == "paris-1"
    assert trunks["call.customer_ringing"] == trunks["call.customer_answered"] == "paris-2"


def test_a_second_try_is_not_told_as_a_second_call() -> None:
    scene = to_customer(Scene()).customer_rings().customer_ends(34, 503)
    assert len(names(scene)) == len(set(names(scene)))


def test_three_phones_ring_and_are_told_once() -> None:
    scene = Scene(asked_sip(3)).agent_rings(0).agent_rings(1).agent_answers(1)
    assert names(scene)[:3] == ["call.requested", "call.agent_ringing", "call.agent_answered"]


def test_early_media_counts_as_ringing() -> None:
    assert names(to_customer(Scene()).customer_announces())[-1] == "call.customer_ringing"


@pytest.mark.parametrize("tale", TO_STAGE.values(), ids=TO_STAGE)
def test_whatever_stage_it_is_ended_in_it_ends_once(tale: Tale) -> None:
    told = names(tale(Scene()).finish_ordered(disposition=SOLD))
    assert told[-1] == "call.ended"
    assert told.count("call.ended") == told.count("call.disposition") == 1


def test_a_disposition_in_the_order_to_end_comes_before_the_end() -> None:
    told = heard(to_talk(Scene()).finish_ordered(disposition=SOLD))
    assert [event.type for event in told[-2:]] == ["call.disposition", "call.ended"]
    assert (told[-2].data.disposition, told[-1].data.disposition) == (SOLD, None)


def test_a_disposition_during_the_call_and_another_after_it() -> None:
    scene = to_answer(Scene()).disposed("maybe").after(1).agent_hangs_up()
    later = Disposed(at=moment(99), disposition=SOLD)
    (told,) = of_step(scene.call, later, machine.step(scene.call, later).call)
    assert ("call.disposition", SOLD, moment(99).utc) == (told.type, told.data.disposition, told.at)
    assert names(scene).count("call.disposition") == 1


def test_what_means_nothing_is_not_told() -> None:
    scene = to_reason(Scene())
    before = len(heard(scene))
    assert before == len(heard(scene.agent_rings().agent_answers()))


def test_the_set_is_closed() -> None:
    stories = [to_talk(Scene()).disposed("sold").customer_hangs_up(), to_ringing(Scene())]
    assert {name for story in stories for name in names(story)} | LIMITS | OF_SCENARIOS == set(EVENT_TYPES)


LIMITS = {"call.limit_warning", "call.limit_reached"}
OF_SCENARIOS = {"scenario.notified", "callback.requested", "voicemail.left"}
"""Told by the limits, which look at many calls: no step of one call brings them."""


@pytest.mark.parametrize(
    ("measure", "value", "cap", "told"),
    [("spend_per_hour", 20_500_000, 20_000_000, (20.5, 20.0)), ("concurrent_calls", 31, 30, (31.0, 30.0))],
)
def test_a_limit_is_told_with_the_call_that_came_to_it(
    measure: Measure, value: int, cap: int, told: tuple[float, float]
) -> None:
    levels: dict[Level, str] = {"critical": "call.limit_reached", "warning": "call.limit_warning"}
    for level, name in levels.items():
        reading = Reading(scope="agent:alice", measure=measure, value=value, cap=cap, level=level)
        event = of_limit(reading, CALL, asked(), moment(7).utc)
        assert (event.type, event.call_id, event.data.agent) == (name, CALL, "alice")
        limit = event.data.limit
        assert limit is not None
        assert (limit.scope, limit.measure, (limit.value, limit.cap)) == ("agent:alice", measure, told)


def test_it_goes_through_json() -> None:
    for event in heard(to_talk(Scene()).disposed(SOLD).customer_hangs_up()):
        assert msgspec.json.decode(msgspec.json.encode(event), type=PublicEvent) == event


def test_a_scenario_tells_in_words_of_its_own() -> None:
    notified = Notified(event="order.asked", variables={"order": "4711"})
    told = of_scenario(notified, to_talk(Scene()).call, moment(20).utc)
    assert (told.type, told.at, told.call_id) == ("scenario.notified", moment(20).utc, CALL)
    assert (told.data.notified, told.data.to) == (notified, CUSTOMER)


def test_a_caller_who_wants_to_be_called_back() -> None:
    asked = CallbackAsked(id="1", queue="sales", number="+33612345678")
    told = of_scenario(asked, to_talk(Scene()).call, moment(20).utc)
    assert (told.type, told.data.callback) == ("callback.requested", asked)


def test_a_caller_who_left_a_message() -> None:
    left = MessageLeft(id="1", mailbox="alice", seconds=12.5)
    told = of_scenario(left, to_talk(Scene()).call, moment(20).utc)
    assert (told.type, told.data.voicemail) == ("voicemail.left", left)
