"""What callers said in scenarios is kept as long as the settings say, and no longer."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest

from engine.app import pruning
from engine.app.engine import Engine
from engine.ari.errors import Unreachable
from engine.domain.ids import recording_id
from engine.domain.values import CallId

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def name(age: timedelta, number: int = 1) -> str:
    """Of a recording of a call of that age."""
    milliseconds = round((NOW - age).timestamp() * 1000)
    return recording_id(CallId(str(UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | number))), number)


class Stored:
    def __init__(self, *names: str, away: bool = False) -> None:
        self.names, self._away = list(names), away

    async def stored_recordings(self) -> list[str]:
        if self._away:
            raise Unreachable("GET /recordings/stored", "nobody listens")
        return list(self.names)

    async def remove_recording(self, name: str) -> bool:
        self.names.remove(name)
        return True


async def forget(stored: Stored, *, days: int = 90) -> None:
    settings: Mapping[str, Any] = {"scenarios": SimpleNamespace(voicemail_keep_days=days)}
    clock = SimpleNamespace(now=lambda: SimpleNamespace(utc=NOW))
    await pruning.forget_recordings(
        cast("Engine", SimpleNamespace(settings=SimpleNamespace(**settings), clock=clock, ari=stored))
    )


YOUNG, OLD = name(timedelta(days=89, hours=23)), name(timedelta(days=90, hours=1))
OTHERS = ["monitor/of-somebody-else", OLD.replace("-r", "-p"), OLD[:-1]]


async def test_only_our_own_that_are_old_go() -> None:
    stored = Stored(YOUNG, OLD, *OTHERS)
    await forget(stored)
    assert stored.names == [YOUNG, *OTHERS]


async def test_for_ever() -> None:
    stored = Stored(OLD)
    await forget(stored, days=0)
    assert stored.names == [OLD]


async def test_an_asterisk_that_is_away_is_asked_the_next_time() -> None:
    stored = Stored(OLD, away=True)
    await forget(stored)
    assert stored.names == [OLD]


async def test_a_mountain_of_them_goes_bit_by_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "AT_ONCE", 2)
    stored = Stored(*(name(timedelta(days=100), number) for number in range(1, 4)))
    await forget(stored)
    assert len(stored.names) == 1
