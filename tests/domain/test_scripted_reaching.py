"""A scenario lets its caller talk to somebody: who is rung, who takes it, and where the caller goes on."""

from typing import Any

import msgspec
import pytest

from engine.domain import usage
from engine.domain.call import taken_up_by, trunks_held
from engine.domain.effects import (
    Answer,
    AskHouse,
    CloseBridge,
    HangUp,
    JoinBridge,
    OpenBridge,
    Ring,
    StartComfort,
    StopComfort,
)
from engine.domain.events import ChannelAnswered, ChannelEnded, ChannelJoined, HouseReplied, RecordingEnded
from engine.domain.ids import bridge_id, channel_id, recording_id
from engine.domain.request import Member
from engine.domain.scenario.graph import Group, NodeName, Transfer
from engine.domain.scenario.graph import Ring as RingNode
from engine.domain.tariff import Price, money
from engine.domain.values import E164, Slug
from tests.domain.calls import CALL, CAME, member, moment
from tests.domain.led_calls import (
    END,
    HELLO,
    MENU,
    NOTIFY,
    RING,
    RING_AND_AFTER,
    SALES,
    SURVEY,
    TOLD,
    LedCall,
    asked_of_scenario,
    plan,
)
from tests.domain.legality import check_record

M1, M2, M3 = (member(f"m{n}") for n in (1, 2, 3))
MOBILE1 = member("m1", mobile=True)
NUMBER = E164("+33155000009")
OUTSIDE = Member(
    agent=Slug("outside-1"), name=NUMBER, number=NUMBER, mode="mobile", language="fr", confirm=False, outside=True
)
GROUP = Group(group=SALES, next=END, on={"nobody": END})


def reaching(**fields: Any) -> LedCall:
    """They heard the greeting and pressed 1: a telephone of m1 is to be rung."""
    nodes = {"hello": HELLO, "menu": MENU, "ring": RING, **fields.pop("nodes", {})}
    return LedCall(nodes, **fields).after(2).hears("Bonjour").after(1).types("1")


def surveyed(**fields: Any) -> LedCall:
    """As `reaching`; who stays after the talk is asked how it was."""
    return reaching(nodes={"ring": RING_AND_AFTER, "more": SURVEY}, **fields)


def unanswered(**fields: Any) -> LedCall:
    """The scenario rings somebody before anything is said."""
    return LedCall({"ring": RING, **fields.pop("nodes", {})}, **fields)


# -- somebody takes it -------------------------------------------------------------------------------------------------


def test_they_talk() -> None:
    scene = reaching()
    assert scene.ordered(StartComfort) == [StartComfort(channel=CAME, comfort="music")]
    assert set(taken_up_by(scene.call)) == set()
    scene.after(1).planned(M1)
    assert (scene.stage, set(taken_up_by(scene.call))) == ("Offering", {"m1"})
    scene.picks_up()
    assert scene.stage == "Talking"
    assert scene.ordered(StopComfort) == [StopComfort(channel=CAME)]
    assert scene.joins == [scene.channel("agent"), CAME]
    assert scene.call.timers.keys() == {"max-talk"}
    row = check_record(scene.after(9).caller_hangs_up().call)
    assert (row.outcome, row.hangup_by, row.agent_id, row.agent_mode) == ("answered", "customer", "m1", "sip")
    assert (row.talk_s, row.billable_s, row.transferred_to) == (9.0, 16.0, None)
    assert row.ivr_path == ["main/hello=done", "main/menu=key 1", "main/ring=talked"]


def test_an_agent_who_dialled_the_application_is_in_a_call() -> None:
    request = asked_of_scenario()
    assert request.scenario is not None
    by_alice = msgspec.structs.replace(request.scenario, by=Slug("alice"))
    scene = LedCall({"menu": MENU, "ring": RING}, request=asked_of_scenario(scenario=by_alice))
    assert taken_up_by(scene.call) == {Slug("alice")}


def test_who_was_not_answered_hears_it_ring_and_is_answered_by_the_agent() -> None:
    scene = unanswered()
    assert scene.ordered(Ring) == [Ring(channel=CAME)]
    scene.planned(M1).agent_rings()
    assert scene.ordered(Answer) == scene.ordered(StartComfort) == []
    scene.after(3).agent_answers()
    assert scene.ordered(Answer) == [Answer(channel=CAME, life_s=scene.call.request.life_s)]
    assert scene.stage == "Talking"
    row = check_record(scene.after(5).agent_hangs_up().call)
    assert (row.outcome, row.hangup_by, row.talk_s, row.wait_s) == ("answered", "agent", 5.0, 3.0)


