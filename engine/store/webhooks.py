"""Webhooks in PostgreSQL: receivers, deliveries, and how far each journal's events are written down."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

import msgspec

from engine.errors import UnknownThing
from engine.store import columns, forgetting
from engine.store.pool import Connection

DeliveryState = Literal["waiting", "delivered", "failed", "dropped"]
PAGE_LIMIT = 1000

_WAITING = "state = 'waiting' AND node = $1 AND due_at <= now()"


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver. No `types`: all of them. The secret is not part of it."""

    name: str
    url: str
    types: list[str]
    enabled: bool
    disabled_why: str | None
    created_at: datetime


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one receiver; `status`, `error` and `took_s` are those of the last try."""

    number: int
    event_id: str
    type: str
    call_id: str
    state: DeliveryState
    tries: int
    created_at: datetime
    due_at: datetime
    tried_at: datetime | None
    status: int | None
    error: str | None
    took_s: float | None


class Event(Protocol):
    """An event to be written down."""

    @property
    def seq(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def call_id(self) -> str: ...
    @property
    def body(self) -> bytes: ...


class Tried(Protocol):
    """What came of a try."""

    @property
    def status(self) -> int | None: ...
    @property
    def error(self) -> str | None: ...
    @property
    def took_s(self) -> float: ...


async def every(connection: Connection) -> list[Webhook]:
    """All receivers, by name."""
    return [columns.record(Webhook, row) for row in await connection.fetch("SELECT * FROM webhooks ORDER BY name")]


async def one(connection: Connection, name: str) -> tuple[Webhook, str]:
    """A receiver and its secret; raises UnknownThing."""
    row = await connection.fetchrow("SELECT * FROM webhooks WHERE name = $1::text", name)
    if row is None:
        raise UnknownThing(f"there is no webhook {name!r}")
    return columns.record(Webhook, row), row["secret"]


async def put(
    connection: Connection, name: str, *, url: str, types: Collection[str], enabled: bool, secret: str
) -> tuple[Webhook, bool]:
    """Creates a receiver with this secret, or changes one, which keeps its own; says whether it is new."""
    row = await connection.fetchrow(
        "INSERT INTO webhooks (name, url, types, enabled, secret) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (name) DO UPDATE SET url = excluded.url, types = excluded.types, enabled = excluded.enabled,"
        " disabled_why = NULL RETURNING *, (xmax = 0) AS is_new",
        name,
        url,
        sorted(types),
        enabled,
        secret,
    )
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives one row or raises
    return columns.record(Webhook, row), row["is_new"]


async def remove(connection: Connection, name: str) -> None:
    """Removes a receiver with all its deliveries; raises UnknownThing."""
    if await connection.execute("DELETE FROM webhooks WHERE name = $1::text", name) == "DELETE 0":
        raise UnknownThing(f"there is no webhook {name!r}")


async def log(
    connection: Connection, name: str, *, state: DeliveryState | None, before: int | None, limit: int
) -> list[Delivery]:
    """Deliveries to a receiver, newest first, those before number `before`; raises UnknownThing."""
    await one(connection, name)
    rows = await connection.fetch(
        "SELECT * FROM webhook_deliveries WHERE webhook = $1::text AND ($2::text IS NULL OR state = $2)"
        " AND ($3::bigint IS NULL OR number < $3) ORDER BY number DESC LIMIT $4",
        name,
        state,
        before,
        limit,
    )
    return [columns.record(Delivery, row) for row in rows]


async def position(connection: Connection, journal_id: str) -> int:
    """The number of the last event of this journal that was written down; 0 for a journal never seen."""
    found = await connection.fetchval("SELECT seq FROM webhook_positions WHERE journal_id = $1", journal_id)
    return found or 0


async def write_down(connection: Connection, journal_id: str, node: str, after: int, events: Sequence[Event]) -> None:
    """One delivery for each event and receiver that wants it, in order, and the new position: all or nothing. Does
    nothing when the position is no longer `after`."""
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO webhook_positions (journal_id, seq) VALUES ($1, 0) ON CONFLICT DO NOTHING", journal_id
        )
        moved = await connection.execute(
            "UPDATE webhook_positions SET seq = $3 WHERE journal_id = $1 AND seq = $2",
            journal_id,
            after,
            events[-1].seq,
        )
        if moved == "UPDATE 0":
            return
        await connection.executemany(
            "INSERT INTO webhook_deliveries (webhook, node, event_id, type, call_id, body)"
            " SELECT name, $1::text, $2::text, $3::text, $4::text, $5::bytea FROM webhooks"
            " WHERE enabled AND (types = '{}' OR $3::text = ANY (types))"
            " ORDER BY name ON CONFLICT DO NOTHING",
            [(node, event.id, event.type, event.call_id, event.body) for event in events],
        )


async def with_work(connection: Connection, node: str) -> list[tuple[Webhook, str]]:
    """Receivers, with their secrets, for which this node has something due."""
    rows = await connection.fetch(
        f"SELECT * FROM webhooks AS w WHERE enabled AND EXISTS (SELECT 1 FROM webhook_deliveries"  # noqa: S608 - ours
        f" WHERE {_WAITING} AND webhook = w.name)",
        node,
    )
    return [(columns.record(Webhook, row), row["secret"]) for row in rows]


async def due(connection: Connection, node: str, name: str, limit: int) -> list[tuple[int, str, bytes, int]]:
    """(number, event id, body, tries) of what is due for a receiver that is switched on: of each call only the oldest
    that waits, so that no event overtakes another of its call."""
    rows = await connection.fetch(
        f"SELECT number, event_id, body, tries FROM webhook_deliveries AS d WHERE {_WAITING}"  # noqa: S608 - ours
        " AND webhook = $2::text AND EXISTS (SELECT 1 FROM webhooks WHERE name = $2::text AND enabled)"
        " AND NOT EXISTS (SELECT 1 FROM webhook_deliveries AS older WHERE older.webhook = d.webhook"
        " AND older.call_id = d.call_id AND older.state = 'waiting' AND older.number < d.number)"
        " ORDER BY due_at, number LIMIT $3",
        node,
        name,
        limit,
    )
    return [(row["number"], row["event_id"], row["body"], row["tries"]) for row in rows]


async def settle(
    connection: Connection, number: int, state: DeliveryState, tried: Tried, again_in: timedelta | None = None
) -> None:
    """What came of a try, and when the next one is due."""
    await connection.execute(
        "UPDATE webhook_deliveries SET state = $2, tries = tries + 1, tried_at = now(), status = $3, error = $4,"
        " took_s = $5, due_at = now() + $6 WHERE number = $1 AND state = 'waiting'",
        number,
        state,
        tried.status,
        tried.error,
        tried.took_s,
        again_in or timedelta(0),
    )


async def switch_off(connection: Connection, name: str, why: str) -> None:
    """Nothing more for this receiver until somebody switches it on again; what waits for it is dropped."""
    async with connection.transaction():
        await connection.execute(
            "UPDATE webhooks SET enabled = false, disabled_why = $2 WHERE name = $1::text", name, why
        )
        await connection.execute(
            "UPDATE webhook_deliveries SET state = 'dropped' WHERE webhook = $1::text AND state = 'waiting'", name
        )


async def forget(connection: Connection, older_than: timedelta) -> int:
    """Removes a batch of settled deliveries written down longer ago than this; says how many."""
    return await forgetting.delete(
        connection,
        "DELETE FROM webhook_deliveries WHERE number IN (SELECT number FROM webhook_deliveries"
        " WHERE state <> 'waiting' AND created_at < now() - $1::interval LIMIT $2)",
        older_than,
    )
