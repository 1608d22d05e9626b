"""Calls for a group: who is rung, who takes it, and what becomes of the others and of the caller."""

import msgspec
import pytest

from engine.domain import usage
from engine.domain.call import taken_up_by, trunks_held
from engine.domain.effects import ChooseMember, DialChannel, HangUp, Play, Ring
from engine.domain.events import MemberChosen, PlaybackEnded
from engine.domain.tariff import Price, money
from engine.domain.values import Slug
from tests.domain.calls import CAME, CUSTOMER, Scene, asked_of_group, member
from tests.domain.legality import check_record

M1, M2, M3 = (member(f"m{n}") for n in (1, 2, 3))
MOBILE1, MOBILE2 = (member(f"m{n}", mobile=True) for n in (1, 2))


def whose(scene: Scene) -> list[str]:
    """Whose telephones were rung, in order."""
    agents = {a.channel: a.route.agent for a in scene.call.agent.attempts}
    return [str(agents[o.channel]) for o in scene.orders if isinstance(o, DialChannel)]


def told(scene: Scene) -> tuple[str, str, int | None]:
    """What comes of a call that no member took: its outcome, and what the caller hears and is told by their network."""
    assert scene.stage == "Explaining"
    (words,) = (o.prompt for o in scene.orders if isinstance(o, Play) and o.channel == CAME)
    scene.prompt_ends()
    cause = next(o.cause for o in scene.orders if isinstance(o, HangUp) and o.channel == CAME)
    return scene.verdict.outcome, words, cause


# -- all at once -------------------------------------------------------------------------------------------------------


def test_all_ring_and_the_first_who_picks_up_has_the_call() -> None:
    scene = Scene(asked_of_group(M1, M2, M3))
    assert (scene.stage, whose(scene)) == ("Offering", ["m1", "m2", "m3"])
    assert Ring(channel=CAME) in scene.orders
    scene.agent_rings(1).agent_rings(2).after(4).agent_answers(2)
    assert scene.stage == "Talking"
    for loser in (1, 3):
        assert HangUp(channel=scene.channel("agent", loser), cause=26) in scene.orders
    assert taken_up_by(scene.call) == {"m2"}
    row = check_record(scene.after(9).customer_hangs_up().call)
    assert (row.outcome, row.hangup_by, row.agent_id, row.agent_name, row.agent_number, row.agent_mode) == (
        "answered",
        "customer",
        "m2",
        "M2",
        "2002",
        "sip",
    )
    assert (row.group_id, row.caller, row.wait_s, row.talk_s) == ("sales", CUSTOMER, 4.0, 9.0)
    rung = [(leg.agent, leg.number) for leg in row.legs if leg.role == "agent"]
    assert rung == [("m1", "2001"), ("m2", "2002"), ("m3", "2003")]


def test_a_telephone_that_stops_ringing_for_another_is_told_so() -> None:
    scene = Scene(asked_of_group(M1, M2)).agent_rings(1).agent_answers(2)
    row = check_record(scene.customer_hangs_up().call)
    assert [leg.result for leg in row.legs if leg.agent == "m1"] == ["elsewhere"]


def test_all_telephones_of_a_member_ring() -> None:
    scene = Scene(asked_of_group(M1, count=2))
    assert len(scene.rung) == 2
    scene.agent_declines(1)
    assert scene.stage == "Offering"  # the other one still rings
    scene.agent_declines(2)
    assert told(scene) == ("nobody_accepted", "nobody-answers", 19)


def test_nobody_answers() -> None:
    scene = Scene(asked_of_group(M1, M2)).agent_rings(1).agent_declines(1).after(25)
    row = check_record(scene.prompt_ends().call)
    assert (row.outcome, row.hangup_by, row.cause, row.agent_id, row.agent_number) == (
        "nobody_accepted",
        "engine",
        19,
        None,
        None,
    )
    assert [leg.result for leg in row.legs if leg.role == "agent"] == ["rejected", "no_answer"]


def test_a_caller_who_gives_up_stops_them_all() -> None:
    scene = Scene(asked_of_group(M1, M2)).after(5).customer_hangs_up()
    row = check_record(scene.call)
    assert (row.outcome, row.hangup_by, row.wait_s) == ("abandoned", "customer", 5.0)


def test_nobody_is_there() -> None:
    scene = Scene(asked_of_group())
    assert (whose(scene), told(scene)) == ([], ("nobody_logged_in", "nobody-answers", 20))


# -- who is busy -------------------------------------------------------------------------------------------------------


def test_who_is_in_another_call_is_passed_over() -> None:
    scene = Scene(asked_of_group(M1, M2), busy=["m1"])
    assert whose(scene) == ["m2"]
    assert taken_up_by(scene.call) == {"m2"}


def test_all_are_busy_until_the_caller_is_told_so() -> None:
    """They are asked for again while there is time."""
    scene = Scene(asked_of_group(M1, M2), busy=["m1", "m2"]).after(19)
    assert scene.stage == "Offering"
    scene.after(2)
    assert (whose(scene), told(scene)) == ([], ("nobody_accepted", "all-busy", 17))


