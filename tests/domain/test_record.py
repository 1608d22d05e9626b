"""The row in `call_history`: times, durations, legs, and what the application gave."""

import pytest

from engine.domain import record
from engine.domain.cdr import Disposition
from engine.domain.effects import HangUp, JoinBridge
from engine.domain.events import FinishOrdered
from engine.domain.stages import Ended
from tests.domain.calls import CUSTOMER, NINE, Scene, asked, asked_sip, moment
from tests.domain.legality import check_record
from tests.domain.told_stages import to_answer, to_customer, to_notice, to_ringing, to_talk


def at(scene_second: float) -> object:
    return moment(scene_second).utc


def test_times_of_a_conversation() -> None:
    row = check_record(to_talk(Scene()).after(60).customer_hangs_up().after(1).call)
    assert row.requested_at == NINE
    assert (at(1), at(5)) == (row.agent_ringing_at, row.agent_answered_at)
    assert (at(10), at(12), at(18)) == (row.customer_dialled_at, row.customer_ringing_at, row.customer_answered_at)
    assert (at(18), at(78)) == (row.bridged_at, row.ended_at)
    assert (row.ring_s, row.wait_s, row.talk_s, row.billable_s) == (8.0, 13.0, 60.0, 60.0)


def test_times_when_the_customer_does_not_answer() -> None:
    row = check_record(to_ringing(Scene()).after(9).customer_rejects().after(2).prompt_ends().call)
    assert (row.ring_s, row.wait_s, row.talk_s, row.billable_s) == (11.0, 18.0, 0.0, 0.0)  # 21 - 10; 23 - 5
    assert row.bridged_at is None


def test_times_when_the_agent_does_not_answer() -> None:
    row = check_record(Scene().after(1).agent_rings().timer("ring-agent").call)
    assert (row.ring_s, row.wait_s, row.talk_s, row.billable_s) == (None, None, 0.0, 0.0)
    assert (None, None, at(25)) == (row.agent_answered_at, row.customer_dialled_at, row.ended_at)


def test_the_conversation_is_over_with_the_first_leg() -> None:
    """The agent's mobile leg may stay a moment longer; the customer's minutes count until their own leg is down."""
    scene = to_talk(Scene())
    scene.stuck.add(scene.channel("agent"))
    row = scene.after(30).customer_hangs_up().after(3).agent_hangs_up().record
    assert (30.0, 30.0, at(51)) == (row.talk_s, row.billable_s, row.ended_at)


def test_everything_asked_for_is_in_the_row() -> None:
    request = Scene().call.request
    row = to_talk(Scene()).customer_hangs_up().record
    assert row.variables == {"order": 4711, "tags": ["vip", "é"]}
    assert (row.campaign_id, row.contact_id) == ("autumn", "c-17")
    assert (row.agent_id, row.agent_name, row.agent_mode) == ("alice", "Alice Martin", "mobile")
    assert (row.callee, row.callee_dialled) == (CUSTOMER, "01 40 00 00 02")
    assert (row.caller, row.site, row.trunk, row.engine_node) == ("+33140000001", "paris", "paris-1", "test")
    assert request.agent_number == row.agent_number
    assert (row.direction, row.kind, row.handled_by, row.revision) == ("outbound", "connect", "engine", 1)
    assert (row.recovered, row.events_missed) == (False, False)


def test_one_entry_for_each_attempt() -> None:
    scene = to_customer(Scene()).customer_ends(34, 503).customer_rings().customer_answers().customer_hangs_up()
    legs = scene.record.legs
    assert [(x.role, x.trunk) for x in legs] == [("agent", "paris-1"), ("customer", "paris-1"), ("customer", "paris-2")]
    assert [leg.result for leg in legs] == ["answered", "refused", "answered"]
    assert [(leg.cause, leg.sip_code) for leg in legs] == [(16, None), (34, 503), (16, None)]
    assert scene.record.trunk == "paris-2"
    assert scene.record.cause_text == "normal call clearing"


def test_a_living_leg_shows_its_phase() -> None:
    scene = to_ringing(Scene())
    shown = [leg.result for leg in record.legs_of(scene.call)]
    assert shown == ["up", "ringing"]


def test_no_trunk_when_the_customer_was_never_dialled() -> None:
    assert Scene(asked_sip(1)).agent_declines().record.trunk is None


@pytest.mark.parametrize("tale", [to_answer, to_notice, to_customer, to_talk])
def test_a_living_call_has_no_row(tale: object) -> None:
    with pytest.raises(ValueError, match="has not ended"):
        record.of(tale(Scene()).call)  # type: ignore[operator]


@pytest.mark.parametrize("when", ["during", "in the finish order", "after", "in a late finish order"])
def test_disposition_is_kept_whenever_it_comes(when: str) -> None:
    """Features E3 and G9."""
    sold = Disposition(code="sold", note="two of them", fields={"basket": 2})
    scene = to_talk(Scene())
    match when:
        case "during":
            scene.disposed(sold).customer_hangs_up()
        case "in the finish order":
            scene.finish_ordered(disposition=sold)
        case "after":
            scene.customer_hangs_up().after(600).disposed(sold)
        case _:
            scene.customer_hangs_up().after(1).finish_ordered(disposition=sold)
    row = scene.record
    assert (row.disposition, row.disposition_note, row.disposition_fields) == ("sold", "two of them", {"basket": 2})
    assert row.outcome == "answered"


def test_the_last_disposition_counts() -> None:
    scene = to_talk(Scene()).disposed(Disposition(code="maybe")).finish_ordered().disposed(Disposition(code="sold"))
    assert scene.record.disposition == "sold"
    assert isinstance(scene.call.stage, Ended)


def test_a_leg_that_was_never_dialled_has_no_sip_code() -> None:
    """Asterisk ends such a channel with a 603 of its own; nobody declined anything."""
    scene = to_notice(Scene(stubborn={JoinBridge, HangUp})).after(3).prompt_ends().after(1)
    row = check_record(scene.finish_ordered().agent_ends(16).customer_ends(16, 603).call)
    (leg,) = [leg for leg in row.legs if leg.role == "customer"]
    assert (leg.dialled_at, leg.sip_code) == (None, None)


@pytest.mark.parametrize(
    ("scene", "outcome"),
    [
        (to_talk(Scene()), "answered"),
        (to_ringing(Scene()), "customer_cancelled"),
        (Scene().agent_rings(), "abandoned"),
    ],
)
def test_a_call_that_a_limit_ended_says_which(scene: Scene, outcome: str) -> None:
    rule = "limit-spend-per-hour agent:alice"
    row = check_record(scene.tell(FinishOrdered(at=scene.at, by="engine", rule=rule)).after(1).call)
    assert (row.outcome, row.hangup_by, row.rule) == (outcome, "engine", rule)


@pytest.mark.parametrize("rule", [None, "credit-used-up"])
def test_a_call_that_took_all_its_time(rule: str | None) -> None:
    row = check_record(to_talk(Scene(asked(max_talk_rule=rule))).timer("max-talk").call)
    assert (row.outcome, row.hangup_by, row.rule) == ("answered", "engine", rule)


def test_a_call_that_no_limit_ended_names_none() -> None:
    assert check_record(to_talk(Scene()).customer_hangs_up().call).rule is None
