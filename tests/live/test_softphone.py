"""A real softphone, set up with what `POST /v1/agents` answered: registers, calls, is called, is heard and hears."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from engine.sandbox.behaviours import mobile
from engine.sandbox.sandbox import Sandbox
from tests.live.desk import Desk, opened_desk

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def desk() -> AsyncIterator[Desk]:
    async with opened_desk(Sandbox("desk")) as opened:
        yield opened


async def test_it_is_called_beside_a_second_device(desk: Desk) -> None:
    """Both ring with the customer's number; the first answer wins, the other stops; both parties hear each other."""
    told, customer = (await desk.enrol("marie"))["settings"], mobile("10", ring_s=0.2, tone_hz=1000, serial=1)
    async with desk.softphone(told, tone_hz=600) as first, desk.softphone(told, tone_hz=700) as second:
        answer = await desk.engine.post("/v1/calls", {"agent": "marie", "to": customer})
        assert answer.status == 202, answer.body
        rings = await asyncio.gather(*(phone.told("CALL_INCOMING") for phone in (first, second)))
        assert all(customer in ring["peeruri"] for ring in rings)
        await second.accept()
        await first.told("CALL_CLOSED")
        await desk.long_enough(customer)
        await desk.farend.hang_up(customer)
        await second.told("CALL_CLOSED")
        assert "CALL_ESTABLISHED" not in first.kinds()
        await desk.they_talked(second.heard, 700, customer)
    row = await desk.record(agent_id="marie")
    assert (row["outcome"], row["hangup_by"], row["cause"]) == ("answered", "customer", 16)
    assert sorted(leg["result"] for leg in row["legs"]) == ["answered", "answered", "elsewhere"]


async def test_it_calls(desk: Desk) -> None:
    told, customer = (await desk.enrol("paul"))["settings"], mobile("10", ring_s=0.2, tone_hz=1100, serial=2)
    async with desk.softphone(told, tone_hz=640) as phone:
        await phone.dial(f"0{customer[3:]}")
        await desk.long_enough(customer)
        await phone.hang_up()
        await phone.told("CALL_CLOSED")
        await desk.they_talked(phone.heard, 640, customer)
    row = await desk.record(agent_id="paul")
    assert (row["outcome"], row["hangup_by"], row["kind"]) == ("answered", "agent", "dialled")
