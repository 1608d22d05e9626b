"""A customer who called a number of ours and was let in to nobody: what they hear, and their row of `call_history`.

Nobody was rung, so there is no call with a journal; but a customer was missed, and that is a call record's to tell.
"""

from datetime import datetime
from uuid import UUID, uuid5

import msgspec

from engine.domain import causes
from engine.domain.cdr import CallRecord, Outcome
from engine.domain.directory import Agent, Application, Directory, Group, Number, ToAgent, ToGroup
from engine.domain.values import ChannelId

_OURS = UUID("0a4c4c5e-5c1f-5b3e-8f0f-0f4a1d7e2b93")  # names these calls: one row, also when an engine dies in between
BUSY, NOT_PERMITTED, UNKNOWN, NOBODY = "busy", "not-permitted", "unknown", "nobody"
TOLD = {
    "agent-busy": BUSY,
    "unknown-number": UNKNOWN,
    "number-not-in-use": UNKNOWN,
    "number-not-dialable": UNKNOWN,
    "agent-disabled": NOT_PERMITTED,
    "incidents-not-permitted": NOT_PERMITTED,
    "calls-per-minute": NOT_PERMITTED,
    "no-phone-registered": NOBODY,
}
"""What the dialplan (`standardiste-refusal`) tells a caller for each rule; rules about destinations and limits are
permissions, and whatever else may refuse means that nobody can take the call now."""
CAUSES = {BUSY: 17, NOT_PERMITTED: 21, UNKNOWN: 1, NOBODY: 42}
"""And their network: Q.850."""
_OUTCOMES: dict[str, Outcome] = {
    "agent-busy": "agent_busy",
    "agent-disabled": "agent_unreachable",
    "mobile-not-permitted": "agent_unreachable",
    "mobile-number-missing": "agent_unreachable",
    "no-phone-registered": "agent_unreachable",
}
"""By rule; any other is a limit or a lack of ours."""


class MissedCall(msgspec.Struct, frozen=True, kw_only=True):
    """Who called which number of ours, and the rule that refused them. `caller` is "" when withheld."""

    channel: ChannelId
    at: datetime
    number: Number
    caller: str
    dialled: str
    redirected_from: str
    rule: str


def told(rule: str) -> str:
    """The extension of the dialplan that tells the caller about this rule."""
    if rule.startswith(("destination-", "limit")):
        return NOT_PERMITTED
    return TOLD.get(rule, NOBODY)


def record(missed: MissedCall, directory: Directory, node: str) -> CallRecord:
    """Its row. `rule` says why, as it does where the engine ends a call."""
    number, cause = missed.number, CAUSES[told(missed.rule)]
    wanted = _wanted(number, directory)
    agent = wanted if isinstance(wanted, Agent) else None
    return CallRecord(
        call_id=str(uuid5(_OURS, f"{node} {missed.channel}")),
        revision=1,
        direction="inbound",
        kind="inbound",
        agent_id=agent.id if agent else None,
        agent_name=agent.name if agent else None,
        agent_mode=None,
        agent_number=None,
        site=wanted.site,
        trunk=number.trunk,
        campaign_id=number.campaign,
        contact_id=None,
        caller=missed.caller or None,
        callee=number.id,
        callee_dialled=missed.dialled,
        did=number.id,
        scenario=wanted.scenario if isinstance(wanted, Application) else None,
        redirected_from=missed.redirected_from or None,
        service=number.service,
        group_id=wanted.id if isinstance(wanted, Group) else None,
        requested_at=missed.at,
        agent_ringing_at=None,
        agent_answered_at=None,
        customer_dialled_at=None,
        customer_ringing_at=None,
        customer_answered_at=None,
        bridged_at=None,
        ended_at=missed.at,
        ring_s=None,
        wait_s=0.0,
        talk_s=0.0,
        outcome=_OUTCOMES.get(missed.rule, "congestion"),
        hangup_by="engine",
        cause=cause,
        cause_text=causes.text(cause),
        sip_code=None,
        rule=missed.rule,
        variables={},
        legs=[],
        recovered=False,
        events_missed=False,
        engine_node=node,
    )


def _wanted(number: Number, directory: Directory) -> Agent | Group | Application:
    """Whom or what the number leads to."""
    if isinstance(number.target, ToAgent):
        return directory.agents[number.target.id]
    if isinstance(number.target, ToGroup):
        return directory.groups[number.target.id]
    return directory.applications[number.target.id]