def test_a_mobile_takes_it_by_pressing_1() -> None:
    scene = reaching().planned(MOBILE1).picks_up()
    assert (scene.stage, scene.heard[-1]) == ("Offering", "press-one")
    scene.types("1")  # the caller's own key means nothing
    assert scene.stage == "Offering"
    scene.prompt_ends().presses("1")
    assert scene.stage == "Talking"
    row = check_record(scene.after(5).agent_hangs_up().call)
    assert (row.agent_mode, row.agent_number, row.outcome) == ("mobile", "+33610000001", "answered")


def test_late_answers_are_not_heard_in_a_talk() -> None:
    scene = reaching().planned(M1).picks_up()
    before = scene.call
    assert scene.tell(HouseReplied(at=scene.at, number=1, outcome="open")).call == before
    assert scene.tell(RecordingEnded(at=scene.at, recording=recording_id(CALL, 1))).call == before


def test_a_number_outside() -> None:
    """It is nobody of ours, and `transferred_to` says so."""
    scene = LedCall({"there": Transfer(number=NUMBER, next=END)}).planned(OUTSIDE, max_talk_s=None).picks_up()
    assert trunks_held(scene.call) == ["paris-1", "paris-1"]  # the caller's own, and the way out
    assert set(taken_up_by(scene.call)) == set()
    row = check_record(scene.after(5).agent_hangs_up().call)
    assert (row.outcome, row.agent_id, row.agent_number, row.transferred_to) == ("answered", None, NUMBER, NUMBER)
    assert [(leg.number, leg.agent) for leg in row.legs if leg.role == "agent"] == [(NUMBER, None)]


def test_a_group() -> None:
    scene = LedCall({"group": GROUP}).planned(M1, M2, id=SALES).agent_rings(1).agent_answers(2)
    assert HangUp(channel=scene.channel("agent", 1), cause=26) in scene.orders
    row = check_record(scene.after(5).agent_hangs_up().call)
    assert (row.group_id, row.agent_id, row.outcome) == ("sales", "m2", "answered")


# -- nobody does -------------------------------------------------------------------------------------------------------


def where(scene: LedCall) -> str:
    """The way of the node that reached for somebody, once the caller has heard goodbye."""
    way = next(visit for visit in scene.way if visit.startswith("ring="))
    assert (scene.stage, scene.said) == ("Scripted", ["Au revoir"])
    assert [a.phase for a in scene.call.agent.attempts if a.live] == []
    return way


def ended(scene: LedCall) -> tuple[str, str]:
    row = check_record(scene.hears("Au revoir").call)
    return row.outcome, row.hangup_by


def test_nobody_is_there() -> None:
    scene = reaching().planned()
    assert (where(scene), ended(scene)) == ("ring=nobody", ("nobody_logged_in", "engine"))


def test_all_are_busy_elsewhere() -> None:
    scene = reaching(busy=["m1"]).planned(M1).after(19)
    assert scene.stage == "Offering"
    scene.after(2)
    assert (where(scene), ended(scene)) == ("ring=busy", ("nobody_accepted", "engine"))


def test_their_telephone_is_busy() -> None:
    scene = reaching().planned(M1).agent_is_busy()
    assert (where(scene), ended(scene)) == ("ring=busy", ("nobody_accepted", "engine"))


def test_nobody_picks_up() -> None:
    scene = reaching().planned(M1, ring_s=12).agent_rings().after(12)
    assert (where(scene), ended(scene)) == ("ring=not_taken", ("nobody_accepted", "engine"))


def test_the_search_takes_too_long() -> None:
    """One after another, each for a long time: the node's own limit ends it."""
    scene = reaching().planned(M1, M2, M3, strategy="one_by_one", ring_s=40).agent_rings().after(59)
    assert (scene.stage, len(scene.call.agent.attempts)) == ("Offering", 2)
    scene.after(2)
    assert where(scene) == "ring=not_taken"


def test_nobody_may_be_reached() -> None:
    scene = reaching().nobody_planned("emergency-number")
    assert (scene.way[-2:], scene.said) == (["ring=error", "sorry="], ["Désolé"])
    assert check_record(scene.hears("Désolé").call).outcome == "served"


