"""A thousand agents come into the directory while people talk and more calls are made: nobody notices."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

from engine.domain.directory import Agent, Directory
from engine.domain.values import Extension, Slug
from engine.sandbox import audio
from engine.sandbox.behaviours import tone_of
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd

pytestmark = pytest.mark.live

SETTINGS: dict[str, dict[str, Any]] = {"limits": {"setups_per_s": 1000.0, "loop_lag_s": 5.0, "seats": 2000}}
TALKING, MORE = 12, 8
SILENCE_S = 2.0  # nobody is left in silence for longer, on a machine that others use too


def with_a_thousand_more(before: Directory) -> Directory:
    """At Lyon, by telephone."""
    one = next(iter(before.agents.values()))
    added: dict[Slug, Agent] = {}
    for number in range(1000):
        name = Slug(f"more-{number}")
        added[name] = msgspec.structs.replace(
            one,
            id=name,
            extension=Extension(str(30000 + number)),
            sip_user=f"{name}-sip",
            secret=f"a-secret-of-many-{number}",
            mode="sip",
            mobile=None,
        )
    return msgspec.structs.replace(before, agents={**before.agents, **added})


async def all_talk(engine: RunningEngine, ids: list[str]) -> None:
    for call_id in ids:

        async def talks(call_id: str = call_id) -> bool:
            call = (await engine.get(f"/v1/calls/{call_id}")).body
            assert call["live"], call["outcome"]
            return bool(call["talking"])

        await crowd.until(talks, timeout_s=30)


async def knows(engine: RunningEngine, agent: str) -> bool:
    return (await engine.get(f"/v1/agents/{agent}")).status == 200


async def test_a_thousand_agents_are_applied_while_calls_are_up(own_box: Sandbox) -> None:
    plans = crowd.plans([crowd.TALKS], TALKING + MORE)
    small = crowd.directory(own_box.farend, plans)
    async with RunningEngine(own_box, crowd.written(own_box, small), settings=SETTINGS) as engine:
        ids = [await crowd.place(engine, plan) for plan in plans[:TALKING]]
        await all_talk(engine, ids)
        file = crowd.written(own_box, with_a_thousand_more(small), "large")
        began = time.monotonic()
        importing = asyncio.create_task(engine.command("import", str(file)))
        for plan in plans[TALKING:]:
            ids.append(await crowd.place(engine, plan))
        await all_talk(engine, ids)
        await importing
        print(f"1,000 agents applied in {time.monotonic() - began:.1f} s, {len(ids)} calls up")
        await all_talk(engine, ids)
        await crowd.until(lambda: knows(engine, "more-999"), timeout_s=30)  # another process has written it
        for call_id in ids:
            await engine.delete(f"/v1/calls/{call_id}")
        rows = await crowd.all_recorded(own_box, ids)
        assert {(row["outcome"], row["hangup_by"]) for row in rows.values()} == {("answered", "api")}
        for plan in plans[:TALKING]:
            heard = await own_box.farend.heard_whole(plan.mobile)
            assert audio.longest_silence_s(heard) < SILENCE_S, plan
            tone = tone_of(plan.customer)
            assert audio.tone_levels(heard, [tone], start_s=audio.duration_s(heard) - 1.0)[tone] > -30
