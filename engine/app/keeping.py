"""Keeps the directory and the tokens in step with PostgreSQL, and a copy of each for the time when it is away."""

import asyncio
from pathlib import Path

import structlog

from engine.app.directories import CurrentDirectory
from engine.domain.directory import Directory
from engine.errors import BadFile, DatabaseMismatch, StandardisteError
from engine.store import directory, last_good, migrate
from engine.store.pool import Database
from engine.store.tokens import TokenBook

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
"""How soon a change made by another process (an import, a new token) counts here."""


class DirectoryKeeper:
    def __init__(self, db: Database, current: CurrentDirectory, tokens: TokenBook, *, last_good: Path) -> None:
        self._db, self._current, self._tokens, self._last_good = db, current, tokens, last_good
        self._migrated = False
        self.loaded = False  # directory and tokens are known, from PostgreSQL or from the copies: callers can be served
        self._came_back = asyncio.Event()
        db.on_change(lambda available: self._came_back.set() if available else None)

    async def load_local(self) -> None:
        """What the last good copies say; one that cannot be read is reported and done without, and costs the other
        nothing."""
        try:
            found = await asyncio.to_thread(last_good.load, self._last_good)
        except BadFile as bad:
            log.error("directory.copy_unusable", why=bad.message, next=bad.what_next)
            found = None
        if found is not None:
            self._current.replace(found)
        try:
            await asyncio.to_thread(self._tokens.load)
        except BadFile as bad:
            log.error("tokens.copy_unusable", why=bad.message, next=bad.what_next)
        else:
            self.loaded = found is not None

    async def run(self) -> None:
        """Follow PostgreSQL for ever; raises DatabaseMismatch when its schema is none this engine can work with."""
        while True:
            try:
                await self._follow()
            except StandardisteError as away:
                if isinstance(away, DatabaseMismatch) and not self._migrated:
                    raise  # to go on would be to write into tables we do not know
                log.debug("directory.not_followed", why=away.message)
            except Exception:  # a row nobody foresaw must not cost the living calls their engine: the last good counts
                log.exception("directory.unusable")
            self._came_back.clear()
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._came_back.wait()
            except TimeoutError:
                continue

    async def adopt(self, newest: Directory) -> None:
        """A change this engine made itself counts here at once, and so do the tokens that ended with it."""
        self._current.replace(newest)
        try:
            async with self._db.connection() as connection:
                await self._tokens.refresh(connection)
        except StandardisteError as away:  # the change is made all the same; `run` looks again in a second
            log.warning("tokens.not_followed", why=away.message)
        await self._keep_copy(newest)

    async def _follow(self) -> None:
        if not self._db.available:
            return
        if not self._migrated:
            await migrate.migrate(self._db)
            self._migrated = True
        before = self._current.directory
        async with self._db.connection() as connection:
            await self._tokens.refresh(connection)
            if await directory.revision(connection) == before.revision:
                self.loaded = True
                return
            newest = await directory.load(connection)
        if self._current.directory is not before:
            return  # a change of our own was faster
        if newest.revision > 0:
            self._current.replace(newest)
            await self._keep_copy(newest)
            log.info("directory.loaded", revision=newest.revision, agents=len(newest.agents))
        self.loaded = True

    async def _keep_copy(self, newest: Directory) -> None:
        try:
            await asyncio.to_thread(last_good.save, self._last_good, newest)
        except OSError as error:  # a full disk: what was loaded counts all the same
            log.error("directory.copy_failed", path=str(self._last_good), why=str(error))
