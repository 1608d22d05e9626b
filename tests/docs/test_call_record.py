"""docs/cdr.md names every column there is, in its order, and every key of an attempt."""

import types
import typing

import msgspec

from engine.domain.cdr import CallRecord, LegRecord
from tests.docs.tables import tables, words

COLUMNS, KEYS = tables("cdr.md")


def test_every_column_in_its_order() -> None:
    assert [field.name for field in msgspec.structs.fields(CallRecord)] == [words(row[0])[0] for row in COLUMNS]


def test_every_key_of_an_attempt() -> None:
    documented = {word for row in KEYS for word in words(row[0])}
    assert {field.name for field in msgspec.structs.fields(LegRecord)} == documented


def test_a_column_says_when_it_is_null_if_it_can_be() -> None:
    for field, (_, _, null) in zip(msgspec.structs.fields(CallRecord), COLUMNS, strict=True):
        optional = types.NoneType in typing.get_args(field.type)
        always_there = field.name in {"agent_id", "agent_name", "agent_mode", "agent_number", "site", "callee"}
        assert bool(null) == optional or always_there or field.name == "callee_dialled", field.name
