"""Calls that come to us: an agent dials on a telephone, a customer calls one of our numbers."""

import pytest

from engine.domain import usage
from engine.domain.effects import Answer, HangUp, JoinBridge, Play, Ring
from engine.domain.recovery import Ending
from engine.domain.tariff import Price, money
from tests.domain.calls import (
    CAME,
    CUSTOMER,
    Scene,
    Tale,
    asked_by_customer,
    asked_by_phone,
    asked_inside,
    moment,
    phones,
    trunks,
)
from tests.domain.legality import check_record

# -- an agent dials ----------------------------------------------------------------------------------------------------


def test_an_agent_who_dials_is_answered_and_the_customer_rung() -> None:
    scene = Scene(asked_by_phone())
    assert (scene.stage, scene.heard, len(scene.rung)) == ("ReachingCustomer", ["tone"], 1)
    row = check_record(scene.customer_rings().after(4).customer_answers().after(10).customer_hangs_up().call)
    assert (row.outcome, row.hangup_by, row.talk_s, row.kind, row.direction) == (
        "answered",
        "customer",
        10.0,
        "dialled",
        "outbound",
    )
    assert CAME in scene.hung_up


def test_an_agent_who_dials_hears_why_nobody_answers() -> None:
    scene = Scene(asked_by_phone())
    scene.customer_rings().customer_is_busy()
    assert (scene.stage, scene.heard[-1]) == ("Explaining", "customer-busy")
    assert check_record(scene.prompt_ends().call).outcome == "customer_busy"


def test_an_agent_who_dials_and_gives_up() -> None:
    row = check_record(Scene(asked_by_phone()).customer_rings().after(3).agent_hangs_up().call)
    assert (row.outcome, row.hangup_by) == ("customer_cancelled", "agent")


def test_an_agent_who_is_gone_before_the_answer() -> None:
    """Nobody was rung."""
    scene = Scene(asked_by_phone(), stubborn=[Answer]).agent_hangs_up()
    row = check_record(scene.call)
    assert (row.outcome, row.hangup_by, row.cause, scene.rung) == ("abandoned", "agent", 16, [])
    assert [leg.result for leg in row.legs] == ["gave_up"]


def test_an_agent_whom_asterisk_never_answers_is_hung_up() -> None:
    scene = Scene(asked_by_phone(), stubborn=[Answer]).timer("ring-agent")
    assert HangUp(channel=CAME, cause=19) in scene.orders
    assert check_record(scene.call).outcome == "agent_no_answer"


def test_what_costs() -> None:
    """Telephones of the house cost nothing, nor does who calls us."""
    inside = asked_by_customer(mode="sip", agent_number="2001", agent_routes=phones(2))
    assert [request.costs for request in (asked_by_phone(), asked_by_customer(), asked_inside(), inside)] == [
        True,
        True,
        False,
        False,
    ]


def test_a_customer_who_calls_spends_nothing() -> None:
    """Only the mobile we ring counts."""
    use = usage.of_call(Scene(asked_by_customer()).agent_rings().call, lambda number: Price(money(1), None))
    assert [leg.role for leg in use.legs] == ["agent"]


def test_a_full_trunk_is_followed_by_the_next() -> None:
    scene = Scene(asked_by_phone()).customer_ends(34, 503)
    assert [endpoint.rsplit("@")[-1] for endpoint in scene.rung] == ["paris-1", "paris-2"]


def test_nothing_leads_out() -> None:
    scene = Scene(asked_by_phone(customer_routes=()))
    assert (scene.stage, scene.heard[-1]) == ("Explaining", "congestion")


# -- to a colleague ----------------------------------------------------------------------------------------------------