def test_who_becomes_free_is_rung() -> None:
    scene = Scene(asked_of_group(M1, M2), busy=["m1", "m2"]).after(5)
    scene.busy = {"m1"}
    scene.after(2)
    assert whose(scene) == ["m2"]
    assert scene.agent_answers().stage == "Talking"


def test_a_late_answer_about_a_member_changes_nothing() -> None:
    scene = Scene(asked_of_group(M1, M2))
    again = MemberChosen(at=scene.at, member=Slug("m1"), free=True)
    assert scene.call == scene.tell(again).call
    talking = scene.agent_answers(1).call
    assert talking == scene.tell(again).call


# -- one after another -------------------------------------------------------------------------------------------------


def one_by_one(*members: object, **more: object) -> Scene:
    busy = more.pop("busy", ())
    return Scene(asked_of_group(*members, strategy="one_by_one", **more), busy=busy)  # type: ignore[arg-type]


def test_one_after_another_each_for_its_time() -> None:
    scene = one_by_one(M1, M2, M3)
    assert whose(scene) == ["m1"]
    scene.agent_rings().after(20)
    assert whose(scene) == ["m1", "m2"]
    scene.agent_declines()
    assert whose(scene) == ["m1", "m2", "m3"]
    assert taken_up_by(scene.call) == {"m3"}
    assert scene.agent_answers().stage == "Talking"
    assert check_record(scene.agent_hangs_up().call).agent_id == "m3"


def test_the_busy_are_left_out_and_nobody_else_answers() -> None:
    scene = one_by_one(M1, M2, busy=["m1"])
    assert whose(scene) == ["m2"]
    scene.after(20)
    assert told(scene) == ("nobody_accepted", "nobody-answers", 19)


# -- mobiles -----------------------------------------------------------------------------------------------------------


def test_whoever_presses_1_first_has_the_call() -> None:
    """A mobile's answer stops nobody's telephone: it may be a voicemail."""
    scene = Scene(asked_of_group(MOBILE1, MOBILE2, M3)).agent_answers(1).after(1).agent_answers(2)
    assert (scene.stage, scene.heard) == ("Offering", ["press-one", "press-one"])
    assert not scene.hung_up
    scene.hears_key("2", on=scene.channel("agent", 2)).hears_key("1", on=CAME)
    assert scene.stage == "Offering"
    scene.hears_key("1", on=scene.channel("agent", 2))
    assert scene.stage == "Talking"
    assert {scene.channel("agent", 1), scene.channel("agent", 3)} == set(scene.hung_up)
    row = check_record(scene.after(60).agent_hangs_up().call)
    assert (row.agent_id, row.agent_mode, row.agent_number) == ("m2", "mobile", MOBILE2.number)
    assert [leg.trunk for leg in row.legs if leg.agent in ("m1", "m2")] == ["paris-1", "paris-1"]


def test_a_voicemail_has_three_prompts_and_the_next_is_rung() -> None:
    scene = one_by_one(MOBILE1, M2).agent_rings().agent_answers()
    scene.prompt_ends().after(1.2).prompt_ends().after(1.2)
    assert scene.heard == ["press-one"] * 3
    scene.prompt_ends(heard=False).after(1.2)
    assert whose(scene) == ["m1", "m2"]


def test_a_prompt_whose_end_is_never_told() -> None:
    scene = Scene(asked_of_group(MOBILE1)).agent_answers()
    scene.after(31)
    assert (scene.stage, scene.heard) == ("Explaining", [*["press-one"] * 3, "nobody-answers"])


def test_a_mobile_hung_up_during_the_prompt_is_not_rung_again() -> None:
    scene = Scene(asked_of_group(MOBILE1, M2, count=2)).agent_answers(1).after(1).agent_ends(16, attempt=1)
    assert (scene.stage, whose(scene).count("m1")) == ("Offering", 1)
    assert scene.after(15).stage == "Offering"


def test_a_gateway_that_answers_early_is_asked_until_the_ring_limit() -> None:
    scene = Scene(asked_of_group(MOBILE1, early=True)).agent_answers()
    for _ in range(9):
        scene.prompt_ends().after(1.2)
    assert (scene.stage, scene.heard) == ("Offering", ["press-one"] * 10)
    scene.after(20)
    assert told(scene) == ("nobody_accepted", "nobody-answers", 19)


def test_a_person_who_has_answered_may_press_1_after_the_ring_limit() -> None:
    scene = Scene(asked_of_group(MOBILE1, M2)).after(18).agent_answers(1).after(3)
    assert (scene.stage, scene.hung_up) == ("Offering", [scene.channel("agent", 2)])
    assert scene.hears_key("1", on=scene.channel("agent", 1)).stage == "Talking"


def test_the_prompt_of_a_mobile_that_is_hung_up_is_not_repeated() -> None:
    """At the ring limit the gateway that answers early is given up; the other mobile has a person, perhaps."""
    plain = asked_of_group(MOBILE1, MOBILE2)
    first, second = plain.agent_routes
    routes = (msgspec.structs.replace(first, answers_early=True), second)
    scene = Scene(msgspec.structs.replace(plain, agent_routes=routes), stubborn=[HangUp])
    scene.agent_answers(1).after(15).agent_answers(2).after(5)
    assert scene.hung_up == [scene.channel("agent", 1)]
    of_the_first = next(playback for playback, on in scene.call.playbacks.items() if on == scene.channel("agent", 1))
    said = len(scene.heard)
    scene.tell(PlaybackEnded(at=scene.at, playback=of_the_first, heard=True)).after(2)
    assert len(scene.heard) == said


