"""What the journal keeps, in which order, and what it refuses."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import IdempotencyConflict, JournalDamaged, JournalUnwritable
from engine.journal import Journal, OutboxRow, writes
from tests.journal.rows import DAY, NOON, cdr, key, step


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal.open(tmp_path / "journal.db", "node-1", ballast_bytes=4096) as journal:
        yield journal


async def test_a_step_comes_back_as_it_was_written(journal: Journal) -> None:
    written = step(number=7)
    seq = await journal.append(written)
    assert [msgspec.structs.replace(written, seq=seq)] == await journal.steps("call-1")


async def test_an_open_call_shows_its_latest_state_until_it_closes(journal: Journal) -> None:
    await journal.append(step(number=1))
    await journal.append(step(number=2), durable=True)
    (call,) = await journal.open_calls()
    assert (call.call_id, call.state, call.last_seq) == ("call-1", b'{"after":2}', 2)
    await journal.append(step(number=3, closed=True), outbox=[cdr()])
    assert await journal.open_calls() == []
    (closed,) = await journal.closed_calls(10)
    assert (closed.call_id, closed.closed_seq, closed.closed_at, closed.payload) == ("call-1", 3, NOON, b"{}")


async def test_a_step_after_the_end_keeps_the_call_closed_and_its_newest_record(journal: Journal) -> None:
    await journal.append(step(closed=True), outbox=[cdr(text=b"1")])
    await journal.append(step(number=2, closed=True), outbox=[cdr(text=b"2")])
    closed = await journal.closed_call("call-1")
    assert closed is not None
    assert closed.payload == b"2"
    assert await journal.closed_call("call-2") is None


async def test_everything_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "journal?mode=ro#.db"
    async with Journal.open(path, "node-1") as journal:
        await journal.append(step(), idempotency=key(), outbox=[cdr()])
        await journal.put("revision", b"4")
        first_id = journal.journal_id
    async with Journal.open(path, "node-1") as journal:
        assert len(await journal.open_calls()) == 1
        assert (await journal.backlog()).rows == 1
        assert await journal.get("revision") == b"4"
        assert await journal.get("nothing") is None
        assert journal.journal_id == first_id
        assert await journal.append(step(number=2)) == 2


async def test_a_used_key_gives_the_first_request_and_writes_nothing(journal: Journal) -> None:
    await journal.append(step(), idempotency=key(body="first"))
    with pytest.raises(IdempotencyConflict) as raised:
        await journal.append(step("call-2"), idempotency=key(call_id="call-2", body="other"), outbox=[cdr("call-2")])
    assert (raised.value.call_id, raised.value.body_hash, raised.value.answer) == ("call-1", "first", None)
    assert await journal.steps("call-2") == []
    assert await journal.outbox(10) == []
    await journal.answer_idempotency("k", "crm", b"202")
    found = await journal.find_idempotency("k", "crm")
    assert found is not None
    assert found.answer == b"202"


async def test_fifty_requests_with_one_key_make_one_call(journal: Journal) -> None:
    tries = [journal.append_nowait(step(f"call-{n}"), idempotency=key(call_id=f"call-{n}")) for n in range(50)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    conflicts = [error for error in results if isinstance(error, IdempotencyConflict)]
    assert len(conflicts) == 49
    assert {error.call_id for error in conflicts} == {"call-0"}
    assert [call.call_id for call in await journal.open_calls()] == ["call-0"]


async def test_keys_are_forgotten_after_their_time(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "PRUNED_KEYS", 2)  # in one transaction; what is left is for the next
    await journal.append(step(), idempotency=key("old", at=NOON - 4 * DAY))
    for number in range(4):
        await journal.append(step(), idempotency=key(f"older-{number}", at=NOON - 5 * DAY))
    await journal.append(step(), idempotency=key("new"))
    assert await journal.prune_idempotency(NOON - 3 * DAY) == 5
    assert await journal.find_idempotency("old", "crm") is None
    assert await journal.find_idempotency("new", "somebody else") is None


async def test_the_outbox_is_shipped_in_order_and_only_once(journal: Journal) -> None:
    await journal.append(step(closed=True), outbox=[cdr(), OutboxRow(kind="disposition", payload=b"d")])
    await journal.report([OutboxRow(kind="audit", payload=b"a")])
    rows = await journal.outbox(2)
    assert [row.kind for row in rows] == ["cdr", "disposition"]
    await journal.shipped([row.seq for row in rows])
    assert [(row.kind, row.call_id, row.payload) for row in await journal.outbox(2)] == [("audit", None, b"a")]
    assert (await journal.backlog()).rows == 1
    assert await journal.outbox(2, after=3) == []


async def test_whoever_ships_hears_of_every_row_for_postgresql(journal: Journal) -> None:
    """A disposition of a call long over, or a refusal, must not wait for the next call to end."""
    heard: list[int] = []
    journal.on_record = lambda: heard.append(1)
    await journal.append(step())
    await asyncio.sleep(0)
    assert heard == []
    await journal.report([OutboxRow(kind="audit", payload=b"{}")])
    await asyncio.sleep(0)
    assert heard == [1]


async def test_pruning_leaves_what_is_young_open_or_not_yet_shipped(journal: Journal) -> None:
    old = NOON - 40 * DAY
    for number in range(250):  # more than two chunks
        await journal.append(step(f"gone-{number}", at=old, closed=True), outbox=[cdr(f"gone-{number}")])
    await journal.shipped([row.seq for row in await journal.outbox(1000)])
    await journal.append(step("waiting", at=old, closed=True), outbox=[cdr("waiting")])
    await journal.append(step("young", closed=True))
    await journal.append(step("open", at=old))
    assert await journal.prune(30 * DAY, NOON) == 250
    assert {call.call_id for call in await journal.closed_calls(10)} == {"waiting", "young"}
    assert await journal.steps("gone-7") == []
    assert len(await journal.open_calls()) == 1
    assert await journal.append(step("next")) == 254  # numbers are never given twice


async def test_pruning_takes_shipped_rows_without_a_call_too(journal: Journal) -> None:
    await journal.report([OutboxRow(kind="audit", payload=b"%d" % n) for n in range(250)])
    await journal.shipped([row.seq for row in await journal.outbox(240)])
    later = datetime.now(UTC) + DAY
    assert await journal.prune(timedelta(0), later) == 0
    assert (await journal.backlog()).rows == 10
    connection = sqlite3.connect(journal.path)
    assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (10,)
    connection.close()


async def test_one_bad_write_does_not_take_its_neighbours_with_it(journal: Journal) -> None:
    bad = msgspec.structs.replace(step("bad"), state=None)
    tries = [journal.append_nowait(row) for row in (step("a"), bad, step("b"))]
    first, refused, last = await asyncio.gather(*tries, return_exceptions=True)
    assert isinstance(refused, JournalUnwritable)
    assert [first, last] == [1, 2]


async def test_a_waiter_that_gives_up_does_not_disturb_the_others(journal: Journal) -> None:
    given_up = journal.append_nowait(step("a"))
    given_up.cancel()
    assert await journal.append(step("b")) == 2
    assert len(await journal.open_calls()) == 2


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    orders=st.lists(st.tuples(st.integers(0, 4), st.booleans(), st.booleans()), max_size=60),
    cut=st.integers(1, 20),
)
async def test_the_order_asked_for_is_the_order_kept(
    tmp_path_factory: pytest.TempPathFactory, orders: list[tuple[int, bool, bool]], cut: int
) -> None:
    path = tmp_path_factory.mktemp("order") / "journal.db"
    model: dict[str, list[int]] = {}
    over: dict[str, bool] = {}
    async with Journal.open(path, "n", ballast_bytes=4096) as journal:
        waiting = []
        for number, (call, durable, closed) in enumerate(orders):
            row = step(f"call-{call}", number, closed=closed)
            waiting.append(journal.append_nowait(row, durable=durable))
            model.setdefault(row.call_id, []).append(number)
            over[row.call_id] = closed
            if number % cut == 0:
                await waiting[-1]
        seqs = await asyncio.gather(*waiting)
        assert list(range(1, len(orders) + 1)) == seqs
        for call_id, numbers in model.items():
            assert [b'{"n":%d}' % n for n in numbers] == [row.event for row in await journal.steps(call_id)]
        assert {c for c, closed in over.items() if not closed} == {c.call_id for c in await journal.open_calls()}


async def test_writes_queued_together_share_one_commit(journal: Journal) -> None:
    statements: list[str] = []
    journal._writer._connection.set_trace_callback(statements.append)
    await asyncio.gather(*(journal.append_nowait(step(f"c{n}"), durable=n % 2 == 0) for n in range(200)))
    assert statements.count("COMMIT") <= 3  # the first may go alone, a second while the rest are being queued
    assert "PRAGMA synchronous = FULL" in statements
    statements.clear()
    await journal.append(step("later"))
    assert "PRAGMA synchronous = NORMAL" in statements


async def test_more_writes_than_fit_one_group_keep_their_order(journal: Journal) -> None:
    seqs = await asyncio.gather(*(journal.append_nowait(step(number=n)) for n in range(1200)))
    assert seqs == list(range(1, 1201))
    assert journal.waiting == 0


async def test_steps_that_belong_together_are_written_together_or_not_at_all(journal: Journal) -> None:
    assert await journal.append_together([step("from"), step("to")], durable=True, outbox=[cdr("from")]) == 2
    bad = msgspec.structs.replace(step("to"), state=None)
    with pytest.raises(JournalUnwritable):
        await journal.append_together([step("from", 2), bad], outbox=[cdr("from")])
    assert len(await journal.steps("from")) == len(await journal.steps("to")) == 1
    assert (await journal.backlog()).rows == 1


async def test_a_write_is_kept_when_its_asker_is_gone(tmp_path: Path) -> None:
    async def ask() -> None:
        async with Journal.open(tmp_path / "journal.db", "n") as journal:
            asyncio.current_task().cancel()  # type: ignore[union-attr]
            await journal.append(step())

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(ask())
    async with Journal.open(tmp_path / "journal.db", "n") as journal:
        assert len(await journal.steps("call-1")) == 1


async def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    async with Journal.open(tmp_path / "journal.db", "n") as journal:
        last_words = journal.append_nowait(step())
    assert await last_words == 1
    with pytest.raises(JournalUnwritable, match="closed"):
        await journal.append(step())


async def test_a_second_engine_is_kept_out_by_name(journal: Journal) -> None:
    with pytest.raises(JournalUnwritable, match=f"process {os.getpid()} holds"):
        async with Journal.open(journal.path, "node-2"):
            pass
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _OPEN, str(journal.path), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asyncio.wait_for(other.communicate(), 30)
    assert f"process {os.getpid()} holds" in said.decode()


_OPEN = """
import asyncio, sys
from pathlib import Path
from engine.errors import JournalUnwritable
from engine.journal import Journal

async def main():
    try:
        async with Journal.open(Path(sys.argv[1]), "other"):
            print("opened")
    except JournalUnwritable as error:
        print(error.message)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"this is not a database, whatever its name says" * 100, "cannot be read"),
        (b"SQLite format 3\0" + b"\xff" * 5000, "cannot be read"),
    ],
)
async def test_a_damaged_file_is_reported_and_left_alone(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    with pytest.raises(JournalDamaged, match=says):
        async with Journal.open(path, "n"):
            pass
    assert path.read_bytes() == content


async def test_somebody_elses_database_and_a_newer_journal_are_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE a (b)")
    other.close()
    with pytest.raises(JournalDamaged, match="not a journal"):
        async with Journal.open(tmp_path / "other.db", "n"):
            pass
    async with Journal.open(tmp_path / "journal.db", "n"):
        pass
    newer = sqlite3.connect(tmp_path / "journal.db")
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(JournalDamaged, match="version 99"):
        async with Journal.open(tmp_path / "journal.db", "n"):
            pass
