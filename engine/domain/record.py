"""From a call's state to its row in `call_history`: a projection, nothing is decided here.

ring_s: the customer's phone was being rung. wait_s: the agent waited, from their answer until the customer's, or until
the end; of a customer who called, from their call until they were answered, or until the end. talk_s: both heard each
other. billable_s: the customer's leg was answered. All None or 0 when it never came to that.
"""

from datetime import datetime
from typing import TypedDict

from engine.domain import causes
from engine.domain.call import Call
from engine.domain.cdr import CallRecord, LegRecord, VisitRecord
from engine.domain.legs import Attempt, Leg
from engine.domain.moment import Moment, seconds
from engine.domain.scenario.run import Visit
from engine.domain.stages import Ended
from engine.domain.values import Slug


def of(call: Call) -> CallRecord:
    """The row of a closed call; raises ValueError for one that still lives."""
    if not isinstance(call.stage, Ended) or call.ended is None:
        raise ValueError(f"call {call.id} has not ended")
    verdict, request = call.stage.verdict, call.request
    return CallRecord(
        call_id=call.id,
        revision=1,
        direction=request.direction,
        kind=request.kind,
        agent_id=request.agent,
        agent_name=request.agent_name,
        agent_mode=request.mode,
        agent_number=request.agent_number or None,
        site=request.site,
        trunk=_trunk(call),
        campaign_id=request.campaign,
        contact_id=request.contact,
        caller=request.caller,
        callee=request.did or (request.group.extension if request.group else request.customer_number),
        callee_dialled=request.customer_dialled,
        did=request.did,
        service=request.service,
        group_id=request.group.id if request.group else None,
        **_scripted(call),
        **_times(call, call.ended),
        outcome=verdict.outcome,
        hangup_by=verdict.hangup_by,
        cause=verdict.cause,
        cause_text=causes.text(verdict.cause),
        sip_code=verdict.sip_code,
        rule=verdict.rule,
        disposition=call.disposition.code if call.disposition else None,
        disposition_note=call.disposition.note if call.disposition else None,
        disposition_fields=call.disposition.fields if call.disposition else None,
        variables=request.variables,
        legs=legs_of(call),
        recovered=call.recovered,
        events_missed=call.events_missed,
        engine_node=request.node,
    )


class _Scripted(TypedDict):
    """The columns of a caller who was in a scenario."""

    scenario: str | None
    scenario_version: str | None
    redirected_from: str | None
    recordings: list[str]
    transferred_to: str | None
    ivr_path: list[str] | None
    ivr_visits: list[VisitRecord] | None


def _scripted(call: Call) -> _Scripted:
    run, asked = call.run, call.request.scenario
    path = run.path if run is not None else ()
    return _Scripted(
        scenario=asked.name if asked else None,
        scenario_version=asked.version if asked else None,
        redirected_from=asked.facts.get("redirected_from") or None if asked else None,
        recordings=[visit.message for visit in path if visit.message is not None],
        transferred_to=_outside(call.agent.answered),
        ivr_path=[f"{visit.scenario}/{visit.node}={visit.outcome or ''}" for visit in path] if run else None,
        ivr_visits=[_visit(visit) for visit in path] if run else None,
    )


def _visit(visit: Visit) -> VisitRecord:
    return VisitRecord(
        scenario=visit.scenario,
        node=visit.node,
        at=visit.at.utc,
        left=_utc(visit.left),
        outcome=visit.outcome,
        keys=visit.keys,
        prompts=visit.prompts,
        cut=visit.cut,
        message=visit.message,
    )


def _outside(answered: Attempt | None) -> str | None:
    """The number outside that a scenario led its caller to."""
    return answered.route.number if answered is not None and answered.route.outside else None


def _trunk(call: Call) -> Slug | None:
    """The one that carried the customer, or was to."""
    customer = call.customer.answered or _last_dialled(call.customer) or _arrived(call)
    return customer.route.trunk if customer else None


class _Times(TypedDict):
    """The columns that say when and how long."""

    requested_at: datetime
    agent_ringing_at: datetime | None
    agent_answered_at: datetime | None
    customer_dialled_at: datetime | None
    customer_ringing_at: datetime | None
    customer_answered_at: datetime | None
    bridged_at: datetime | None
    ended_at: datetime
    ring_s: float | None
    wait_s: float | None
    talk_s: float
    billable_s: float


