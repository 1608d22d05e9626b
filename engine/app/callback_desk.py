"""Requests to be called back: taken from a scenario's caller, and worked through by applications."""

import structlog

from engine.app.asked_once import Asked, AskedOnce
from engine.app.auditing import Audit, note
from engine.calls import reaching, rows
from engine.calls.contract import Actor
from engine.calls.ports import Answer, DirectorySource
from engine.domain import callbacks as domain
from engine.domain import public_events
from engine.domain.callbacks import Callback, CallbackStatus
from engine.domain.public_events import CallbackAsked
from engine.domain.scenario.talk import StoreCallback
from engine.errors import Refused, UnknownThing
from engine.http.callback_port import CallbackPage
from engine.store import callbacks, forgetting
from engine.store.pool import Database

log = structlog.get_logger(__name__)


class CallbackAnswers:
    """What a caller leaves is on this node's disk before they are told so; PostgreSQL may be away."""

    def __init__(self, source: DirectorySource, once: AskedOnce) -> None:
        self._source, self._once = source, once

    async def answer(self, asked: Asked, wish: StoreCallback) -> Answer:
        """stored, or refused: a number that no scenario may call. Raises JournalUnwritable."""
        site = self._source.directory.sites.get(asked.call.request.site)
        if site is None:
            raise UnknownThing(f"there is no site {asked.call.request.site}")
        try:
            number = reaching.check_allowed(wish.number, site)
        except Refused as refused:
            log.info("scenario.callback_refused", queue=wish.queue, rule=refused.rule)
            return Answer("refused")
        at = self._once.now()
        made = domain.asked_for(asked.call, asked.number, queue=wish.queue, number=number, at=at)
        told = public_events.of_scenario(CallbackAsked(id=made.id, queue=made.queue, number=number), asked.call, at)
        await self._once.keep(asked, rows.callback(made), rows.public(told))
        return Answer("stored")


class CallbackDesk:
    """Implements `http.callback_port.Callbacks`."""

    def __init__(self, db: Database, journal: Audit) -> None:
        self._db, self._journal = db, journal

    async def page(self, queue: str | None, status: CallbackStatus | None, after: int, limit: int) -> CallbackPage:
        async with self._db.connection() as connection:
            found, more = await callbacks.page(connection, queue=queue, status=status, after=after, limit=limit)
        return CallbackPage(found, more)

    async def change(self, name: str, status: CallbackStatus, actor: Actor) -> Callback:
        async with self._db.connection() as connection:
            found, is_new = await callbacks.change(connection, name, status, actor.name)
        if is_new:
            await note(self._journal, actor, f"callbacks: {status} {name}", "changed")
        return found


async def forget_old(db: Database, *, days: int) -> None:
    """Take requests away that were done or cancelled so long ago; 0 days keeps them for ever. Raises DatabaseAway."""
    await forgetting.forget_after(db, "callbacks", callbacks.forget, days=days)
