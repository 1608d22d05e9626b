"""PostgreSQL for the commands that read it, with the schema this engine needs."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from engine.settings import Settings

if TYPE_CHECKING:
    from engine.store.pool import Database


@asynccontextmanager
async def opened(settings: Settings) -> "AsyncIterator[Database]":
    """The database of the settings, for as long as the context lasts. Raises DatabaseAway, DatabaseMismatch."""
    from engine.app.database import database
    from engine.store.migrate import migrate
    from engine.store.pool import Database

    async with database(settings, _say, make=False) as dsn, Database(dsn, size=2) as db:
        await migrate(db)
        yield db


def _say(line: str) -> None:
    """Progress goes beside the output, which may be piped."""
    print(line, file=sys.stderr)
