"""How calls end: every outcome of a connect call, who ended it, and what the agent is told."""

import msgspec

from engine.domain.causes import NETWORK_CAUSES, FailureKind
from engine.domain.cdr import HangupBy, Outcome
from engine.domain.directory import Mode
from engine.domain.effects import Prompt
from engine.domain.ids import Role
from engine.domain.legs import Attempt, Leg
from engine.domain.moment import Moment
from engine.domain.request import Direction, GroupCall
from engine.domain.scenario.graph import Reason
from engine.domain.scenario.run import Ending, Over, Run
from engine.domain.stages import AnyStage, Confirming, ReachingCustomer, Talking, Verdict

__all__ = ["Prompt"]

AGENT_RANG_OUT = Verdict(outcome="agent_no_answer", hangup_by="engine", cause=19)
NO_HUMAN = Verdict(outcome="agent_voicemail", hangup_by="engine", cause=16)
CUSTOMER_RANG_OUT = Verdict(outcome="customer_no_answer", hangup_by="engine", cause=19)
NO_PROGRAM = Verdict(outcome="abandoned", hangup_by="engine", cause=41, rule="scenario-lost")
"""The scenario the call began with is not on this node any more."""
ASTERISK_LOST = Verdict(outcome="asterisk_lost", hangup_by="network", cause=None)

_AGENT: dict[FailureKind, tuple[Outcome, HangupBy]] = {
    "busy": ("agent_busy", "agent"),
    "rejected": ("agent_declined", "agent"),
    "no_answer": ("agent_no_answer", "network"),
    "unreachable": ("agent_unreachable", "network"),
    "invalid": ("agent_unreachable", "network"),
    "refused": ("congestion", "network"),
    "dead": ("trunk_down", "network"),
    "indeterminate": ("indeterminate", "network"),
}

_CUSTOMER: dict[FailureKind, tuple[Outcome, HangupBy, Prompt]] = {
    "busy": ("customer_busy", "customer", "customer-busy"),
    "rejected": ("customer_rejected", "customer", "customer-rejected"),
    "no_answer": ("customer_no_answer", "network", "customer-no-answer"),
    "unreachable": ("customer_no_answer", "network", "customer-unreachable"),
    "invalid": ("customer_invalid", "network", "customer-invalid"),
    "refused": ("congestion", "network", "congestion"),
    "dead": ("trunk_down", "network", "congestion"),
    "indeterminate": ("indeterminate", "network", "congestion"),
}

UNREACHED = 19
_TOLD: dict[Outcome, int] = {"agent_busy": 17, "agent_declined": 17, "congestion": 34, "trunk_down": 34}
"""Else 19, no answer; a caller is never told that a person declined."""

_SPOKEN: dict[int, tuple[Prompt, Prompt]] = {17: ("customer-busy", "all-busy"), 34: ("congestion", "congestion")}
_SPOKEN_ELSE: tuple[Prompt, Prompt] = ("customer-no-answer", "nobody-answers")
"""The words that go with a cause, of one agent and of a group."""

_SCRIPTED: dict[str | None, Outcome] = {
    "stored": "callback_requested",
    "left": "voicemail_left",
    "recorded": "voicemail_left",
    "nobody": "nobody_logged_in",
    "not_taken": "nobody_accepted",
    "busy": "nobody_accepted",
    "closed": "closed",
    "holiday": "closed",
}
"""What an outcome of a scenario's node makes of the call; without any the scenario served the caller by itself."""
_SHORT: dict[Ending, str] = {"limit": "scenario-limit", "fault": "scenario-fault"}
"""The rule by which a scenario did not come to its own end."""
_FOR_THE_CALLER = (NO_PROGRAM.rule, *_SHORT.values())
_REASON: dict[Reason, int] = {"normal": 16, "busy": 17, "congestion": 42}

_STRONGEST: tuple[FailureKind, ...] = (
    "rejected",
    "busy",
    "no_answer",
    "invalid",
    "unreachable",
    "refused",
    "indeterminate",
    "dead",
)
"""Of several failed attempts, the one that says most about the party."""


def agent_failed(leg: Leg, mode: Mode | None) -> Verdict:
    """The agent could not be had. A phone of the house that does not react is unreachable, not a trunk that is down."""
    worst = _telling(leg)
    outcome, by = _AGENT[worst.failure]
    if mode == "sip" and worst.failure in ("refused", "dead"):
        outcome = "agent_unreachable"
    return Verdict(outcome=outcome, hangup_by=by, cause=worst.cause, sip_code=worst.sip_code)


