"""One outbox item made ready for PostgreSQL: decoded, repaired when it must be, written.

An item is tried as it is; then with what PostgreSQL cannot hold written out, and a call record's labels cut; a call
record then without its variables. Its exact bytes are kept beside the row whenever it was altered. What still does not
fit is a dead letter.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

import asyncpg
import msgspec

from engine.domain.callbacks import Callback
from engine.domain.voicemails import Voicemail
from engine.store import callbacks, voicemails
from engine.store.audit import insert_audit
from engine.store.history import StoredRecord, apply_disposition, upsert_records
from engine.store.outbox import AuditPayload, CdrPayload, DispositionPayload, JournalStep, OutboxItem
from engine.store.pool import Connection
from engine.store.steps import store_steps
from engine.store.text import storable

Payload: TypeAlias = CdrPayload | DispositionPayload | AuditPayload | Callback | Voicemail

_PAYLOADS: dict[str, type[Payload]] = {
    "cdr": CdrPayload,
    "disposition": DispositionPayload,
    "audit": AuditPayload,
    "callback": Callback,
    "voicemail": Voicemail,
}

_LABELS = {"campaign_id", "contact_id"}
_LONGEST_LABEL = 255  # characters: no index takes much more than 2,700 bytes

# The item is at fault, not the database: trying the same again would fail the same way, for ever.
POISON: tuple[type[BaseException], ...] = (
    asyncpg.DataError,
    asyncpg.exceptions.IntegrityConstraintViolationError,
    asyncpg.exceptions.ProgramLimitExceededError,
    msgspec.MsgspecError,
    ValueError,  # text that is no JSON, a number no column can hold
    KeyError,  # a kind that no version of ours wrote
    RecursionError,  # JSON nested deeper than anything decodes
)


@dataclass(frozen=True)
class Delivery:
    """An item with its decoded payload, and the bytes to keep when that was altered."""

    item: OutboxItem
    payload: Payload
    steps: Sequence[JournalStep] = ()
    original: bytes | None = None


def as_it_is(item: OutboxItem) -> Delivery:
    """The payload as it was written."""
    return Delivery(item, msgspec.json.decode(item.payload, type=_PAYLOADS[item.kind]))


def written_out(item: OutboxItem) -> Delivery:
    """The payload with unstorable characters written out, and no label longer than an index takes."""
    return Delivery(item, msgspec.convert(_plain(item), _PAYLOADS[item.kind]), original=item.payload)


def bare(item: OutboxItem) -> Delivery:
    """A call record without what the application gave; all of that is in `original`."""
    plain = _plain(item)
    plain["record"] |= {"variables": {}, "disposition_fields": None}
    return Delivery(item, msgspec.convert(plain, CdrPayload), original=item.payload)


def _plain(item: OutboxItem) -> dict[str, Any]:
    plain: dict[str, Any] = storable(json.loads(item.payload))  # accepts what msgspec refuses: lone surrogates, NaN
    if item.kind == "cdr":
        for name in _LABELS & plain["record"].keys():
            plain["record"][name] = plain["record"][name] and plain["record"][name][:_LONGEST_LABEL]
    return plain


REPAIRS: tuple[Callable[[OutboxItem], Delivery], ...] = (as_it_is, written_out, bare)


async def write(connection: Connection, journal_id: str, deliveries: Sequence[Delivery]) -> None:
    """Writes them in order, in one transaction; all of them or none."""
    async with connection.transaction():
        for kind, group in groupby(deliveries, key=lambda delivery: delivery.item.kind):
            if kind == "cdr":
                await _write_records(connection, list(group))
            else:
                for delivery in group:
                    await _write_one(connection, journal_id, delivery)


async def bury(connection: Connection, journal_id: str, item: OutboxItem, error: str) -> None:
    """Sets an item aside with its exact bytes."""
    await connection.execute(
        "INSERT INTO dead_letter (journal_id, seq, kind, call_id, payload, error) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT DO NOTHING",
        journal_id,
        item.seq,
        storable(item.kind),
        None if item.call_id is None else storable(item.call_id),
        item.payload,
        storable(error),
    )


async def _write_records(connection: Connection, group: list[Delivery]) -> None:
    records = [
        StoredRecord(record=delivery.payload.record, original=delivery.original)
        for delivery in group
        if isinstance(delivery.payload, CdrPayload)
    ]
    await upsert_records(connection, records)
    journals = zip(records, group, strict=True)
    await store_steps(connection, [(stored.record.call_id, delivery.steps) for stored, delivery in journals])


async def _write_one(connection: Connection, journal_id: str, delivery: Delivery) -> None:
    match delivery.payload:
        case DispositionPayload() as given:
            await apply_disposition(connection, given.call_id, given.disposition, given.at)
        case AuditPayload() as line:
            await insert_audit(connection, journal_id, delivery.item.seq, line)
        case Callback() as callback:
            await callbacks.insert(connection, callback)
        case Voicemail() as message:
            await voicemails.insert(connection, message)
