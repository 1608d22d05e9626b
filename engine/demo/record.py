"""The call record, read back from PostgreSQL and put so that a person can read it."""

import asyncio
import json
from datetime import datetime
from typing import Any

import asyncpg

from engine.errors import Unavailable

WAIT_S = 30.0
POLL_S = 0.05
Row = dict[str, Any]


async def row_of(dsn: str, call_id: str) -> Row:
    """The row of `call_history`, once it is there; raises Unavailable."""
    connection = await asyncpg.connect(dsn, timeout=WAIT_S)
    try:
        async with asyncio.timeout(WAIT_S):
            while (row := await connection.fetchrow(_QUERY, call_id)) is None:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise Unavailable(f"no row for call {call_id} after {WAIT_S:.0f} s") from None
    finally:
        await connection.close(timeout=WAIT_S)
    return dict(row)


_QUERY = "SELECT * FROM call_history WHERE call_id = $1"


def readable(row: Row) -> list[tuple[str, str]]:
    """The columns of a connect call, related ones on one line, in the order of the call."""
    return [
        ("call_id", f"{row['call_id']}"),
        ("outcome", f"{row['outcome']}, hung up by {row['hangup_by']}, {_cause(row)}"),
        ("agent", f"{row['agent_name']} ({row['agent_id']}), {row['agent_mode']} {row['agent_number']}"),
        ("callee", f"{row['callee']}, seeing {row['caller']}, site {row['site']}, trunk {row['trunk'] or '-'}"),
        ("times", _times(row)),
        (
            "seconds",
            f"ring {_s(row['ring_s'])}, wait {_s(row['wait_s'])}, "
            f"talk {_s(row['talk_s'])}, billable {_s(row['billable_s'])}",
        ),
        ("variables", row["variables"]),
        ("legs", "; ".join(map(_leg, json.loads(row["legs"])))),
        ("recovered", f"{row['recovered']}, events missed: {row['events_missed']}, node {row['engine_node']}"),
    ]


def _cause(row: Row) -> str:
    code = f", SIP {row['sip_code']}" if row["sip_code"] else ""
    return f"Q.850 cause {row['cause']} ({row['cause_text']}){code}"


def _times(row: Row) -> str:
    names = ("requested", "agent_ringing", "agent_answered", "customer_dialled", "customer_ringing", "bridged", "ended")
    return ", ".join(f"{name} {_clock(at)}" for name in names if (at := row[f"{name}_at"]) is not None)


def _leg(leg: Row) -> str:
    return f"{leg['role']} {leg['number']} by {leg['trunk'] or 'telephone'}: {leg['result']}, cause {leg['cause']}"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def _s(value: float | None) -> str:
    return "-" if value is None else f"{float(value):.3f}"
