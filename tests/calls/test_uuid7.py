"""Ids that sort by the time they were made."""

import time
from datetime import UTC, datetime
from uuid import UUID

import pytest

from engine.calls.uuid7 import uuid7


def test_it_is_a_version_7_uuid_of_the_rfc_variant() -> None:
    found = uuid7()
    assert (found.version, found.variant) == (7, "specified in RFC 4122")


def test_its_first_48_bits_are_the_milliseconds_since_1970(monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)  # RFC 9562, appendix A.6
    monkeypatch.setattr(time, "time_ns", lambda: int(at.timestamp()) * 1_000_000_000)
    assert str(uuid7()).startswith("017f22e2-79b0-7")


def test_those_of_different_milliseconds_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.time_ns()
    ids: list[UUID] = []
    for number in range(100):
        monkeypatch.setattr(time, "time_ns", lambda number=number: began + number * 1_000_000)
        ids.append(uuid7())
    assert ids == sorted(ids)


def test_no_two_are_the_same() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000
