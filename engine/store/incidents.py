"""Incidents in PostgreSQL, a row for each flag that is set; and the copy this node keeps for the time without it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from engine.domain.incidents import Incident
from engine.store import columns, local_file
from engine.store.pool import Connection

_LOCK = 0x53544943  # "STIC": one change of the incidents at a time


async def load(connection: Connection) -> tuple[Incident, ...]:
    """What is set, the oldest first; those that are over and not yet taken away with them."""
    rows = await connection.fetch("SELECT * FROM incidents ORDER BY set_at, code")
    return tuple(columns.record(Incident, row) for row in rows)


@asynccontextmanager
async def changing(connection: Connection) -> AsyncIterator[tuple[Incident, ...]]:
    """What is set, which nobody else changes while the context lasts."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        yield await load(connection)


async def write(connection: Connection, wanted: Sequence[Incident]) -> None:
    """Inside `changing`: these are set, and nothing else."""
    await connection.execute("DELETE FROM incidents WHERE code <> ALL ($1::text[])", [one.code for one in wanted])
    rows = [columns.values(one) for one in wanted]
    await connection.executemany(columns.upsert("incidents", Incident, "code"), rows)


def save(path: Path, incidents: Sequence[Incident]) -> None:
    """Replaces the copy. Blocks on the disk: not for the event loop."""
    local_file.replace(path, msgspec.json.format(msgspec.json.encode(incidents), indent=1))


def saved(path: Path) -> tuple[Incident, ...]:
    """The copy, empty when there is none yet; raises BadFile when it is not readable as one."""
    return local_file.read(path, tuple[Incident, ...], "incidents") or ()
