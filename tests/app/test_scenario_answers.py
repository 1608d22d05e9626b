"""What a running scenario is answered: from memory, from PostgreSQL and by the journal, and without them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.app.asked_once import AskedOnce
from engine.app.callback_desk import CallbackAnswers
from engine.app.contact_book import ContactBook
from engine.app.declared_tables import DeclaredTables
from engine.app.directories import CurrentDirectory
from engine.app.scenario_answers import ScenarioAnswers
from engine.app.table_answers import TableAnswers
from engine.app.voicemail_box import MessageAnswers
from engine.app.web_answers import WebAnswers
from engine.ari.errors import NotFound
from engine.calls.clock import Clock
from engine.calls.contract import Actor
from engine.calls.ports import Answer
from engine.domain.contacts import GivenContact, GivenNumber
from engine.domain.public_events import PublicEvent
from engine.domain.scenario.talk import AskHours, AskIncident, AskTable, Tell
from engine.domain.values import Slug
from engine.errors import JournalUnwritable
from engine.journal import Journal
from engine.store.message_files import MessageFiles
from engine.store.pool import Database
from engine.webhooks.fetcher import Fetcher
from tests.app.test_house_answers import AT, HOUSE
from tests.config.directories import FULL, WEEK
from tests.domain.calls import Scene, asked_by_customer

CALL = Scene(asked_by_customer()).call
CRM = Actor(token_id="t", name="crm", scopes=frozenset())
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


class NoRecordings:
    """An Asterisk that recorded nothing."""

    async def stored_recording(self, name: str) -> bytes:
        raise NotFound(f"GET /recordings/stored/{name}/file", "there is none", 404)

    async def remove_recording(self, name: str) -> bool:
        return False


def answers(db: Database, journal: Journal) -> ScenarioAnswers:
    """Of a house that declares no table, and asks no web service without a `Fetcher` of the test's own."""
    once = AskedOnce(journal, Clock())
    return ScenarioAnswers(
        house=HOUSE,
        tables=TableAnswers(db, DeclaredTables({}, NOWHERE)),
        web=WebAnswers(Fetcher(private=False)),
        callbacks=CallbackAnswers(CurrentDirectory(FULL), once),
        messages=MessageAnswers(NoRecordings(), MessageFiles(journal.path.parent), once, "node-1"),
        once=once,
    )


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Journal]:
    async with Journal.open(folder / "journal.db", "node-1", ballast_bytes=4096) as journal:
        yield journal


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    async with opened(tmp_path) as journal:
        yield journal


@pytest.fixture
async def asked(db: Database, journal: Journal) -> ScenarioAnswers:
    return answers(db, journal)


async def keep(db: Database, journal: Journal, name: str, *numbers: str, **more: Any) -> None:
    given = tuple(GivenNumber(label="work", number=number) for number in numbers)
    await ContactBook(db, journal).put(name, GivenContact(name=name.title(), numbers=given, **more), CRM)


def contacts(key: str, *columns: str, timeout_s: float = 3.0) -> AskTable:
    return AskTable(table=Slug("contacts"), key=key, columns=columns, timeout_s=timeout_s)


async def test_calendars_and_incidents(asked: ScenarioAnswers) -> None:
    assert (await asked.answer(CALL, 1, AskHours(calendar=WEEK.id, at=AT))).outcome == "holiday"
    assert await asked.answer(CALL, 2, AskIncident(flags=(Slug("it-down"),))) == Answer("active", {"code": "it-down"})


@pytest.mark.parametrize("key", ["+33612345678", "06 12 34 56 78", "0033612345678"])
async def test_a_contact_by_number_however_it_came(
    asked: ScenarioAnswers, db: Database, journal: Journal, key: str
) -> None:
    await keep(db, journal, "ana", "+33612345678", source="crm", external_id="7", attributes={"company": "ACME"})
    found = await asked.answer(CALL, 1, contacts(key, "id", "name", "company", "numbers", "external_id", "vip"))
    told = {"id": "ana", "name": "Ana", "company": "ACME", "numbers": "+33612345678", "external_id": "7"}
    assert (found.outcome, found.values) == ("found", told)


async def test_an_attribute_cannot_pass_for_a_column(asked: ScenarioAnswers, db: Database, journal: Journal) -> None:
    await keep(db, journal, "ana", "+33612345678", attributes={"id": "root", "name": "root"})
    assert await asked.answer(CALL, 1, contacts("+33612345678", "id", "name")) == Answer(
        "found", {"id": "ana", "name": "Ana"}
    )


async def test_two_with_one_number_are_many(asked: ScenarioAnswers, db: Database, journal: Journal) -> None:
    for name in ("ana", "bob"):
        await keep(db, journal, name, "+33612345678")
    assert await asked.answer(CALL, 1, contacts("+33612345678", "name")) == Answer("many")


@pytest.mark.parametrize("key", ["", "+33699999999", "anonymous", "'; DROP TABLE contacts; --", "\x00", "1" * 5000])
async def test_nobody_has_such_a_number(asked: ScenarioAnswers, key: str) -> None:
    assert await asked.answer(CALL, 1, contacts(key, "name")) == Answer("none")


async def test_a_table_nobody_declared(asked: ScenarioAnswers) -> None:
    question = AskTable(table=Slug("orders"), key="7", columns=("state",), timeout_s=1)
    assert await asked.answer(CALL, 1, question) == Answer("error")


async def test_without_postgresql_the_caller_does_not_wait(journal: Journal) -> None:
    async with Database(NOWHERE) as away, asyncio.timeout(1):
        assert await answers(away, journal).answer(CALL, 1, contacts("+33612345678", "name")) == Answer("error")


async def test_a_slow_database_is_waited_for_as_long_as_the_scenario_says(asked: ScenarioAnswers, db: Database) -> None:
    async with db.connection() as other, other.transaction():
        await other.execute("LOCK contacts")
        async with asyncio.timeout(3):
            answer = await asked.answer(CALL, 1, contacts("+33612345678", "name", timeout_s=0.2))
    assert answer == Answer("error")


async def told(journal: Journal) -> list[PublicEvent]:
    return [msgspec.json.decode(row.payload, type=PublicEvent) for row in await journal.events(0, 100)]


async def test_what_is_told_is_told_once_whoever_asks_again(db: Database, tmp_path: Path) -> None:
    question = Tell(event="order.asked", variables={"order": "7", "urgent": True})
    for _ in range(2):  # the engine is restarted, and does not know whether it was told
        async with opened(tmp_path) as journal:
            assert await answers(db, journal).answer(CALL, 4, question) == Answer("done")
            assert await answers(db, journal).answer(CALL, 4, question) == Answer("done")
    async with opened(tmp_path) as journal:
        await answers(db, journal).answer(CALL, 5, question)
        first, second = await told(journal)
    assert (first.type, first.call_id, second.call_id) == ("scenario.notified", CALL.id, CALL.id)
    assert first.data.notified is not None
    assert first.data.notified.variables == {"order": "7", "urgent": True}


async def test_a_full_disk_is_an_answer(db: Database, journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object, **__: object) -> None:
        raise JournalUnwritable("the disk is full")

    monkeypatch.setattr(journal, "report", full)
    assert await answers(db, journal).answer(CALL, 1, Tell(event="e", variables={})) == Answer("error")
