"""From the journal to PostgreSQL: every row, once, whatever is in it and whatever happens on the way."""

import asyncio
import json
import random
import string
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.errors import DatabaseAway
from engine.journal import Journal, OutboxRow, StepRow
from engine.store.audit import query_audit
from engine.store.history import get_record
from engine.store.pool import Database
from engine.store.shipper import Shipper
from engine.store.steps import call_steps
from tests.store.records import NOON, call_id, payload, record
from tests.store.waiting import eventually


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with Journal.open(tmp_path / "journal.db", "node-1", ballast_bytes=4096) as journal:
        yield journal


def last_step(number: int = 1) -> StepRow:
    return StepRow(
        call_id=call_id(number),
        at=NOON,
        event=b'{"type":"ended","text":"\\u0000"}',
        effects=b"[]",
        state=b'{"n": 1}',
        machine_version="1",
        closed=True,
    )


def disposition(number: int = 1, code: str = "sold", **more: Any) -> OutboxRow:
    given = {"call_id": call_id(number), "code": code, "note": None, "fields": None, "at": NOON} | more
    return OutboxRow(kind="disposition", call_id=call_id(number), payload=msgspec.json.encode(given))


AUDIT = OutboxRow(
    kind="audit",
    payload=msgspec.json.encode(
        {"at": NOON, "actor": "crm", "action": "call.create", "rule": "x", "message": "m", "request": {"to": "+33"}}
    ),
)


async def close(journal: Journal, number: int, *rows: OutboxRow) -> None:
    await journal.append(last_step(number), outbox=rows)


def cdr(number: int = 1, *, steps: bool = True, **changes: Any) -> OutboxRow:
    return OutboxRow(kind="cdr", call_id=call_id(number), payload=payload(record(number, **changes), steps=steps))


async def test_a_finished_call_arrives_with_its_journal(journal: Journal, db: Database) -> None:
    await close(journal, 1, cdr(), disposition(), AUDIT)
    shipper = Shipper(journal, db)
    assert await shipper.ship() == 3
    assert await shipper.ship() == 0
    assert (await journal.backlog()).rows == 0
    async with db.connection() as connection:
        stored = await get_record(connection, call_id())
        (step,) = await call_steps(connection, call_id())
        (line,) = await query_audit(connection)
    assert stored == record(disposition="sold")
    assert msgspec.structs.asdict(step) == msgspec.structs.asdict(last_step()) | {"seq": 1}
    assert (line.actor, line.rule, line.request, line.journal_id) == ("crm", "x", {"to": "+33"}, journal.journal_id)


async def test_a_batch_delivered_twice_is_there_once(journal: Journal, db: Database) -> None:
    class Forgetful:
        """Forgets once to note what was shipped, as an engine killed at that moment does."""

        journal_id = journal.journal_id
        forgotten = False
        outbox = staticmethod(journal.outbox)
        steps = staticmethod(journal.steps)

        async def shipped(self, seqs: Sequence[int]) -> None:
            if self.forgotten:
                await journal.shipped(seqs)
            self.forgotten = True

    await close(journal, 1, cdr(), disposition(code="a"), cdr(revision=2, disposition="b"), AUDIT)
    shipper = Shipper(Forgetful(), db)
    await shipper.ship()
    await shipper.ship()
    assert (await journal.backlog()).rows == 0
    async with db.connection() as connection:
        assert await get_record(connection, call_id()) == record(revision=2, disposition="b")
        assert len(await query_audit(connection)) == 1


async def test_a_nul_in_a_business_variable_is_stored_readably_and_exactly(journal: Journal, db: Database) -> None:
    variables = {"a\x00b": ["c\x00", {"d": "\x00"}], "ok": 1}
    row = cdr(variables=variables)
    await close(journal, 1, row)
    await close(journal, 2, cdr(2))
    await Shipper(journal, db).ship()
    async with db.connection() as connection:
        stored = await get_record(connection, call_id())
        assert await get_record(connection, call_id(2)) == record(2)
        original = await connection.fetchval("SELECT original FROM call_history WHERE call_id = $1", call_id())
        assert len(await call_steps(connection, call_id())) == 1
    assert stored is not None
    assert stored.variables == {"a\\u0000b": ["c\\u0000", {"d": "\\u0000"}], "ok": 1}
    assert original == row.payload
    assert json.loads(original)["record"]["variables"] == variables


async def test_a_lone_surrogate_is_stored_readably(journal: Journal, db: Database) -> None:
    text = payload(record(variables={"x": "LONE"})).replace(b"LONE", b"\\ud83d")
    await close(journal, 1, OutboxRow(kind="cdr", call_id=call_id(), payload=text))
    await Shipper(journal, db).ship()
    async with db.connection() as connection:
        stored = await get_record(connection, call_id())
    assert stored is not None
    assert stored.variables == {"x": "\\ud83d"}


