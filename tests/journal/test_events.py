"""The public events of calls in the journal: numbered once, read from anywhere, pruned from the oldest on."""

import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.journal import EventBounds, Journal, OutboxRow
from engine.journal.file import VERSION
from tests.journal.rows import DAY, cdr, step


def event(number: int, call_id: str = "call-1") -> OutboxRow:
    return OutboxRow(kind="event", call_id=call_id, payload=b"%d" % number)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal.open(tmp_path / "journal.db", "node-1", ballast_bytes=0) as journal:
        yield journal


async def test_they_are_numbered_in_order_and_never_wait_in_the_outbox(journal: Journal) -> None:
    assert await journal.event_bounds() == EventBounds(oldest=1, newest=0)
    await journal.append(step(), outbox=[event(1), cdr(), event(2)])
    await journal.report([event(3, "call-2")])
    assert [(row.seq, row.payload) for row in await journal.events(0, 10)] == [(1, b"1"), (2, b"2"), (3, b"3")]
    assert [(row.seq, row.call_id) for row in await journal.events(1, 1)] == [(2, "call-1")]
    assert [row.kind for row in await journal.outbox(10)] == ["cdr"]


async def test_they_are_there_when_it_is_told_that_they_are(journal: Journal) -> None:
    told: list[int] = []
    journal.on_event = lambda: told.append(1)
    await journal.append(step(), outbox=[cdr()])
    assert told == []
    await journal.append(step(number=2), outbox=[event(1)])
    assert told == [1]
    assert len(await journal.events(0, 10)) == 1


async def test_pruning_goes_no_further_than_allowed_and_numbers_go_on(journal: Journal) -> None:
    await journal.report([event(number) for number in range(1, 6)])
    later = datetime.now(UTC) + DAY
    assert await journal.prune_events(timedelta(hours=25), later, up_to=5) == 0
    assert await journal.prune_events(timedelta(hours=23), later, up_to=3) == 3
    assert await journal.event_bounds() == EventBounds(oldest=4, newest=5)
    assert await journal.prune_events(timedelta(hours=23), later, up_to=9) == 2
    assert await journal.event_bounds() == EventBounds(oldest=6, newest=5)
    await journal.report([event(6)])
    assert [row.seq for row in await journal.events(0, 10)] == [6]


async def test_a_journal_of_the_version_before_is_taken_over_with_its_calls(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with Journal.open(path, "node-1", ballast_bytes=0) as journal:
        await journal.append(step())
    older = sqlite3.connect(path)
    older.executescript("DROP TABLE events; PRAGMA user_version = 1")
    older.close()
    async with Journal.open(path, "node-1", ballast_bytes=0) as journal:
        assert len(await journal.open_calls()) == 1
        await journal.report([event(1)])
        assert await journal.event_bounds() == EventBounds(oldest=1, newest=1)
    upgraded = sqlite3.connect(path)
    assert upgraded.execute("PRAGMA user_version").fetchone() == (VERSION,)
    upgraded.close()
