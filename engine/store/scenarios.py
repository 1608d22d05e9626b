"""Published scenarios in PostgreSQL: versions that never change, and the moves of the aliases that lead to them."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

import asyncpg
import msgspec

from engine.domain.directory import Alias
from engine.domain.scenario.graph import Program
from engine.domain.values import Slug
from engine.scenarios.bundles import Take
from engine.store import columns
from engine.store.pool import Connection

_LOCK = 0x53545343  # "STSC": one publication at a time


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What callers of a scenario meet. `sources`: the files it was made of, by path."""

    version: str
    name: Slug
    program: Program
    sources: dict[str, str]
    recordings: tuple[Take, ...]
    author: str
    created_at: datetime


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """An alias of a scenario leads to a version from now on."""

    name: Slug
    alias: Alias
    version: str
    author: str
    at: datetime


class Aliases(msgspec.Struct, frozen=True):
    """Where every alias leads, as of move `number` (0: nothing was ever published)."""

    number: int = 0
    moves: tuple[Move, ...] = ()


async def last_move(connection: Connection) -> int:
    """A cheap look at whether anything changed."""
    return int(await connection.fetchval("SELECT coalesce(max(number), 0) FROM scenario_moves"))


async def aliases(connection: Connection) -> Aliases:
    """Where every alias leads now."""
    rows = await connection.fetch(
        "SELECT DISTINCT ON (name, alias) * FROM scenario_moves ORDER BY name, alias, number DESC"
    )
    return Aliases(max((row["number"] for row in rows), default=0), _moves(rows))


async def history(connection: Connection, name: Slug, limit: int) -> tuple[Move, ...]:
    """The moves of a scenario's aliases, newest first."""
    rows = await connection.fetch(
        "SELECT * FROM scenario_moves WHERE name = $1 ORDER BY number DESC LIMIT $2", name, limit
    )
    return _moves(rows)


async def version(connection: Connection, wanted: str) -> Version | None:
    """A version with everything but the sound of its recordings."""
    row = await connection.fetchrow("SELECT * FROM scenario_versions WHERE version = $1", wanted)
    if row is None:
        return None
    fields = {name: row[name] for name in columns.names(Version)}
    return msgspec.convert(fields | {"program": msgspec.json.decode(row["program"])}, Version)


async def recordings(connection: Connection, wanted: Iterable[str]) -> dict[str, bytes]:
    """The sound of these recordings, by their hash."""
    rows = await connection.fetch("SELECT * FROM scenario_recordings WHERE sha256 = ANY ($1::text[])", list(wanted))
    return {row["sha256"]: row["content"] for row in rows}


@asynccontextmanager
async def changing(connection: Connection) -> AsyncIterator[Aliases]:
    """Where every alias leads, which nobody else changes while the context lasts."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        yield await aliases(connection)


async def keep(connection: Connection, made: Version, sounds: Mapping[str, bytes]) -> None:
    """Inside `changing`: a version; one that is there already stays as it was."""
    await connection.executemany(
        "INSERT INTO scenario_recordings (sha256, content) VALUES ($1, $2) ON CONFLICT DO NOTHING", list(sounds.items())
    )
    fields = columns.names(Version)
    program = msgspec.json.encode(made.program).decode()
    given = [program if name == "program" else value for name, value in zip(fields, columns.values(made), strict=True)]
    await connection.execute(
        f"INSERT INTO scenario_versions ({', '.join(fields)}) VALUES ({columns.placeholders(len(fields))})"  # noqa: S608
        " ON CONFLICT DO NOTHING",
        *given,
    )


async def move(connection: Connection, moves: Sequence[Move]) -> None:
    """Inside `changing`: aliases lead there from now on."""
    fields = columns.names(Move)
    await connection.executemany(
        f"INSERT INTO scenario_moves ({', '.join(fields)}) VALUES ({columns.placeholders(len(fields))})",  # noqa: S608
        [columns.values(one) for one in moves],
    )


def _moves(rows: Sequence[asyncpg.Record]) -> tuple[Move, ...]:
    return tuple(columns.record(Move, row) for row in rows)
