"""Small plugs between rooms that must not know each other."""

import base64
from collections.abc import Callable
from datetime import UTC

import msgspec

from engine.calls.contract import Actor
from engine.errors import DatabaseAway, InvalidValue
from engine.http.ports import CdrFilter, CdrPage, PartState
from engine.journal import StepRow
from engine.store import history, steps
from engine.store.pool import Database
from engine.store.tokens import TokenBook


class Tokens:
    """`http.ports.Tokens` from the store's book."""

    def __init__(self, book: TokenBook) -> None:
        self._book = book

    async def verify(self, bearer: str) -> Actor | None:
        token = self._book.verify(bearer)
        if token is None:
            return None
        return Actor(token_id=token.id, name=token.name, scopes=token.scopes, agent=token.agent)


class Cdrs:
    """`http.ports.Cdrs` from PostgreSQL. A cursor is opaque to its holder."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def query(self, wanted: CdrFilter, cursor: str | None, limit: int) -> CdrPage:
        at = _cursor(cursor) if cursor is not None else None
        filter_ = history.CdrFilter(
            after=wanted.start,
            before=wanted.end,
            agent=wanted.agent,
            campaign=wanted.campaign,
            direction=wanted.direction,
            outcome=wanted.outcome,
            number=wanted.number,
        )
        async with self._db.connection() as connection:
            page = await history.query_cdrs(connection, filter_, cursor=at, limit=limit)
        following = None if page.following is None else _text(page.following)
        return CdrPage(records=page.items, cursor=following)


class Archive:
    """`calls.service.Archive` from PostgreSQL: the journals of calls this node has let go."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def steps(self, call_id: str) -> list[StepRow]:
        try:
            async with self._db.connection() as connection:
                stored = await steps.call_steps(connection, call_id)
        except DatabaseAway:
            return []
        return [msgspec.convert(step, StepRow, from_attributes=True) for step in stored]


class Health:
    """`http.ports.Health`: each part answers for itself, at once."""

    def __init__(self, parts: dict[str, Callable[[], PartState]]) -> None:
        self._parts = parts

    def ready(self) -> dict[str, PartState]:
        return {name: ask() for name, ask in self._parts.items()}


def _text(cursor: history.CdrCursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _cursor(text: str) -> history.CdrCursor:
    try:
        padded = text + "=" * (-len(text) % 4)
        cursor = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=history.CdrCursor)
        cursor.requested_at.astimezone(UTC)  # a moment before the year 1 in UTC is no moment to PostgreSQL
    except (ValueError, OverflowError, msgspec.MsgspecError) as wrong:
        raise InvalidValue("this cursor was never given", what_next="Start again without a cursor.") from wrong
    return cursor
