"""Requests to be called back: from a caller's keys to PostgreSQL, once, whatever dies or is away on the way."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.app import callback_desk
from engine.app.asked_once import Asked, AskedOnce
from engine.app.callback_desk import CallbackAnswers, CallbackDesk
from engine.app.directories import CurrentDirectory
from engine.calls.clock import Clock
from engine.calls.ports import Answer
from engine.domain.callbacks import Callback
from engine.domain.scenario.talk import StoreCallback
from engine.domain.values import CallId, Slug
from engine.errors import JournalUnwritable, UnknownThing
from engine.journal import Journal
from engine.store import callbacks
from engine.store.pool import Database
from engine.store.shipper import Shipper
from tests.app.test_contact_book import Audit
from tests.app.test_scenario_answers import CALL, CRM, NOWHERE, journal, opened, told
from tests.config.directories import FULL
from tests.domain.calls import CUSTOMER
from tests.store.records import call_id

__all__ = ["journal"]

ANYBODY: dict[str, Any] = {"queue": None, "status": None, "after": 0, "limit": 100}


def answers(journal: Journal, directory: Any = FULL) -> CallbackAnswers:
    return CallbackAnswers(CurrentDirectory(directory), AskedOnce(journal, Clock()))


def wish(number: str = "06 12 34 56 78", queue: str = "sales") -> StoreCallback:
    return StoreCallback(queue=Slug(queue), number=number)


async def kept(db: Database, **wanted: Any) -> list[Callback]:
    return (await CallbackDesk(db, Audit()).page(**{**ANYBODY, **wanted})).items


async def test_a_request_arrives_and_is_told(journal: Journal, db: Database) -> None:
    assert await answers(journal).answer(Asked(CALL, 4), wish()) == Answer("stored")
    await Shipper(journal, db).ship()
    (one,) = await kept(db)
    assert (one.queue, one.number, one.caller, one.call_id) == ("sales", "+33612345678", CUSTOMER, CALL.id)
    assert (one.site, one.status, one.changed_by) == ("paris", "waiting", None)
    (event,) = await told(journal)
    assert event.type == "callback.requested"
    assert event.data.callback is not None
    assert (event.data.callback.id, event.data.callback.number) == (one.id, one.number)


async def test_asked_twice_by_two_engines_it_is_one(db: Database, tmp_path: Path) -> None:
    for _ in range(2):  # the first was killed before it could say that it was stored
        async with opened(tmp_path) as journal:
            for number in (4, 4, 9):
                assert await answers(journal).answer(Asked(CALL, number), wish()) == Answer("stored")
    async with opened(tmp_path) as journal:
        assert len(await told(journal)) == 2
        await Shipper(journal, db).ship()
    assert len(await kept(db)) == 2


async def test_shipped_twice_it_stays_as_people_left_it(journal: Journal, db: Database) -> None:
    await answers(journal).answer(Asked(CALL, 4), wish())
    rows = await journal.outbox(10)
    await Shipper(journal, db).ship()
    (one,) = await kept(db)
    await CallbackDesk(db, Audit()).change(one.id, "done", CRM)
    await journal.report(rows)
    await Shipper(journal, db).ship()
    assert [again.status for again in await kept(db)] == ["done"]


async def test_while_postgresql_is_away_it_waits_in_the_journal(db: Database, tmp_path: Path) -> None:
    async with opened(tmp_path) as journal, Database(NOWHERE) as away, asyncio.timeout(5):
        assert await answers(journal).answer(Asked(CALL, 4), wish()) == Answer("stored")
        assert not await Shipper(journal, away).drain(0.1)
    async with opened(tmp_path) as journal:  # and the engine was restarted
        await Shipper(journal, db).ship()
    assert len(await kept(db)) == 1


@pytest.mark.parametrize(
    "number",
    ["112", "15", "+33899123456", "0899123456", "+4420", "+8821612345678", "3000", "2001", "", "x", "0" * 30,
     "+1 900 555 0100", "tel:0612345678", "06\x00"],
)  # fmt: skip
async def test_a_number_nobody_may_call_is_refused(journal: Journal, number: str) -> None:
    assert await answers(journal).answer(Asked(CALL, 4), wish(number)) == Answer("refused")
    assert (await journal.backlog()).rows == 0
    assert await answers(journal).answer(Asked(CALL, 4), wish()) == Answer("stored")


async def test_a_full_disk_or_a_site_that_is_gone_is_no_promise(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownThing):
        await answers(journal, msgspec.structs.replace(FULL, sites={})).answer(Asked(CALL, 4), wish())

    async def full(*_: object, **__: object) -> None:
        raise JournalUnwritable("the disk is full")

    monkeypatch.setattr(journal, "report", full)
    with pytest.raises(JournalUnwritable):
        await answers(journal).answer(Asked(CALL, 4), wish())


@pytest.fixture
async def many(journal: Journal, db: Database) -> list[Callback]:
    """Five, of two queues."""
    for number in range(5):
        call = msgspec.structs.replace(CALL, id=CallId(call_id(number)))
        await answers(journal).answer(Asked(call, 1), wish(queue="sales" if number % 2 else "support"))
    await Shipper(journal, db).ship()
    return await kept(db)


async def test_pages_the_oldest_first(db: Database, many: list[Callback]) -> None:
    desk, after, seen = CallbackDesk(db, Audit()), 0, list[Callback]()
    while True:
        page = await desk.page(None, None, after, 2)
        seen += page.items
        if page.next is None:
            break
        after = page.next
    assert seen == many
    assert [one.call_id for one in seen] == [call_id(number) for number in range(5)]
    assert await kept(db, queue="sales") == [many[1], many[3]]


async def test_what_became_of_it_and_who_said_so(db: Database, many: list[Callback]) -> None:
    audit = Audit()
    desk = CallbackDesk(db, audit)
    done = await desk.change(many[0].id, "done", CRM)
    assert (done.status, done.changed_by, done.changed_at is not None) == ("done", "crm", True)
    assert await desk.change(many[0].id, "done", CRM) == done
    assert await kept(db, status="waiting") == many[1:]
    assert (await desk.change(many[0].id, "waiting", CRM)).status == "waiting"
    assert [row[0] for row in audit.told()] == [f"callbacks: {what} {many[0].id}" for what in ("done", "waiting")]
    for nobody in (call_id(77), "x", ""):
        with pytest.raises(UnknownThing):
            await desk.change(nobody, "done", CRM)


async def aged(db: Database, days: float, *those: Callback) -> None:
    """What became of these was said so long ago; all were asked for longer ago."""
    async with db.connection() as connection:
        await connection.execute("UPDATE callbacks SET at = now() - interval '1000 days'")
        for one in those:
            statement = "UPDATE callbacks SET changed_at = now() - make_interval(secs => $2) WHERE id = $1"
            await connection.execute(statement, one.id, days * 86_400)


async def test_what_is_settled_goes_after_its_days_and_what_waits_stays(db: Database, many: list[Callback]) -> None:
    done, cancelled, again, lately, waiting = many
    desk = CallbackDesk(db, Audit())
    for one in (done, again, lately):
        await desk.change(one.id, "done", CRM)
    await desk.change(cancelled.id, "cancelled", CRM)
    await desk.change(again.id, "waiting", CRM)
    await aged(db, 90.1, done, cancelled, again)
    await aged(db, 89.9, lately)
    await callback_desk.forget_old(db, days=0)  # for ever
    assert len(await kept(db)) == len(many)
    await callback_desk.forget_old(db, days=90)
    assert [one.id for one in await kept(db)] == [again.id, lately.id, waiting.id]


async def test_one_that_somebody_takes_up_again_meanwhile_stays(db: Database, many: list[Callback]) -> None:
    for one in many[:2]:
        await CallbackDesk(db, Audit()).change(one.id, "done", CRM)
    await aged(db, 400, *many[:2])
    async with db.connection() as other, other.transaction():
        await callbacks.change(other, many[0].id, "waiting", "crm")
        await callback_desk.forget_old(db, days=90)
    assert [one.id for one in await kept(db)] == [many[0].id, *(one.id for one in many[2:])]
