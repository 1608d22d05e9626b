"""A real softphone, set up with what `POST /v1/agents` answered: registers, calls, is called, is heard and hears."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from engine.sandbox import audio
from engine.sandbox.behaviours import mobile, tone_of
from engine.sandbox.example import example_directory
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.tools import BARESIP, find_or_fetch
from tests import crowd
from tests.live.softphone import Softphone

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="session")]

TALK_S = 2.0
SEPARATION_DB = 30.0


class Desk:
    """A box, its engine, and softphones of agents who are enrolled by the API."""

    def __init__(self, box: Sandbox, engine: RunningEngine, baresip: Path) -> None:
        self.box, self.engine, self.farend = box, engine, box.farend
        self._baresip, self._phones = baresip, 0

    async def enrol(self, agent: str) -> dict[str, Any]:
        """The settings the answer tells."""
        body = {"id": agent, "name": agent.capitalize(), "site": "paris", "notice": "tone"}
        answer = await self.engine.post("/v1/agents", body)
        assert answer.status == 201, answer.body
        return dict(answer.body["settings"])

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

    async def they_talked(self, phone: Softphone, tone_hz: int, customer: str) -> None:
        """Each heard the other's tone, far above their own."""
        heard = await self.farend.heard_whole(customer)
        assert audio.separation_db(heard, tone_hz, [tone_of(customer)], start_s=0.5) > SEPARATION_DB
        assert audio.separation_db(phone.heard, tone_of(customer), [tone_hz], start_s=0.5) > SEPARATION_DB


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def desk() -> AsyncIterator[Desk]:
    baresip = await find_or_fetch(BARESIP, print)
    async with Sandbox("desk") as box:
        file = crowd.written(box, example_directory(box.farend))
        async with RunningEngine(box, file) as engine:
            yield Desk(box, engine, baresip)


async def test_it_is_called_beside_a_second_device(desk: Desk) -> None:
    """Both ring with the customer's number; the first answer wins, the other stops; both parties hear each other."""
    told, customer = await desk.enrol("marie"), mobile("10", ring_s=0.2, tone_hz=1000, serial=1)
    async with desk.softphone(told, tone_hz=600) as first, desk.softphone(told, tone_hz=700) as second:
        answer = await desk.engine.post("/v1/calls", {"agent": "marie", "to": customer})
        assert answer.status == 202, answer.body
        rings = await asyncio.gather(*(phone.told("CALL_INCOMING") for phone in (first, second)))
        assert all(customer in ring["peeruri"] for ring in rings)
        await second.accept()
        await first.told("CALL_CLOSED")
        await desk.farend.until(lambda: _long_enough(desk, customer))
        await desk.farend.hang_up(customer)
        await second.told("CALL_CLOSED")
        assert "CALL_ESTABLISHED" not in first.kinds()
        await desk.they_talked(second, 700, customer)
    row = await desk.record(agent_id="marie")
    assert (row["outcome"], row["hangup_by"], row["cause"]) == ("answered", "customer", 16)
    assert sorted(leg["result"] for leg in row["legs"]) == ["answered", "answered", "no_answer"]


async def test_it_calls(desk: Desk) -> None:
    told, customer = await desk.enrol("paul"), mobile("10", ring_s=0.2, tone_hz=1100, serial=2)
    async with desk.softphone(told, tone_hz=640) as phone:
        await phone.dial(f"0{customer[3:]}")
        await desk.farend.until(lambda: _long_enough(desk, customer))
        await phone.hang_up()
        await phone.told("CALL_CLOSED")
        await desk.they_talked(phone, 640, customer)
    row = await desk.record(agent_id="paul")
    assert (row["outcome"], row["hangup_by"], row["kind"]) == ("answered", "agent", "dialled")


def _long_enough(desk: Desk, customer: str) -> bool:
    files = desk.farend.heard(customer)
    return bool(files) and audio.duration_s(files[-1]) > TALK_S
