"""The audit's rows leave PostgreSQL when they are older than the house keeps them."""

from datetime import timedelta

import msgspec
import pytest

from engine.app import auditing
from engine.store import forgetting
from engine.store.audit import insert_audit, query_audit
from engine.store.outbox import AuditPayload
from engine.store.pool import Database
from tests.store.conftest import db, postgres

__all__ = ["db", "postgres"]


async def aged(db: Database, *days: float) -> None:
    """Rows so many days old."""
    async with db.connection() as connection:
        now = await connection.fetchval("SELECT now()")
        line = AuditPayload(at=now, actor="crm", action="call.create", rule="x", message="m", request={})
        for seq, age in enumerate(days):
            await insert_audit(connection, "j", seq, msgspec.structs.replace(line, at=now - timedelta(days=age)))


async def left(db: Database) -> list[int]:
    async with db.connection() as connection:
        return sorted(row.seq for row in await query_audit(connection))


async def test_older_rows_go_and_younger_ones_stay(db: Database) -> None:
    await aged(db, 364.9, 365.1, 1000, 0)
    await auditing.forget_old(db, days=365)
    assert await left(db) == [0, 3]


async def test_no_days_keeps_them_for_ever(db: Database) -> None:
    await aged(db, 30_000)
    await auditing.forget_old(db, days=0)
    assert await left(db) == [0]


@pytest.mark.parametrize("old", [2, 3, 4, 7])
async def test_all_go_however_many_batches_they_fill(db: Database, monkeypatch: pytest.MonkeyPatch, old: int) -> None:
    monkeypatch.setattr(forgetting, "BATCH", 3)
    await aged(db, *[400.0] * old, 1)
    await auditing.forget_old(db, days=365)
    assert await left(db) == [old]


async def test_two_engines_that_forget_do_not_wait_for_each_other(db: Database) -> None:
    """Each leaves to the other what the other is removing."""
    await aged(db, 400, 500)
    async with db.connection() as other, other.transaction():
        await other.execute("DELETE FROM audit WHERE seq = 0")
        await auditing.forget_old(db, days=365)
    assert await left(db) == []
