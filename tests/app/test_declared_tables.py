"""Tables of the business, in a real PostgreSQL: found by a key that anybody may have typed, and never changed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from engine.app.declared_tables import DeclaredTables
from engine.app.table_answers import TableAnswers
from engine.calls.ports import Answer
from engine.domain.scenario.talk import AskTable
from engine.domain.values import Slug
from engine.errors import DatabaseAway, DatabaseMismatch, InvalidValue, StandardisteError, UnknownThing
from engine.scenario_settings import TableSettings
from engine.sections import Secret
from engine.store.pool import Database
from tests.app.test_scenario_answers import CALL, NOWHERE
from tests.store.conftest import empty_dsn

__all__ = ["empty_dsn"]

MADE = """
CREATE SCHEMA crm;
CREATE TABLE crm."Customers" (
  "Number" text, id uuid, account integer, name text, vip boolean, orders numeric, since date, balance numeric,
  picture bytea, flag text, story text);
INSERT INTO crm."Customers" VALUES
  ('K-1', '00000000-0000-0000-0000-000000000001', 7, 'Ana "Zoé"', true, 12, '2020-02-29', 12.50, '\\x00', 'true',
   repeat('x', 1001)),
  ('K-2', '00000000-0000-0000-0000-000000000002', 8, NULL, false, 'NaN', NULL, 0, NULL, 'oui', NULL),
  ('K-2', '00000000-0000-0000-0000-000000000003', 9, 'B', NULL, 3e30, NULL, 0, NULL, NULL, NULL);
"""
HOSTILE = [
    "' OR '1'='1", "'; DROP TABLE crm.\"Customers\"; --", "\x00", "\ud800", "x" * 10_000, "", "K-1\n", "$1", "%", "K_1",
]  # fmt: skip


def table(**more: Any) -> TableSettings:
    columns = {
        "name": "text", "vip": "flag", "orders": "number", "since": "text", "balance": "text", "picture": "text",
        "flag": "flag", "story": "text", "lost": "text", "id": "text",
    }  # fmt: skip
    return TableSettings(**{"table": "crm.Customers", "key": "Number", "columns": columns, **more})


DECLARED = {
    "customers": table(),
    "accounts": table(key="account", key_type="number"),
    "ids": table(key="id"),
    "gone": table(table="crm.nothing"),
    "away": table(dsn=Secret(NOWHERE)),
}


@pytest.fixture
async def dsn(empty_dsn: str) -> str:
    connection = await asyncpg.connect(empty_dsn)
    await connection.execute(MADE)
    await connection.close()
    return empty_dsn


@pytest.fixture
async def tables(dsn: str) -> AsyncIterator[DeclaredTables]:
    async with DeclaredTables(DECLARED, dsn) as tables:
        yield tables


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with capture_logs() as lines:
        yield lines


async def test_a_row_by_its_key(tables: DeclaredTables) -> None:
    row = {"name": 'Ana "Zoé"', "vip": True, "orders": 12, "since": "2020-02-29", "balance": "12.50", "flag": True}
    assert await tables.find("customers", "K-1", tuple(row), within_s=3) == [row]
    assert await tables.find("accounts", "7", ("name",), within_s=3) == [{"name": 'Ana "Zoé"'}]
    one = "00000000-0000-0000-0000-000000000001"
    assert await tables.find("ids", one, ("id",), within_s=3) == [{"id": one}]


async def test_null_is_nothing_and_no_column_is_enough(tables: DeclaredTables) -> None:
    assert await tables.find("accounts", "8", ("name", "vip"), within_s=3) == [{"vip": False}]
    assert await tables.find("accounts", "8", (), within_s=3) == [{}]


async def test_two_are_many_whatever_they_hold(tables: DeclaredTables) -> None:
    assert len(await tables.find("customers", "K-2", ("vip",), within_s=3)) == 2


@pytest.mark.parametrize("name", ["customers", "accounts", "ids"])
@pytest.mark.parametrize("key", [*HOSTILE, "٧", "7.0", "-7", "9" * 40, str(2**63 - 1)])
async def test_a_hostile_key_finds_nothing_and_changes_nothing(tables: DeclaredTables, name: str, key: str) -> None:
    assert await tables.find(name, key, ("name",), within_s=3) == []
    assert len(await tables.find("customers", "K-1", ("name",), within_s=3)) == 1


@pytest.mark.parametrize(
    ("name", "key", "column", "why"),
    [
        ("customers", "K-1", "picture", InvalidValue),  # bytes are nothing for a scenario
        ("customers", "K-1", "story", InvalidValue),  # too long
        ("customers", "K-1", 'name" FROM pg_authid --', InvalidValue),  # not declared
        ("customers", "K-1", "lost", DatabaseMismatch),  # declared, and not there
        ("accounts", "8", "orders", InvalidValue),  # NaN
        ("accounts", "9", "orders", InvalidValue),  # more than 64 bits
        ("accounts", "8", "flag", InvalidValue),  # "oui"
        ("gone", "K-1", "name", DatabaseMismatch),
        ("away", "K-1", "name", DatabaseAway),
        ("none", "K-1", "name", UnknownThing),
    ],
)
async def test_what_cannot_be_read(
    tables: DeclaredTables, name: str, key: str, column: str, why: type[StandardisteError]
) -> None:
    async with asyncio.timeout(2):
        with pytest.raises(why):
            await tables.find(name, key, (column,), within_s=3)


async def test_the_transaction_is_read_only(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "CREATE FUNCTION crm.note() RETURNS text LANGUAGE plpgsql AS"
        " $$ BEGIN DELETE FROM crm.\"Customers\"; RETURN 'x'; END $$;"
        ' CREATE VIEW crm.trap AS SELECT "Number", crm.note() AS name FROM crm."Customers"'
    )
    async with DeclaredTables({"trap": table(table="crm.trap")}, dsn) as tables:
        with pytest.raises(DatabaseAway, match="read-only"):
            await tables.find("trap", "K-1", ("name",), within_s=3)
    assert await connection.fetchval('SELECT count(*) FROM crm."Customers"') == 3
    await connection.close()


async def test_a_locked_table_is_given_up_on_the_server_too(dsn: str, tables: DeclaredTables) -> None:
    other = await asyncpg.connect(dsn)
    async with other.transaction():
        await other.execute('LOCK crm."Customers"')
        async with asyncio.timeout(3):
            with pytest.raises(StandardisteError):
                await tables.find("customers", "K-1", ("name",), within_s=0.2)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while await other.fetchval(waiting):  # noqa: ASYNC110 - the condition lives in another process
            await asyncio.sleep(0.01)
    await other.close()


async def test_the_answers(db: Database, tables: DeclaredTables, logged: list[Any]) -> None:
    answers = TableAnswers(db, tables)

    def asked(key: str) -> AskTable:
        return AskTable(table=Slug("customers"), key=key, columns=("vip",), timeout_s=3)

    assert await answers.answer(CALL, asked("K-1")) == Answer("found", {"vip": True})
    assert await answers.answer(CALL, asked("K-2")) == Answer("many")
    assert await answers.answer(CALL, asked("1234-secret")) == Answer("none")
    assert "1234-secret" not in str(logged)