def customer_failed(leg: Leg, direction: Direction) -> tuple[Verdict, Prompt]:
    """The customer could not be had, and what the agent is told. A phone of the house that does not react is no trunk
    that is down."""
    if not leg.attempts:
        return Verdict(outcome="trunk_down", hangup_by="network"), "congestion"
    worst = _telling(leg)
    inside = direction == "internal" and worst.failure in ("refused", "dead")
    outcome, by, prompt = _CUSTOMER["unreachable" if inside else worst.failure]
    return Verdict(outcome=outcome, hangup_by=by, cause=worst.cause, sip_code=worst.sip_code), prompt


def nobody_took_it(leg: Leg, group: GroupCall, *, busy: bool) -> Verdict:
    """A call for a group that no member took: nobody was there, all were talking, or nobody answered.

    The cause is what the caller's network is told: 20 absent, 17 busy, 34 no trunk to a mobile, 19 no answer.
    """
    if not group.members:
        return Verdict(outcome="nobody_logged_in", hangup_by="engine", cause=20)
    cause = 19 if leg.attempts else 17 if busy else 34
    return Verdict(outcome="nobody_accepted", hangup_by="engine", cause=cause)


def of_run(run: Run, *, bridged: bool, reason: Reason = "normal") -> Verdict:
    """How a caller's way through a scenario ended. What was decided last on it says what came of the call."""
    by: HangupBy = "customer" if run.gone else "engine"
    if bridged:
        return Verdict(outcome="answered", hangup_by=by, cause=16)
    ending = run.phase.ending if isinstance(run.phase, Over) else None
    came_of_it = (_SCRIPTED[visit.outcome] for visit in reversed(run.path) if visit.outcome in _SCRIPTED)
    outcome = next(came_of_it, "served" if ending == "ended" else "abandoned")
    return Verdict(outcome=outcome, hangup_by=by, cause=_REASON[reason], rule=_SHORT.get(ending) if ending else None)


def party_left(stage: AnyStage, role: Role, attempt: Attempt) -> Verdict:
    """A party that had answered is gone. Cause 0 on an answered leg is a BYE without a reason: 16."""
    cause = attempt.cause or (None if attempt.missed else 16)
    match stage:
        case Talking():
            by: HangupBy = "network" if cause in NETWORK_CAUSES else role
            return Verdict(outcome="answered", hangup_by=by, cause=cause, sip_code=attempt.sip_code)
        case ReachingCustomer():
            return Verdict(outcome="customer_cancelled", hangup_by="agent", cause=cause)
        case Confirming(early=True):
            return Verdict(outcome="agent_no_answer", hangup_by="network", cause=cause)
        case Confirming():
            return Verdict(outcome="agent_declined", hangup_by="agent", cause=cause)
        case _:
            return Verdict(outcome="abandoned", hangup_by="agent", cause=cause)


def gave_up(role: Role, attempt: Attempt) -> Verdict:
    """Whoever called hung up before they were answered."""
    cause = attempt.cause or (None if attempt.missed else 16)
    return Verdict(outcome="abandoned", hangup_by=role, cause=cause)


def told_to_caller(verdict: Verdict) -> int:
    """The Q.850 cause for a caller whom nobody answered: what their network makes them hear."""
    chosen = verdict.outcome in ("nobody_logged_in", "nobody_accepted", "closed", "served")
    if verdict.cause is not None and (chosen or verdict.rule in _FOR_THE_CALLER):
        return verdict.cause
    return _TOLD.get(verdict.outcome, UNREACHED)


def spoken_to_caller(verdict: Verdict, *, for_group: bool) -> Prompt:
    """What they hear before that: no more than the cause tells."""
    one, group = _SPOKEN.get(told_to_caller(verdict), _SPOKEN_ELSE)
    return group if for_group else one


def ordered(stage: AnyStage, by: HangupBy, rule: str | None = None) -> Verdict:
    """Somebody ordered the call to end, or a rule did."""
    match stage:
        case Talking():
            return Verdict(outcome="answered", hangup_by=by, cause=16, rule=rule)
        case ReachingCustomer():
            return Verdict(outcome="customer_cancelled", hangup_by=by, cause=16, rule=rule)
        case _:
            return Verdict(outcome="abandoned", hangup_by=by, cause=16, rule=rule)


def talked_too_long(rule: str | None) -> Verdict:
    """The conversation took all the time it had; `rule` says by what, where that is no matter of course."""
    return Verdict(outcome="answered", hangup_by="engine", cause=16, rule=rule)


def buried(attempt: Attempt, at: Moment) -> Attempt:
    """An attempt whose end nobody saw."""
    return msgspec.structs.replace(
        attempt, phase="ended", times=msgspec.structs.replace(attempt.times, ended=at), missed=True
    )


def _telling(leg: Leg) -> Attempt:
    return min(leg.attempts, key=lambda attempt: _STRONGEST.index(attempt.failure))
