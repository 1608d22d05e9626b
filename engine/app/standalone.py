"""The directory's pipeline for a command in a process of its own, beside a running engine or without one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.app.changes import Changes
from engine.app.control import Control, asterisk_settings
from engine.app.engine import ari_secret
from engine.app.phones import AsteriskPhones
from engine.ari.pools import HttpPools
from engine.ari.requests import AriRequests
from engine.ari.settings import AriSettings
from engine.config.apply import AsteriskFiles
from engine.settings import Settings
from engine.store import migrate
from engine.store.pool import Database


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """PostgreSQL, Asterisk's files, and the one way to change both. Which agents are in calls is not known here."""

    db: Database
    files: AsteriskFiles
    changes: Changes


@asynccontextmanager
async def pipeline(settings: Settings, dsn: str) -> AsyncIterator[Pipeline]:
    """Open for as long as the context lasts. Raises DatabaseAway, DatabaseMismatch."""
    secret = ari_secret(settings)
    ari = AriSettings(base_url=settings.ari.url, username=settings.ari.user, password=secret, app=settings.ari.app)
    async with Database(dsn, size=2) as db, HttpPools(ari) as pools:
        await migrate.migrate(db)
        requests = AriRequests(pools, ari.app)
        files = AsteriskFiles(asterisk_settings(settings, secret), Control(requests))
        changes = Changes(db, files, AsteriskPhones(requests), seats=settings.limits.seats)
        yield Pipeline(db=db, files=files, changes=changes)
