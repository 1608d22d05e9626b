"""Contacts in PostgreSQL, found by id, by number and by what other systems know them by."""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import msgspec

from engine.domain.contacts import Contact, ContactId
from engine.errors import InvalidValue, UnknownThing
from engine.store import columns
from engine.store.pool import Connection

PAGE_LIMIT = 1000
AT_ONCE = 250  # contacts made into one statement's JSON while the loop waits: a millisecond or two
BATCH_S = 30.0
"""5,000 contacts take less than a second; a slow disk may make it several."""

_LOCK = 0x53544344  # "STCD": one change of the contacts at a time, so that what was looked up still holds

_UPSERT = """
WITH given AS (
  SELECT * FROM jsonb_to_recordset($1::jsonb)
    AS row(id text, name text, numbers jsonb, source text, external_id text, attributes jsonb)
), written AS (
  INSERT INTO contacts AS known (id, name, numbers, source, external_id, attributes)
  SELECT id, name, numbers, source, external_id, attributes FROM given
  ON CONFLICT (id) DO UPDATE
     SET name = excluded.name, numbers = excluded.numbers, source = excluded.source,
         external_id = excluded.external_id, attributes = excluded.attributes,
         version = known.version + 1, updated_at = now()
   WHERE (known.name, known.numbers, known.source, known.external_id, known.attributes) IS DISTINCT FROM
         (excluded.name, excluded.numbers, excluded.source, excluded.external_id, excluded.attributes)
  RETURNING xmax = 0 AS is_new
)
SELECT count(*) FILTER (WHERE is_new) AS created, count(*) FILTER (WHERE NOT is_new) AS changed FROM written
"""


class Written(msgspec.Struct, frozen=True):
    """How many contacts an upsert made and changed; the others were so already."""

    created: int
    changed: int


class ContactFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which contacts are wanted; None excludes nothing."""

    number: str | None = None
    source: str | None = None
    external_id: str | None = None


@asynccontextmanager
async def changing(connection: Connection) -> AsyncIterator[None]:
    """Nobody else changes contacts while the context lasts; what is written counts when it ends well.

    Raises InvalidValue for what the constraints refuse.
    """
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL statement_timeout = '{BATCH_S:.0f}s'")
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            yield
    except (asyncpg.exceptions.IntegrityConstraintViolationError, asyncpg.DataError) as error:
        raise InvalidValue(f"the contacts contradict themselves: {error}") from error


async def one(connection: Connection, name: str) -> tuple[Contact, int]:
    """A contact and its version; raises UnknownThing."""
    row = await connection.fetchrow("SELECT * FROM contacts WHERE id = $1", name)
    if row is None:
        raise UnknownThing(f"there is no contact {name!r}")
    return columns.record(Contact, row), row["version"]


async def version(connection: Connection, name: str) -> int:
    """A contact's version, which grows with each change; 0 when there is none."""
    return await connection.fetchval("SELECT version FROM contacts WHERE id = $1", name) or 0


async def page(
    connection: Connection, wanted: ContactFilter, *, after: str | None, limit: int
) -> tuple[list[Contact], bool]:
    """Contacts by id, those behind `after`, and whether more follow them.

    Raises InvalidValue for a limit outside 1 to PAGE_LIMIT.
    """
    if not 1 <= limit <= PAGE_LIMIT:
        raise InvalidValue(f"limit {limit} is not between 1 and {PAGE_LIMIT}")
    clauses, arguments = ["true"], list[Any]()
    for clause, value in (
        ("id > ${}", after),
        ("numbers @> ${}::jsonb", wanted.number and [{"number": wanted.number}]),
        ("source = ${}", wanted.source),
        ("external_id = ${}", wanted.external_id),
    ):
        if value is not None:
            arguments.append(value)
            clauses.append(clause.format(len(arguments)))
    # Fixed fragments only, one for each filter so that it finds its index; every value is a parameter.
    rows = await connection.fetch(
        f"SELECT * FROM contacts WHERE {' AND '.join(clauses)} ORDER BY id LIMIT {limit + 1}",  # noqa: S608
        *arguments,
    )
    return [columns.record(Contact, row) for row in rows[:limit]], len(rows) > limit


async def owners(connection: Connection, outside: Collection[tuple[str, str]]) -> dict[tuple[str, str], ContactId]:
    """Whose these pairs of source and outside identifier are; those of nobody are left out."""
    rows = await connection.fetch(
        "SELECT id, source, external_id FROM contacts"
        " JOIN unnest($1::text[], $2::text[]) AS asked (source, external_id) USING (source, external_id)",
        [source for source, _ in outside],
        [external_id for _, external_id in outside],
    )
    return {(row["source"], row["external_id"]): row["id"] for row in rows}


async def upsert(connection: Connection, contacts: Sequence[Contact]) -> Written:
    """Inside `changing`: create or replace them all, no id twice among them."""
    created = changed = 0
    for first in range(0, len(contacts), AT_ONCE):
        rows = msgspec.to_builtins(contacts[first : first + AT_ONCE])
        row = await connection.fetchrow(_UPSERT, rows, timeout=BATCH_S)
        assert row is not None  # noqa: S101 - an aggregate gives one row
        created, changed = created + row["created"], changed + row["changed"]
    return Written(created, changed)


async def remove(connection: Connection, name: str) -> None:
    """Raises UnknownThing when there is none."""
    if await connection.execute("DELETE FROM contacts WHERE id = $1", name) == "DELETE 0":
        raise UnknownThing(f"there is no contact {name!r}")
