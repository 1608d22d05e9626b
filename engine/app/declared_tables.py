"""The tables that the settings declare for scenarios, each in its database: pools of their own, so that a slow one
keeps nobody else waiting."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from engine.domain.scenario.graph import Value
from engine.errors import UnknownThing
from engine.scenario_settings import TableSettings
from engine.store import tables
from engine.store.pool import Database
from engine.store.tables import Table

POOL_SIZE = 4


class DeclaredTables:
    """`async with DeclaredTables(settings.scenarios.tables, dsn) as tables`; `dsn` is the engine's own database."""

    def __init__(self, declared: Mapping[str, TableSettings], dsn: str) -> None:
        self._declared, self._dsn = declared, dsn
        self._found: dict[str, tuple[Database, Table]] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        pools: dict[str, Database] = {}
        for name, declared in self._declared.items():
            dsn = declared.dsn.get_secret_value() if declared.dsn is not None else self._dsn
            if dsn not in pools:
                database = Database(dsn, size=POOL_SIZE, whose=f"of table {name}")
                pools[dsn] = await self._stack.enter_async_context(database)
            table = Table(
                table=declared.table, key=declared.key, key_type=declared.key_type, columns=dict(declared.columns)
            )
            self._found[name] = pools[dsn], table
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def find(self, name: str, key: str, columns: Sequence[str], *, within_s: float) -> list[dict[str, Value]]:
        """The rows with this key, two at most; raises UnknownThing for a table nobody declared, InvalidValue for what
        cannot be read, DatabaseAway at once while its database is away."""
        if name not in self._found:
            raise UnknownThing(f"there is no table {name!r} for scenarios", what_next=f"[scenarios.tables.{name}]")
        database, table = self._found[name]
        async with database.connection(within_s) as connection:
            return await tables.find(connection, table, key, columns, within_s=within_s)
