"""`callbacks`: who wants to be called back, in the order they asked, and what became of it."""

from datetime import timedelta
from typing import Any

from engine.domain.callbacks import Callback, CallbackStatus
from engine.errors import UnknownThing
from engine.store import columns, forgetting
from engine.store.pool import Connection

_INSERT = columns.insert("callbacks", Callback)


async def insert(connection: Connection, callback: Callback) -> None:
    """Adds a request; one that is there already stays as it is."""
    await connection.execute(_INSERT, *columns.values(callback))


async def page(
    connection: Connection, *, queue: str | None, status: CallbackStatus | None, after: int, limit: int
) -> tuple[list[Callback], int | None]:
    """Those behind number `after`, the oldest first, and the number of the last of them when more follow."""
    rows = await connection.fetch(
        "SELECT * FROM callbacks WHERE seq > $1 AND ($2::text IS NULL OR queue = $2::text)"
        " AND ($3::text IS NULL OR status = $3::text) ORDER BY seq LIMIT $4",
        after,
        queue,
        status,
        limit + 1,
    )
    found = [columns.record(Callback, row) for row in rows[:limit]]
    return found, rows[limit - 1]["seq"] if len(rows) > limit else None


async def change(connection: Connection, name: str, status: CallbackStatus, by: str) -> tuple[Callback, bool]:
    """The request with this status, and whether that is new: the same again changes nothing. Raises UnknownThing."""
    key: Any = columns.uuid_or_none(name)
    changed = await connection.fetchrow(
        "UPDATE callbacks SET status = $2::text, changed_by = $3, changed_at = now()"
        " WHERE id = $1 AND status <> $2::text RETURNING *",
        key,
        status,
        by,
    )
    row = changed or await connection.fetchrow("SELECT * FROM callbacks WHERE id = $1", key)
    if row is None:
        raise UnknownThing(f"there is no callback {name!r}")
    return columns.record(Callback, row), changed is not None


async def forget(connection: Connection, older_than: timedelta) -> int:
    """Removes a batch of those that have been done or cancelled for so long, the oldest first; one that waits stays
    however old it is. What another engine is removing is left to it. Says how many."""
    return await forgetting.delete(
        connection,
        "DELETE FROM callbacks WHERE id IN (SELECT id FROM callbacks WHERE status IN ('done', 'cancelled')"
        " AND changed_at < now() - $1::interval ORDER BY changed_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        older_than,
    )
