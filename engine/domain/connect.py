"""The connect call: ring the agent, make sure a human is there, ring the customer, let them talk.

One function per thing that can happen; each says, stage by stage, what follows. The table of how calls end is
`verdicts.py`.

    ReachingAgent ─▶ Confirming ─▶ Informing ─▶ ReachingCustomer ─▶ Talking ─▶ Finishing ─▶ Ended
          │              │             │               │  └▶ Explaining ──────────▲
          └──────────────┴─────────────┴───────────────┴─────────────────────────┘

A customer who called and waits is told too when nobody of ours can be had (`closing.give_up`): Explaining then follows
ReachingAgent, Offering or Confirming.
A call for a group begins with Offering (`offering.py`) in the place of ReachingAgent and Confirming.
"""

import msgspec

from engine.domain import closing, moment, offering, scripted, verdicts
from engine.domain.causes import TRUNK_FAILURES
from engine.domain.cdr import HangupBy
from engine.domain.draft import Draft
from engine.domain.events import (
    CaughtUp,
    DigitPressed,
    Event,
    FinishOrdered,
    HouseReplied,
    PlaybackEnded,
    RecordingEnded,
    TrunkChosen,
)
from engine.domain.ids import Role
from engine.domain.legs import Attempt
from engine.domain.request import CREDIT_RULE
from engine.domain.stages import (
    Confirming,
    Explaining,
    Finishing,
    Informing,
    Offering,
    ReachingAgent,
    ReachingCustomer,
    Scripted,
    Talking,
    Verdict,
)
from engine.domain.values import ChannelId

CONFIRM_TRIES = 3
CONFIRM_PAUSE_S = 1.2
"""Between two "press 1": time to find the key, and well under the two seconds of silence nobody is left in.

The recordings themselves end and begin with a quarter of a second of silence, and a busy machine adds its own.
"""
CONFIRM_KEY = "1"
UNHEARD_S = 0.5
"""A prompt also breaks off because its listener hung up, which is told next, a few milliseconds later."""
NOTICE_S = 10.0
"""No notice is longer."""
ANSWER_S = 5.0
"""Whoever called is answered by then, or never."""


def begin(draft: Draft) -> None:
    """Ring the agent; an agent who called is answered, and goes on like one who picked up."""
    caller = draft.call.caller
    if caller is not None and caller in draft.call.agent.live:
        draft.timer("ring-agent", ANSWER_S)
        draft.answer(caller)
        return
    if draft.call.request.scenario is not None:
        scripted.begin(draft)
        return
    if caller is not None:
        draft.ring(caller)
    if draft.call.request.group is not None:
        offering.begin(draft)
    else:
        _reach_agent(draft)


def _reach_agent(draft: Draft) -> None:
    """All phones at once, or the mobile by the first trunk."""
    request = draft.call.request
    draft.timer("ring-agent", request.ring_agent_s)
    routes = request.agent_routes if request.mode == "sip" else request.agent_routes[:1]
    for route in routes:
        draft.attempt("agent", route)


def on_ready(draft: Draft, role: Role, attempt: Attempt) -> None:
    """A channel is there: the agent's is dialled at once, the customer's joins the bridge first (early media)."""
    if role == "agent":
        draft.dial(role, attempt)
    else:
        draft.join(attempt)


def on_joined(draft: Draft) -> None:
    """Once both are in the bridge the customer is dialled, so that the agent hears all of it."""
    if not isinstance(draft.call.stage, ReachingCustomer) or not draft.call.agent_up.joined:
        return
    for attempt in draft.call.customer.live:
        if attempt.phase == "ready" and attempt.joined:
            draft.dial("customer", attempt)


