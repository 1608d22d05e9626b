"""`call_steps`: the journal of a finished call, kept for replay after the node has pruned its own."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from engine.store.columns import uuid_or_none
from engine.store.outbox import JournalStep
from engine.store.pool import Connection


class StoredStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step as it was journalled; event, effects and state are the JSON bytes of then, to the byte."""

    call_id: str
    seq: int
    at: datetime
    machine_version: str
    event: bytes
    effects: bytes
    state: bytes
    closed: bool


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A step inside the stored document: its JSON parts are part of the document's JSON."""

    seq: int
    at: datetime
    machine_version: str
    event: msgspec.Raw
    effects: msgspec.Raw
    state: msgspec.Raw
    closed: bool


_DOCUMENT = msgspec.json.Decoder(list[_Line])


async def store_steps(connection: Connection, journals: Iterable[tuple[str, Sequence[JournalStep]]]) -> None:
    """Stores whole journals by call id; a longer one replaces a shorter one. Nothing to store is nothing stored."""
    await connection.executemany(
        "INSERT INTO call_steps (call_id, steps, count) VALUES ($1, $2, $3) ON CONFLICT (call_id)"
        " DO UPDATE SET steps = excluded.steps, count = excluded.count, stored_at = now()"
        " WHERE call_steps.count <= excluded.count",
        [(call_id, msgspec.json.encode([_line(s) for s in steps]), len(steps)) for call_id, steps in journals if steps],
    )


async def call_steps(connection: Connection, call_id: str) -> list[StoredStep]:
    """A call's journal in order; empty when it was not stored."""
    document = await connection.fetchval("SELECT steps FROM call_steps WHERE call_id = $1", uuid_or_none(call_id))
    return [] if document is None else [_step(call_id, line) for line in _DOCUMENT.decode(document)]


def _line(step: JournalStep) -> _Line:
    return _Line(
        seq=step.seq,
        at=step.at,
        machine_version=step.machine_version,
        event=msgspec.Raw(step.event),
        effects=msgspec.Raw(step.effects),
        state=msgspec.Raw(step.state),
        closed=step.closed,
    )


def _step(call_id: str, line: _Line) -> StoredStep:
    return StoredStep(
        call_id=call_id,
        seq=line.seq,
        at=line.at,
        machine_version=line.machine_version,
        event=bytes(line.event),
        effects=bytes(line.effects),
        state=bytes(line.state),
        closed=line.closed,
    )
