"""The schema: applied once, by one engine at a time, and never behind anybody's back."""

import asyncio
from typing import get_args

import pytest

from engine.domain.cdr import CallRecord, HangupBy, Outcome
from engine.errors import DatabaseMismatch
from engine.store.migrate import Migration, migrate, migrations
from engine.store.pool import Connection, Database


async def test_an_empty_database_gets_everything_once(empty_dsn: str) -> None:
    async with Database(empty_dsn) as db:
        assert await migrate(db) == migrations()
        assert await migrate(db) == []


async def test_two_engines_starting_together_take_turns(empty_dsn: str) -> None:
    async with Database(empty_dsn) as one, Database(empty_dsn) as other:
        applied = await asyncio.gather(migrate(one), migrate(other))
    assert sorted(file.version for done in applied for file in done) == [file.version for file in migrations()]


async def test_a_newer_database_is_refused(own_db: Database) -> None:
    newer = [*migrations(), Migration(len(migrations()) + 1, "later", "CREATE TABLE later (a int)")]
    await migrate(own_db, newer)
    with pytest.raises(DatabaseMismatch, match="this engine knows"):
        await migrate(own_db)


async def test_a_changed_file_is_noticed(own_db: Database) -> None:
    changed = [touched(file) for file in migrations()]
    with pytest.raises(DatabaseMismatch, match="was changed after it was applied"):
        await migrate(own_db, changed)


async def test_a_migration_that_fails_leaves_nothing_behind(own_db: Database) -> None:
    broken = [
        *migrations(),
        Migration(len(migrations()) + 1, "bad", "CREATE TABLE half (a int); SELECT 1 FROM nowhere"),
    ]
    with pytest.raises(DatabaseMismatch, match="nowhere"):
        await migrate(own_db, broken)
    async with own_db.connection() as connection:
        assert await connection.fetchval("SELECT to_regclass('half')") is None
    assert await migrate(own_db) == []


async def test_the_columns_are_the_fields_of_the_record(connection: Connection) -> None:
    rows = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'call_history' ORDER BY ordinal_position"
    )
    columns = {row["column_name"] for row in rows}
    assert set(CallRecord.__struct_fields__) == columns - {"disposition_at", "original"}


@pytest.mark.parametrize(("constraint", "words"), [("outcome", get_args(Outcome)), ("hangup_by", get_args(HangupBy))])
async def test_the_closed_sets_are_the_same_in_both_places(
    connection: Connection, constraint: str, words: tuple[str, ...]
) -> None:
    check = await connection.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", f"call_history_{constraint}"
    )
    assert sorted(words) == sorted(check.split("'")[1::2])


def touched(file: Migration) -> Migration:
    return Migration(file.version, file.name, file.sql + "\n-- touched")


def test_files_without_a_gap() -> None:
    assert [file.version for file in migrations()] == list(range(1, len(migrations()) + 1))