def test_all_telephones_of_a_colleague_ring_and_one_is_picked_up() -> None:
    scene = Scene(asked_inside())
    assert scene.rung == ["PJSIP/alice/sip:phone-1", "PJSIP/alice/sip:phone-2"]
    second, first = scene.channel("customer", 2), scene.channel("customer", 1)
    assert scene.customer_rings().heard == ["tone"]  # it goes on: nothing takes its place where three are mixed
    scene.customer_answers()
    assert scene.heard == ["tone", "stop"]
    assert (scene.stage, scene.channel("customer")) == ("Talking", second)
    assert first in scene.hung_up
    row = check_record(scene.after(5).agent_hangs_up().call)
    assert (row.direction, row.callee, row.trunk, row.talk_s) == ("internal", "2002", None, 5.0)


def test_a_colleagues_telephone_that_is_gone_is_no_trunk_that_is_down() -> None:
    scene = Scene(asked_inside(customer_routes=phones(1))).customer_ends(3, 404)
    scene = Scene(asked_inside(customer_routes=phones(1))).customer_ends(34, 503)
    row = check_record(scene.prompt_ends().call)
    assert (row.outcome, scene.heard[-1]) == ("customer_no_answer", "customer-unreachable")


# -- a customer calls --------------------------------------------------------------------------------------------------


def to_agent(**changes: object) -> Scene:
    return Scene(asked_by_customer(**changes))


def test_a_customer_hears_ringing_until_a_person_is_there() -> None:
    """No second of it costs them anything: they are answered when the agent has pressed 1."""
    scene = to_agent()
    assert (scene.stage, [type(order) for order in scene.orders if isinstance(order, Ring | Answer)]) == (
        "ReachingAgent",
        [Ring],
    )
    scene.agent_rings().after(5).agent_answers().after(2)
    assert not [order for order in scene.orders if isinstance(order, Answer)]
    scene.presses("1")
    assert (scene.stage, scene.joins) == ("Talking", [scene.channel("agent"), CAME])
    row = check_record(scene.after(30).customer_hangs_up().call)
    assert (row.outcome, row.hangup_by, row.direction, row.kind) == ("answered", "customer", "inbound", "inbound")
    assert (row.caller, row.callee, row.did, row.service, row.trunk) == (
        CUSTOMER,
        "+33140000001",
        "+33140000001",
        "sales",
        "paris-1",
    )
    assert (row.wait_s, row.talk_s, row.billable_s) == (7.0, 30.0, 30.0)


def test_a_customer_who_gives_up_stops_the_agents_telephones() -> None:
    scene = to_agent(mode="sip", agent_number="2001", agent_routes=phones(2), confirm=False)
    row = check_record(scene.agent_rings(1).after(9).customer_hangs_up().call)
    assert (row.outcome, row.hangup_by, row.wait_s, row.trunk) == ("abandoned", "customer", 9.0, "paris-1")
    assert {scene.channel("agent", 1), scene.channel("agent", 2)} <= set(scene.hung_up)


def test_a_customer_who_gives_up_during_press_one() -> None:
    scene = to_agent().agent_rings().agent_answers().after(1)
    row = check_record(scene.customer_hangs_up().call)
    assert (row.outcome, row.hangup_by) == ("abandoned", "customer")
    assert scene.channel("agent", 1) in scene.hung_up


NOBODY: dict[str, tuple[Tale, str, str, int]] = {
    "busy": (lambda s: s.agent_is_busy(), "agent_busy", "customer-busy", 17),
    "declines": (lambda s: s.agent_rings().agent_declines(), "agent_declined", "customer-busy", 17),
    "rings out": (lambda s: s.agent_rings().timer("ring-agent"), "agent_no_answer", "customer-no-answer", 19),
    "no trunk": (lambda s: s.agent_ends(34, 503), "congestion", "congestion", 34),
    "no human": (lambda s: s.agent_answers().after(31), "agent_voicemail", "customer-no-answer", 19),
}


def nobody(why: str) -> Scene:
    return NOBODY[why][0](to_agent(agent_routes=trunks("+33600000001", "paris-1"), caller_language="en"))


