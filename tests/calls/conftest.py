"""The calls room, and a clock whose hands a test may turn."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.calls.exchange import Exchange
from tests.calls.room import Room
from tests.clockwork import Hands


@pytest.fixture
async def hands() -> Hands:
    return Hands()


@pytest.fixture
async def exchange() -> Exchange:
    return Exchange()


@pytest.fixture
async def room(tmp_path: Path, exchange: Exchange) -> AsyncIterator[Room]:
    async with Room(tmp_path, exchange) as room:
        yield room
        assert room.failures == []
