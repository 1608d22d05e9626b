"""Time that nobody listened is no silence of the far end: what was answered meanwhile goes on.

The engine hangs (SIGSTOP), the wire is cut, Asterisk hangs: a ring limit passes meanwhile, and the party answered
before it did. Whoever talks by then must not be hung up because the engine looks at its watch before its mail.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.boxes import own_box
from tests.faults.wire import Wire

__all__ = ["own_box"]

pytestmark = [pytest.mark.live, pytest.mark.faults, pytest.mark.asyncio(loop_scope="session")]

RING_S = 5
ANSWERS_AFTER_S = 3.5
AWAY_S = 8.0
CUSTOMER_LATE = crowd.Kind(
    "customer answers late", crowd.AGENT_ANSWERS, crowd.Manner("10", ANSWERS_AFTER_S), "answered"
)
AGENT_LATE = crowd.Kind("agent answers late", crowd.Manner("10", ANSWERS_AFTER_S), crowd.TALKS.customer, "answered")
LIMITS: dict[str, dict[str, Any]] = {"limits": {"setups_per_s": 1000.0, "loop_lag_s": 5.0}}

House = tuple[Sandbox, RunningEngine, Wire, list[crowd.Plan]]


@pytest_asyncio.fixture(loop_scope="session")
async def house(own_box: Sandbox) -> AsyncIterator[House]:
    plans = crowd.plans((CUSTOMER_LATE, AGENT_LATE), 12)
    file = crowd.written(own_box, crowd.directory(own_box.farend, plans, ring_agent_s=RING_S, ring_customer_s=RING_S))
    wire_port = own_box.ports.take()
    settings = {**LIMITS, "ari": {"url": f"http://127.0.0.1:{wire_port}"}}
    async with (
        Wire(wire_port, own_box.asterisk_settings.ari_port) as wire,
        RunningEngine(own_box, file, settings=settings) as engine,
    ):
        yield own_box, engine, wire, plans


async def test_what_was_answered_while_the_engine_hung_goes_on(house: House) -> None:
    box, engine, _, plans = house
    ids = await _ringing(box, engine, plans)
    engine.process.send(signal.SIGSTOP)
    await asyncio.sleep(AWAY_S)
    engine.process.send(signal.SIGCONT)
    await _all_talk(engine, ids)
    await _end(box, engine, ids, plans)


async def test_what_was_answered_while_the_wire_was_cut_goes_on(house: House) -> None:
    box, engine, wire, plans = house
    ids = await _ringing(box, engine, plans)
    wire.cut()
    await asyncio.sleep(AWAY_S)
    wire.mend()
    await engine.until_ready()
    await _all_talk(engine, ids)
    await _end(box, engine, ids, plans)


async def test_what_was_answered_while_asterisk_hung_goes_on(house: House) -> None:
    box, engine, _, plans = house
    ids = await _ringing(box, engine, plans)
    await box.asterisk.kill(signal.SIGSTOP)
    await asyncio.sleep(AWAY_S - 2)
    await box.asterisk.kill(signal.SIGCONT)
    await _all_talk(engine, ids)
    await _end(box, engine, ids, plans)


async def _ringing(box: Sandbox, engine: RunningEngine, plans: list[crowd.Plan]) -> list[str]:
    """A call for each plan, all of whose late party rings."""
    ids = [await crowd.place(engine, plan, confirm=False) for plan in plans]
    for plan in plans:
        await box.farend.invited(plan.customer if plan.kind is CUSTOMER_LATE else plan.mobile)
    await asyncio.sleep(0.3)
    return ids


async def _all_talk(engine: RunningEngine, ids: list[str]) -> None:
    stages: dict[str, str] = {}

    async def talking() -> bool:
        for call_id in ids:
            call = (await engine.get(f"/v1/calls/{call_id}")).body
            stages[call_id] = f"{call['stage']} {call['outcome']}"
        return all(stage.startswith("talking") for stage in stages.values())

    try:
        await crowd.until(talking, timeout_s=20, every_s=0.3)
    except TimeoutError:
        raise AssertionError(f"not all talk: {sorted(stages.values())}") from None


async def _end(box: Sandbox, engine: RunningEngine, ids: list[str], plans: list[crowd.Plan]) -> None:
    for call_id in ids:
        await engine.delete(f"/v1/calls/{call_id}")
    recorded = await crowd.all_recorded(box, ids)
    print(sorted(f"{row['outcome']} by {row['hangup_by']}" for row in recorded.values()))
    for plan in plans:
        for number in plan.numbers:
            assert len(box.farend.invites(number)) <= 1

    async def empty() -> bool:
        return "0 active channels" in await box.asterisk.cli("core show channels count")

    await crowd.until(empty, timeout_s=15)
