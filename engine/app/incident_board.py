"""The incidents this engine works with: PostgreSQL's, or the copy kept on this node; implements `http.incident_port`.

Answers come from memory. PostgreSQL is looked at every second, for what another process set and for what is over.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import structlog

from engine.app.auditing import Audit, note
from engine.calls.clock import Clock
from engine.calls.contract import Actor
from engine.domain import incidents as flags
from engine.domain.incidents import Incident
from engine.domain.values import Slug
from engine.errors import BadFile, InvalidValue, StandardisteError, UnknownThing
from engine.http.incident_port import IncidentEntry, IncidentWish
from engine.settings import IncidentSettings
from engine.store import incidents as rows
from engine.store.pool import Database

log = structlog.get_logger(__name__)

EXPIRY = Actor(token_id="expiry", name="expiry", scopes=frozenset())  # noqa: S106 - nobody's token


class IncidentBoard:
    """`news` is set anew whenever what stands may have changed."""

    def __init__(self, settings: IncidentSettings, db: Database, journal: Audit, clock: Clock, *, copy: Path) -> None:
        self.known = tuple(cast("tuple[Slug, ...]", settings.flags))
        self._several = settings.several
        self._db, self._journal, self._clock, self._copy = db, journal, clock, copy
        self._set: tuple[Incident, ...] = ()
        self.news = asyncio.Event()

    def standing(self) -> tuple[Incident, ...]:
        """Those set now. One that is over is none, whether or not PostgreSQL could be told."""
        return flags.standing(self._set, self._clock.now().utc)

    def first_of(self, wanted: Sequence[Slug]) -> Incident | None:
        """The first of these flags that is set now."""
        return flags.first_of(wanted, self._set, self._clock.now().utc)

    def entries(self) -> list[IncidentEntry]:
        found = {one.code: one for one in self.standing()}
        return [_entry(code, found.get(code)) for code in self.known]

    async def load_local(self) -> None:
        """What the copy says; one that cannot be read is reported and done without."""
        try:
            self._set = await asyncio.to_thread(rows.saved, self._copy)
        except BadFile as bad:
            log.error("incidents.copy_unusable", why=bad.message, next=bad.what_next)

    async def set(self, code: str, wish: IncidentWish, actor: Actor) -> None:
        now = self._clock.now().utc
        if wish.expires_at is not None and wish.expires_at <= now:
            raise InvalidValue(f"{wish.expires_at} is over already", pointer="/expires_at")
        made = Incident(
            code=self._flag(code),
            author=actor.name,
            message_fr=wish.message_fr,
            message_en=wish.message_en,
            set_at=now,
            expires_at=wish.expires_at,
        )
        async with self._db.connection() as connection, rows.changing(connection) as before:
            wanted = flags.with_one(before, made, several=self._several)
            await rows.write(connection, wanted)
        await self._adopt(wanted)
        until = "until it is cleared" if made.expires_at is None else f"until {made.expires_at.isoformat()}"
        instead = [one.code for one in flags.standing(before, now) if one.code != code and not self._several]
        await self._tell(actor, f"set {code}", ", instead of ".join([until, *instead]))

    async def clear(self, code: str, actor: Actor) -> None:
        """Clearing what is not set changes nothing, and is no error."""
        flag = self._flag(code)
        async with self._db.connection() as connection, rows.changing(connection) as before:
            wanted = flags.without(before, flag)
            await rows.write(connection, wanted)
        await self._adopt(wanted)
        if wanted != before:
            await self._tell(actor, f"clear {code}", "cleared")

    async def look(self) -> None:
        """Follow PostgreSQL, and take away what is over. Never raises: it is asked again in a second."""
        if not self._db.available:
            return
        before = self._set
        try:
            async with self._db.connection() as connection:
                found = await rows.load(connection)
            if self._set is not before:
                return  # a change of our own was faster
            if found != before:
                await self._adopt(found)
            if len(flags.standing(found, self._clock.now().utc)) < len(found):
                await self._take_away()
        except StandardisteError as away:
            log.debug("incidents.not_followed", why=away.message)

    async def _take_away(self) -> None:
        now = self._clock.now().utc
        async with self._db.connection() as connection, rows.changing(connection) as before:
            wanted = flags.standing(before, now)
            await rows.write(connection, wanted)
        await self._adopt(wanted)
        for over in (one for one in before if one not in wanted):
            await self._tell(EXPIRY, f"clear {over.code}", f"set by {over.author}, its time is over")

    def _flag(self, code: str) -> Slug:
        if code not in self.known:
            raise UnknownThing(f"there is no incident {code!r}: {', '.join(self.known)} (setting incidents.flags)")
        return Slug(code)

    async def _adopt(self, wanted: tuple[Incident, ...]) -> None:
        self._set = wanted
        self.news.set()
        try:
            await asyncio.to_thread(rows.save, self._copy, wanted)
        except OSError as error:  # a full disk: what was set counts all the same
            log.error("incidents.copy_failed", path=str(self._copy), why=str(error))

    async def _tell(self, actor: Actor, action: str, message: str) -> None:
        log.warning("incidents.changed", action=action, by=actor.name, message=message)
        await note(self._journal, actor, f"incidents: {action}", message)


def _entry(code: Slug, found: Incident | None) -> IncidentEntry:
    entry = IncidentEntry(
        code=code, label_fr=flags.label(code, "fr"), label_en=flags.label(code, "en"), active=found is not None
    )
    if found is None:
        return entry
    return IncidentEntry(
        code=code,
        label_fr=entry.label_fr,
        label_en=entry.label_en,
        active=True,
        author=found.author,
        message_fr=found.message_fr,
        message_en=found.message_en,
        set_at=found.set_at,
        expires_at=found.expires_at,
    )
