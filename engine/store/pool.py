"""The way to PostgreSQL, which may be away for an hour without anybody waiting for it.

`Database` keeps one answer ready: is it there? While it is away, whoever asks is told so at once; one task of its own
tries again, and those who registered hear when it is back.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import asyncpg
import msgspec
import structlog

from engine.errors import DatabaseAway, DatabaseMismatch

_log = structlog.get_logger(__name__)

# The types asyncpg gives at run time; only its stubs know the parameter of Record.
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"

# PostgreSQL is not there, is stopping or starting, has no connection left, or cut ours.
GONE: tuple[type[BaseException], ...] = (
    OSError,  # TimeoutError and ConnectionError are among its children
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # torn in the middle of an answer: asyncpg can neither read on nor ask again
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.TooManyConnectionsError,
    asyncpg.exceptions.InvalidAuthorizationSpecificationError,
    asyncpg.exceptions.InvalidCatalogNameError,
)
# It is there, and cannot do this one thing at the moment: too slow, disk full, standby, a lock held too long.
PASSING: tuple[type[BaseException], ...] = (
    asyncpg.exceptions.QueryCanceledError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.LockNotAvailableError,
)
# It is there, and is not the database we made.
FOREIGN: tuple[type[BaseException], ...] = (
    asyncpg.exceptions.SyntaxOrAccessError,
    asyncpg.exceptions.InvalidSchemaNameError,
)
# What a look at it may meet besides: it is there and refuses (a wrong setting, a full disk...).
UNUSABLE: tuple[type[BaseException], ...] = (*GONE, asyncpg.PostgresError)


@dataclass(frozen=True, kw_only=True)
class DatabaseTimes:
    """Every wait on PostgreSQL, in seconds."""

    connect_s: float = 3.0  # a live server on the same network answers in milliseconds
    acquire_s: float = 3.0  # all connections busy for longer means that it does not keep up
    query_s: float = 10.0  # the longest a caller is kept, whatever it asked
    statement_s: float = 8.0  # the server gives up before the client does, and says which statement
    retry_first_s: float = 0.1
    retry_longest_s: float = 2.0  # back-off's end: found again within two seconds of its return
    watch_s: float = 5.0  # how often an idle engine looks whether it is still there


class Database:
    """A pool that connects when it can. `async with Database(dsn) as db`; never raises on entering.

    `whose`: in the log, which database it is.
    """

    def __init__(
        self, dsn: str, *, size: int = 8, times: DatabaseTimes | None = None, whose: str = "the engine's"
    ) -> None:
        self.times = times or DatabaseTimes()
        self.available = False
        self.reason = "not tried yet"
        self._dsn = dsn
        self._size = size
        self._whose = whose
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._doubt = asyncio.Event()
        self._listeners: list[Callable[[bool], None]] = []

    async def __aenter__(self) -> Self:
        self._pool = asyncpg.create_pool(
            self._dsn,
            min_size=0,  # so that making the pool needs no server
            max_size=self._size,
            timeout=self.times.connect_s,
            command_timeout=self.times.query_s,
            init=_speak_json,
            server_settings=self._server_settings(),
        )
        await self._pool
        await self._look()
        self._watcher = asyncio.create_task(self._watch(), name="database-watch")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watcher
        if self._pool is not None:
            self._pool.terminate()  # whoever still holds a connection has been cancelled by its owner

    def on_change(self, listener: Callable[[bool], None]) -> None:
        """`listener(available)` is called, in the event loop, whenever PostgreSQL goes away or comes back."""
        self._listeners.append(listener)

    @asynccontextmanager
    async def connection(self, bound_s: float | None = None) -> AsyncIterator[Connection]:
        """One connection for at most `bound_s` (default `times.query_s`).

        Raises DatabaseAway: at once when it is known to be away, else within the bound; DatabaseMismatch when the
        schema is not ours. Complaints about a value (asyncpg.DataError, IntegrityConstraintViolationError) pass.
        """
        if self._pool is None or not self.available:
            raise self._away()
        try:
            connection = await self._pool.acquire(timeout=self.times.acquire_s)
        except GONE as error:
            raise self._lost(error) from error
        # The connection is cut, not the caller cancelled: a server that stopped answering would not answer the
        # ROLLBACK either, and the caller would be kept for twice its bound.
        bound = bound_s or self.times.query_s
        cut = asyncio.get_running_loop().call_later(bound, _cut, connection)
        try:
            yield connection
        except PASSING as error:
            raise DatabaseAway(f"PostgreSQL cannot do this now: {_said(error)}") from error
        except FOREIGN as error:
            raise DatabaseMismatch(
                f"the database is not as this engine made it: {_said(error)}",
                what_next="run the migrations as the role that owns the tables",
            ) from error
        except GONE as error:
            _cut(connection)
            raise self._lost(error) from error
        finally:
            cut.cancel()
            await self._give_back(connection)

    async def probe(self) -> None:
        """Opens a connection of its own and asks one question; raises whatever goes wrong."""
        async with asyncio.timeout(self.times.connect_s):
            connection = await asyncpg.connect(self._dsn, server_settings=self._server_settings())
            try:
                await connection.execute("SELECT 1")
            finally:
                connection.terminate()

    async def _give_back(self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
        assert self._pool is not None  # noqa: S101 - it gave the connection
        with contextlib.suppress(*GONE):  # lost while being cleaned: the pool drops it, the next acquire tells
            await self._pool.release(connection, timeout=self.times.connect_s)

    def _lost(self, error: BaseException) -> DatabaseAway:
        self._doubt.set()
        self._found(False, _said(error))
        return self._away()

    def _away(self) -> DatabaseAway:
        return DatabaseAway(
            f"PostgreSQL does not answer ({self.reason})",
            what_next="calls go on and are journalled; see that PostgreSQL runs and that the engine's DSN is right",
        )

    def _found(self, available: bool, reason: str) -> None:
        changed, self.available, self.reason = available != self.available, available, reason
        if not changed:
            return
        if not available and self._pool is not None:
            asyncio.ensure_future(self._pool.expire_connections())  # noqa: RUF006 - ends by itself, awaits nothing
        _log.log(
            20 if available else 40, "database.back" if available else "database.away", whose=self._whose, reason=reason
        )
        for listener in self._listeners:
            listener(available)

    async def _look(self) -> None:
        try:
            await self.probe()
        except UNUSABLE as error:
            self._found(False, _said(error))
        else:
            self._found(True, "")

    async def _watch(self) -> None:
        pause = self.times.retry_first_s
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.times.watch_s if self.available else pause):
                    await self._doubt.wait()
            self._doubt.clear()
            await self._look()
            # Jitter: several engines must not come back to a starting server in step.
            longer = min(pause * 2, self.times.retry_longest_s) * random.uniform(0.8, 1.0)  # noqa: S311
            pause = self.times.retry_first_s if self.available else longer

    def _server_settings(self) -> dict[str, str]:
        milliseconds = str(round(self.times.statement_s * 1000))
        return {
            "application_name": "standardiste",
            "statement_timeout": milliseconds,
            "lock_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
            "timezone": "GMT",  # known to a server without tzdata, which UTC is not
        }


def _cut(connection: Connection) -> None:
    with contextlib.suppress(asyncpg.InterfaceError):  # the pool took it back already: it was found to be broken
        connection.terminate()


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


async def _speak_json(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_json_text, decoder=msgspec.json.decode, format="text"
    )


def _json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
