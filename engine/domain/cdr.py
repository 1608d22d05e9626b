"""The call record: what one row of `call_history` holds.

The row is a pure projection of a call's state, and the state is a fold over the call's events, so the row depends on
the journal alone. All durations are seconds; all times are UTC.
"""

from datetime import datetime
from typing import Any, Literal

import msgspec

Outcome = Literal[
    "answered",
    "agent_no_answer",
    "agent_busy",
    "agent_declined",
    "agent_unreachable",  # added by ADR 0004
    "agent_voicemail",
    "customer_busy",
    "customer_no_answer",
    "customer_invalid",
    "customer_rejected",
    "customer_cancelled",
    "congestion",
    "trunk_down",
    "abandoned",
    "voicemail_left",
    "callback_requested",
    "closed",
    "served",  # by a scenario alone (ADR 0022)
    "machine",
    "full",
    "nobody_logged_in",
    "nobody_accepted",
    "timed_out",
    "left_by_key",
    "asterisk_lost",
    "indeterminate",
]
HangupBy = Literal["agent", "customer", "engine", "api", "network"]


class VisitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One node of a scenario a caller came by. `keys` are masked where the scenario says so. `prompts`: how many were
    begun there, `cut`: how many of these by a key; `message`: the recording made there."""

    scenario: str
    node: str
    at: datetime
    left: datetime | None
    outcome: str | None
    keys: str
    prompts: int
    cut: int
    message: str | None


class LegRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to reach one party, as it goes into the `legs` column."""

    role: Literal["agent", "customer"]
    channel: str
    number: str
    agent: str | None = None  # in a call for a group: whom it was
    trunk: str | None
    dialled_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    cause: int | None  # Q.850
    sip_code: int | None
    result: str


class CallRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `call_history`; the field names are the column names."""

    call_id: str
    revision: int  # grows with each change of the row; an older one never overwrites a newer one
    direction: Literal["outbound", "inbound", "internal"]
    kind: str
    agent_id: str | None
    agent_name: str | None
    agent_mode: Literal["sip", "mobile"] | None
    agent_number: str | None
    site: str | None
    trunk: str | None
    campaign_id: str | None
    contact_id: str | None
    caller: str | None
    callee: str | None
    callee_dialled: str | None
    did: str | None = None
    scenario: str | None = None
    scenario_version: str | None = None
    redirected_from: str | None = None
    service: str | None = None
    group_id: str | None = None
    handled_by: Literal["engine", "understudy"] = "engine"
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
    hold_s: float = 0.0
    wrap_s: float = 0.0
    billable_s: float = 0.0
    outcome: Outcome
    hangup_by: HangupBy
    cause: int | None
    cause_text: str | None
    sip_code: int | None
    rule: str | None = None  # the limit the engine ended the call by
    disposition: str | None = None
    disposition_note: str | None = None
    disposition_fields: dict[str, Any] | None = None
    recordings: list[str] = []
    transferred_to: str | None = None
    ivr_path: list[str] | None = None
    ivr_visits: list[VisitRecord] | None = None
    variables: dict[str, Any]
    legs: list[LegRecord]
    recovered: bool
    events_missed: bool
    engine_node: str


class Disposition(msgspec.Struct, frozen=True, kw_only=True):
    """How the agent qualified a call (feature G9): a code, and what the application adds to it."""

    code: str
    note: str | None = None
    fields: dict[str, Any] | None = None
