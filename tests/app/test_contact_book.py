"""Contacts in a real PostgreSQL: versions, outside identifiers, thousands at a time, and who changed what."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from engine.app.contact_book import ContactBook
from engine.calls.contract import Actor
from engine.domain.contacts import GivenContact, GivenNumber
from engine.errors import DatabaseAway, InvalidRows, InvalidValue, JournalUnwritable, Refused, UnknownThing
from engine.http.contact_port import ContactSearch
from engine.journal import OutboxRow
from engine.store.outbox import AuditPayload
from engine.store.pool import Database

CRM = Actor(token_id="t", name="crm", scopes=frozenset({"contacts:write"}))
ANYBODY = ContactSearch()


class Audit:
    def __init__(self) -> None:
        self.rows: list[AuditPayload] = []
        self.full = False

    async def report(self, rows: Sequence[OutboxRow]) -> None:
        if self.full:
            raise JournalUnwritable("disk full")
        self.rows += [msgspec.json.decode(row.payload, type=AuditPayload) for row in rows]

    def told(self) -> list[tuple[str, str, str | None]]:
        return [(row.action, row.message, row.rule) for row in self.rows]


@pytest.fixture
def audit() -> Audit:
    return Audit()


@pytest.fixture
def book(db: Database, audit: Audit) -> ContactBook:
    return ContactBook(db, audit)


def given(**fields: Any) -> GivenContact:
    numbers = tuple(GivenNumber(label="mobile", number=number) for number in fields.pop("numbers", ()))
    return GivenContact(**({"name": "Ada", "numbers": numbers} | fields))


def crm(external_id: str, **fields: Any) -> GivenContact:
    return given(source="crm", external_id=external_id, **fields)


async def ids(book: ContactBook, **wanted: Any) -> list[str]:
    return [found.id for found in (await book.page(ContactSearch(**wanted), None, 100)).contacts]


async def test_one_comes_back_as_it_was_kept(book: ContactBook, audit: Audit) -> None:
    wish = crm("7", numbers=("+33 6 12 34 56 78", "+33140000000"), attributes={"vip": "yes", "É; --": "'x"})
    kept = await book.put("c-1", wish, CRM)
    assert kept == await book.one("c-1")
    assert (kept.version, kept.contact.numbers[0].number) == (1, "+33612345678")
    assert audit.told() == [("contacts: put c-1", "created", None)]
    assert "Ada" not in str(audit.rows)


async def test_the_same_again_changes_nothing(book: ContactBook, audit: Audit) -> None:
    first = await book.put("c-1", crm("7", numbers=("+33612345678",)), CRM)
    assert await book.put("c-1", crm("7", numbers=("+33612345678",)), CRM) == first
    assert len(audit.rows) == 1
    changed = await book.put("c-1", given(), CRM)
    assert (changed.version, changed.contact.numbers, changed.contact.outside) == (2, (), None)


async def test_a_change_made_from_an_older_look_is_refused(book: ContactBook, audit: Audit) -> None:
    await book.put("c-1", given(), CRM)
    await book.put("c-1", given(name="Ada L."), CRM, base=1)
    for order in (book.put("c-1", given(), CRM, base=1), book.remove("c-1", CRM, base=1)):
        with pytest.raises(Refused) as refused:
            await order
        assert (refused.value.rule, refused.value.status) == ("contact-changed", 409)
    assert audit.told()[-1] == ("contacts: remove c-1", "refused", "contact-changed")
    await book.remove("c-1", CRM, base=2)
    for order in (book.remove("c-1", CRM), book.put("c-1", given(), CRM, base=2)):
        with pytest.raises((UnknownThing, Refused)):
            await order
    with pytest.raises(UnknownThing):
        await book.one("c-1")


async def test_an_outside_identifier_is_one_contacts(book: ContactBook) -> None:
    await book.put("c-1", crm("7"), CRM)
    await book.put("c-2", given(source="erp", external_id="7"), CRM)
    with pytest.raises(Refused, match="'7' of 'crm' is contact c-1's") as refused:
        await book.put("c-2", crm("7"), CRM)
    assert refused.value.rule == "contact-exists"
    assert await ids(book, source="crm", external_id="7") == ["c-1"]
    assert await ids(book, external_id="7") == ["c-1", "c-2"]


async def test_found_by_any_of_their_numbers(book: ContactBook) -> None:
    await book.put("c-1", given(numbers=("+33612345678", "+33140000000")), CRM)
    await book.put("c-2", given(numbers=("+33140000000",)), CRM)
    assert await ids(book, number="+33140000000") == ["c-1", "c-2"]
    assert await ids(book, number="+33612345678") == ["c-1"]
    assert await ids(book, number="+33600000000") == []


async def test_pages_miss_none_and_repeat_none(book: ContactBook) -> None:
    await book.upsert([given(id=f"c-{n:02}") for n in range(10)], CRM)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await book.page(ANYBODY, cursor, 5)
        seen += [found.id for found in page.contacts]
        if (cursor := page.cursor) is None:
            break
        await book.upsert([given(id="b"), given(id=f"{cursor}-x")], CRM)
    assert seen == sorted(set(seen))
    assert set(seen) == {*(f"c-{n:02}" for n in range(10)), "c-04-x", "c-08-x"}  # what was added before them is not
    with pytest.raises(InvalidValue, match="limit"):
        await book.page(ANYBODY, None, 1001)


async def test_many_are_created_changed_or_left_as_they_are(book: ContactBook, audit: Audit) -> None:
    await book.upsert([given(id="a"), crm("7", id="seven"), crm("8", id="eight")], CRM)
    rows = [given(id="a"), crm("7", name="Seven"), crm("9"), given(id="b", attributes={"x": "y"})]
    done = await book.upsert(rows, CRM)
    assert (done.created, done.changed, done.unchanged) == (2, 1, 1)
    assert [done.ids[0], done.ids[1], done.ids[3]] == ["a", "seven", "b"]
    assert (await book.one("seven")).contact.name == "Seven"
    assert (await book.one(done.ids[2])).contact.external_id == "9"
    assert audit.told()[-1] == ("contacts: upsert 4 rows", "2 created, 1 changed, 1 the same", None)
    again = await book.upsert(rows, CRM)
    assert (again.unchanged, again.ids) == (4, done.ids)


async def test_two_swap_their_outside_identifiers(book: ContactBook) -> None:
    await book.upsert([crm("7", id="a"), crm("8", id="b")], CRM)
    assert (await book.upsert([crm("8", id="a"), crm("7", id="b")], CRM)).changed == 2
    assert await ids(book, source="crm", external_id="7") == ["b"]


async def test_one_wrong_row_and_none_is_written(book: ContactBook, audit: Audit) -> None:
    await book.put("c-1", crm("7"), CRM)
    for rows, pointers in (
        (
            [given(id="ok"), given(id="bad", numbers=("x",)), given()],
            ["/contacts/1/numbers/0/number", "/contacts/2/id"],
        ),
        ([given(id="ok"), crm("7", id="other"), given(id="ok")], ["/contacts/2/id", "/contacts/1/external_id"]),
    ):
        with pytest.raises(InvalidRows) as wrong:
            await book.upsert(rows, CRM)
        assert [fault.pointer for fault in wrong.value.faults] == pointers
        assert (audit.rows[-1].rule, audit.rows[-1].request) == ("invalid-rows", {"pointers": pointers})
        assert await ids(book) == ["c-1"]


async def test_two_batches_at_once_take_turns(book: ContactBook) -> None:
    def batch(name: str) -> list[GivenContact]:
        rows = [crm(str(n), name=name) for n in range(300)]
        return rows if name == "a" else rows[::-1]

    done = await asyncio.gather(*(book.upsert(batch(name), CRM) for name in "abc"))
    assert sorted(one.created for one in done) == [0, 0, 300]
    assert len({found.name for found in (await book.page(ANYBODY, None, 1000)).contacts}) == 1


async def test_ten_thousand_contacts(book: ContactBook) -> None:
    """Their times are printed: `bin/test tests/app/test_contact_book.py -k thousand -s`."""

    def batch(first: int) -> list[GivenContact]:
        return [
            crm(str(n), name=f"Contact {n}", numbers=(f"+336{n:08}", f"+331{n:08}"), attributes={"n": str(n)})
            for n in range(first, first + 5000)
        ]

    longest = 0.0

    async def feel() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.001)
            longest = max(longest, time.monotonic() - before)

    batches = [batch(0), batch(5000)]
    feeling = asyncio.create_task(feel())
    for what in ("created", "unchanged"):
        for rows in batches:
            began = time.monotonic()
            done = await book.upsert(rows, CRM)
            print(f"5,000 contacts {what}: {time.monotonic() - began:.2f} s")
            assert getattr(done, what) == 5000
    feeling.cancel()
    began = time.monotonic()
    assert len(await ids(book, number="+33600007777")) == 1
    print(f"one of 10,000 found by number: {(time.monotonic() - began) * 1000:.1f} ms; the loop waited {longest:.3f} s")


async def test_without_postgresql(audit: Audit) -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/nothing") as away:
        book = ContactBook(away, audit)
        for order in (
            book.put("c-1", given(), CRM), book.remove("c-1", CRM), book.upsert([given(id="a")], CRM),
            book.one("c-1"), book.page(ANYBODY, None, 10),
        ):  # fmt: skip
            with pytest.raises(DatabaseAway):
                await order
    assert audit.rows == []


async def test_a_change_is_made_even_if_its_audit_row_cannot_be_kept(book: ContactBook, audit: Audit) -> None:
    audit.full = True
    assert (await book.put("c-1", given(), CRM)).version == 1
    assert await ids(book) == ["c-1"]
