"""Agents who are enrolled by the API, and softphones set up with what it answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from engine.sandbox import audio
from engine.sandbox.behaviours import tone_of
from engine.sandbox.example import example_directory
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.tools import BARESIP, find_or_fetch
from tests import crowd
from tests.live.softphone import Softphone

TALK_S = 2.0
SEPARATION_DB = 30.0


class Desk:
    """A box, its engine, and softphones of agents who are enrolled by the API."""

    def __init__(self, box: Sandbox, engine: RunningEngine, baresip: Path) -> None:
        self.box, self.engine, self.farend = box, engine, box.farend
        self._baresip, self._phones = baresip, 0

    async def enrol(self, agent: str, **more: Any) -> dict[str, Any]:
        """What the answer tells: `settings` for telephones, `webrtc` for browsers."""
        body = {"id": agent, "name": agent.capitalize(), "site": "paris", "notice": "tone", **more}
        answer = await self.engine.post("/v1/agents", body)
        assert answer.status == 201, answer.body
        return dict(answer.body)

    async def change(self, agent: str, **changes: Any) -> None:
        """The agent as it is but for these fields."""
        shown = await self.engine.get(f"/v1/agents/{agent}")
        answer = await self.engine.put(f"/v1/agents/{agent}", {**shown.body, **changes})
        assert answer.status == 200, answer.body

    @asynccontextmanager
    async def softphone(self, told: dict[str, Any], *, tone_hz: int) -> AsyncIterator[Softphone]:
        """One more device, once it is registered."""
        self._phones += 1
        first = self.box.ports.media(1)[1] - 20 * self._phones
        control, sip, _ = (self.box.ports.take() for _ in range(3))  # it listens for TLS beside its SIP port
        phone = Softphone(
            self._baresip,
            self.box.dir / f"softphone-{self._phones}",
            told,
            tone_hz=tone_hz,
            ports=(sip, control),
            rtp_ports=(first, first + 19),
        )
        async with phone:
            await phone.registered()
            yield phone

    async def record(self, **known: Any) -> dict[str, Any]:
        """The only row of which all this is true."""

        async def written() -> list[dict[str, Any]]:
            rows = (await crowd.rows(self.box)).values()
            return [row for row in rows if all(row[name] == value for name, value in known.items())]

        (row,) = await crowd.until(written)
        return dict(row)

    async def long_enough(self, customer: str) -> None:
        """Return once the customer has listened for long enough to measure."""

        def listened() -> bool:
            files = self.farend.heard(customer)
            return bool(files) and audio.duration_s(files[-1]) > TALK_S

        await self.farend.until(listened)

    async def they_talked(self, heard: Path, tone_hz: int, customer: str) -> None:
        """Each heard the other's tone, far above their own. `heard` is the agent's side."""
        theirs = await self.farend.heard_whole(customer)
        assert audio.separation_db(theirs, tone_hz, [tone_of(customer)], start_s=0.5) > SEPARATION_DB
        assert audio.separation_db(heard, tone_of(customer), [tone_hz], start_s=0.5) > SEPARATION_DB


@asynccontextmanager
async def opened_desk(closed: Sandbox) -> AsyncIterator[Desk]:
    """A desk in this box, with the company of the example."""
    baresip = await find_or_fetch(BARESIP, print)
    async with closed as box:
        file = crowd.written(box, example_directory(box.farend))
        async with RunningEngine(box, file) as engine:
            yield Desk(box, engine, baresip)