def _times(call: Call, ended: Moment) -> _Times:
    agent_answered, customer_answered = _agent_answered(call), _answered(call.customer)
    return _Times(
        requested_at=call.requested.utc,
        agent_ringing_at=_utc(_first_rang(call.agent)),
        agent_answered_at=_utc(agent_answered),
        customer_dialled_at=_utc(_first_dialled(call.customer)),
        customer_ringing_at=_utc(_first_rang(call.customer)),
        customer_answered_at=_utc(customer_answered),
        bridged_at=_utc(call.bridged),
        ended_at=ended.utc,
        ring_s=seconds(_first_dialled(call.customer), customer_answered or _last_end(call.customer)),
        wait_s=seconds(_waits_from(call), customer_answered or _last_end(call.agent) or ended),
        talk_s=round(call.talked_s + (seconds(call.bridged, call.parted or _first_end_after_talk(call)) or 0.0), 3),
        billable_s=seconds(customer_answered, _last_end(call.customer) or ended) or 0.0,
    )


def legs_of(call: Call) -> list[LegRecord]:
    """Every attempt, the agent's first."""
    return [_leg_record(call, leg, attempt) for leg in call.legs.values() for attempt in leg.attempts]


def _leg_record(call: Call, leg: Leg, attempt: Attempt) -> LegRecord:
    """One attempt as people may read it. `result` is its phase while it lives, else how it ended."""
    route, times = attempt.route, attempt.times
    if attempt.live:
        result: str = attempt.phase
    else:
        result = "answered" if times.answered else _unanswered(attempt)
    return LegRecord(
        role=leg.role,
        channel=attempt.channel,
        number=route.number or leg.number,
        agent=None if route.outside else route.agent,
        trunk=route.trunk,
        dialled_at=_utc(times.dialled),
        ringing_at=_utc(times.rang),
        answered_at=_utc(times.answered),
        ended_at=_utc(times.ended),
        cause=attempt.cause,
        sip_code=attempt.sip_code,
        result=result,
    )


def _unanswered(attempt: Attempt) -> str:
    """Why: of those we rang, in vain or while another took the call, and of those who rang us and did not wait."""
    if attempt.cause == causes.ANSWERED_ELSEWHERE:
        return "elsewhere"
    return "gave_up" if attempt.came else attempt.failure


def _agent_answered(call: Call) -> Moment | None:
    """When a person answered: on a trunk that answers early that is when they pressed 1, not when the gateway did."""
    answered = call.agent.answered
    if answered is not None and answered.route.answers_early:
        return call.confirmed
    return answered.times.answered if answered else None


def _waits_from(call: Call) -> Moment | None:
    """Who waits: the agent from their answer on, or the customer who called."""
    waits = call.request.arrival is not None and call.request.arrival.party == "customer"
    return call.requested if waits else _agent_answered(call)


def _arrived(call: Call) -> Attempt | None:
    """The customer who called and was never answered."""
    return next((a for a in call.customer.attempts if a.came), None)


def _answered(leg: Leg) -> Moment | None:
    return leg.answered.times.answered if leg.answered else None


def _first_end_after_talk(call: Call) -> Moment | None:
    """The conversation ends with the first of the two legs."""
    ends = [m for leg in call.legs.values() if leg.answered and (m := leg.answered.times.ended) is not None]
    return min(ends, key=lambda moment: moment.mono, default=call.ended)


def _last_dialled(leg: Leg) -> Attempt | None:
    return next((attempt for attempt in reversed(leg.attempts) if attempt.times.dialled), None)


def _first_dialled(leg: Leg) -> Moment | None:
    return _first([attempt.times.dialled for attempt in leg.attempts])


def _first_rang(leg: Leg) -> Moment | None:
    return _first([attempt.times.rang for attempt in leg.attempts])


def _first(moments: list[Moment | None]) -> Moment | None:
    return min((m for m in moments if m is not None), key=lambda moment: moment.mono, default=None)


def _last_end(leg: Leg) -> Moment | None:
    ends = [attempt.times.ended for attempt in leg.attempts]
    return max((m for m in ends if m is not None), key=lambda moment: moment.mono, default=None)


def _utc(moment: Moment | None) -> datetime | None:
    return moment.utc if moment else None
