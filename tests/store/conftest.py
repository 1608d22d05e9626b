"""A real PostgreSQL for the store's tests: one server for the session, emptied for each test."""

import itertools
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio

from engine.sandbox.postgres import DATABASE, PostgresInstall, PostgresServer
from engine.store.migrate import migrate
from engine.store.pool import Connection, Database

_numbers = itertools.count(1)


@asynccontextmanager
async def _server() -> AsyncIterator[PostgresServer]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = PostgresServer(await PostgresInstall.find_or_fetch(print), port=port, name="postgresql-of-the-store-tests")
    try:
        await server.start()
        yield server
    finally:
        await server.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres() -> AsyncIterator[PostgresServer]:
    async with _server() as server:
        yield server


@pytest.fixture
async def mortal() -> AsyncIterator[PostgresServer]:
    """A server for one test that stops or kills it."""
    async with _server() as server:
        yield server


@pytest.fixture
async def empty_dsn(postgres: PostgresServer) -> str:
    """A database without any table."""
    name = f"test_{next(_numbers)}"
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return postgres.dsn.removesuffix(DATABASE) + name


@pytest.fixture
async def own_db(empty_dsn: str) -> AsyncIterator[Database]:
    """A migrated database for one test that changes its schema."""
    async with Database(empty_dsn) as db:
        await migrate(db)
        yield db


@pytest.fixture
async def db(postgres: PostgresServer) -> AsyncIterator[Database]:
    """The session's migrated database, emptied."""
    async with Database(postgres.dsn) as db:
        await migrate(db)
        async with db.connection() as connection:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            names = [row["tablename"] for row in tables if row["tablename"] != "schema_migrations"]
            await connection.execute(f"TRUNCATE {', '.join(names)} CASCADE")
        yield db


@pytest.fixture
async def connection(db: Database) -> AsyncIterator[Connection]:
    async with db.connection(60) as connection:
        yield connection
