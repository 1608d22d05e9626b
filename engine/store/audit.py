"""`audit`: requests that were refused and changes that were made."""

from datetime import datetime, timedelta
from typing import Any

from engine.errors import InvalidValue
from engine.store import columns, forgetting
from engine.store.outbox import AuditPayload
from engine.store.pool import Connection

PAGE_LIMIT = 1000


class AuditRow(AuditPayload, frozen=True, kw_only=True):
    """A stored line; (journal_id, seq) is where it was first written."""

    journal_id: str
    seq: int


async def insert_audit(connection: Connection, journal_id: str, seq: int, line: AuditPayload) -> None:
    """Stores a line once, however often it is delivered."""
    await connection.execute(
        "INSERT INTO audit (journal_id, seq, at, actor, action, rule, message, request)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        journal_id,
        seq,
        line.at,
        line.actor,
        line.action,
        line.rule,
        line.message,
        line.request,
    )


async def query_audit(
    connection: Connection,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    actor: str | None = None,
    before: AuditRow | None = None,
    limit: int = 100,
) -> list[AuditRow]:
    """Lines between `start` (included) and `end` (not), newest first; `before` is the last line of the page before."""
    if not 1 <= limit <= PAGE_LIMIT:
        raise InvalidValue(f"limit {limit} is not between 1 and {PAGE_LIMIT}")
    position: tuple[Any, ...] = (before.at, before.journal_id, before.seq) if before else (None, None, None)
    rows = await connection.fetch(
        "SELECT * FROM audit WHERE ($1::timestamptz IS NULL OR at >= $1) AND ($2::timestamptz IS NULL OR at < $2)"
        " AND ($3::text IS NULL OR actor = $3)"
        " AND ($4::timestamptz IS NULL OR (at, journal_id, seq) < ($4, $5::text, $6::bigint))"
        " ORDER BY at DESC, journal_id DESC, seq DESC LIMIT $7",
        start,
        end,
        actor,
        *position,
        limit,
    )
    return [columns.record(AuditRow, row) for row in rows]


async def forget(connection: Connection, older_than: timedelta) -> int:
    """Removes a batch of lines, the oldest first; what another engine is removing is left to it. Says how many."""
    return await forgetting.delete(
        connection,
        "DELETE FROM audit WHERE (journal_id, seq) IN (SELECT journal_id, seq FROM audit"
        " WHERE at < now() - $1::interval ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        older_than,
    )
