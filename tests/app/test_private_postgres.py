"""The engine's own PostgreSQL: shared by all who use it, kept when they are killed, gone when the last one leaves."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from engine.app.private_postgres import PrivatePostgres
from engine.errors import Unavailable
from engine.sandbox.places import short_run_directory

WAIT_S = 60.0


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """A state directory in a place that the account PostgreSQL runs as can enter."""
    place = short_run_directory("state")
    place.chmod(0o755)
    yield place / "state with a blank"
    shutil.rmtree(place)


async def ask(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn, timeout=WAIT_S)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def quiet(_: str) -> None:
    pass


def runs(pid: int) -> bool:
    """One that ended, and whose end nobody has taken note of yet, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_what_was_written_is_there_the_next_time_and_nothing_runs_in_between(state_dir: Path) -> None:
    own = PrivatePostgres(state_dir)
    async with own.used(quiet) as dsn:
        await ask(dsn, "CREATE TABLE kept AS SELECT 7 AS number")
        pid = own.server.pid
        assert pid is not None
        assert await ask(dsn, "SHOW fsync") == "on"  # this one is for keeps
    assert own.server.pid is None
    async with asyncio.timeout(WAIT_S):
        while runs(pid):  # noqa: ASYNC110 - it is not our child: nobody tells us
            await asyncio.sleep(0.01)
    async with PrivatePostgres(state_dir).used(quiet) as dsn:
        assert await ask(dsn, "SELECT number FROM kept") == 7


async def test_the_password_is_readable_by_its_owner_only_and_needed(state_dir: Path) -> None:
    async with PrivatePostgres(state_dir).used(quiet) as dsn:
        secret = state_dir / "postgres.password"
        assert secret.stat().st_mode & 0o777 == 0o600
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(dsn.replace(":" + dsn.split(":")[2].split("@")[0], ":guess"), timeout=WAIT_S)
        assert await ask(dsn, "SHOW listen_addresses") == "127.0.0.1"


async def test_the_last_one_to_leave_stops_it(state_dir: Path) -> None:
    first, second = PrivatePostgres(state_dir), PrivatePostgres(state_dir)
    async with first.used(quiet) as dsn:
        async with second.used(quiet) as same:
            assert same == dsn
        assert await ask(dsn, "SELECT 1") == 1
    assert first.server.pid is None


async def test_two_that_come_at_once_share_one(state_dir: Path) -> None:
    all_there = asyncio.Barrier(3)

    async def user() -> str:
        async with PrivatePostgres(state_dir).used(quiet) as dsn:
            await ask(dsn, "SELECT 1")
            await all_there.wait()
            return dsn

    async with asyncio.timeout(60):
        assert len(set(await asyncio.gather(*(user() for _ in range(3))))) == 1
    assert PrivatePostgres(state_dir).server.pid is None


_USER = """
import asyncio, sys
from pathlib import Path
from engine.app.private_postgres import PrivatePostgres

async def main():
    async with PrivatePostgres(Path(sys.argv[1])).used(lambda _: None) as dsn:
        print(dsn, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@asynccontextmanager
async def another_user(state_dir: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A process that uses it, and the address it was given."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _USER, str(state_dir), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WAIT_S):
            yield process, (await process.stdout.readline()).decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_goes_on_when_its_user_is_killed_and_the_next_one_finds_it(state_dir: Path) -> None:
    own = PrivatePostgres(state_dir)
    async with another_user(state_dir) as (process, dsn):
        pid = own.server.pid
        await ask(dsn, "CREATE TABLE kept AS SELECT 7 AS number")
        process.kill()
        await process.wait()
        assert own.server.pid == pid is not None
        async with own.used(quiet) as same:
            assert same == dsn
            assert own.server.pid == pid
            assert await ask(same, "SELECT number FROM kept") == 7
    assert own.server.pid is None


async def test_killed_together_with_its_user_it_comes_back_with_everything(state_dir: Path) -> None:
    own = PrivatePostgres(state_dir)
    async with another_user(state_dir) as (process, dsn):
        await ask(dsn, "CREATE TABLE kept AS SELECT 7 AS number")
        pid = own.server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        process.kill()
        await process.wait()
    async with own.used(quiet) as dsn:
        assert own.server.pid != pid
        assert await ask(dsn, "SELECT number FROM kept") == 7


async def test_killed_alone_it_is_started_again_at_the_same_address(state_dir: Path) -> None:
    own = PrivatePostgres(state_dir)
    async with own.used(quiet) as dsn:
        pid = own.server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    assert await ask(dsn, "SELECT 1") == 1
                    break
                except (OSError, asyncpg.PostgresError):
                    await asyncio.sleep(0.1)
        assert own.server.pid not in (None, pid)


async def test_data_of_another_version_are_refused_with_a_remedy(state_dir: Path) -> None:
    own = PrivatePostgres(state_dir)
    async with own.used(quiet):
        pass
    (own.server.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(Unavailable, match="made by PostgreSQL 9") as refused:
        async with own.used(quiet):
            pass
    assert "pg_upgrade" in refused.value.what_next
