"""`call_history`: one row per call, written as often as need be, read by page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from engine.domain.cdr import CallRecord, Disposition
from engine.errors import InvalidValue
from engine.store import columns
from engine.store.pool import Connection

PAGE_LIMIT = 1000
_SECONDS = ("ring_s", "wait_s", "talk_s", "hold_s", "wrap_s", "billable_s")
_DISPOSITION = ("disposition", "disposition_note", "disposition_fields")


class StoredRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record on its way into its row; `original` only when the record had to be altered to fit."""

    record: CallRecord
    original: bytes | None = None


class CdrFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What to look for; None excludes nothing. `after` <= requested_at < `before`.

    `number` finds a caller, a callee (E.164 or as dialled) or a called direct number.
    """

    after: datetime | None = None
    before: datetime | None = None
    agent: str | None = None
    campaign: str | None = None
    direction: str | None = None
    outcome: str | None = None
    number: str | None = None

    def __post_init__(self) -> None:
        for name in ("agent", "campaign", "direction", "outcome", "number"):
            if "\x00" in (getattr(self, name) or ""):
                raise InvalidValue(f"{name} contains U+0000, which no stored value does")


class CdrCursor(msgspec.Struct, frozen=True):
    """The last row already seen."""

    requested_at: datetime
    call_id: str


class CdrPage(msgspec.Struct, frozen=True, kw_only=True):
    """At most `limit` records, newest first, and where the next page begins (None: there is none)."""

    items: list[CallRecord]
    following: CdrCursor | None


def _upsert_sql() -> str:
    """A newer revision replaces the row; a disposition, once given, is never blanked by a record without one.

    A record that carries a disposition knows of all that were given before it (the outbox is in order), so the row
    remembers the newest of those and only a later one replaces it.
    """
    names = columns.names(CallRecord)
    number = {name: index for index, name in enumerate(names, start=1)}
    kept = {name: f"coalesce(excluded.{name}, call_history.{name})" for name in (*_DISPOSITION, "disposition_at")}
    changed = ", ".join(f"{n} = {kept.get(n, f'excluded.{n}')}" for n in (*names, "original", "disposition_at"))
    # Only names of our own struct are put together here; every value is a parameter.
    return (
        f"INSERT INTO call_history ({', '.join(names)}, original, disposition_at)"  # noqa: S608
        f" VALUES ({columns.placeholders(len(names) + 1)},"
        f" CASE WHEN ${number['disposition']}::text IS NOT NULL THEN coalesce("
        f"(SELECT max(at) FROM dispositions WHERE call_id = ${number['call_id']}::uuid), '-infinity') END)"
        f" ON CONFLICT (call_id) DO UPDATE SET {changed} WHERE call_history.revision < excluded.revision"
    )


_UPSERT = _upsert_sql()

_APPLY_DISPOSITIONS = """
UPDATE call_history AS h
   SET disposition = d.code, disposition_note = d.note, disposition_fields = d.fields, disposition_at = d.at
  FROM (SELECT DISTINCT ON (call_id) * FROM dispositions WHERE call_id = ANY($1::uuid[]) ORDER BY call_id, at DESC) AS d
 WHERE h.call_id = d.call_id AND (h.disposition_at IS NULL OR h.disposition_at < d.at)
"""


async def upsert_records(connection: Connection, records: Sequence[CallRecord | StoredRecord]) -> None:
    """Writes rows; doing so twice changes nothing, and an older `revision` never overwrites a newer one."""
    stored = [r if isinstance(r, StoredRecord) else StoredRecord(record=r) for r in records]
    async with connection.transaction():
        await connection.executemany(_UPSERT, [[*_row(s.record), s.original] for s in stored])
        await connection.execute(_APPLY_DISPOSITIONS, [s.record.call_id for s in stored])


async def apply_disposition(connection: Connection, call_id: str, disposition: Disposition, at: datetime) -> None:
    """Notes how a call was qualified at that moment; the newest counts. The call's row may still be to come."""
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO dispositions (call_id, at, code, note, fields) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT DO NOTHING",
            call_id,
            at,
            disposition.code,
            disposition.note,
            disposition.fields,
        )
        await connection.execute(_APPLY_DISPOSITIONS, [call_id])


async def get_record(connection: Connection, call_id: str) -> CallRecord | None:
    """One call's row; None for what is not even a call id."""
    row = await connection.fetchrow("SELECT * FROM call_history WHERE call_id = $1", columns.uuid_or_none(call_id))
    return None if row is None else columns.record(CallRecord, row)


async def query_cdrs(
    connection: Connection, wanted: CdrFilter, *, cursor: CdrCursor | None = None, limit: int = 100
) -> CdrPage:
    """One page, newest first; no row is missed or repeated while calls are added. Raises InvalidValue for a limit
    outside 1 to PAGE_LIMIT or a cursor without a call id."""
    if not 1 <= limit <= PAGE_LIMIT:
        raise InvalidValue(f"limit {limit} is not between 1 and {PAGE_LIMIT}")
    if cursor is not None and columns.uuid_or_none(cursor.call_id) is None:
        raise InvalidValue(f"{cursor.call_id!r} is not a call id", what_next="start without a cursor")
    clauses, arguments = _where(wanted, cursor)
    # Fixed fragments only; every value is a parameter. One row more than asked tells whether there is another page.
    rows = await connection.fetch(
        f"SELECT * FROM call_history WHERE {' AND '.join(clauses)}"  # noqa: S608
        f" ORDER BY requested_at DESC, call_id DESC LIMIT {limit + 1}",
        *arguments,
    )
    items = [columns.record(CallRecord, row) for row in rows[:limit]]
    following = CdrCursor(items[-1].requested_at, items[-1].call_id) if len(rows) > limit else None
    return CdrPage(items=items, following=following)


def _row(record: CallRecord) -> list[Any]:
    rounded = {name: round(value, 3) for name in _SECONDS if (value := getattr(record, name)) is not None}
    return columns.values(msgspec.structs.replace(record, **rounded))


def _where(wanted: CdrFilter, cursor: CdrCursor | None) -> tuple[list[str], list[Any]]:
    clauses, arguments = ["true"], list[Any]()
    for clause, value in (
        ("requested_at >= ${}", wanted.after),
        ("requested_at < ${}", wanted.before),
        ("agent_id = ${}", wanted.agent),
        ("campaign_id = ${}", wanted.campaign),
        ("direction = ${}", wanted.direction),
        ("outcome = ${}", wanted.outcome),
        ("(caller = ${0} OR callee = ${0} OR callee_dialled = ${0} OR did = ${0})", wanted.number),
    ):
        if value is not None:
            arguments.append(value)
            clauses.append(clause.format(len(arguments)))
    if cursor is not None:
        arguments += [cursor.requested_at, cursor.call_id]
        clauses.append(f"(requested_at, call_id) < (${len(arguments) - 1}, ${len(arguments)})")
    return clauses, arguments