def on_ringing(draft: Draft, role: Role, *, early_media: bool) -> None:
    """The customer rings: the agent now hears the real thing instead of comfort.

    Asterisk itself puts the ringing tone in the place of comfort, and stopping comfort then would stop the tone; early
    media is heard only once comfort is stopped (contract test `test_comfort_gives_way`). Where several telephones of a
    colleague ring, the bridge mixes and passes no ringing on: comfort goes on until one is picked up.
    """
    if role == "agent" or len(draft.call.customer.live) > 1:
        return
    if early_media:
        draft.end_comfort(draft.call.agent_up.channel)
    else:
        draft.forget_comfort(draft.call.agent_up.channel)


def on_answer(draft: Draft, role: Role, attempt: Attempt) -> None:
    """A leg answers only while it is being reached: what was ordered down answers no more (`legs.MOVES`)."""
    if draft.call.run is not None and attempt.came and not isinstance(draft.call.stage, ReachingCustomer):
        scripted.answered(draft)
    elif isinstance(draft.call.stage, Offering) and role == "agent":
        if offering.on_answer(draft, attempt):
            _inform(draft)
    elif role == "agent":
        _agent_answered(draft, attempt)
    else:
        draft.only(role, attempt)
        _talk(draft)


def on_end(draft: Draft, role: Role, before: Attempt, after: Attempt) -> None:
    """A channel is gone."""
    stage = draft.call.stage
    if isinstance(stage, Finishing):
        closing.close_when_empty(draft, stage)
    elif after.came and draft.call.run is not None and isinstance(stage, Scripted | Offering | ReachingCustomer):
        scripted.caller_left(draft)
    elif isinstance(stage, Scripted):
        pass  # somebody who was rung for the caller, before
    elif isinstance(stage, Offering) and not after.came:
        offering.on_end(draft, after)
    elif before.phase == "up":
        _party_left(draft, role, after)
    elif after.came and before.phase == "ringing":
        closing.finish(draft, stage.verdict if isinstance(stage, Explaining) else verdicts.gave_up(role, after))
    elif (isinstance(stage, ReachingAgent) and role == "agent") or (
        isinstance(stage, ReachingCustomer) and role == "customer"
    ):
        _attempt_failed(draft, role, after)


def on_trunk(draft: Draft, event: TrunkChosen) -> None:
    """The trunks answered: try the one they chose, or give up."""
    leg = draft.call.legs[event.role]
    if not leg.seeking:
        return
    route = next((r for r in leg.routes if event.trunk is not None and r.trunk == event.trunk), None)
    if route is None:
        _leg_failed(draft, event.role)
    else:
        draft.attempt(event.role, route)


def on_setup_too_long(draft: Draft, role: Role) -> None:
    """A channel was not ready in time: it is ordered down, and its leg goes on without it."""
    waiting = [a for a in draft.call.legs[role].live if a.phase in ("creating", "ready")]
    for attempt in waiting:
        draft.hang_up_attempt(role, attempt)


def on_timer(draft: Draft, timer: str) -> None:
    match draft.call.stage, timer:
        case Offering(), _:
            offering.on_timer(draft, timer)
        case ReachingAgent() | Confirming(), "ring-agent":
            closing.give_up(draft, verdicts.AGENT_RANG_OUT)
        case Confirming() as stage, "confirm":
            if stage.early or stage.asked < CONFIRM_TRIES:
                _ask_for_key(draft, stage)
            else:
                closing.give_up(draft, verdicts.NO_HUMAN)
        case Informing(), "notice":
            _reach_customer(draft)
        case ReachingCustomer(), "ring-customer":
            draft.hang_up("customer")
            _explain(draft, verdicts.CUSTOMER_RANG_OUT, "customer-no-answer")
        case Talking(), "warn":
            draft.play(draft.call.agent_up.channel, "ends-soon")
        case Talking(), "max-talk":
            _, rule = _longest(draft)
            _part(draft, verdicts.talked_too_long(rule))
        case Explaining(verdict=verdict), "explain":
            closing.finish(draft, verdict)
        case Finishing() as stage, "close":
            closing.push(draft, stage)
        case _:
            pass


