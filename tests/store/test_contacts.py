"""Contacts' rows: what their constraints refuse, and that a number is found by its index."""

from typing import Any

import msgspec
import pytest

from engine.domain.contacts import Contact, ContactId, ContactNumber
from engine.domain.values import E164
from engine.errors import InvalidValue
from engine.store import contacts
from engine.store.contacts import ContactFilter, changing, owners, page, upsert
from engine.store.pool import Connection, Database

ADA = Contact(id=ContactId("ada"), name="Ada", source="crm", external_id="7")


async def test_the_columns_are_the_fields(connection: Connection) -> None:
    rows = await connection.fetch("SELECT column_name FROM information_schema.columns WHERE table_name = 'contacts'")
    kept = {"version", "created_at", "updated_at"}
    assert {row["column_name"] for row in rows} == {*Contact.__struct_fields__, *kept}


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "a b"}, {"name": "nul\x00"}, {"source": None}, {"id": "other"},
        {"numbers": (ContactNumber(label="work", number=E164("0140000000")),)},
    ],
)  # fmt: skip
async def test_what_postgresql_refuses_is_not_there(db: Database, wrong: dict[str, Any]) -> None:
    async with db.connection() as connection, changing(connection):
        await upsert(connection, [ADA])
    async with db.connection() as connection:
        with pytest.raises(InvalidValue, match="contradict themselves"):
            async with changing(connection):
                await upsert(connection, [msgspec.structs.replace(ADA, **wrong)])
        assert await page(connection, ContactFilter(), after=None, limit=10) == ([ADA], False)


async def test_owners_of_pairs_and_of_nothing(connection: Connection) -> None:
    async with changing(connection):
        await upsert(connection, [ADA])
    assert await owners(connection, [("crm", "7"), ("crm", "8"), ("erp", "7")]) == {("crm", "7"): "ada"}
    assert await owners(connection, []) == {}


async def test_more_than_one_statements_worth(connection: Connection) -> None:
    many = [Contact(id=ContactId(f"c-{n:04}"), name="x") for n in range(contacts.AT_ONCE * 2 + 1)]
    async with changing(connection):
        assert await upsert(connection, many) == contacts.Written(len(many), 0)
    found, more = await page(connection, ContactFilter(), after="c-0500", limit=1000)
    assert (found, more) == ([], False)


async def test_a_number_is_found_by_its_index(connection: Connection) -> None:
    await connection.execute("SET enable_seqscan = off")
    plan = await connection.fetch(
        "EXPLAIN SELECT * FROM contacts WHERE numbers @> $1::jsonb ORDER BY id LIMIT 101", [{"number": "+33612345678"}]
    )
    await connection.execute("RESET enable_seqscan")
    assert "contacts_by_number" in "\n".join(row[0] for row in plan)
