"""Rows that are kept for a time only: taken away in batches, so that no statement outlasts the time it has."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from engine.store.pool import Connection, Database

log = structlog.get_logger(__name__)

BATCH = 5000

Forget = Callable[[Connection, timedelta], Awaitable[int]]


async def forget_all(db: Database, forget: Forget, older_than: timedelta) -> int:
    """Let `forget` take batch after batch, each by itself, until one is not full; says how many rows went."""
    total = 0
    while True:
        async with db.connection() as connection:
            batch = await forget(connection, older_than)
        total += batch
        if batch < BATCH:
            return total


async def forget_after(db: Database, what: str, forget: Forget, *, days: int) -> None:
    """Let `forget` take rows that are older than so many days, and log how many of `what`; 0 days keeps them for ever.
    Raises DatabaseAway."""
    forgotten = await forget_all(db, forget, timedelta(days=days)) if days else 0
    if forgotten:
        log.info(f"{what}.forgotten", rows=forgotten, older_than_days=days)


async def delete(connection: Connection, statement: str, older_than: timedelta) -> int:
    """Run a DELETE of rows older than $1, at most $2 of them; says how many went."""
    done = await connection.execute(statement, older_than, BATCH)
    return int(done.removeprefix("DELETE "))