def test_a_trunk_that_refuses_is_followed_by_the_next() -> None:
    scene = Scene(asked_of_group(MOBILE1, count=2)).agent_ends(34, 503)
    assert [endpoint.rsplit("@")[-1] for endpoint in scene.rung] == ["paris-1", "paris-2"]
    scene.agent_rings().agent_ends(34, 503)
    assert told(scene) == ("nobody_accepted", "nobody-answers", 19)


def test_no_trunk_is_free() -> None:
    scene = Scene(asked_of_group(MOBILE1), full=["paris-1"])
    assert told(scene) == ("nobody_accepted", "congestion", 34)


def test_a_setup_that_takes_too_long_ends_that_try_alone() -> None:
    stuck = Scene(asked_of_group(M1, M2)).channel("agent", 1)
    scene = Scene(asked_of_group(M1, M2), stuck=[stuck]).after(5)
    scene.stuck.clear()
    assert scene.agent_answers(2).stage == "Talking"


def test_what_asterisk_will_not_hang_up_rings_no_longer_than_the_others() -> None:
    stuck = Scene(asked_of_group(M1, M2)).channel("agent", 1)
    scene = Scene(asked_of_group(M1, M2), stuck=[stuck]).after(19)
    assert (scene.stage, scene.hung_up) == ("Offering", [stuck])
    scene.after(2)
    assert (scene.stage, scene.hung_up) == ("Explaining", [stuck, scene.channel("agent", 2)])
    assert (scene.prompt_ends().stage, scene.hung_up[2:]) == ("Finishing", [CAME])


# -- what it takes -----------------------------------------------------------------------------------------------------


def uses(scene: Scene) -> list[tuple[str | None, bool]]:
    use = usage.of_call(scene.call, lambda number: Price(money(1), None))
    return [(leg.agent, leg.answered is not None) for leg in use.legs]


def test_every_mobile_counts_in_the_name_of_its_agent() -> None:
    request = asked_of_group(MOBILE1, MOBILE2, M3, count=2)
    before = usage.of_request(Scene(request).call.id, request, 0.0, lambda number: Price(money(1), None))
    assert [leg.scopes for leg in before.legs] == [("trunk:paris-1",), ("trunk:paris-1",)]
    assert before.own_scopes == ("house", "token:crm")
    scene = Scene(request)
    assert uses(scene) == [("m1", False), ("m2", False)]
    assert trunks_held(scene.call) == ["paris-1", "paris-1", "paris-1"]  # two mobiles, and the caller's
    scene.agent_answers(1)  # a voicemail is paid for too
    scene.agent_answers(2).hears_key("1", on=scene.channel("agent", 2))
    assert uses(scene) == [("m1", True), ("m2", True)]
    assert "agent:m2" in usage.of_call(scene.call, lambda number: Price(money(1), None)).own_scopes


def test_who_waits_for_their_turn_is_reckoned_with() -> None:
    scene = one_by_one(MOBILE1, MOBILE2)
    assert uses(scene) == [("m1", False), (None, False)]
    assert uses(scene.agent_rings().agent_declines()) == [("m2", False)]


# -- the engine dies ---------------------------------------------------------------------------------------------------


def test_after_a_restart_all_ring_on() -> None:
    scene = Scene(asked_of_group(M1, MOBILE2)).agent_rings(1).agent_answers(2)
    scene.engine_restarts()
    assert Ring(channel=CAME) in scene.recovered
    assert scene.stage == "Offering"
    row = check_record(scene.agent_answers(1).after(3).customer_hangs_up().call)
    assert (row.outcome, row.recovered, row.agent_id) == ("answered", True, "m1")


def test_after_a_restart_members_are_asked_for_again() -> None:
    scene = Scene(asked_of_group(M1, M2), stubborn=[ChooseMember])
    assert whose(scene) == []
    assert scene.call.seeks
    scene.stubborn.clear()
    scene.engine_restarts()
    assert [order.member for order in scene.recovered if isinstance(order, ChooseMember)] == ["m1", "m2"]
    assert whose(scene) == ["m1", "m2"]
    assert not scene.call.seeks


@pytest.mark.parametrize("by", ["api", "engine"])
def test_an_end_that_is_ordered(by: str) -> None:
    scene = Scene(asked_of_group(M1, MOBILE2)).agent_rings(1).finish_ordered(by)
    assert (scene.verdict.outcome, scene.verdict.hangup_by) == ("abandoned", by)
    assert taken_up_by(scene.call) == frozenset()


def test_asterisk_dies() -> None:
    row = check_record(Scene(asked_of_group(M1, M2)).agent_rings(1).asterisk_dies().call)
    assert (row.outcome, row.group_id) == ("asterisk_lost", "sales")
