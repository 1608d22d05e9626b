"""A call to an emergency number as a row of `call_history`: the dialplan alone had it, so there is no journal of it."""

from datetime import datetime
from typing import Self
from uuid import UUID, uuid5

import msgspec

from engine.domain import causes
from engine.domain.cdr import CallRecord, HangupBy, Outcome
from engine.domain.dialstring import agent_at
from engine.domain.directory import Directory

_OURS = UUID("6f4dbe0e-3f0c-5d53-9b0a-6e0c1b7f1120")  # names these calls: one row, however often it is read
_UNANSWERED: dict[str, Outcome] = {
    "CANCEL": "abandoned",
    "BUSY": "customer_busy",
    "NOANSWER": "customer_no_answer",
}


class EmergencyCall(msgspec.Struct, frozen=True, kw_only=True):
    """What Asterisk's log tells of one: `channel` is the telephone's, `endpoint` its SIP user, `trunk` the last tried.

    Times are aware; `cause` is Q.850; `dialstatus` is that of the last try.
    """

    channel: str
    endpoint: str
    number: str
    trunk: str
    shown: str | None
    began: datetime
    ended: datetime
    cause: int
    hung_up_by_caller: bool
    dialstatus: str = ""
    answered: datetime | None = None

    def answered_at(self, at: datetime) -> Self:
        """The same, answered then."""
        return msgspec.structs.replace(self, answered=min(at, self.ended))

    @property
    def id(self) -> str:
        """The call's id: always the same for the same channel."""
        return str(uuid5(_OURS, f"{self.channel} {self.began.timestamp():.0f}"))


def record(call: EmergencyCall, directory: Directory, node: str) -> CallRecord:
    """Its row. An agent who is no longer in the directory is not named."""
    agent = agent_at(call.endpoint, directory)
    talk_s = (call.ended - call.answered).total_seconds() if call.answered else 0.0
    return CallRecord(
        call_id=call.id,
        revision=1,
        direction="outbound",
        kind="emergency",
        agent_id=agent.id if agent else None,
        agent_name=agent.name if agent else None,
        agent_mode="sip",
        agent_number=agent.extension if agent else None,
        site=agent.site if agent else None,
        trunk=call.trunk,
        campaign_id=None,
        contact_id=None,
        caller=call.shown,
        callee=call.number,
        callee_dialled=call.number,
        handled_by="understudy",
        requested_at=call.began,
        agent_ringing_at=None,
        agent_answered_at=call.began,
        customer_dialled_at=call.began,
        customer_ringing_at=None,
        customer_answered_at=call.answered,
        bridged_at=call.answered,
        ended_at=call.ended,
        ring_s=((call.answered or call.ended) - call.began).total_seconds(),
        wait_s=((call.answered or call.ended) - call.began).total_seconds(),
        talk_s=talk_s,
        billable_s=talk_s,
        outcome="answered" if call.answered else _UNANSWERED.get(call.dialstatus, "congestion"),
        hangup_by=_hung_up_by(call),
        cause=call.cause,
        cause_text=causes.text(call.cause),
        sip_code=None,
        variables={},
        legs=[],
        recovered=False,
        events_missed=False,
        engine_node=node,
    )


def _hung_up_by(call: EmergencyCall) -> HangupBy:
    if call.hung_up_by_caller:
        return "agent"
    return "customer" if call.answered else "network"
