"""What every row of `call_history` obeys, whatever happened to its call."""

from itertools import pairwise
from typing import get_args

from engine.domain import record
from engine.domain.call import Call
from engine.domain.cdr import CallRecord, HangupBy, LegRecord, Outcome
from tests.domain.calls import through_json

LED = ("served", "closed", "voicemail_left", "callback_requested")
OUTBOUND: frozenset[str] = frozenset(
    {
        "answered",
        "agent_no_answer",
        "agent_busy",
        "agent_declined",
        "agent_unreachable",
        "agent_voicemail",
        "customer_busy",
        "customer_no_answer",
        "customer_invalid",
        "customer_rejected",
        "customer_cancelled",
        "congestion",
        "trunk_down",
        "abandoned",
        "asterisk_lost",
        "indeterminate",
        "nobody_logged_in",
        "nobody_accepted",
    }
)


def check_record(call: Call) -> CallRecord:
    """The row of a closed call, once it is found legal: outcome, order of times, durations, way through JSON."""
    row = record.of(call)
    assert through_json(row, CallRecord) == row
    assert row.outcome in OUTBOUND <= set(get_args(Outcome)) or (call.run is not None and row.outcome in LED)
    assert row.hangup_by in get_args(HangupBy)
    _check_times(row, led=call.run is not None)
    for leg in row.legs:
        _check_leg(leg, row)
    if call.request.group is not None:
        took = call.agent.taken is not None
        of_ours = took and row.transferred_to is None
        assert (row.agent_id is not None, row.agent_answered_at is not None) == (of_ours, took)
    if row.outcome == "answered":
        assert row.bridged_at is not None
    assert call.request.variables == row.variables
    return row


def _check_times(row: CallRecord, *, led: bool) -> None:
    """`led`: by a scenario, which may answer the caller before it rings anybody."""
    agent = [row.agent_ringing_at, row.agent_answered_at]
    customer = [row.customer_dialled_at, row.customer_ringing_at, row.customer_answered_at]
    for moments in (agent, customer) if led else ([*agent, *customer],):
        _in_order([row.requested_at, *moments, row.bridged_at, row.ended_at])
    for duration in (row.ring_s, row.wait_s, row.talk_s, row.billable_s):
        assert duration is None or duration >= 0
    assert (row.talk_s > 0) <= (row.bridged_at is not None)
    assert (row.billable_s > 0) <= (row.customer_answered_at is not None)


def _check_leg(leg: LegRecord, row: CallRecord) -> None:
    assert leg.ended_at is not None, "a closed call has a living leg"
    _in_order([row.requested_at, leg.dialled_at, leg.ringing_at, leg.answered_at, leg.ended_at, row.ended_at])


def _in_order(moments: list[object]) -> None:
    known = [moment for moment in moments if moment is not None]
    assert all(earlier <= later for earlier, later in pairwise(known)), known  # type: ignore[operator]
