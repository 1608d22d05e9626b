"""After a restart, or a time without a socket: what the call missed, and what may be ordered twice (decision 6)."""

from typing import Any

import pytest

from engine.domain import recovery
from engine.domain.effects import (
    ChooseTrunk,
    CreateChannel,
    DialChannel,
    Effect,
    HangUp,
    JoinBridge,
    OpenBridge,
    Play,
    StartComfort,
    StartTimer,
    StopComfort,
    StopPlayback,
)
from engine.domain.events import (
    ChannelEnded,
    DialSent,
)
from engine.domain.recovery import Ending
from engine.domain.values import Slug
from tests.domain.calls import Scene, Tale, asked_sip, moment
from tests.domain.legality import check_record
from tests.domain.told_stages import (
    TO_STAGE,
    to_answer,
    to_customer,
    to_notice,
    to_reason,
    to_ringing,
    to_talk,
)

GO_ON: dict[str, Tale] = {
    "ReachingAgent": lambda s: s.agent_answers().presses("1").prompt_ends().customer_answers().customer_hangs_up(),
    "Confirming": lambda s: s.presses("1").prompt_ends().customer_answers().customer_hangs_up(),
    "Informing": lambda s: s.prompt_ends().customer_answers().customer_hangs_up(),
    "ReachingCustomer": lambda s: s.customer_answers().customer_hangs_up(),
    "Talking": lambda s: s.customer_hangs_up(),
    "Explaining": lambda s: s.prompt_ends(),
}


