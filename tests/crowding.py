"""How many others want this machine's cores: bounds of time grow with it, so that they judge the engine."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

TICK_S = 0.1


class Crowding:
    """``async with Crowding() as crowding:`` - `crowding.factor`"""

    def __init__(self) -> None:
        self._wanting: list[float] = []

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch(), name="how crowded the machine is")
        return self

    async def __aexit__(self, *error: Any) -> None:
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching

    @property
    def factor(self) -> float:
        """How many tasks wanted each core, on average since the beginning; at least 1."""
        return max(1.0, sum(self._wanting) / max(1, len(self._wanting)))

    async def _watch(self) -> None:
        while True:
            self._wanting.append(_wanting_a_core())
            await asyncio.sleep(TICK_S)


def _wanting_a_core() -> float:
    """Tasks that run or want to, for each core: proc_loadavg(5), fourth field."""
    running = Path("/proc/loadavg").read_text().split()[3].split("/")[0]
    return int(running) / (os.cpu_count() or 1)