@pytest.mark.parametrize("why", NOBODY)
def test_a_customer_nobody_could_answer_is_told_in_words_and_by_their_network(why: str) -> None:
    """Before anybody answered: it costs them nothing. No more is said than the cause tells."""
    _, outcome, words, told = NOBODY[why]
    scene = nobody(why)
    (play,) = (order for order in scene.orders if isinstance(order, Play) and order.channel == CAME)
    assert (scene.stage, play.prompt, play.language) == ("Explaining", words, "en")
    assert not [order for order in scene.orders if isinstance(order, Answer)]
    row = check_record(scene.after(3).prompt_ends().call)
    assert HangUp(channel=CAME, cause=told) in scene.orders
    assert (row.outcome, row.customer_answered_at, row.billable_s) == (outcome, None, 0.0)


@pytest.mark.parametrize("why", NOBODY)
@pytest.mark.parametrize(
    "then",
    [
        lambda s: s.customer_hangs_up(),
        lambda s: s.finish_ordered(),
        lambda s: s.after(15),  # the end of the words is never told
    ],
)
def test_whatever_happens_while_they_are_told_the_verdict_stands(why: str, then: Tale) -> None:
    row = check_record(then(nobody(why).after(1)).call)
    assert row.outcome == NOBODY[why][1]


def test_a_customer_whose_call_is_ended_by_order_hears_no_reason() -> None:
    scene = to_agent().finish_ordered()
    assert HangUp(channel=CAME, cause=19) in scene.orders
    assert (scene.heard, check_record(scene.call).outcome) == ([], "abandoned")


def test_a_customer_whom_asterisk_never_answers() -> None:
    scene = to_agent(confirm=False)
    scene.stubborn.add(Answer)
    scene.agent_answers().timer("ring-customer")
    assert check_record(scene.prompt_ends().call).outcome == "customer_no_answer"


# -- the engine dies ---------------------------------------------------------------------------------------------------


def test_after_a_restart_a_waiting_customer_is_rung_again() -> None:
    scene = to_agent().agent_rings()
    scene.engine_restarts()
    assert Ring(channel=CAME) in scene.recovered


def test_after_a_restart_a_customer_is_answered_as_was_ordered() -> None:
    scene = to_agent(confirm=False)
    scene.stubborn |= {Answer, JoinBridge}
    scene.agent_answers()
    scene.stubborn.clear()
    scene.engine_restarts()
    assert [order for order in scene.recovered if isinstance(order, Answer)]
    assert CAME in [order.channel for order in scene.recovered if isinstance(order, JoinBridge)]
    assert scene.stage == "Talking"


def test_after_a_restart_an_answered_customer_joins() -> None:
    scene = to_agent(confirm=False)
    scene.stubborn.add(JoinBridge)
    scene.agent_answers()
    assert scene.stage == "Talking"
    scene.engine_restarts()
    assert CAME in [order.channel for order in scene.recovered if isinstance(order, JoinBridge)]
    scene.joined(CAME).engine_restarts()
    assert CAME not in [order.channel for order in scene.recovered if isinstance(order, JoinBridge)]


def test_after_a_restart_an_agent_who_dialled_is_answered() -> None:
    scene = Scene(asked_by_phone(), stubborn=[Answer])
    scene.stubborn.clear()
    scene.engine_restarts()
    assert scene.stage == "ReachingCustomer"


def test_after_a_restart_a_customer_who_is_told_why_stays_unanswered() -> None:
    scene = nobody("busy")
    scene.engine_restarts()
    assert [order for order in scene.recovered if isinstance(order, Answer | Ring)] == []
    assert check_record(scene.prompt_ends().call).outcome == "agent_busy"


def test_a_customer_who_gave_up_meanwhile() -> None:
    scene = to_agent().agent_rings().after(4)
    row = check_record(scene.engine_restarts(endings={CAME: Ending(at=moment(2), cause=16)}).call)
    assert (row.outcome, row.hangup_by) == ("abandoned", "customer")
    scene = to_agent().agent_rings().after(4)
    row = check_record(scene.engine_restarts(gone=[CAME]).call)
    assert (row.outcome, row.cause, row.events_missed) == ("abandoned", None, True)
