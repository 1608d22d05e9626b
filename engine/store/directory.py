"""The directory in PostgreSQL: entries as rows, a table for each kind, and every revision as a whole document."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, TypeVar

import asyncpg
import msgspec

from engine.domain.directory import Agent, Directory, Trunk
from engine.domain.directory_kinds import SECTIONS, Section, entries_of
from engine.domain.values import Slug
from engine.errors import InvalidValue, Refused, UnknownThing
from engine.store import columns
from engine.store.pool import Connection

E = TypeVar("E", Trunk, Agent)

_LOCK = 0x53544449  # "STDI": one change of the directory at a time
_HISTORY_LIMIT = 1000
CHANGE_S = 90.0
"""How long a change may take: Asterisk reloads, is read back, and if need be once more to undo it."""


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """Who made a revision of the directory, when and why."""

    revision: int
    at: datetime
    author: str
    comment: str


async def load(connection: Connection) -> Directory:
    """The directory as it stands; revision 0 and empty before the first import."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return await _load(connection)


async def revision(connection: Connection) -> int:
    """The current revision's number: a cheap look at whether anything changed. 0 before the first import."""
    return int(await connection.fetchval("SELECT coalesce(max(revision), 0) FROM directory_revisions"))


async def apply(
    connection: Connection, wanted: Directory, author: str, comment: str, *, base: int | None = None
) -> Directory:
    """Makes `wanted` the directory, as a new revision; changes nothing when it says the same as the current one.

    `base` is the revision `wanted` was made from, if it matters: Refused (409, `directory-changed`) when somebody
    changed the directory since. Raises InvalidValue for what the database's constraints refuse; then nothing changed.
    """
    async with changing(connection) as current:
        if base is not None:
            check_base(current, base)
        return await write(connection, current, wanted, author, comment)


@asynccontextmanager
async def changing(connection: Connection) -> AsyncIterator[Directory]:
    """The directory as it stands, which nobody else changes while the context lasts.

    What is written in it counts when it ends well, and never was when it ends by an error. It may wait for Asterisk
    (up to `CHANGE_S`), which is longer than a transaction may be idle otherwise.
    """
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{CHANGE_S:.0f}s'")
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            yield await _load(connection)
    except (asyncpg.exceptions.IntegrityConstraintViolationError, asyncpg.DataError) as error:
        raise InvalidValue(f"the directory contradicts itself: {error}") from error


def check_base(current: Directory, base: int) -> None:
    """Raises Refused (409, `directory-changed`) when the directory is at another revision than this."""
    if base != current.revision:
        raise _changed(base, current.revision)


async def write(connection: Connection, current: Directory, wanted: Directory, author: str, comment: str) -> Directory:
    """Inside `changing`: `wanted` as the next revision; `current` itself when it says the same."""
    if msgspec.structs.replace(wanted, revision=current.revision) == current:
        return current
    made = msgspec.structs.replace(wanted, revision=current.revision + 1)
    await _write(connection, made)
    await _record(connection, made, author, comment)
    return made


async def history(connection: Connection, limit: int = 100) -> list[Revision]:
    """Who changed the directory, newest first."""
    rows = await connection.fetch(
        "SELECT revision, at, author, comment FROM directory_revisions ORDER BY revision DESC LIMIT $1",
        min(limit, _HISTORY_LIMIT),
    )
    return [columns.record(Revision, row) for row in rows]


async def at_revision(connection: Connection, number: int) -> Directory:
    """The directory as it was; raises UnknownThing."""
    document = await connection.fetchval("SELECT document FROM directory_revisions WHERE revision = $1", number)
    if document is None:
        raise UnknownThing(f"the directory never had a revision {number}")
    return msgspec.convert(document, Directory)


async def last_seen(connection: Connection, trunks: Iterable[Slug], agents: Iterable[Slug]) -> Directory:
    """These trunks and agents as the newest revision that had them says; the sites are those of nobody."""
    seen_trunks = [await _last(connection, "trunks", name, Trunk) for name in trunks]
    seen_agents = [await _last(connection, "agents", name, Agent) for name in agents]
    return Directory(
        revision=0,
        sites={},
        trunks={trunk.id: trunk for trunk in seen_trunks if trunk is not None},
        agents={agent.id: agent for agent in seen_agents if agent is not None},
    )


async def _last(connection: Connection, section: str, name: Slug, entry: type[E]) -> E | None:
    found = await connection.fetchval(
        "SELECT document -> $1::text -> $2::text FROM directory_revisions WHERE document -> $1::text ? $2::text"
        " ORDER BY revision DESC LIMIT 1",
        section,
        name,
    )
    return None if found is None else msgspec.convert(found, entry)


async def _load(connection: Connection) -> Directory:
    sections = {section.name: await _read(connection, section) for section in SECTIONS.values()}
    return Directory(revision=await revision(connection), **sections)


async def _read(connection: Connection, section: Section) -> dict[Any, Any]:
    rows = await connection.fetch(f"SELECT * FROM {section.table} ORDER BY id")  # noqa: S608 - a name of ours
    entries = [columns.record(section.model, row) for row in rows]
    return {found.id: found for found in entries}


async def _write(connection: Connection, directory: Directory) -> None:
    for kind, section in SECTIONS.items():
        entries = entries_of(directory, kind)
        await connection.execute(f"DELETE FROM {section.table} WHERE id <> ALL ($1::text[])", list(entries))  # noqa: S608
        rows = [columns.values(found) for found in entries.values()]
        await connection.executemany(columns.upsert(section.table, section.model, "id"), rows)


async def _record(connection: Connection, directory: Directory, author: str, comment: str) -> None:
    await connection.execute(
        "INSERT INTO directory_revisions (revision, author, comment, document) VALUES ($1, $2, $3, $4)",
        directory.revision,
        author,
        comment,
        directory,
    )


def _changed(base: int, current: int) -> Refused:
    return Refused(
        f"the directory is at revision {current} now, this change was made from revision {base}",
        rule="directory-changed",
        status=409,
        what_next="look at the plan again and repeat",
    )