def test_it_is_never_said_who_can_be_rung() -> None:
    scene = reaching().after(61)
    assert where(scene) == "ring=not_taken"
    before = scene.call
    assert scene.planned(M1).call == before


def test_who_can_be_rung_is_told_twice() -> None:
    scene = reaching().planned(M1).agent_rings()
    before = scene.call
    assert scene.planned(M2).call == before


def test_a_plan_for_another_search_means_nothing() -> None:
    scene = reaching()
    before = scene.call
    assert scene.tell(plan(99, M1, at=scene.now)).call == before
    menu = LedCall({"menu": MENU, "ring": RING})
    told = menu.call
    assert menu.tell(plan(1, M1)).call == told


def test_who_took_it_hung_up_before_the_caller_was_answered() -> None:
    """The caller, who has heard it ring all the while, goes on in the scenario."""
    scene = unanswered(stubborn=[Answer]).planned(M1).picks_up()
    assert scene.stage == "ReachingCustomer"
    scene.agent_hangs_up()
    assert (scene.stage, scene.way[0]) == ("Scripted", "ring=not_taken")
    assert [order.bridge for order in scene.orders if isinstance(order, CloseBridge)] == [bridge_id(CALL)]
    assert scene.tell(ChannelAnswered(at=scene.at, channel=CAME)).said == ["Au revoir"]
    assert ended(scene) == ("nobody_accepted", "engine")


def test_the_callers_answer_comes_late_while_another_is_rung() -> None:
    again = {"ring": RingNode(agents=(Slug("m1"),), on={"not_taken": NodeName("again")}), "again": RING}
    scene = LedCall(again, stubborn=[Answer]).planned(M1).picks_up().agent_hangs_up().planned(M2)
    assert scene.tell(ChannelAnswered(at=scene.at, channel=CAME)).stage == "Offering"
    scene.picks_up()
    assert scene.stage == "Talking"
    assert check_record(scene.after(4).agent_hangs_up().call).agent_id == "m2"


def test_a_caller_who_can_not_be_answered() -> None:
    scene = unanswered(stubborn=[Answer]).planned(M1).picks_up().after(5)
    assert (scene.stage, scene.heard[-1]) == ("Explaining", "customer-no-answer")
    assert check_record(scene.prompt_ends().call).outcome == "customer_no_answer"


# -- the caller does not wait ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rung", [False, True])
def test_the_caller_hangs_up_while_somebody_is_sought(rung: bool) -> None:
    scene = reaching(nodes={"told": NOTIFY}, on_hangup=TOLD)
    if rung:
        scene.planned(M1).agent_rings()
    scene.after(3).caller_hangs_up()
    assert [a.live for a in scene.call.agent.attempts] == ([False] if rung else [])
    assert scene.last(AskHouse).question.event == "call.gone"
    row = check_record(scene.told("done").call)
    assert (row.outcome, row.hangup_by) == ("abandoned", "customer")
    assert row.ivr_path is not None
    assert row.ivr_path[2] == "main/ring=hung up"


def test_the_caller_hangs_up_in_the_moment_they_are_answered() -> None:
    scene = unanswered(nodes={"told": NOTIFY}, on_hangup=TOLD, stubborn=[Answer]).planned(M1).picks_up()
    scene.customer_ends(127)
    assert scene.last(AskHouse).question.event == "call.gone"
    assert check_record(scene.told("done").call).outcome == "abandoned"
    assert scene.ordered(CloseBridge) != []


def test_a_telephone_rings_on_for_a_moment_after_the_caller_went() -> None:
    """Its end, when it comes, is that of an offer which is over."""
    scene = reaching(nodes={"told": NOTIFY}, on_hangup=TOLD, stubborn=[HangUp]).planned(M1).agent_rings()
    scene.caller_hangs_up().agent_ends(16)
    assert scene.stage == "Scripted"
    assert check_record(scene.told("done").call).outcome == "abandoned"


# -- after the talk ----------------------------------------------------------------------------------------------------


def test_who_stays_after_the_talk_goes_on() -> None:
    scene = surveyed().planned(M1).picks_up().after(20).agent_hangs_up()
    assert (scene.stage, scene.said, list(taken_up_by(scene.call))) == ("Scripted", ["Satisfait ?"], [])
    assert [order.bridge for order in scene.orders if isinstance(order, CloseBridge)] == [bridge_id(CALL)]
    assert scene.call.customer.attempts[0].joined is False
    scene.after(3).types("1").after(2).hears("Au revoir")
    row = check_record(scene.call)
    assert (row.outcome, row.hangup_by, row.agent_id, row.talk_s) == ("answered", "engine", "m1", 20.0)
    assert row.ivr_path is not None
    assert row.ivr_path[2:] == ["main/ring=after", "main/more=key 1", "main/end=ended"]


