"""Small plugs between rooms: tokens, rows by pages, journals from the archive."""

import base64
from pathlib import Path

import msgspec
import pytest

from engine.app.adapters import Archive, Cdrs, Health, Tokens
from engine.calls.contract import Actor
from engine.errors import DatabaseAway, InvalidValue
from engine.http.ports import CdrFilter, PartState
from engine.store import history, steps, tokens
from engine.store.pool import Database
from engine.store.tokens import TokenBook
from tests.journal.rows import step
from tests.store.records import NOON, SECOND, call_id, record


async def test_a_token_becomes_an_actor(db: Database, tmp_path: Path) -> None:
    book = TokenBook(tmp_path / "tokens.json")
    async with db.connection() as connection:
        made, plain = await tokens.create(connection, "crm", ["calls:create", "cdr:read"])
        await book.refresh(connection)
    plug = Tokens(book)
    expected = Actor(token_id=made.id, name="crm", scopes=frozenset({"calls:create", "cdr:read"}))
    assert await plug.verify(plain) == expected
    assert await plug.verify(plain + "x") is None


async def test_rows_come_by_pages_newest_first_and_none_twice(db: Database) -> None:
    async with db.connection() as connection:
        rows = [record(number, requested_at=NOON + number // 2 * SECOND) for number in range(1, 8)]
        await history.upsert_records(connection, rows)
    plug, cursor, seen = Cdrs(db), None, []
    while True:
        page = await plug.query(CdrFilter(), cursor, 3)
        seen += [row.call_id for row in page.records]
        cursor = page.cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted(row.call_id for row in rows)
    assert set(seen[:2]) == {call_id(6), call_id(7)}


async def test_every_condition_reaches_the_query(db: Database) -> None:
    async with db.connection() as connection:
        await history.upsert_records(connection, [record(1), record(2, agent_id="bruno", outcome="answered")])
    plug = Cdrs(db)
    wanted = CdrFilter(
        start=NOON - SECOND,
        end=NOON + SECOND,
        agent="bruno",
        campaign="spring",
        direction="outbound",
        outcome="answered",
        number="+33987654321",
    )
    assert [row.call_id for row in (await plug.query(wanted, None, 10)).records] == [call_id(2)]
    for name, other in {
        "start": NOON + SECOND,
        "end": NOON - SECOND,
        "agent": "claire",
        "campaign": "autumn",
        "direction": "inbound",
        "outcome": "full",
        "number": "+33900000000",
    }.items():
        assert (await plug.query(msgspec.structs.replace(wanted, **{name: other}), None, 10)).records == []


def cursor(value: object) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(value)).decode().rstrip("=")


@pytest.mark.parametrize(
    "given",
    [
        "",
        "x",
        "é",
        "====",
        cursor({}),
        cursor([1]),
        cursor({"requested_at": "now", "call_id": "x"}),
        cursor({"requested_at": "0001-01-01T00:00:00+14:00", "call_id": call_id()}),
    ],
)
async def test_a_cursor_that_was_never_given(db: Database, given: str) -> None:
    with pytest.raises(InvalidValue, match="never given"):
        await Cdrs(db).query(CdrFilter(), given, 10)


async def test_a_journal_comes_back_from_the_archive_as_it_was(db: Database) -> None:
    written = [msgspec.structs.replace(step(call_id(), number), seq=number + 1) for number in range(3)]
    async with db.connection() as connection:
        await steps.store_steps(connection, [(call_id(), written)])
    assert await Archive(db).steps(call_id()) == written
    assert await Archive(db).steps(call_id(9)) == []
    assert await Archive(db).steps("no uuid at all") == []


async def test_without_postgresql_the_archive_knows_nothing_and_rows_say_so() -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/none") as db:
        assert await Archive(db).steps(call_id()) == []
        with pytest.raises(DatabaseAway):
            await Cdrs(db).query(CdrFilter(), None, 10)


def test_each_part_is_asked_anew() -> None:
    states = iter([PartState(ok=False, why="not yet"), PartState(ok=True, why="")])
    health = Health({"ari": lambda: next(states)})
    assert [health.ready()["ari"].ok for _ in range(2)] == [False, True]
