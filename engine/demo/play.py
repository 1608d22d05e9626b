"""The calls of the demonstration."""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from engine.demo import hearing, record
from engine.demo.following import FollowedCall
from engine.demo.narration import Narrator
from engine.demo.page import Page
from engine.domain.directory import Agent, Directory
from engine.domain.values import Slug
from engine.sandbox.behaviours import mobile
from engine.sandbox.example import example_directory
from engine.sandbox.farend import FarEnd
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from engine.sounds.texts import text_of

TALK_S = 0.8  # of conversation, before and after the engine is killed
CUSTOMER = mobile("10", ring_s=0.8, tone_hz=1000, serial=1)
BUSY_CUSTOMER = mobile("50", ring_s=0.3, tone_hz=1000, serial=2)


def cast(farend: FarEnd) -> Directory:
    """The example company; agents of Lyon hear a tone where those of Paris hear words, to show both."""
    example = example_directory(farend)
    lyon = msgspec.structs.replace(example.sites[Slug("lyon")], notice="tone")
    return msgspec.structs.replace(example, sites={**example.sites, lyon.id: lyon})


class Play:
    """The calls, one method each, told on `page` as they happen; `pictures` gets their ladders."""

    def __init__(self, box: Sandbox, engine: RunningEngine, page: Page, pictures: Path) -> None:
        self._box, self._engine, self._page, self._pictures = box, engine, page, pictures
        self._agents = cast(box.farend).agents

    async def main_job(self) -> None:
        """The agent's mobile, then the customer; while they talk the engine is killed."""
        agent = self._agents[Slug("anne")]
        self._page.heading(
            f"1. {agent.name}, on their mobile, is connected to {CUSTOMER}; the engine is killed meanwhile"
        )
        call = await self._ask(agent, CUSTOMER, {"campaign": "spring", "ticket": 4711})
        await call.until_stage("talking")
        await asyncio.sleep(TALK_S)
        await self._kill_and_return(call)
        await asyncio.sleep(TALK_S)
        await self._box.farend.hang_up(CUSTOMER)
        await call.until_stage("ended")
        await self._tell_conversation(agent)
        await self._keep(call, "answered")

    async def customer_busy(self) -> None:
        """The customer is busy, and the agent is told so."""
        agent = self._agents[Slug("claire")]
        self._page.heading(f"2. {agent.name}, whose site speaks English, asks for somebody who is busy")
        call = await self._ask(agent, BUSY_CUSTOMER, {"campaign": "spring"})
        await call.until_stage("ended")
        recording = await self._box.farend.heard_whole(str(agent.mobile))
        prompt, alike, next_best = hearing.last_prompt(recording, "en")
        said = text_of(prompt, "en")
        self._page.measured(
            f"the last prompt {agent.name} heard: “{said}” ({alike:.2f} alike; the next best {next_best:.2f})"
        )
        await self._keep(call, "busy")

    async def _ask(self, agent: Agent, to: str, variables: dict[str, object]) -> FollowedCall:
        order = {"agent": str(agent.id), "to": to, "variables": variables}
        self._page.request("POST /v1/calls", order)
        return await FollowedCall.ask(self._engine, self._page, order, Narrator(agent.name, "the customer"))

    async def _kill_and_return(self, call: FollowedCall) -> None:
        pid = self._engine.process.pid
        await self._engine.kill()
        killed = time.monotonic()
        self._step(call, f"kill -9 {pid}: the engine is dead, they talk on")
        await self._engine.start()
        took = time.monotonic() - killed
        await call.until(lambda: call.took_back)
        self._step(
            call, f"engine {self._engine.process.pid} is ready after {took:.1f} s and has the call: {call.stage}"
        )

    def _step(self, call: FollowedCall, text: str) -> None:
        self._page.step(call.elapsed_ms(datetime.now(UTC)), text)

    async def _tell_conversation(self, agent: Agent) -> None:
        both = await hearing.ears(self._box.farend, str(agent.mobile), CUSTOMER)
        for name, ear in zip((agent.name, "the customer"), both, strict=True):
            other, below = ear.levels()
            gap = ear.longest_gap_ms()
            heard = "nothing" if gap is None else f"{ear.other_hz} Hz at {other:.0f} dB, longest gap {gap} ms"
            self._page.measured(
                f"{name} heard {heard}; their own tone {below:.0f} dB below ({ear.talk_s:.1f} s, kill included)"
            )
        silence = both[0].longest_silence_before_s()
        self._page.measured(f"{agent.name} before the talk: never more than {silence:.1f} s of silence")

    async def _keep(self, call: FollowedCall, name: str) -> None:
        row = await record.row_of(self._box.postgres.dsn, call.id)
        self._page.heading("   the row in call_history, read back from PostgreSQL")
        self._page.table(record.readable(row))
        picture = self._pictures / f"{name}.svg"
        picture.write_text(await call.ladder(), encoding="utf-8")
        self._page.table([("picture", str(picture))])
