"""One call, followed through the API while it happens."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import aiohttp

from engine.demo.narration import Narrator
from engine.demo.page import Page
from engine.errors import Unavailable
from engine.sandbox.running import RunningEngine

POLL_S = 0.05
STEP_S = 60.0  # no step of the demonstration takes longer, however busy the machine


class FollowedCall:
    """A call that was asked for; `until` tells its steps as they come."""

    def __init__(self, engine: RunningEngine, page: Page, call_id: str, narrator: Narrator) -> None:
        self.id = call_id
        self.steps: list[dict[str, Any]] = []
        self._engine, self._page, self._narrator = engine, page, narrator

    @classmethod
    async def ask(cls, engine: RunningEngine, page: Page, order: dict[str, Any], narrator: Narrator) -> "FollowedCall":
        """POST /v1/calls; raises Unavailable with what the API said when it refuses."""
        answer = await engine.post("/v1/calls", order)
        if answer.status != 202:
            raise Unavailable(f"the API answered {answer.status}: {answer.body}")
        return cls(engine, page, answer.body["id"], narrator)

    @property
    def stage(self) -> str:
        return self.steps[-1]["stage"] if self.steps else ""

    @property
    def took_back(self) -> bool:
        """Whether an engine found it in its journal."""
        return any(step["event"]["type"] == "EngineRestarted" for step in self.steps)

    def elapsed_ms(self, at: datetime) -> float:
        """How long after the request."""
        return (at - _moment(self.steps[0])).total_seconds() * 1000

    async def until(self, met: Callable[[], bool]) -> None:
        """Tell every step until `met`; raises Unavailable when it takes too long."""
        try:
            async with asyncio.timeout(STEP_S):
                while not met():
                    await self._tell_new()
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise Unavailable(
                f"the call is still {self.stage} after {STEP_S:.0f} s\n{self._engine.log_tail()}"
            ) from None

    async def until_stage(self, *stages: str) -> None:
        await self.until(lambda: self.stage in stages)

    async def ladder(self) -> str:
        """Its picture, SVG text."""
        return str((await self._engine.get(f"/v1/calls/{self.id}/ladder.svg")).body)

    async def _tell_new(self) -> None:
        try:
            answer = await self._engine.get(f"/v1/calls/{self.id}/events")
        except aiohttp.ClientError:
            return  # the engine was killed: the next one will answer
        if answer.status != 200:
            return
        new = answer.body["items"][len(self.steps) :]
        for step in new:
            self.steps.append(step)
            for sentence in self._narrator.sentences(step):
                self._page.step(self.elapsed_ms(_moment(step)), sentence)


def _moment(step: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(step["at"])
