"""Call records for the store's tests."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from engine.domain.cdr import CallRecord, LegRecord

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def call_id(number: int = 1) -> str:
    return str(uuid.UUID(int=(0x7 << 76) | (0x2 << 62) | number))


def leg(role: str = "agent", **changes: Any) -> LegRecord:
    base: dict[str, Any] = {
        "role": role,
        "channel": "a" * 32,
        "number": "+33612345678",
        "trunk": "paris",
        "dialled_at": NOON,
        "ringing_at": NOON + SECOND,
        "answered_at": None,
        "ended_at": NOON + 9 * SECOND,
        "cause": 19,
        "sip_code": 480,
        "result": "no_answer",
    }
    return LegRecord(**(base | changes))


def record(number: int = 1, **changes: Any) -> CallRecord:
    base: dict[str, Any] = {
        "call_id": call_id(number),
        "revision": 1,
        "direction": "outbound",
        "kind": "connect",
        "agent_id": "claire",
        "agent_name": "Claire Délage",
        "agent_mode": "mobile",
        "agent_number": "+33612345678",
        "site": "paris",
        "trunk": "paris-1",
        "campaign_id": "spring",
        "contact_id": "c-9",
        "caller": "+33140000000",
        "callee": "+33987654321",
        "callee_dialled": "09 87 65 43 21",
        "requested_at": NOON,
        "agent_ringing_at": NOON + SECOND,
        "agent_answered_at": None,
        "customer_dialled_at": None,
        "customer_ringing_at": None,
        "customer_answered_at": None,
        "bridged_at": None,
        "ended_at": NOON + 30 * SECOND,
        "ring_s": 24.5,
        "wait_s": None,
        "talk_s": 0.0,
        "outcome": "agent_no_answer",
        "hangup_by": "engine",
        "cause": 19,
        "cause_text": "No answer",
        "sip_code": 480,
        "variables": {"dossier": "A/12", "montant": 12.5, "tags": ["été", None, {"x": 1}]},
        "legs": [leg(), leg("customer", answered_at=NOON)],
        "recovered": False,
        "events_missed": False,
        "engine_node": "node-1",
    }
    return CallRecord(**(base | changes))


def payload(written: CallRecord, *, steps: bool = False) -> bytes:
    return msgspec.json.encode({"record": written, "steps": steps})
