"""PostgreSQL away, Asterisk dead, the socket cut, the engine hung: no call is lost, none is counted twice."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from engine.sandbox import audio
from engine.sandbox.behaviours import mobile, tone_of
from engine.sandbox.farend_files import PARIS
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.boxes import own_box
from tests.faults.wire import Wire

__all__ = ["own_box"]

pytestmark = [pytest.mark.live, pytest.mark.faults, pytest.mark.asyncio(loop_scope="session")]

SOAK = bool(os.environ.get("STANDARDISTE_SOAK"))
AWAY_S = 60.0 if SOAK else 10.0
LIMITS: dict[str, dict[str, Any]] = {"limits": {"setups_per_s": 1000.0, "loop_lag_s": 5.0}}
MIXED = (crowd.TALKS_BRIEFLY, *crowd.EVERY_STAGE[5:6], crowd.EVERY_STAGE[8])  # they end by themselves

House = tuple[Sandbox, RunningEngine, list[crowd.Plan]]


@pytest_asyncio.fixture(loop_scope="session")
async def house(own_box: Sandbox) -> AsyncIterator[House]:
    """Calls that end by themselves, and calls that talk until told."""
    plans = crowd.plans((*MIXED, crowd.TALKS), 40)
    file = crowd.written(own_box, crowd.directory(own_box.farend, plans))
    async with RunningEngine(own_box, file, settings=LIMITS) as engine:
        yield own_box, engine, plans


async def test_postgres_stopped_under_load(house: House) -> None:
    """No call notices, and no record is lost or doubled."""
    box, engine, plans = house
    await box.postgres.stop()
    began = time.monotonic()
    ids = {}
    for plan in plans[:30]:
        ids[plan.number] = await crowd.place(engine, plan)
        await asyncio.sleep(AWAY_S / 40)
    ready = await engine.get("/readyz")
    assert ready.status == 200, ready.body
    await _finish_the_rest(engine)
    await asyncio.sleep(max(0.0, AWAY_S - (time.monotonic() - began)))
    await box.postgres.start()
    recorded = await crowd.all_recorded(box, ids.values())
    assert set(recorded) == set(ids.values())
    for plan in plans[:30]:
        if plan.kind is not crowd.TALKS:
            assert recorded[ids[plan.number]]["outcome"] == plan.kind.outcome, plan


async def test_the_engine_starts_without_postgres(house: House) -> None:
    """From its last good directory and its last known tokens; the record is written when PostgreSQL is back."""
    box, engine, plans = house
    await engine.kill()
    await box.postgres.stop()
    await engine.start()
    plan = next(p for p in plans if p.kind is crowd.TALKS_BRIEFLY)
    call_id = await crowd.place(engine, plan)
    await _ended(engine, call_id)
    await box.postgres.start()
    assert (await crowd.all_recorded(box, [call_id]))[call_id]["outcome"] == "answered"


async def test_asterisk_killed_and_restarted(house: House) -> None:
    """Every call closes as lost with its record, and the engine is ready again by itself."""
    box, engine, plans = house
    ids = {plan.number: await crowd.place(engine, plan) for plan in plans[:20]}
    await asyncio.sleep(2.5)
    live = {call["id"]: call["talking"] for call in (await engine.get("/v1/calls?live=true")).body["items"]}
    await box.asterisk.kill()
    await box.farend.abandon()
    await box.asterisk.start()
    recorded = await crowd.all_recorded(box, ids.values())
    for plan in plans[:20]:
        call_id, outcome = ids[plan.number], recorded[ids[plan.number]]["outcome"]
        if live.get(call_id) and plan.kind is crowd.TALKS:
            assert outcome == "asterisk_lost"
        elif call_id in live:  # its verdict may have been given already: then it stands
            assert outcome in ("asterisk_lost", plan.kind.outcome)
    assert "asterisk_lost" in {recorded[call_id]["outcome"] for call_id in live}
    await engine.until_ready()
    plan = next(p for p in plans[20:] if p.kind is crowd.TALKS_BRIEFLY)
    again = await _placed_when_possible(engine, plan)
    await _ended(engine, again)
    assert (await crowd.all_recorded(box, [again]))[again]["outcome"] == "answered"


async def test_socket_cut_while_calls_answer_and_hang_up(own_box: Sandbox) -> None:
    """Two seconds after the wire is mended, every call is where Asterisk has it."""
    kinds = (crowd.EVERY_STAGE[3], crowd.EVERY_STAGE[7], crowd.TALKS, crowd.TALKS_BRIEFLY, crowd.EVERY_STAGE[8])
    plans = crowd.plans(kinds, 30)
    file = crowd.written(own_box, crowd.directory(own_box.farend, plans))
    target = own_box.asterisk_settings.ari_port
    wire_port = own_box.ports.take()
    settings = {**LIMITS, "ari": {"url": f"http://127.0.0.1:{wire_port}"}}
    async with Wire(wire_port, target) as wire, RunningEngine(own_box, file, settings=settings) as engine:
        # No "press 1": a key pressed while the wire is cut is lost with its event, and pressed again by a person only.
        ids = {plan.number: await crowd.place(engine, plan, confirm=False) for plan in plans}
        await asyncio.sleep(3.0)
        wire.cut()
        await asyncio.sleep(3.0)  # meanwhile customers answer, are busy, hang up
        wire.mend()
        await engine.until_ready()
        await asyncio.sleep(2.0)
        await _agrees_with_asterisk(own_box, engine)
        await _finish_the_rest(engine)
        recorded = await crowd.all_recorded(own_box, ids.values())
        for plan in plans:
            row = recorded[ids[plan.number]]
            assert row["recovered"] is False
            assert row["outcome"] == plan.kind.outcome or row["hangup_by"] == "api", (plan, row["outcome"])
            for number in plan.numbers:
                assert len(own_box.farend.invites(number)) <= 1


async def test_callers_fall_through_when_the_engine_hangs(house: House) -> None:
    """A stopped engine keeps its socket open; the beat lets callers reach the plain dialplan all the same."""
    box, engine, plans = house
    talking = next(p for p in plans if p.kind is crowd.TALKS)
    call_id = await crowd.place(engine, talking)
    await _talks(engine, call_id)
    engine.process.send(signal.SIGSTOP)
    stopped_at = time.time()
    try:
        await asyncio.sleep(4.5)  # a beat counts for three whole seconds
        caller = mobile("10", tone_hz=2000, serial=99)
        call = await box.farend.call("+33140000001", caller, PARIS)
        await box.farend.until(lambda: not call.live, timeout_s=30)
        assert call.cause == 34  # Q.850 42 leaves as SIP 503, which the far end reads as 34
        heard = box.farend.heard(caller)
        assert heard, "the caller heard nothing"
    finally:
        engine.process.send(signal.SIGCONT)
    for hearer, speaker in (talking.numbers, talking.numbers[::-1]):
        (recording,) = box.farend.heard(hearer)
        start = stopped_at - float(recording.stem.rsplit("_", 1)[-1])
        assert audio.gaps(recording, tone_of(speaker), 60, start_s=start, end_s=start + 3) == []
    await engine.until_ready()
    assert (await engine.get(f"/v1/calls/{call_id}")).body["talking"] == ["agent", "customer"]


async def test_one_key_many_times_and_a_kill_in_between(house: House) -> None:
    """50 parallel POSTs with one idempotency key, the engine killed among them: one call."""
    box, engine, plans = house
    plan = next(p for p in plans if p.kind is crowd.TALKS)
    body = {"agent": plan.agent, "to": plan.customer}

    async def insist() -> str:
        while True:
            try:
                answer = await engine.post("/v1/calls", body, key="the-same-key")
            except (OSError, aiohttp.ClientError):  # it dies while it is asked
                await asyncio.sleep(0.05)
                continue
            if answer.status == 202:
                return str(answer.body["id"])
            assert answer.status in (409, 503), answer.body
            await asyncio.sleep(0.05)

    asking = [asyncio.create_task(insist()) for _ in range(50)]
    await asyncio.sleep(0.02)
    await engine.kill()
    await engine.start()
    ids = set(await asyncio.wait_for(asyncio.gather(*asking), 60))
    assert len(ids) == 1
    await _finish_the_rest(engine)
    recorded = await crowd.all_recorded(box, ids)
    assert len(recorded) == 1
    assert len(box.farend.invites(plan.mobile)) <= 1


async def _finish_the_rest(engine: RunningEngine) -> None:
    """Let calls that end by themselves do so; order the others down."""

    async def only_talkers() -> bool:
        stages = {call["stage"] for call in (await engine.get("/v1/calls?live=true")).body["items"]}
        return stages <= {"talking"}

    await crowd.until(only_talkers, timeout_s=40)
    await asyncio.sleep(2.5)  # the brief ones talk for two seconds
    for call in (await engine.get("/v1/calls?live=true")).body["items"]:
        await engine.delete(f"/v1/calls/{call['id']}")

    async def nobody() -> bool:
        return not (await engine.get("/v1/calls?live=true")).body["items"]

    await crowd.until(nobody, timeout_s=20)


async def _ended(engine: RunningEngine, call_id: str) -> None:
    async def over() -> bool:
        return not (await engine.get(f"/v1/calls/{call_id}")).body["live"]

    await crowd.until(over, timeout_s=40)


async def _talks(engine: RunningEngine, call_id: str) -> None:
    async def talking() -> bool:
        return bool((await engine.get(f"/v1/calls/{call_id}")).body["talking"])

    await crowd.until(talking, timeout_s=30)


async def _placed_when_possible(engine: RunningEngine, plan: crowd.Plan) -> str:
    """Right after a restart of Asterisk its trunks may not have answered yet."""

    async def placed() -> str | None:
        answer = await engine.post("/v1/calls", {"agent": plan.agent, "to": plan.customer})
        assert answer.status in (202, 503), answer.body
        return str(answer.body["id"]) if answer.status == 202 else None

    return str(await crowd.until(placed, timeout_s=30, every_s=0.5))


async def _agrees_with_asterisk(box: Sandbox, engine: RunningEngine) -> None:
    """Every leg the engine believes alive is a channel, up when it says up; and no channel is unknown to it."""
    listed = await box.asterisk.cli("core show channels concise")
    there = {line.split("!")[-1].strip(): line.split("!")[4] for line in listed.splitlines() if "!" in line}
    believed = {}
    for call in (await engine.get("/v1/calls?live=true")).body["items"]:
        for leg in call["legs"]:
            if leg["ended_at"] is None:
                believed[leg["channel"]] = leg["state"]
    assert set(believed) == set(there)
    for channel, state in believed.items():
        assert (state == "up") == (there[channel] == "Up"), (channel, state, there[channel])