def on_heard(draft: Draft, event: Event) -> None:
    """A prompt ended, or a key was pressed; or a scenario's question was answered, or its recording ended."""
    match event:
        case HouseReplied() | RecordingEnded() | CaughtUp():
            scripted.on_event(draft, event)
        case DigitPressed() if isinstance(draft.call.stage, Scripted):
            scripted.on_event(draft, event)
        case DigitPressed(channel=channel, digit=digit):
            if digit == CONFIRM_KEY and _is_asked(draft, channel):
                draft.change(confirmed=draft.at)
                _inform(draft)
        case PlaybackEnded(playback=playback, heard=heard) if playback in draft.call.playbacks:
            listener = draft.call.playbacks[playback]
            draft.forget_playback(playback)
            if isinstance(draft.call.stage, Scripted):
                scripted.on_event(draft, event)
            elif isinstance(draft.call.stage, Offering):
                offering.on_prompt_end(draft, listener)
            else:
                _prompt_ended(draft, heard)
        case _:
            pass


def on_finish(draft: Draft, event: FinishOrdered) -> None:
    """Somebody ordered the end: an application (DELETE), or the engine itself."""
    stage = draft.call.stage
    if isinstance(stage, Explaining):
        closing.finish(draft, stage.verdict)
    elif event.by == "api" and isinstance(stage, Scripted) and stage.ended_by is not None:
        pass  # it ends already, as soon as the scenario has done what it does for a caller who left
    elif event.by == "api" and scripted.is_led(draft):
        scripted.end_ordered(draft, "api", event.rule)
    elif not isinstance(stage, Finishing):
        by: HangupBy = "api" if event.by == "api" else "engine"
        run, bridged = draft.call.run, draft.call.bridged is not None
        verdict = verdicts.ordered(stage, by, event.rule) if run is None else verdicts.of_run(run, bridged=bridged)
        _part(draft, msgspec.structs.replace(verdict, hangup_by=by, rule=event.rule))


def on_asterisk_lost(draft: Draft) -> None:
    """Every channel is gone with Asterisk; a verdict already given stands."""
    stage = draft.call.stage
    verdict = stage.verdict if isinstance(stage, Finishing | Explaining) else verdicts.ASTERISK_LOST
    draft.change(playbacks={}, comforted=(), bridge=None)
    closing.bury(draft)
    draft.end(verdict)
    draft.change(events_missed=True)


# -- how it goes on ----------------------------------------------------------------------------------------------------


def _talk(draft: Draft) -> None:
    """For so long and no longer; the agent is told when it is nearly over, and can say goodbye."""
    before = moment.seconds(draft.call.bridged, draft.call.parted) or 0.0
    draft.change(talked_s=draft.call.talked_s + before, bridged=draft.at, parted=None)
    draft.move(Talking())
    (longest, _), warn_s = _longest(draft), draft.call.request.warn_s
    draft.timer("max-talk", longest)
    if 0 < warn_s < longest:
        draft.timer("warn", longest - warn_s)


def _longest(draft: Draft) -> tuple[int, str | None]:
    """How long they may talk, and by what rule no longer."""
    request, credit_s = draft.call.request, draft.call.credit_s
    if credit_s is not None and credit_s < request.max_talk_s:
        return credit_s, CREDIT_RULE
    return request.max_talk_s, request.max_talk_rule


def _part(draft: Draft, verdict: Verdict) -> None:
    """The call is over for both, if they talked, and for whoever was rung."""
    if isinstance(draft.call.stage, Talking):
        scripted.talked(draft)
    closing.finish(draft, verdict)


def _agent_answered(draft: Draft, attempt: Attempt) -> None:
    draft.only("agent", attempt)
    early = attempt.route.answers_early
    if draft.call.request.confirm or early:
        draft.move(Confirming(asked=0, early=early), keep=("ring-agent",) if early else ())
        _ask_for_key(draft, Confirming(asked=0, early=early))
    else:
        _inform(draft)


