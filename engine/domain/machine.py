"""`step(call, event) -> (call', effects)`: the whole life of a call, pure.

Order of work for each event: the leg's own machine, then the stage, then what follows for the rest. An event that means
nothing now changes nothing. Illegal is not an error here: networks repeat, delay and lose.
"""

from typing import NamedTuple

import msgspec

from engine.domain import connect, legs, offering, scripted
from engine.domain.call import Bridge, Call
from engine.domain.draft import Draft
from engine.domain.effects import Effect, HangUp
from engine.domain.events import (
    AsteriskLost,
    CallRequested,
    ChannelAnswered,
    ChannelEnded,
    ChannelJoined,
    ChannelProgressed,
    ChannelReady,
    ChannelRefused,
    ChannelRinging,
    DialInDoubt,
    DialSent,
    Disposed,
    EngineRestarted,
    Event,
    FinishOrdered,
    MemberChosen,
    ReachPlanned,
    TimerFired,
    TrunkChosen,
)
from engine.domain.legs import Attempt, Leg
from engine.domain.moment import Moment
from engine.domain.request import Arrival, ConnectRequest, Route
from engine.domain.scenario.graph import Program
from engine.domain.stages import AnyStage, Offering, ReachingAgent, Scripted
from engine.domain.values import CallId, Dialstring

DOUBT_S = 4.0
"""After a restart: a leg with a journalled dial order and no sign of life by then is hung up, never redialled."""


class Step(NamedTuple):
    call: Call
    effects: tuple[Effect, ...]


def begin(call_id: CallId, event: CallRequested, program: Program | None = None) -> Step:
    """The first step: the call exists, the agent is being reached, or the caller is in a scenario: `program` is it."""
    request = event.request
    offered = request.group is not None
    agent = Leg(role="agent", number=request.agent_number, routes=request.agent_routes, offered=offered)
    customer = Leg(role="customer", number=request.customer_number, routes=request.customer_routes)
    call = Call(
        id=call_id,
        request=request,
        requested=event.at,
        stage=_first_stage(request),
        legs={leg.role: _with_caller(leg, request.arrival) for leg in (agent, customer)},
    )
    draft = Draft(call, event.at, program)
    connect.begin(draft)
    return Step(draft.call, tuple(draft.effects))


def _first_stage(request: ConnectRequest) -> AnyStage:
    if request.scenario is not None:
        return Scripted()
    return Offering() if request.group is not None else ReachingAgent()


def _with_caller(leg: Leg, arrival: Arrival | None) -> Leg:
    """The leg of whoever called is there already, and rings until we answer it."""
    if arrival is None or arrival.party != leg.role:
        return leg
    route = Route(endpoint=Dialstring(""), trunk=arrival.trunk)
    there = Attempt(channel=arrival.channel, route=route, phase="ringing", came=True)
    return msgspec.structs.replace(leg, attempts=(there,))


def step(call: Call, event: Event, program: Program | None = None) -> Step:
    """The call after an event, and what must be done now. A closed call keeps only its late disposition.

    `program`: the scenario the call's request names, for a caller in one.
    """
    draft = Draft(call, event.at, program)
    if isinstance(event, Disposed | FinishOrdered) and event.disposition is not None:
        draft.change(disposition=event.disposition)
    if not call.closed:
        _happen(draft, event)
    return Step(draft.call, tuple(draft.effects))


def fold(call_id: CallId, events: list[Event], program: Program | None = None) -> Call:
    """The state after all the events of a call; the first must be its CallRequested."""
    first, *rest = events
    if not isinstance(first, CallRequested):
        raise ValueError("a call's journal begins with CallRequested")
    call = begin(call_id, first, program).call
    for event in rest:
        call = step(call, event, program).call
    return call


def _happen(draft: Draft, event: Event) -> None:
    match event:
        case (
            ChannelReady()
            | DialSent()
            | ChannelRinging()
            | ChannelProgressed()
            | ChannelAnswered()
            | ChannelEnded()
            | ChannelRefused()
            | DialInDoubt()
        ):
            _on_channel(draft, event)
        case ChannelJoined():
            _on_joined(draft, event)
        case TrunkChosen():
            connect.on_trunk(draft, event)
        case MemberChosen():
            offering.on_chosen(draft, event)
        case ReachPlanned():
            offering.on_planned(draft, event)
        case TimerFired(timer=timer):
            _on_timer(draft, timer)
        case FinishOrdered():
            connect.on_finish(draft, event)
        case EngineRestarted():
            draft.change(recovered=True)
            if any(attempt.phase == "ordered" for leg in draft.call.legs.values() for attempt in leg.live):
                draft.timer("doubt", DOUBT_S)
            scripted.restarted(draft)
        case AsteriskLost():
            connect.on_asterisk_lost(draft)
        case _:
            connect.on_heard(draft, event)


def _on_joined(draft: Draft, event: ChannelJoined) -> None:
    found = draft.call.find(event.channel)
    if found is not None and found[1].live and draft.call.bridge == Bridge(id=event.bridge):
        draft.set_attempt(found[0].role, msgspec.structs.replace(found[1], joined=True))
        connect.on_joined(draft)


def _on_channel(draft: Draft, event: legs.AttemptEvent) -> None:
    found = draft.call.find(event.channel)
    if found is None:
        return
    leg, before = found
    if isinstance(event, ChannelReady) and before.phase in ("closing", "ended"):
        draft.effects.append(HangUp(channel=event.channel))  # the hang-up overtook the creation
        return
    after = legs.advance(before, event)
    if after is before:
        return
    draft.set_attempt(leg.role, after)
    _follow(draft, leg, before, after, early_media=isinstance(event, ChannelProgressed))


def _follow(draft: Draft, leg: Leg, before: Attempt, after: Attempt, *, early_media: bool) -> None:
    match after.phase:
        case "ready":
            connect.on_ready(draft, leg.role, after)
        case "ringing":
            connect.on_ringing(draft, leg.role, early_media=early_media)
        case "up":
            connect.on_answer(draft, leg.role, after)
        case "closing":  # in doubt whether it was dialled
            draft.effects.append(HangUp(channel=after.channel))
        case "ended":
            draft.forget_channel(after.channel)
            if after.missed:
                draft.change(events_missed=True)
            connect.on_end(draft, leg.role, before, after)


def _on_timer(draft: Draft, timer: str) -> None:
    due = draft.call.timers.get(timer)
    if due is None or draft.at.mono < due:
        return  # cancelled or restarted meanwhile
    draft.forget_timer(timer)
    if timer == "doubt":
        for leg in draft.call.legs.values():
            for attempt in leg.live:
                if _in_doubt(attempt, draft.at):
                    _on_channel(draft, DialInDoubt(at=draft.at, channel=attempt.channel))
    elif timer.startswith("setup-"):
        connect.on_setup_too_long(draft, "agent" if timer == "setup-agent" else "customer")
    elif timer == scripted.REACH or timer.startswith(scripted.TIMER):
        scripted.on_timer(draft, timer)
    else:
        connect.on_timer(draft, timer)


def _in_doubt(attempt: Attempt, at: Moment) -> bool:
    """The order to dial is older than the restart: a younger one has its answer under way."""
    ordered = attempt.times.dialled
    return attempt.phase == "ordered" and ordered is not None and at.mono - ordered.mono >= DOUBT_S
