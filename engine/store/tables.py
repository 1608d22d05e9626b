"""Tables of the business, which are not ours: read by one key, a row at most, and nothing of them is changed.

Their names come from the settings and are quoted; what a caller typed is a parameter and never anything else.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec

from engine.domain.scenario.expressions import fitted
from engine.domain.scenario.graph import Value, ValueType, Variable
from engine.errors import InvalidValue
from engine.store.pool import Connection
from engine.store.text import storable

ENOUGH = 2  # rows: to know that there are several
_LONGEST_KEY = 200
_BIGGEST_KEY = 2**63 - 1


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """`table` is schema and name; `columns` are those that may be read, with what each becomes."""

    table: str
    key: str
    key_type: Literal["text", "number"]
    columns: Mapping[str, ValueType]


async def find(
    connection: Connection, table: Table, key: str, wanted: Sequence[str], *, within_s: float
) -> list[dict[str, Value]]:
    """The rows that have this key, ENOUGH at most, of each the wanted columns that are not NULL.

    A key that the column cannot hold finds nothing. Raises InvalidValue for a column that may not be read, or holds
    what its type does not.
    """
    unknown = [name for name in wanted if name not in table.columns]
    if unknown:
        raise InvalidValue(f"{table.table} has no column {', '.join(unknown)} for scenarios")
    parameter = _key(key, table)
    if parameter is None:
        return []
    async with connection.transaction(readonly=True):
        await connection.execute(f"SET LOCAL statement_timeout = {max(round(within_s * 1000), 1)}")
        try:
            rows = await connection.fetch(_statement(table, wanted), parameter)
        except asyncpg.DataError:  # no value of the column's type: a word for a UUID
            return []
    return [_read(row, table, wanted) for row in rows]


def _key(text: str, table: Table) -> str | int | None:
    """The parameter; None for what no row can have."""
    if not text or len(text) > _LONGEST_KEY or storable(text) != text:
        return None
    if table.key_type == "text":
        return text
    number = int(text) if text.isascii() and text.isdecimal() else None
    return number if number is not None and number <= _BIGGEST_KEY else None


def _statement(table: Table, wanted: Sequence[str]) -> str:
    """Names of the settings, quoted; the key is a parameter. Without columns it is asked whether there is a row."""
    columns = ", ".join(map(_quoted, wanted)) or "1"
    place = ".".join(map(_quoted, table.table.split(".")))
    key = "$1::bigint" if table.key_type == "number" else "$1"  # so that an index on any type of number is used
    return f"SELECT {columns} FROM {place} WHERE {_quoted(table.key)} = {key} LIMIT {ENOUGH}"  # noqa: S608


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _read(row: asyncpg.Record, table: Table, wanted: Sequence[str]) -> dict[str, Value]:
    found = {name: row[name] for name in wanted if row[name] is not None}
    return {name: fitted(_plain(value, name), table.columns[name], Variable(name)) for name, value in found.items()}


def _plain(value: Any, column: str) -> Value:
    """What a column holds, as a scenario knows values."""
    match value:
        case str() | bool() | int():
            return value
        case Decimal() | float():
            return int(value) if math.isfinite(value) and int(value) == value else str(value)
        case UUID():
            return str(value)
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            raise InvalidValue(f"column {column} holds a {type(value).__name__}, which is nothing for a scenario")
