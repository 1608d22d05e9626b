"""What can be asked of the journal. Each function runs on the reading connection, in the reader's thread."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import cast

from engine.journal.rows import (
    Backlog,
    ClosedCall,
    ClosedState,
    EventBounds,
    EventRow,
    IdempotencyRow,
    OpenCall,
    OutboxKind,
    OutboxRow,
    StepRow,
    from_microseconds,
    to_microseconds,
)

_CLOSED = (
    "SELECT call_id, closed_seq, closed_at, (SELECT payload FROM outbox WHERE call_id = c.call_id AND kind = 'cdr'"
    " ORDER BY seq DESC LIMIT 1) FROM closed_calls AS c"
)


def open_calls(connection: sqlite3.Connection) -> list[OpenCall]:
    """Every call that is not over, oldest change first."""
    rows = connection.execute(
        "SELECT o.call_id, s.state, s.machine_version, o.last_seq FROM open_calls AS o"
        " JOIN steps AS s ON s.seq = o.last_seq ORDER BY o.last_seq"
    )
    return [OpenCall(call_id=c, state=s, machine_version=v, last_seq=q) for c, s, v, q in rows]


def steps(connection: sqlite3.Connection, call_id: str) -> list[StepRow]:
    """The whole story of one call, in order; empty when the journal does not know it."""
    rows = connection.execute(
        "SELECT call_id, at, event, effects, state, machine_version, closed, seq FROM steps"
        " WHERE call_id = ? ORDER BY seq",
        (call_id,),
    )
    return [
        StepRow(
            call_id=c,
            at=from_microseconds(at),
            event=event,
            effects=effects,
            state=state,
            machine_version=version,
            closed=bool(closed),
            seq=seq,
        )
        for c, at, event, effects, state, version, closed, seq in rows
    ]


def find_idempotency(connection: sqlite3.Connection, key: str, owner: str) -> IdempotencyRow | None:
    """What this owner's key stands for, if it was ever used."""
    row = connection.execute(
        "SELECT body_hash, at, call_id, answer FROM idempotency WHERE owner = ? AND key = ?", (owner, key)
    ).fetchone()
    if row is None:
        return None
    body_hash, at, call_id, answer = row
    return IdempotencyRow(
        key=key, owner=owner, body_hash=body_hash, at=from_microseconds(at), call_id=call_id, answer=answer
    )


def outbox(connection: sqlite3.Connection, limit: int, after: int) -> list[OutboxRow]:
    """The oldest rows still to be shipped, those behind `after`."""
    rows = connection.execute(
        "SELECT seq, kind, call_id, payload FROM outbox WHERE shipped = 0 AND seq > ? ORDER BY seq LIMIT ?",
        (after, limit),
    )
    return [OutboxRow(seq=q, kind=cast("OutboxKind", kind), call_id=c, payload=p) for q, kind, c, p in rows]


def backlog(connection: sqlite3.Connection) -> Backlog:
    """The rows that wait to be shipped."""
    count, oldest = connection.execute("SELECT count(*), min(at) FROM outbox WHERE shipped = 0").fetchone()
    return Backlog(rows=count, oldest=None if oldest is None else from_microseconds(oldest))


def events(connection: sqlite3.Connection, after: int, limit: int) -> list[EventRow]:
    """The public events behind number `after`, in order."""
    rows = connection.execute(
        "SELECT seq, call_id, payload FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
    )
    return [EventRow(seq=seq, call_id=call_id, payload=payload) for seq, call_id, payload in rows]


def event_bounds(connection: sqlite3.Connection) -> EventBounds:
    """Which public events are held."""
    newest, oldest = connection.execute(
        "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'events'), (SELECT min(seq) FROM events)"
    ).fetchone()
    return EventBounds(oldest=oldest or (newest or 0) + 1, newest=newest or 0)


def closed_calls(connection: sqlite3.Connection, limit: int, before: int | None) -> list[ClosedCall]:
    """Finished calls, newest first, those closed before step number `before`."""
    top = before if before is not None else (1 << 63) - 1
    return _closed(connection.execute(f"{_CLOSED} WHERE closed_seq < ? ORDER BY closed_seq DESC LIMIT ?", (top, limit)))


def closed_call(connection: sqlite3.Connection, call_id: str) -> ClosedCall | None:
    """One finished call, if the journal still holds it."""
    found = _closed(connection.execute(f"{_CLOSED} WHERE call_id = ?", (call_id,)))
    return found[0] if found else None


def closed_states(connection: sqlite3.Connection, since: datetime, limit: int, before: int | None) -> list[ClosedState]:
    """Calls that ended since then, newest first, as they were then; those closed before step number `before`."""
    rows = connection.execute(
        "SELECT c.call_id, c.closed_seq, s.state FROM closed_calls AS c JOIN steps AS s ON s.seq = c.closed_seq"
        " WHERE c.closed_at >= ? AND c.closed_seq < ? ORDER BY c.closed_seq DESC LIMIT ?",
        (to_microseconds(since), before if before is not None else (1 << 63) - 1, limit),
    )
    return [ClosedState(call_id=c, closed_seq=seq, state=state) for c, seq, state in rows]


def get(connection: sqlite3.Connection, name: str) -> bytes | None:
    """One fact about this node."""
    row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return cast("bytes", row[0]) if row else None


def _closed(rows: sqlite3.Cursor | Sequence[tuple[str, int, int, bytes | None]]) -> list[ClosedCall]:
    return [
        ClosedCall(call_id=c, closed_seq=seq, closed_at=from_microseconds(at), payload=payload)
        for c, seq, at, payload in rows
    ]
