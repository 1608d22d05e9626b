"""What the writer thread does to the tables. Each function runs inside a transaction that the writer opened."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from engine.errors import IdempotencyConflict
from engine.journal.rows import IdempotencyRow, OutboxRow, StepRow, to_microseconds

PRUNED_CALLS = 100  # per transaction: a few milliseconds, so that no step waits long behind the pruning
PRUNED_KEYS = 1000  # per transaction, for the same reason
PRUNED_EVENTS = 1000  # per transaction, for the same reason
VACUUM_PAGES = 256  # 1 MB given back to the disk per pruning transaction


def append(
    connection: sqlite3.Connection,
    steps: Sequence[StepRow],
    idempotency: IdempotencyRow | None,
    outbox: Sequence[OutboxRow],
    now: datetime,
) -> int:
    """Writes everything that belongs together; gives the last step's number (0 without a step). Raises
    IdempotencyConflict before anything was written."""
    if idempotency is not None:
        _claim(connection, idempotency)
    seq = 0
    for step in steps:
        seq = _step(connection, step)
    at = to_microseconds(now)
    for row in outbox:
        if row.kind == "event":
            _event(connection, row, at)
            continue
        connection.execute(
            "INSERT INTO outbox (kind, call_id, at, payload) VALUES (?, ?, ?, ?)",
            (row.kind, row.call_id, at, row.payload),
        )
    return seq


def answer(connection: sqlite3.Connection, key: str, owner: str, stored: bytes) -> None:
    """Stores the answer that later requests with this key will get."""
    connection.execute("UPDATE idempotency SET answer = ? WHERE owner = ? AND key = ?", (stored, owner, key))


def prune_idempotency(connection: sqlite3.Connection, older_than: datetime) -> int:
    """Forgets up to PRUNED_KEYS of the keys given before `older_than`; says how many."""
    return connection.execute(
        "DELETE FROM idempotency WHERE (owner, key) IN (SELECT owner, key FROM idempotency WHERE at < ? LIMIT ?)",
        (to_microseconds(older_than), PRUNED_KEYS),
    ).rowcount


def shipped(connection: sqlite3.Connection, seqs: Sequence[int]) -> None:
    """Marks outbox rows as known to PostgreSQL."""
    connection.executemany("UPDATE outbox SET shipped = 1 WHERE seq = ?", ((seq,) for seq in seqs))


def prune(connection: sqlite3.Connection, closed_before: datetime) -> int:
    """Removes up to PRUNED_CALLS calls closed before then whose rows are all shipped; says how many calls went."""
    before = to_microseconds(closed_before)
    calls = connection.execute(
        "SELECT call_id FROM closed_calls AS c WHERE closed_at < ? AND NOT EXISTS"
        " (SELECT 1 FROM outbox WHERE call_id = c.call_id AND shipped = 0)"
        " AND call_id NOT IN (SELECT call_id FROM open_calls) ORDER BY closed_at LIMIT ?",
        (before, PRUNED_CALLS),
    ).fetchall()
    for table in ("steps", "outbox", "closed_calls"):
        connection.executemany(f"DELETE FROM {table} WHERE call_id = ?", calls)  # noqa: S608 - the three names above
    connection.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
    return len(calls)


def prune_strays(connection: sqlite3.Connection, written_before: datetime) -> int:
    """Removes up to PRUNED_CALLS shipped rows that belong to no call still held; says how many. Run after `prune`:
    then few rows are that old."""
    return connection.execute(
        "DELETE FROM outbox WHERE seq IN (SELECT seq FROM outbox AS o WHERE shipped = 1 AND at < ? AND NOT EXISTS"
        " (SELECT 1 FROM steps WHERE call_id = o.call_id) LIMIT ?)",
        (to_microseconds(written_before), PRUNED_CALLS),
    ).rowcount


def prune_events(connection: sqlite3.Connection, written_before: datetime, up_to: int) -> int:
    """Removes up to PRUNED_EVENTS public events written before then, none behind number `up_to`; says how many.

    Always the oldest numbers, without a hole: whoever resumes can tell what is missing from the oldest one held.
    """
    return connection.execute(
        "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq <= ?1 AND seq <"
        " coalesce((SELECT min(seq) FROM events WHERE at >= ?2), 9223372036854775807) ORDER BY seq LIMIT ?3)",
        (up_to, to_microseconds(written_before), PRUNED_EVENTS),
    ).rowcount


def put(connection: sqlite3.Connection, name: str, value: bytes) -> None:
    """Keeps one small fact about this node."""
    connection.execute(
        "INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def _claim(connection: sqlite3.Connection, row: IdempotencyRow) -> None:
    claimed = connection.execute(
        "INSERT INTO idempotency (owner, key, body_hash, at, call_id, answer) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (row.owner, row.key, row.body_hash, to_microseconds(row.at), row.call_id, row.answer),
    )
    if claimed.rowcount == 1:
        return
    body_hash, call_id, stored = connection.execute(
        "SELECT body_hash, call_id, answer FROM idempotency WHERE owner = ? AND key = ?", (row.owner, row.key)
    ).fetchone()
    raise IdempotencyConflict(row.key, body_hash=body_hash, call_id=call_id, answer=stored)


def _event(connection: sqlite3.Connection, row: OutboxRow, at: int) -> None:
    connection.execute("INSERT INTO events (call_id, at, payload) VALUES (?, ?, ?)", (row.call_id, at, row.payload))


def _step(connection: sqlite3.Connection, step: StepRow) -> int:
    at = to_microseconds(step.at)
    seq = connection.execute(
        "INSERT INTO steps (call_id, at, event, effects, state, machine_version, closed) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (step.call_id, at, step.event, step.effects, step.state, step.machine_version, step.closed),
    ).lastrowid
    assert seq is not None  # noqa: S101 - SQLite gives one for every INSERT
    if step.closed:
        connection.execute("DELETE FROM open_calls WHERE call_id = ?", (step.call_id,))
        connection.execute(
            "INSERT INTO closed_calls (call_id, closed_seq, closed_at) VALUES (?, ?, ?) ON CONFLICT (call_id)"
            " DO UPDATE SET closed_seq = excluded.closed_seq, closed_at = excluded.closed_at",
            (step.call_id, seq, at),
        )
    else:
        connection.execute(
            "INSERT INTO open_calls (call_id, last_seq) VALUES (?, ?)"
            " ON CONFLICT (call_id) DO UPDATE SET last_seq = excluded.last_seq",
            (step.call_id, seq),
        )
    return seq
