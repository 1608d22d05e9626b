"""Where PostgreSQL is: the one the settings name, else a private one."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from engine.app.private_postgres import PrivatePostgres
from engine.settings import Settings


@asynccontextmanager
async def database(settings: Settings, say: Callable[[str], None], *, make: bool = True) -> AsyncIterator[str]:
    """The address of the database for as long as the context lasts. `make`: a private one where there is none yet.

    Raises Unavailable.
    """
    if settings.postgres.dsn is not None:
        yield settings.postgres.dsn.get_secret_value()
        return
    async with PrivatePostgres(settings.state_dir).used(say, make=make) as dsn:
        yield dsn