def test_the_caller_hangs_up_first() -> None:
    scene = surveyed().planned(M1).picks_up().after(20).caller_hangs_up()
    assert (scene.stage, scene.record.hangup_by, scene.record.talk_s) == ("Ended", "customer", 20.0)


def test_who_hangs_up_in_the_survey_had_their_talk() -> None:
    scene = surveyed().planned(M1).picks_up().after(20).agent_hangs_up().after(2).caller_hangs_up()
    row = check_record(scene.call)
    assert (row.outcome, row.hangup_by, row.talk_s) == ("answered", "customer", 20.0)


def test_a_call_is_ended_in_the_survey() -> None:
    row = check_record(surveyed().planned(M1).picks_up().after(20).agent_hangs_up().finish_ordered().call)
    assert (row.outcome, row.hangup_by, row.talk_s) == ("answered", "api", 20.0)


def test_a_talk_takes_all_the_time_it_may() -> None:
    """Then the call is over, survey or not; and the scenario has noted that they talked."""
    scene = surveyed().planned(M1).picks_up().after(3601)
    row = check_record(scene.call)
    assert (row.outcome, row.hangup_by, row.rule, row.talk_s) == ("answered", "engine", None, 3600.0)
    assert row.ivr_path is not None
    assert row.ivr_path[-1] == "main/ring=talked"


def test_old_news_of_the_first_bridge() -> None:
    scene = surveyed().planned(M1).picks_up().after(20).agent_hangs_up()
    scene.tell(ChannelJoined(at=scene.at, channel=CAME, bridge=bridge_id(CALL, 7)))
    assert scene.call.customer.attempts[0].joined is False


# -- and another talk --------------------------------------------------------------------------------------------------


def again(**fields: Any) -> LedCall:
    """They talked to m1 for 20 s, and are to talk to somebody else then."""
    second = RingNode(agents=(Slug("m2"),), on={"not_taken": END})
    scene = reaching(nodes={"ring": RING_AND_AFTER, "more": second}, **fields)
    return scene.planned(M1, id=Slug("first")).picks_up().after(20).agent_hangs_up()


def test_a_second_talk() -> None:
    scene = again().after(1)
    assert scene.ordered(StartComfort) == 2 * [StartComfort(channel=CAME, comfort="music")]
    scene.planned(M2, M3, id=SALES).agent_rings(2).after(4).agent_answers(2)
    assert scene.stage == "Talking"
    first, second = bridge_id(CALL, 1), bridge_id(CALL, 2)
    assert scene.ordered(OpenBridge) == [OpenBridge(bridge=first), OpenBridge(bridge=second)]
    assert [o.bridge for o in scene.orders if isinstance(o, JoinBridge)] == [first, first, second, second]
    assert set(taken_up_by(scene.call)) == {"m2"}
    row = check_record(scene.after(7).agent_hangs_up().call)
    assert (row.agent_id, row.agent_number, row.group_id, row.talk_s) == ("m2", "2002", "sales", 27.0)
    assert row.bridged_at == moment(31).utc
    legs = [(leg.agent, leg.number, leg.result) for leg in row.legs if leg.role == "agent"]
    assert legs == [("m1", "2001", "answered"), ("m2", "2002", "answered"), ("m3", "2003", "elsewhere")]


def test_a_second_search_is_in_vain() -> None:
    """The record is that of the talk they had."""
    scene = again().planned(M2).agent_rings().after(21)
    assert scene.said == ["Au revoir"]
    row = check_record(scene.hears("Au revoir").call)
    assert (row.outcome, row.agent_id, row.agent_number, row.talk_s) == ("answered", "m1", "2001", 20.0)
    assert [leg.agent for leg in row.legs if leg.role == "agent"] == ["m1", "m2"]


def test_a_call_is_ended_while_a_second_one_is_rung() -> None:
    row = check_record(again().planned(M2).agent_rings().finish_ordered().call)
    assert (row.outcome, row.hangup_by, row.agent_id) == ("answered", "api", "m1")


