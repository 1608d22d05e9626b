"""kill -9 of the engine with calls in every stage: nobody notices, nobody is rung twice, every call has its record."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from engine.sandbox import audio
from engine.sandbox.behaviours import tone_of
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.boxes import own_box

__all__ = ["own_box"]

pytestmark = [pytest.mark.live, pytest.mark.faults]

CALLS = 40
SEEDS = range(50 if os.environ.get("STANDARDISTE_SOAK") else 5)
RE_OWNED_S = 10.0
LIMITS = {"limits": {"setups_per_s": 1000.0, "loop_lag_s": 5.0}}


@pytest_asyncio.fixture(loop_scope="session")
async def crowded(own_box: Sandbox) -> AsyncIterator[tuple[Sandbox, RunningEngine, list[crowd.Plan]]]:
    plans = crowd.plans(crowd.EVERY_STAGE, CALLS)
    file = crowd.written(own_box, crowd.directory(own_box.farend, plans))
    async with RunningEngine(own_box, file, settings=LIMITS) as engine:
        yield own_box, engine, plans


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.asyncio(loop_scope="session")
async def test_killed_with_calls_in_every_stage(
    crowded: tuple[Sandbox, RunningEngine, list[crowd.Plan]], seed: int
) -> None:
    box, engine, plans = crowded
    chance = random.Random(seed)
    print(f"seed {seed}")
    ids = await _placed_over(engine, plans, chance, seconds=3.0)
    await asyncio.sleep(chance.uniform(0.0, 2.0))  # the seeded moment, not a wait for anything
    before = (await engine.get("/v1/calls?live=true")).body["items"]
    open_before = {call["id"] for call in before}
    talked_before = {call["id"] for call in before if _joined_for_long(call)}
    await engine.kill()
    killed_at = time.time()
    await asyncio.sleep(chance.uniform(0.2, 2.0))
    began = time.monotonic()
    await engine.start()
    owned_after = time.monotonic() - began
    print(f"seed {seed}: {len(open_before)} calls open when killed, ready again after {owned_after:.2f} s")
    assert owned_after < RE_OWNED_S

    talking = talked_before & await _still_talking(engine)
    await asyncio.sleep(1.0)  # audio after the restart, to be measured
    await _finish_all(engine)
    recorded = await crowd.all_recorded(box, ids.values())

    _check_records(ids, recorded, open_before, killed_at)
    for plan in plans:
        for number in plan.numbers:
            assert len(box.farend.invites(number)) <= 1, f"{number} was rung twice ({plan.kind.name})"
    for call_id in talking:
        plan = next(p for p in plans if ids[p.number] == call_id)
        _check_audio(box, plan, killed_at)
    await _nothing_left(box)


async def _placed_over(
    engine: RunningEngine, plans: list[crowd.Plan], chance: random.Random, *, seconds: float
) -> dict[int, str]:
    async def later(plan: crowd.Plan, after_s: float) -> tuple[int, str]:
        await asyncio.sleep(after_s)
        return plan.number, await crowd.place(engine, plan)

    return dict(await asyncio.gather(*(later(plan, chance.uniform(0, seconds)) for plan in plans)))


def _joined_for_long(call: dict[str, Any]) -> bool:
    """Talking, and so for a second: both are in the bridge, however slow the machine is. Between an answer and its join
    there is silence until the next engine is there."""
    answered = [datetime.fromisoformat(leg["answered_at"]) for leg in call["legs"] if leg["answered_at"]]
    return bool(call["talking"]) and (datetime.now(UTC) - max(answered)).total_seconds() > 1.0


async def _still_talking(engine: RunningEngine) -> set[str]:
    live = (await engine.get("/v1/calls?live=true")).body["items"]
    return {call["id"] for call in live if call["talking"]}


async def _finish_all(engine: RunningEngine) -> None:
    """DELETE works on each call that is still there."""
    for call in (await engine.get("/v1/calls?live=true")).body["items"]:
        answer = await engine.delete(f"/v1/calls/{call['id']}")
        assert answer.status in (200, 202, 204), answer.body

    async def none_left() -> bool:
        return not (await engine.get("/v1/calls?live=true")).body["items"]

    await crowd.until(none_left, timeout_s=20)


def _check_records(
    ids: dict[int, str], recorded: dict[str, dict[str, Any]], open_before: set[str], killed_at: float
) -> None:
    assert set(ids.values()) == set(recorded)
    for index, call_id in ids.items():
        row = recorded[call_id]
        assert row["variables"] == {"index": index}
        assert row["outcome"] is not None
        assert row["ended_at"] is not None
        if call_id in open_before and row["ended_at"].timestamp() > killed_at:  # else it ended between look and kill
            assert row["recovered"] is True, row


def _check_audio(box: Sandbox, plan: crowd.Plan, killed_at: float) -> None:
    """Both hear each other through the kill without a gap."""
    for hearer, speaker in (plan.numbers, plan.numbers[::-1]):
        (heard,) = box.farend.heard(hearer)
        began = float(heard.stem.rsplit("_", 1)[-1])
        start = max(0.0, killed_at - began - 0.2)
        gaps = audio.gaps(heard, tone_of(speaker), 60, start_s=start, end_s=start + 1.5)
        assert gaps == [], f"{plan.kind.name}: {hearer} lost {speaker} when the engine died: {gaps}"


async def _nothing_left(box: Sandbox) -> None:
    async def empty() -> bool:
        return "0 active channels" in await box.asterisk.cli("core show channels count")

    await crowd.until(empty, timeout_s=15)
