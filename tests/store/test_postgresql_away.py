"""PostgreSQL stopped, killed or frozen under load: nobody waits beyond the bound, no row is lost, none is doubled."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from engine.errors import DatabaseAway, DatabaseMismatch
from engine.journal import Journal, StepRow
from engine.sandbox.postgres import PostgresServer
from engine.store.migrate import migrate
from engine.store.pool import Database, DatabaseTimes
from engine.store.shipper import Shipper
from tests.store.records import NOON, call_id
from tests.store.test_shipper import cdr, disposition, running, shipped
from tests.store.waiting import eventually

SHORT = DatabaseTimes(
    connect_s=1.0, acquire_s=1.0, query_s=1.0, statement_s=0.8, retry_first_s=0.05, retry_longest_s=0.3, watch_s=0.5
)
SEED = 20261120


@pytest.fixture
async def db(mortal: PostgresServer) -> AsyncIterator[Database]:
    async with Database(mortal.dsn, times=SHORT) as db:
        await migrate(db)
        yield db


@pytest.fixture
async def shared(empty_dsn: str) -> AsyncIterator[Database]:
    """A database on the session's server, for tests that leave the server itself alone."""
    async with Database(empty_dsn, times=SHORT) as db:
        await migrate(db)
        yield db


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal.open(tmp_path / "journal.db", "node-1", ballast_bytes=4096) as journal:
        yield journal


async def test_an_engine_starts_without_it_and_finds_it_later(mortal: PostgresServer) -> None:
    await mortal.stop()
    heard: list[bool] = []
    async with Database(mortal.dsn, times=SHORT) as db:
        db.on_change(heard.append)
        assert not db.available
        began = time.monotonic()
        with pytest.raises(DatabaseAway):
            async with db.connection():
                pass
        assert time.monotonic() - began < SHORT.connect_s / 2  # it is known to be away: nobody tries to connect
        await mortal.start()
        await eventually(lambda: _is(db.available))
        async with db.connection() as connection:
            assert await connection.fetchval("SELECT 1") == 1
    assert heard == [True]


async def test_a_connection_torn_in_the_middle_of_an_answer_is_one_that_is_gone(shared: Database) -> None:
    with pytest.raises(DatabaseAway):
        async with shared.connection():
            raise asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
    await eventually(lambda: _is(shared.available))  # looked at again, and found


async def test_a_frozen_server_keeps_nobody_beyond_the_bound(mortal: PostgresServer, db: Database) -> None:
    async with db.connection() as connection:
        await connection.execute("SELECT 1")
    with frozen(mortal):
        began = time.monotonic()
        with pytest.raises(DatabaseAway):
            async with db.connection() as connection, connection.transaction():
                await connection.execute("SELECT 1")
        assert time.monotonic() - began < SHORT.query_s + 0.5
        await eventually(lambda: _is(not db.available), 3)
    await eventually(lambda: _is(db.available), 5)


async def test_a_slow_statement_is_the_askers_not_everybodys(shared: Database) -> None:
    with pytest.raises(DatabaseAway, match="cannot do this now"):
        async with shared.connection() as connection:
            await connection.execute("SELECT pg_sleep(5)")
    assert shared.available


async def test_a_schema_that_is_not_ours_is_named(shared: Database) -> None:
    async with shared.connection() as connection:
        await connection.execute("DROP TABLE call_history CASCADE")
    with pytest.raises(DatabaseMismatch, match="call_history"):
        async with shared.connection() as connection:
            await connection.execute("SELECT * FROM call_history")


async def test_an_error_of_the_callers_own_leaves_the_database_available(shared: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        async with shared.connection():
            raise ZeroDivisionError
    with pytest.raises(asyncpg.DataError):
        async with shared.connection() as connection:
            await connection.execute("SELECT $1::int", "x")
    assert shared.available


async def test_a_connection_cut_in_the_middle_is_replaced(shared: Database) -> None:
    with pytest.raises(DatabaseAway):
        async with shared.connection() as connection:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    await eventually(lambda: _is(shared.available))
    async with shared.connection() as connection:
        assert await connection.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("how", ["stopped", "killed", "frozen"])
async def test_no_row_is_lost_or_doubled(mortal: PostgresServer, db: Database, journal: Journal, how: str) -> None:
    dice = random.Random(SEED)
    shipper = Shipper(journal, db, batch=20)
    async with running(shipper):
        calls = asyncio.create_task(_calls(journal, shipper, 300, dice))
        for _ in range(3):
            before = shipper.shipped
            await eventually(lambda: _is(shipper.shipped > before or calls.done()))  # noqa: B023 - awaited here
            await _disturb(mortal, how, dice.uniform(0.1, 0.5))
        await calls
        await eventually(lambda: shipped(journal), 20)
    assert shipper.dead_letters == 0
    async with db.connection() as connection:
        rows = await connection.fetch("SELECT call_id::text, disposition, revision FROM call_history")
    assert {call_id(n) for n in range(300)} == {row["call_id"] for row in rows}
    assert len(rows) == 300
    assert {("sold", 2)} == {(row["disposition"], row["revision"]) for row in rows}


async def _calls(journal: Journal, shipper: Shipper, count: int, dice: random.Random) -> None:
    """Calls that end, each with its record, a disposition and a corrected record, some milliseconds apart."""
    for number in range(count):
        outbox = [cdr(number), disposition(number), cdr(number, revision=2)]
        await journal.append(_last(number), outbox=outbox)
        shipper.poke()
        await asyncio.sleep(dice.uniform(0, 0.01))  # the calls' own pace, nothing is waited for


async def _disturb(server: PostgresServer, how: str, away_s: float) -> None:
    if how == "frozen":
        with frozen(server):
            await asyncio.sleep(away_s + SHORT.query_s)  # longer than a query may take: that is the fault
        return
    await (server.stop() if how == "stopped" else server.kill())
    await asyncio.sleep(away_s)  # how long it stays away is the fault itself
    await server.start()


@contextlib.contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """Every process of the server stands still: connections stay open and nothing answers."""
    os.kill(server.pid, signal.SIGSTOP)  # first: from now on it has no new children
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    everyone = [server.pid, *map(int, children)]
    try:
        _signal(everyone, signal.SIGSTOP)
        yield
    finally:
        _signal(everyone, signal.SIGCONT)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # a connection that ended by itself meanwhile
            os.kill(pid, number)


def _last(number: int) -> StepRow:
    return StepRow(
        call_id=call_id(number), at=NOON, event=b"{}", effects=b"[]", state=b"{}", machine_version="1", closed=True
    )


async def _is(value: bool) -> bool:
    return value