def test_who_talks_the_first_time_is_free_while_the_second_is_rung() -> None:
    assert set(taken_up_by(again().planned(M2).call)) == {"m2"}


def test_late_news_of_the_first_offer_does_not_end_the_second() -> None:
    """m2 was rung in vain, is slow to stop ringing, and does so while m3 rings already."""
    nodes = {"ring": RingNode(agents=(Slug("m2"),), on={"not_taken": NodeName("more")}), "more": RING}
    scene = reaching(nodes=nodes, stubborn=[HangUp]).planned(M2, ring_s=10).agent_rings().after(11)
    scene.planned(M3).agent_rings(2)
    slow, fast = (channel_id(CALL, "agent", n) for n in (1, 2))
    before = scene.call
    scene.tell(ChannelAnswered(at=scene.at, channel=slow))
    assert scene.call == before
    scene.tell(ChannelEnded(at=scene.at, channel=slow, cause=16))
    assert (scene.stage, scene.call.agent.find(fast)) == ("Offering", before.agent.find(fast))
    scene.after(2).agent_answers(2)
    assert (scene.stage, scene.call.request.agent) == ("Talking", "m3")


def test_busy_and_asked_again_in_the_second_offer() -> None:
    """Who was busy the first time is asked for anew."""
    scene = again(busy=["m2"]).planned(M2)
    scene.busy = set()
    assert scene.after(3).rung[-1].startswith("PJSIP/m2")


# -- what it costs -----------------------------------------------------------------------------------------------------


def used(scene: LedCall) -> list[tuple[str, str | None]]:
    found = usage.of_call(scene.call, lambda number: Price(per_minute=money(0.1), zone=number))
    return [(leg.price.zone or "", leg.agent) for leg in found.legs]


def test_what_a_caller_may_use() -> None:
    scene = reaching()
    assert used(scene) == []
    scene.planned(MOBILE1, M2)
    assert used(scene) == [(MOBILE1.number, "m1")]


def test_a_mobile_of_an_earlier_search_still_counts() -> None:
    """It was answered, and paid for; who is rung now at home costs nothing."""
    scene = reaching(nodes={"ring": RING_AND_AFTER, "more": RING}).planned(MOBILE1).picks_up().presses("1")
    scene.after(60).agent_hangs_up().planned(M2)
    assert used(scene) == [(MOBILE1.number, "m1")]


def test_a_number_outside_counts_for_no_agent() -> None:
    scene = reaching(nodes={"ring": RING_AND_AFTER, "more": RING}).planned(OUTSIDE)
    assert used(scene) == [(NUMBER, None)]
    scene.picks_up().after(60).agent_hangs_up().planned(MOBILE1)
    assert used(scene) == [(NUMBER, None), (MOBILE1.number, "m1")]


def test_the_credit_bounds_a_talk_outside_and_no_other() -> None:
    scene = reaching(nodes={"ring": RING_AND_AFTER, "more": RING}).planned(OUTSIDE, max_talk_s=120).picks_up()
    assert scene.call.timers["max-talk"] == scene.now + 120
    scene.after(60).agent_hangs_up().planned(M2).picks_up()
    assert scene.call.timers["max-talk"] == scene.now + 3600


def test_a_talk_that_the_credit_ends() -> None:
    scene = reaching().planned(OUTSIDE, max_talk_s=120).picks_up().after(121)
    assert (scene.record.rule, scene.record.talk_s) == ("credit-used-up", 120.0)


def test_a_credit_beyond_the_houses_own_limit() -> None:
    scene = reaching().planned(OUTSIDE, max_talk_s=9999).picks_up().after(3601)
    assert (scene.record.rule, scene.record.talk_s) == (None, 3600.0)


# -- a scenario that is lost -------------------------------------------------------------------------------------------


def test_without_its_scenario_a_talk_goes_on_and_is_the_end() -> None:
    scene = surveyed().planned(M1).picks_up()
    scene.forgets_the_scenario().after(9).agent_hangs_up()
    row = check_record(scene.call)
    assert (row.outcome, row.hangup_by, row.talk_s) == ("answered", "agent", 9.0)


def test_without_its_scenario_a_search_in_vain_is_the_end() -> None:
    scene = reaching().planned(M1).agent_rings()
    row = check_record(scene.forgets_the_scenario().agent_declines().call)
    assert (row.outcome, row.hangup_by, row.rule) == ("abandoned", "engine", "scenario-lost")
