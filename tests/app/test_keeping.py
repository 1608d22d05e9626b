"""The directory and the tokens the engine works with: PostgreSQL's newest, and the last good ones without it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from engine.app import keeping
from engine.app.directories import CurrentDirectory
from engine.app.keeping import DirectoryKeeper
from engine.domain.directory import Directory
from engine.errors import DatabaseAway
from engine.sandbox.postgres import PostgresServer
from engine.store import directory as stored
from engine.store import last_good, tokens
from engine.store.migrate import migrate
from engine.store.pool import Database, DatabaseTimes
from engine.store.tokens import TokenBook
from tests.calls.room import agent, directory
from tests.store.conftest import empty_dsn, mortal, postgres

__all__ = ["empty_dsn", "mortal", "postgres"]

TIMES = DatabaseTimes(connect_s=5.0, acquire_s=5.0, retry_first_s=0.02, retry_longest_s=0.1, watch_s=0.5)
FIRST = directory(agent("alice"))
SECOND = directory(agent("alice"), agent("bruno"))


class Kept:
    """A keeper with its files, and the running of it."""

    def __init__(self, db: Database, folder: Path) -> None:
        self.copy, self.tokens_copy = folder / "directory.json", folder / "tokens.json"
        self.db, self.current, self.book = db, CurrentDirectory(), TokenBook(self.tokens_copy)
        self.keeper = DirectoryKeeper(db, self.current, self.book, last_good=self.copy)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Kept"]:
        task = asyncio.create_task(self.keeper.run())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not true():  # noqa: ASYNC110 - bounded, and what it looks at has no bell
                await asyncio.sleep(0.005)

    @property
    def agents(self) -> set[str]:
        return set(self.current.directory.agents)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "LOOK_EVERY_S", 0.05)


@pytest.fixture
async def fresh(empty_dsn: str) -> AsyncIterator[Database]:
    """A database of its own, without any table."""
    async with Database(empty_dsn, times=TIMES) as db:
        yield db


async def put(db: Database, wanted: Directory) -> int:
    async with db.connection() as connection:
        base = await stored.revision(connection)
        return (await stored.apply(connection, wanted, "test", "a test", base=base)).revision


async def test_a_new_database_gets_its_tables_and_an_empty_directory_counts_as_known(
    fresh: Database, tmp_path: Path
) -> None:
    kept = Kept(fresh, tmp_path)
    async with kept.running():
        await kept.until(lambda: kept.keeper.loaded)
    assert (kept.current.directory.revision, kept.copy.exists()) == (0, False)


async def test_a_change_made_by_another_process_counts_soon(fresh: Database, tmp_path: Path) -> None:
    await migrate(fresh)
    kept = Kept(fresh, tmp_path)
    async with kept.running():
        await kept.until(lambda: kept.keeper.loaded)
        await put(fresh, FIRST)
        await kept.until(lambda: kept.agents == {"alice"})
        revision = await put(fresh, SECOND)
        await kept.until(lambda: kept.agents == {"alice", "bruno"})
        assert kept.current.directory.revision == revision
        await kept.until(lambda: last_good.load(kept.copy) == kept.current.directory)
    assert kept.copy.stat().st_mode & 0o777 == 0o600


async def test_the_same_revision_is_not_read_again(fresh: Database, tmp_path: Path) -> None:
    await migrate(fresh)
    await put(fresh, FIRST)
    kept = Kept(fresh, tmp_path)
    async with kept.running():
        await kept.until(lambda: kept.agents)
        held = kept.current.directory
        async with fresh.connection() as connection:
            await tokens.create(connection, "crm", ["calls:create"])
        await kept.until(lambda: kept.book._by_hash)
        assert kept.current.directory is held


async def test_a_token_counts_soon_and_no_longer_once_revoked(fresh: Database, tmp_path: Path) -> None:
    await migrate(fresh)
    kept = Kept(fresh, tmp_path)
    async with kept.running():
        async with fresh.connection() as connection:
            _, plain = await tokens.create(connection, "crm", ["calls:create"])
        await kept.until(lambda: kept.book.verify(plain))
        async with fresh.connection() as connection:
            await tokens.revoke(connection, "crm")
        await kept.until(lambda: kept.book.verify(plain) is None)
        await kept.until(lambda: kept.tokens_copy.is_file() and b"crm" not in kept.tokens_copy.read_bytes())
    again = Kept(fresh, tmp_path)
    await again.keeper.load_local()
    assert again.book.verify(plain) is None


async def test_without_postgresql_the_copies_count(mortal: PostgresServer, tmp_path: Path) -> None:
    async with Database(mortal.dsn, times=TIMES) as db:
        await migrate(db)
        await put(db, FIRST)
        async with db.connection() as connection:
            _, plain = await tokens.create(connection, "crm", ["calls:create"])
        kept = Kept(db, tmp_path)
        async with kept.running():
            await kept.until(kept.copy.exists)
            await kept.until(lambda: kept.book.verify(plain))
    await mortal.stop()
    async with Database(mortal.dsn, times=TIMES) as db:
        again = Kept(db, tmp_path)
        await again.keeper.load_local()
        assert (again.keeper.loaded, again.agents) == (True, {"alice"})
        assert again.book.verify(plain) is not None
        async with again.running():
            with pytest.raises(DatabaseAway):
                await put(db, SECOND)
            await mortal.start()
            await again.until(lambda: db.available)
            await put(db, SECOND)
            await again.until(lambda: again.agents == {"alice", "bruno"})


async def test_a_node_without_copies_knows_nothing_yet(fresh: Database, tmp_path: Path) -> None:
    kept = Kept(fresh, tmp_path)
    await kept.keeper.load_local()
    assert (kept.keeper.loaded, kept.current.directory.revision) == (False, 0)


@pytest.mark.parametrize("rubbish", [b"", b"{", b'{"revision": "x"}', b"\xff\xfe"])
async def test_a_directory_that_cannot_be_read_costs_no_token(fresh: Database, tmp_path: Path, rubbish: bytes) -> None:
    await migrate(fresh)
    async with fresh.connection() as connection:
        _, plain = await tokens.create(connection, "crm", ["calls:create"])
    kept = Kept(fresh, tmp_path)
    async with kept.running():
        await kept.until(
            lambda: kept.book.verify(plain) and kept.tokens_copy.is_file()
        )  # in memory first, then on disk
    kept.copy.write_bytes(rubbish)
    again = Kept(fresh, tmp_path)
    with capture_logs() as logs:
        await again.keeper.load_local()
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["directory.copy_unusable"]
    assert again.book.verify(plain) is not None
    assert not again.keeper.loaded


async def test_tokens_that_cannot_be_read_cost_no_directory(fresh: Database, tmp_path: Path) -> None:
    kept = Kept(fresh, tmp_path)
    last_good.save(kept.copy, msgspec.structs.replace(FIRST, revision=7))
    kept.tokens_copy.write_bytes(b"{")
    with capture_logs() as logs:
        await kept.keeper.load_local()
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["tokens.copy_unusable"]
    assert kept.agents == {"alice"}
    assert not kept.keeper.loaded  # nobody could ask for a call


async def test_a_change_of_our_own_counts_at_once(fresh: Database, tmp_path: Path) -> None:
    await migrate(fresh)
    kept = Kept(fresh, tmp_path)
    await kept.keeper.adopt(msgspec.structs.replace(FIRST, revision=9))
    assert kept.agents == {"alice"}
    assert last_good.load(kept.copy) == kept.current.directory


async def test_a_change_of_our_own_counts_even_if_postgresql_goes_meanwhile(tmp_path: Path) -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/none", times=TIMES) as db:
        kept = Kept(db, tmp_path)
        with capture_logs() as logs:
            await kept.keeper.adopt(msgspec.structs.replace(FIRST, revision=9))
        assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["tokens.not_followed"]
        assert kept.agents == {"alice"}


async def test_a_change_of_our_own_is_not_undone_by_a_look_that_began_before(
    fresh: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(fresh)
    await put(fresh, FIRST)
    kept = Kept(fresh, tmp_path)
    ours = msgspec.structs.replace(SECOND, revision=9)
    real = stored.load

    async def load(connection: object) -> Directory:
        found = await real(connection)  # type: ignore[arg-type]
        kept.current.replace(ours)
        return found

    monkeypatch.setattr(stored, "load", load)
    await kept.keeper._follow()
    assert kept.current.directory is ours
