"""Between a typed record and its row: the struct's field names are the table's column names, so they cannot drift."""

from collections.abc import Iterable
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def names(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    """The columns of this struct's table, in the order of its fields."""
    return struct.__struct_fields__


def values(record: msgspec.Struct, skip: Iterable[str] = ()) -> list[Any]:
    """The record's values in the order of `names`; nested structs become plain JSON values, tuples lists."""
    skipped = frozenset(skip)
    return [_plain(getattr(record, name)) for name in names(type(record)) if name not in skipped]


def record(struct: type[S], row: asyncpg.Record) -> S:
    """A row read back as its struct. Columns the struct does not have are left out."""
    return msgspec.convert({name: _read(row[name]) for name in names(struct)}, struct)


def placeholders(count: int, first: int = 1) -> str:
    """ "$1, $2, ..." for so many values."""
    return ", ".join(f"${number}" for number in range(first, first + count))


def insert(table: str, struct: type[msgspec.Struct]) -> str:
    """INSERT of all columns; a row that has this `id` already stays as it is."""
    columns = names(struct)
    # Only names from our own structs are put together here; every value is a parameter.
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({placeholders(len(columns))})"  # noqa: S608
        " ON CONFLICT (id) DO NOTHING"
    )


def upsert(table: str, struct: type[msgspec.Struct], key: str, *, extra: tuple[str, ...] = ()) -> str:
    """INSERT of all columns (and `extra` ones behind them) that overwrites the row with the same `key`."""
    columns = (*names(struct), *extra)
    changed = ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)
    # Only names from our own structs are put together here; every value is a parameter.
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({placeholders(len(columns))})"  # noqa: S608
        f" ON CONFLICT ({key}) DO UPDATE SET {changed}"
    )


def uuid_or_none(text: str) -> UUID | None:
    """The call id `text` is, if it is one."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return msgspec.to_builtins(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _read(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