async def test_variables_no_database_can_hold_do_not_cost_the_row(journal: Journal, db: Database) -> None:
    long_number = b'{"n": 1' + b"0" * 4000 + b"." + b"1" * 17000 + b"}"
    text = payload(record(variables={"x": "HERE"})).replace(b'{"x":"HERE"}', long_number)
    await close(journal, 1, OutboxRow(kind="cdr", call_id=call_id(), payload=text))
    await Shipper(journal, db).ship()
    async with db.connection() as connection:
        assert await get_record(connection, call_id()) is not None
        assert await connection.fetchval("SELECT original FROM call_history") == text


async def test_labels_no_index_can_hold_do_not_cost_the_row(journal: Journal, db: Database) -> None:
    """Orders kept before there was a bound: PostgreSQL's index takes 2,704 bytes of what does not compress."""
    long = "".join(random.Random(1).choices(string.printable, k=8_000))
    await close(journal, 1, row := cdr(campaign_id=long, contact_id=long))
    await Shipper(journal, db).ship()
    async with db.connection() as connection:
        stored = await get_record(connection, call_id())
        assert await connection.fetchval("SELECT original FROM call_history") == row.payload
    assert stored == record(campaign_id=long[:255], contact_id=long[:255])


@pytest.mark.parametrize(
    "poison",
    [
        OutboxRow(kind="cdr", call_id=call_id(), payload=b"not json"),
        OutboxRow(kind="cdr", call_id="\x00", payload=b'{"record":' + b"[" * 100_000),
        OutboxRow(kind="cdr", call_id=call_id(), payload=payload(record(outcome="unheard_of"))),
        OutboxRow(kind="cdr", call_id=call_id(), payload=payload(record(talk_s=-1.0))),
        OutboxRow(kind="cdr", call_id=call_id(), payload=payload(record(call_id="not-a-uuid"))),
        OutboxRow(kind="disposition", payload=b"{}"),
        OutboxRow(kind="audit", payload=b"\xff\xfe"),
        OutboxRow(kind="unknown", payload=b"{}"),  # type: ignore[arg-type]
    ],
)
async def test_a_poison_row_is_set_aside_and_the_others_pass(journal: Journal, db: Database, poison: OutboxRow) -> None:
    await close(journal, 1, cdr(8), poison, cdr(9), disposition(9))
    buried: list[str] = []
    shipper = Shipper(journal, db, on_dead_letter=buried.append)
    await shipper.ship()
    assert (await journal.backlog()).rows == 0
    assert buried == [poison.kind]
    async with db.connection() as connection:
        assert await get_record(connection, call_id(8)) == record(8)
        assert await get_record(connection, call_id(9)) == record(9, disposition="sold")
        (letter,) = await connection.fetch("SELECT kind, payload, error FROM dead_letter")
    assert (letter["kind"], letter["payload"]) == (poison.kind, poison.payload)
    assert letter["error"]


async def test_a_poked_shipper_ships_within_a_second(journal: Journal, db: Database) -> None:
    shipper = Shipper(journal, db)
    async with running(shipper):
        await asyncio.sleep(0)  # it looks, finds nothing and rests
        await close(journal, 1, cdr())
        shipper.poke()
        await eventually(lambda: shipped(journal), 1.0)


async def test_a_fault_of_ours_is_logged_and_tried_again(
    journal: Journal, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.store.shipper.RETRY_FIRST_S", 0.01)
    shipper = Shipper(journal, db)
    await close(journal, 1, cdr())
    whole = journal.outbox
    faults = iter([ZeroDivisionError(), DatabaseAway("for the moment")])

    async def sometimes(limit: int, after: int = 0) -> list[OutboxRow]:
        for fault in faults:
            raise fault
        return await whole(limit, after)

    monkeypatch.setattr(journal, "outbox", sometimes)
    async with running(shipper):
        await eventually(lambda: shipped(journal))


async def test_a_backlog_ships_batch_after_batch(journal: Journal, db: Database) -> None:
    await asyncio.gather(*(journal.append_nowait(last_step(n), outbox=[cdr(n)]) for n in range(1, 351)))
    shipper = Shipper(journal, db)
    assert await shipper.drain(20)
    assert shipper.shipped == 350
    async with db.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM call_history") == 350


async def test_without_a_database_nothing_is_lost_and_draining_gives_up_in_time(journal: Journal) -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/none") as away:
        await close(journal, 1, cdr())
        shipper = Shipper(journal, away)
        with pytest.raises(DatabaseAway):
            await shipper.ship()
        assert not await shipper.drain(1)
    assert (await journal.backlog()).rows == 1


async def shipped(journal: Journal) -> bool:
    return (await journal.backlog()).rows == 0


class running:  # noqa: N801 - reads as a phrase
    """The shipper's one task, for the length of a block."""

    def __init__(self, shipper: Shipper) -> None:
        self._shipper = shipper

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._shipper.run())

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