def kinds(effects: list[Effect]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


# -- nothing was missed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", list(TO_STAGE))
def test_restart_at_every_stage(stage: str) -> None:
    """The call goes on as if nothing had been, nobody is rung again, and the row says that it was recovered."""
    scene = TO_STAGE[stage](Scene())
    rung = list(scene.rung)
    assert stage == scene.after(0.5).engine_restarts().stage
    assert rung == scene.rung
    row = check_record(GO_ON[stage](scene.after(0.5)).call)
    assert ("customer_busy" if stage == "Explaining" else "answered") == row.outcome
    assert (row.recovered, row.events_missed) == (True, False)
    assert len(set(scene.rung)) == len(scene.rung) == 2


@pytest.mark.parametrize("stage", list(TO_STAGE))
def test_a_lost_socket_is_no_restart(stage: str) -> None:
    scene = TO_STAGE[stage](Scene())
    before = scene.call
    assert before == scene.reconnects(scene.seen()).call
    assert not before.recovered


@pytest.mark.parametrize("stage", list(TO_STAGE))
def test_finish_works_after_a_restart(stage: str) -> None:
    row = check_record(TO_STAGE[stage](Scene()).engine_restarts().finish_ordered().call)
    assert ("customer" if stage == "Explaining" else "api") == row.hangup_by


# -- what was missed ---------------------------------------------------------------------------------------------------


def test_agent_answered_meanwhile() -> None:
    scene = TO_STAGE["ReachingAgent"](Scene())
    scene.after(2).engine_restarts(up=[scene.channel("agent")])
    assert (scene.stage, scene.heard) == ("Confirming", ["press-one"])


def test_agents_mobile_rings_meanwhile() -> None:
    scene = Scene().after(1)
    scene.engine_restarts(ringing=[scene.channel("agent")])
    assert scene.call.agent.attempts[0].phase == "ringing"


def test_customer_answered_meanwhile() -> None:
    scene = to_ringing(Scene())
    scene.after(2).engine_restarts(up=[scene.channel("customer")])
    assert scene.stage == "Talking"
    assert scene.after(10).customer_hangs_up().record.talk_s == 10.0


def test_customer_answered_without_ringing_meanwhile() -> None:
    scene = to_customer(Scene())
    scene.engine_restarts(up=[scene.channel("customer")])
    assert scene.stage == "Talking"


def test_both_hung_up_meanwhile_and_cel_knows() -> None:
    """Cause and time are the true ones, and who hung up first is who ended the call."""
    scene = to_talk(Scene()).after(12)
    agent, customer = scene.channel("agent"), scene.channel("customer")
    endings = {
        agent: Ending(at=moment(28.2), cause=16),
        customer: Ending(at=moment(28.0), cause=16),
    }
    row = check_record(scene.after(60).engine_restarts(endings=endings).call)
    assert (row.outcome, row.hangup_by, row.cause) == ("answered", "customer", 16)
    assert (10.0, moment(28.2).utc) == (row.talk_s, row.ended_at)
    assert (row.recovered, row.events_missed) == (True, False)


def test_customer_was_busy_meanwhile_and_cel_knows() -> None:
    scene = to_ringing(Scene())
    endings = {scene.channel("customer"): Ending(at=moment(scene.now + 1), cause=17, sip_code=486)}
    scene.after(2).engine_restarts(endings=endings)
    assert (scene.stage, scene.heard[-2]) == ("Explaining", "customer-busy")


def test_customer_answered_and_hung_up_meanwhile() -> None:
    """A talk of five seconds that nobody heard is billed all the same; it is no "no answer"."""
    scene = to_ringing(Scene())
    customer = scene.channel("customer")
    answers, endings = {customer: moment(scene.now + 1)}, {customer: Ending(at=moment(scene.now + 6), cause=16)}
    row = check_record(scene.after(9).engine_restarts(answers=answers, endings=endings).call)
    assert (row.outcome, row.hangup_by, row.cause, row.billable_s) == ("answered", "customer", 16, 5.0)


def test_agent_answered_and_hung_up_meanwhile() -> None:
    scene = Scene().agent_rings()
    agent = scene.channel("agent")
    answers, endings = {agent: moment(scene.now + 1)}, {agent: Ending(at=moment(scene.now + 2), cause=16)}
    row = check_record(scene.after(3).engine_restarts(answers=answers, endings=endings).call)
    assert (row.outcome, row.hangup_by, len(scene.rung)) == ("agent_declined", "agent", 1)


def test_customer_answered_meanwhile_at_the_time_cel_tells() -> None:
    scene = to_ringing(Scene())
    customer = scene.channel("customer")
    answers = {customer: moment(scene.now + 1)}
    scene.after(5).engine_restarts(up=[customer], answers=answers)
    assert scene.call.customer.up is not None
    assert scene.call.customer.up.times.answered == answers[customer]


def test_both_gone_and_nobody_knows_why() -> None:
    scene = to_talk(Scene()).after(12)
    row = check_record(scene.engine_restarts(gone=[scene.channel("agent"), scene.channel("customer")]).call)
    assert (row.outcome, row.cause, row.cause_text) == ("answered", None, None)
    assert (row.recovered, row.events_missed) == (True, True)


def test_agent_gone_unseen_while_the_customer_rang() -> None:
    scene = to_ringing(Scene())
    row = check_record(scene.engine_restarts(gone=[scene.channel("agent")]).call)
    assert (row.outcome, row.hangup_by, row.cause) == ("customer_cancelled", "agent", None)
    assert scene.channel("customer", 1) in scene.hung_up


@pytest.mark.parametrize(
    ("stage", "after"),
    [("Confirming", "Confirming"), ("Informing", "ReachingCustomer"), ("Explaining", "Ended")],
)
def test_prompt_ended_meanwhile(stage: str, after: str) -> None:
    scene = TO_STAGE[stage](Scene())
    assert after == scene.engine_restarts(silent=True).stage
    if stage == "Confirming":
        assert scene.timer("confirm").heard == ["press-one"] * 2


def test_channel_came_to_be_meanwhile() -> None:
    scene = Scene(stubborn={CreateChannel})
    scene.reconnects(scene.seen(down=[scene.channel("agent")]))
    assert (scene.recovered, len(scene.rung)) == ([], 1)


def test_channel_came_and_went_meanwhile() -> None:
    """Never dialled, so nothing rang: it died for want of an engine, and is created again by the same trunk."""
    scene = Scene(stubborn={CreateChannel})
    scene.engine_restarts(endings={scene.channel("agent"): Ending(at=scene.at, cause=0)})
    assert [Slug("paris-1")] == [a.route.trunk for a in scene.call.agent.attempts]
    assert [CreateChannel] == [type(order) for order in scene.recovered]


def test_both_joined_meanwhile() -> None:
    """Now the customer may be dialled: it is the machine that orders it, once, not recovery."""
    scene = to_notice(Scene())
    scene.stubborn.add(JoinBridge)
    scene.prompt_ends()
    scene.reconnects(scene.seen(joined=[scene.channel("agent"), scene.channel("customer")]))
    assert len(scene.rung) == 2
    assert [order for order in scene.recovered if isinstance(order, JoinBridge | DialChannel)] == []


def test_a_call_ends_with_its_last_leg_also_when_that_is_told_first() -> None:
    """CEL knows of the agent's end; the customer's had been heard before, and was later."""
    scene = to_talk(Scene())
    scene.stubborn.add(HangUp)
    agent = scene.channel("agent")
    scene.after(5).customer_hangs_up().after(1)
    row = check_record(scene.engine_restarts(endings={agent: Ending(at=moment(22), cause=16)}).call)
    assert (row.ended_at, row.talk_s) == (moment(23).utc, 4.0)


def test_a_leg_does_not_end_before_what_was_read_late() -> None:
    """The answer was read a moment after it was given, and the death that CEL tells of was between the two."""
    scene = to_ringing(Scene()).after(6).customer_answers()
    customer = scene.channel("customer")
    row = check_record(scene.engine_restarts(endings={customer: Ending(at=moment(17.9), cause=16)}).call)
    assert (row.talk_s, row.billable_s) == (0.0, 0.0)


def test_missed_events_are_told_oldest_first() -> None:
    scene = to_talk(Scene()).after(12)
    agent, customer = scene.channel("agent"), scene.channel("customer")
    endings = {agent: Ending(at=moment(29), cause=16), customer: Ending(at=moment(28), cause=16)}
    missed = recovery.catch_up(scene.call, scene.seen(endings=endings))
    assert [customer, agent] == [event.channel for event in missed if isinstance(event, ChannelEnded)]


def test_an_audit_speaks_only_of_the_channels_named() -> None:
    """Not of channels younger than its picture, nor of prompts."""
    scene = to_reason(Scene())
    agent = scene.channel("agent")
    nothing = scene.seen(gone=[agent], silent=True)
    assert recovery.catch_up(scene.call, nothing, only=frozenset()) == []
    missed = recovery.catch_up(scene.call, nothing, only=frozenset({agent}))
    assert [ChannelEnded(at=scene.at, channel=agent, missed=True)] == missed


# -- a dial order that may or may not have been sent -------------------------------------------------------------------


def in_doubt() -> Scene:
    """The engine died between writing the dial order and learning how it went."""
    return Scene(stubborn={DialChannel}).engine_restarts()


def test_a_dial_order_without_a_sign_of_life_is_hung_up_and_not_repeated() -> None:
    scene = in_doubt()
    assert scene.call.agent.attempts[0].phase == "ordered"
    row = check_record(scene.after(4).call)
    assert (row.outcome, row.hangup_by) == ("indeterminate", "network")
    assert len(scene.rung) == 1


@pytest.mark.parametrize("sign", ["rings", "answers", "sent"])
def test_a_dial_order_with_a_sign_of_life_goes_on(sign: str) -> None:
    scene = in_doubt().after(2)
    match sign:
        case "rings":
            scene.agent_rings()
        case "answers":
            scene.agent_answers()
        case _:
            scene.tell(DialSent(at=scene.at, channel=scene.channel("agent")))
    assert scene.after(4).hung_up == []


def test_only_dial_orders_older_than_the_restart_are_in_doubt() -> None:
    """The next trunk's order is under way in the moment the doubt about the first one ends."""
    scene = in_doubt().after(3.9)
    scene.agent_ends(34, 503)
    assert [endpoint.partition("@")[2] for endpoint in scene.rung] == ["paris-1", "paris-2"]
    assert scene.after(0.2).hung_up == []


def test_no_doubt_where_nothing_was_ordered() -> None:
    assert "doubt" not in to_ringing(Scene()).engine_restarts().call.timers


def test_doubt_about_one_phone_of_three() -> None:
    """The phones that gave a sign of life ring on."""
    scene = Scene(asked_sip(3), stubborn={DialChannel}).agent_rings(1).agent_rings(2)
    scene.engine_restarts().after(4)
    assert [scene.channel("agent", 3)] == scene.hung_up
    assert scene.agent_answers(2).stage == "Informing"


# -- orders that may not have been carried out -------------------------------------------------------------------------


def unfinished(scene: Scene, **changes: Any) -> list[Effect]:
    return recovery.unfinished(scene.call, scene.seen(**changes))


def test_creation_is_repeated() -> None:
    scene = Scene(asked_sip(2), stubborn={CreateChannel})
    assert recovery.catch_up(scene.call, scene.seen()) == []  # nothing has rung: it did not end, it never was
    assert [o for o in scene.orders if isinstance(o, CreateChannel)] == unfinished(scene)


def test_creation_is_not_repeated_where_it_was_done() -> None:
    assert unfinished(Scene(stubborn={DialChannel})) == []


def test_question_to_the_trunks_is_repeated() -> None:
    scene = Scene(stubborn={ChooseTrunk}).agent_ends(34, 503)
    assert [ChooseTrunk(role="agent", candidates=(Slug("paris-2"),))] == unfinished(scene)


def test_hang_up_is_repeated() -> None:
    scene = to_answer(Scene())
    scene.stubborn.add(HangUp)
    agent = scene.finish_ordered().channel("agent")
    assert HangUp(channel=agent) in unfinished(scene)


def test_bridge_joins_and_comfort_are_repeated() -> None:
    scene = to_notice(Scene())
    scene.stubborn |= {OpenBridge, JoinBridge, StartComfort}
    scene.prompt_ends()
    agent, customer = scene.channel("agent"), scene.channel("customer")
    again = unfinished(scene, no_bridge=True)
    assert kinds(again) == ["OpenBridge", "JoinBridge", "JoinBridge", "StopPlayback", "StopPlayback", "StartComfort"]
    assert [agent, customer] == [order.channel for order in again if isinstance(order, JoinBridge)]


def test_music_is_repeated_as_music() -> None:
    scene = to_answer(Scene(notice="music")).presses("1")
    comfort = [order for order in unfinished(scene) if isinstance(order, StartComfort)]
    assert [order.comfort for order in comfort] == ["music"]


@pytest.mark.parametrize(
    ("tale", "stopped"),
    [
        (to_talk, True),
        (to_reason, True),
        (lambda s: to_customer(s).customer_announces(), True),
        (to_ringing, False),  # the ringing tone took its place, and would be stopped with it
        (to_notice, False),
        (to_answer, False),
        (to_customer, False),
    ],
    ids=["talk", "reason", "early media", "ringing", "notice", "confirming", "nothing heard yet"],
)
def test_comfort_never_stays_in_a_conversation(tale: Tale, stopped: bool) -> None:
    """The engine died after writing "stop" and before saying so: without this both would hear the tone to the end."""
    scene = tale(Scene())
    orders = [order.channel for order in unfinished(scene) if isinstance(order, StopComfort)]
    assert ([scene.channel("agent")] if stopped else []) == orders


def test_press_one_is_not_heard_after_pressing_it() -> None:
    scene = to_notice(Scene(notice="tone"))
    first = next(order.playback for order in scene.orders if isinstance(order, Play))
    assert StopPlayback(playback=first) in unfinished(scene)


def test_press_one_is_not_heard_with_the_notice() -> None:
    """The one's end and the other's start were written in one step, and neither was carried out."""
    scene = to_notice(Scene())
    first, second = [order.playback for order in scene.orders if isinstance(order, Play)]
    assert unfinished(scene) == [StopPlayback(playback=first)]
    assert second in scene.call.playbacks


def test_press_one_is_not_heard_with_a_reason() -> None:
    """What was missed leads to the next prompt but one: nothing leads to the customer, and the agent is told."""
    scene = to_notice(Scene(customer_routes=()))
    first = next(order.playback for order in scene.orders if isinstance(order, Play))
    scene.engine_restarts(silent=True)
    assert (scene.stage, scene.heard[-1]) == ("Explaining", "stop")
    assert StopPlayback(playback=first) in scene.recovered


def test_a_living_prompt_is_left_alone() -> None:
    assert unfinished(to_answer(Scene())) == []


@pytest.mark.parametrize("stage", list(TO_STAGE))
def test_nothing_is_ever_dialled_or_played_by_recovery(stage: str) -> None:
    scene = TO_STAGE[stage](Scene())
    for orders in (unfinished(scene), unfinished(scene, no_bridge=True), unfinished(scene, silent=True)):
        assert [order for order in orders if isinstance(order, DialChannel | Play | StartTimer)] == []