def _is_asked(draft: Draft, channel: ChannelId) -> bool:
    """Whether it is the one asked for a key; a group's call is then theirs."""
    match draft.call.stage:
        case Confirming():
            return channel == draft.call.agent_up.channel
        case Offering():
            return offering.on_key(draft, channel)
        case _:
            return False


def _ask_for_key(draft: Draft, stage: Confirming) -> None:
    draft.change(stage=Confirming(asked=stage.asked + 1, early=stage.early))
    draft.play(draft.call.agent_up.channel, "press-one")
    draft.timer("confirm", NOTICE_S)  # should the prompt's end never be told


def _prompt_ended(draft: Draft, heard: bool) -> None:
    match draft.call.stage:
        case Confirming():
            draft.timer("confirm", CONFIRM_PAUSE_S)
        case Explaining(verdict=verdict):
            closing.finish(draft, verdict)
        case Talking():
            pass
        case _ if heard:
            _reach_customer(draft)
        case _:  # the notice broke off
            draft.timer("notice", UNHEARD_S)


def _inform(draft: Draft) -> None:
    draft.move(Informing())
    draft.open_bridge()
    caller = draft.call.caller
    if caller is not None and caller in draft.call.customer.live:
        _take_caller(draft, caller)
        return
    if draft.call.request.notice == "message":
        draft.play(draft.call.agent_up.channel, "connecting")
        draft.timer("notice", NOTICE_S)
    else:
        _reach_customer(draft)


def _take_caller(draft: Draft, caller: Attempt) -> None:
    """The agent is there: the customer who has been waiting is answered, and both are in the bridge by then. One who
    came by a scenario that spoke to them is answered already."""
    draft.move(ReachingCustomer())
    draft.join(draft.call.agent_up)
    if caller.phase == "up":
        draft.join(caller)
        _talk(draft)
        return
    draft.timer("ring-customer", ANSWER_S)
    draft.answer(caller)
    draft.join(caller)


def _reach_customer(draft: Draft) -> None:
    draft.move(ReachingCustomer())
    agent = draft.call.agent_up
    draft.comfort(agent.channel)
    draft.join(agent)
    draft.timer("ring-customer", draft.call.request.ring_customer_s)
    routes = draft.call.customer.routes
    if not routes:
        _leg_failed(draft, "customer")
    for route in routes[:1] if draft.call.request.direction != "internal" else routes:
        draft.attempt("customer", route)


def _attempt_failed(draft: Draft, role: Role, attempt: Attempt) -> None:
    leg = draft.call.legs[role]
    if leg.live or leg.seeking:
        return
    rang = attempt.times.rang is not None  # then the party was called: by another trunk they would be called twice
    if attempt.failure in TRUNK_FAILURES and not rang and any(route.trunk is not None for route in leg.routes):
        draft.seek(role)
    else:
        _leg_failed(draft, role)


def _leg_failed(draft: Draft, role: Role) -> None:
    leg = draft.call.legs[role]
    if role == "agent":
        closing.give_up(draft, verdicts.agent_failed(leg, draft.call.request.mode))
    else:
        verdict, prompt = verdicts.customer_failed(leg, draft.call.request.direction)
        _explain(draft, verdict, prompt)


def _explain(draft: Draft, verdict: Verdict, prompt: verdicts.Prompt) -> None:
    draft.move(Explaining(verdict=verdict))
    draft.play(draft.call.agent_up.channel, prompt)
    draft.timer("explain", closing.EXPLAIN_S)


def _party_left(draft: Draft, role: Role, attempt: Attempt) -> None:
    stage = draft.call.stage
    if isinstance(stage, Explaining):
        closing.finish(draft, stage.verdict)
    elif isinstance(stage, Talking) and role == "agent" and scripted.comes_back(draft):
        draft.change(parted=attempt.times.ended)
        scripted.back(draft, "after")
    elif isinstance(stage, ReachingCustomer) and role == "agent" and draft.call.run is not None:
        scripted.back(draft, "not_taken")  # before the caller could be answered
    else:
        _part(draft, verdicts.party_left(stage, role, attempt))
