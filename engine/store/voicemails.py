"""`voicemails`: what callers left for whom, in the order it came. One that was deleted is there for nobody any more."""

from collections.abc import Sequence
from datetime import timedelta

from engine.domain.voicemails import Voicemail
from engine.errors import UnknownThing
from engine.store import columns
from engine.store.pool import Connection

DELETED_FOR = timedelta(days=1)  # a row outlives its message, so that nothing late in the journal brings it back
_INSERT = columns.insert("voicemails", Voicemail)


async def insert(connection: Connection, message: Voicemail) -> None:
    """Adds a message; one that is there already stays as it is."""
    await connection.execute(_INSERT, *columns.values(message))


async def page(
    connection: Connection, *, mailbox: str | None, heard: bool | None, after: int, limit: int
) -> tuple[list[Voicemail], int | None]:
    """Those behind number `after`, the oldest first, and the number of the last of them when more follow."""
    rows = await connection.fetch(
        "SELECT * FROM voicemails WHERE deleted_at IS NULL AND seq > $1 AND ($2::text IS NULL OR mailbox = $2::text)"
        " AND ($3::boolean IS NULL OR heard = $3::boolean) ORDER BY seq LIMIT $4",
        after,
        mailbox,
        heard,
        limit + 1,
    )
    found = [columns.record(Voicemail, row) for row in rows[:limit]]
    return found, rows[limit - 1]["seq"] if len(rows) > limit else None


async def one(connection: Connection, name: str) -> Voicemail:
    """Raises UnknownThing when there is none, or no longer."""
    return await _changed(connection, name, "SELECT * FROM voicemails WHERE id = $1 AND deleted_at IS NULL")


async def hear(connection: Connection, name: str, heard: bool) -> Voicemail:
    """Note whether somebody heard it; raises UnknownThing."""
    statement = "UPDATE voicemails SET heard = $2 WHERE id = $1 AND deleted_at IS NULL RETURNING *"
    return await _changed(connection, name, statement, heard)


async def delete(connection: Connection, name: str) -> Voicemail:
    """Raises UnknownThing when there is none, or no longer."""
    statement = "UPDATE voicemails SET deleted_at = now() WHERE id = $1 AND deleted_at IS NULL RETURNING *"
    return await _changed(connection, name, statement)


async def over(connection: Connection, node: str, keep: timedelta | None, limit: int) -> list[str]:
    """Messages of this node that were deleted, or are older than this (None: as old as they may be)."""
    rows = await connection.fetch(
        "SELECT id FROM voicemails WHERE node = $1 AND (deleted_at < now() - $2::interval OR at < now() - $3::interval)"
        " LIMIT $4",
        node,
        DELETED_FOR,
        keep,
        limit,
    )
    return [str(row["id"]) for row in rows]


async def forget(connection: Connection, names: Sequence[str]) -> None:
    """Take these rows away."""
    await connection.execute("DELETE FROM voicemails WHERE id = ANY ($1::uuid[])", names)


async def _changed(connection: Connection, name: str, statement: str, *more: object) -> Voicemail:
    row = await connection.fetchrow(statement, columns.uuid_or_none(name), *more)
    if row is None:
        raise UnknownThing(f"there is no voicemail {name!r}")
    return columns.record(Voicemail, row)
