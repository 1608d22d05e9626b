"""kill -9 of the engine with calls alive: how long until the next one answers, and owns every call again."""

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from engine.sandbox import audio
from engine.sandbox.behaviours import tone_of
from engine.sandbox.errors import PartDidNotStart
from engine.sandbox.running import PROJECT, RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.bench import company
from tests.bench.asked import Asked, say
from tests.bench.processor import used_s
from tests.bench.tables import Table

LOOK_EVERY_S = 0.01
LONGEST_S = 45.0  # on a machine that others have brought to its knees
PLACED_PER_S = 25.0
SPEAKING = 5  # calls listened to: enough to hear a gap
MOST_TALKING = 100  # a call with audio costs a hundredth of a core in two Asterisks
GAP_MS = 60
STEPS = ("engine.started", "ari.connected", "calls.reconciled")


@dataclass
class Return:
    """One restart: seconds from the start of the process to each sign of life."""

    api_s: float = 0.0
    ready_s: float = 0.0
    cpu_s: float = 0.0
    steps_s: dict[str, float] = field(default_factory=dict)
    open_before: int = 0
    owned: int = 0
    lost: int = 0
    gaps: tuple[int, int] | None = None  # before the kill, and through it


class Mix(NamedTuple):
    """What the calls are doing when the engine is killed. `steady`: they go on until they are told to end."""

    name: str
    kinds: Sequence[crowd.Kind]
    steady: bool


EVERY_STAGE = Mix("in every stage", crowd.EVERY_STAGE, steady=False)


def mixes(calls: int) -> list[Mix]:
    """Talking all at once only as far as two Asterisks beside us carry the audio."""
    others = [company.RINGS] * (calls // SPEAKING - 1)
    ringing = Mix(f"{SPEAKING} talking, the others ringing", [company.TALKS, *others], steady=True)
    talking = [Mix("talking", [company.TALKS], steady=True)] if calls <= MOST_TALKING else []
    return [*talking, ringing, EVERY_STAGE]


async def bench(asked: Asked) -> list[Table]:
    """Medians of `repeats` restarts for each number of calls and each mix of them."""
    table = Table(
        "Killed with calls alive: seconds from the start of the next process",
        (
            "calls",
            "alive when killed",
            "calls resumed",
            "API answers",
            "ARI connected",
            "calls reconciled",
            "ready",
            "best - worst",
            "engine CPU",
            "owned again",
            "lost",
            f"gaps over {GAP_MS} ms, before / through",
            "load",
        ),
        note=f"Medians of {asked.repeats}. `calls resumed`: Python started, journal and PostgreSQL open, calls read "
        "back. `owned again`: of the calls alive when killed, how many are alive afterwards; the others ended "
        "meanwhile and have their outcome, or are `lost` (all repeats together). Gaps: "
        f"{SPEAKING} of the talking calls, both ways, measured at both ends for as long as the restart took, just "
        "before the kill (what the machine does to audio anyway) and through it. `load`: the machine's load average "
        "(1 min) at the end of the row.",
    )
    for calls in asked.calls:
        for mix in mixes(calls):
            async with Sandbox("reown", blocks=company.blocks(calls)) as box:
                found = await _mixed(box, mix, calls, asked.repeats)
            table.rows.append(_row(f"{calls}, {mix.name}", found))
    return [table, await _imports(asked.repeats)]


async def _mixed(box: Sandbox, mix: Mix, calls: int, repeats: int) -> list[Return]:
    plans = company.plans(mix.kinds, calls)
    patience = {"ring_agent_s": 120} if mix.steady else {}
    file = crowd.written(box, company.roomy(box.farend, plans, **patience))
    found = []
    async with RunningEngine(box, file, settings=company.UNLIMITED) as engine:
        for turn in range(repeats):
            if turn == 0 or not mix.steady:
                await _place(engine, plans, mix)
            found.append(await _killed(box, engine, plans if mix.steady else []))
            say(f"{calls}, {mix.name}: {found[-1].open_before} open, ready after {found[-1].ready_s:.2f} s")
            if not mix.steady:
                await _finish(box, engine)
        await _finish(box, engine)
    return found


async def _place(engine: RunningEngine, plans: Sequence[crowd.Plan], mix: Mix) -> None:
    async def later(plan: crowd.Plan) -> None:
        await asyncio.sleep(plan.number / PLACED_PER_S)
        await crowd.place(engine, plan, **({"confirm": False} if mix.steady else {}))

    await asyncio.gather(*(later(plan) for plan in plans))
    if mix.steady:
        talkers = sum(plan.kind is company.TALKS for plan in plans)

        async def all_talk() -> bool:
            return sum(bool(call["talking"]) for call in await _live(engine)) == talkers

        await crowd.until(all_talk, timeout_s=30, every_s=0.2)


async def _live(engine: RunningEngine) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await engine.get("/v1/calls?live=true")).body["items"]
    return items


async def _killed(box: Sandbox, engine: RunningEngine, steady: Sequence[crowd.Plan]) -> Return:
    before = {call["id"] for call in await _live(engine)}
    await engine.kill()
    killed_at = time.time()
    log_begins = engine.process.output.stat().st_size
    result = await _started(engine)
    result.open_before = len(before)
    alive = {call["id"] for call in await _live(engine)}
    result.owned = len(before & alive)
    ended = [(await engine.get(f"/v1/calls/{call_id}")).body for call_id in before - alive]
    result.lost = sum(call.get("outcome") is None for call in ended)
    result.steps_s = _logged(engine.process.output, log_begins, killed_at)
    if steady:
        speakers = [plan for plan in steady if plan.kind is company.TALKS][:SPEAKING]
        took = time.time() - killed_at
        before_and_through = [
            await asyncio.to_thread(_gaps, box, speakers, start, took) for start in (killed_at - took, killed_at)
        ]
        result.gaps = before_and_through[0], before_and_through[1]
    return result


async def _started(engine: RunningEngine) -> Return:
    """Start it, and look at its first answers more often than anybody else would."""
    result, began = Return(), time.monotonic()
    starting = asyncio.create_task(engine.start())
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        async with asyncio.timeout(LONGEST_S):
            while not result.ready_s:
                await asyncio.sleep(LOOK_EVERY_S)
                try:
                    async with session.get(f"{engine.url}/readyz") as answer:
                        result.api_s = result.api_s or time.monotonic() - began
                        result.ready_s = time.monotonic() - began if answer.status == 200 else 0.0
                except aiohttp.ClientError:
                    continue
    result.cpu_s = used_s(engine.process.pid)
    with suppress(PartDidNotStart):  # slower than its own patience, but it came
        await starting
    return result


def _logged(log: Path, begins: int, started_at: float) -> dict[str, float]:
    """When the engine itself said that it had come so far."""
    found: dict[str, float] = {}
    with log.open("rb") as file:
        file.seek(begins)
        for line in file:
            told = json.loads(line) if line.startswith(b"{") else {}
            if told.get("event") in STEPS:
                found.setdefault(told["event"], datetime.fromisoformat(told["timestamp"]).timestamp() - started_at)
    return found


def _gaps(box: Sandbox, speakers: Sequence[crowd.Plan], at: float, took_s: float) -> int:
    """How many times one of them did not hear the other, from just before `at` and for as long as the restart took."""
    count = 0
    for plan in speakers:
        for hearer, speaker in (plan.numbers, plan.numbers[::-1]):
            heard = box.farend.heard(hearer)[-1]
            start = max(0.0, at - float(heard.stem.rsplit("_", 1)[-1]) - 0.2)
            count += len(audio.gaps(heard, tone_of(speaker), GAP_MS, start_s=start, end_s=start + took_s))
    return count


async def _finish(box: Sandbox, engine: RunningEngine) -> None:
    for call in await _live(engine):
        await engine.delete(f"/v1/calls/{call['id']}")

    async def quiet() -> bool:
        return not await _live(engine) and "0 active channels" in await box.asterisk.cli("core show channels count")

    await crowd.until(quiet, timeout_s=30, every_s=0.2)
    box.farend.forget()


def _row(name: str, found: Sequence[Return]) -> tuple[str | int | float | None, ...]:
    def middle(values: Sequence[float]) -> float | None:
        return statistics.median(values) if values else None

    steps = {step: middle([r.steps_s[step] for r in found if step in r.steps_s]) for step in STEPS}
    gaps = [r.gaps for r in found if r.gaps is not None]
    return (
        name,
        round(statistics.median(r.open_before for r in found)),
        steps["engine.started"],
        middle([r.api_s for r in found]),
        steps["ari.connected"],
        steps["calls.reconciled"],
        middle([r.ready_s for r in found]),
        f"{min(r.ready_s for r in found):.2f} - {max(r.ready_s for r in found):.2f}",
        middle([r.cpu_s for r in found]),
        round(statistics.median(r.owned for r in found)),
        sum(r.lost for r in found),
        f"{sum(g[0] for g in gaps)} / {sum(g[1] for g in gaps)}" if gaps else None,
        f"{os.getloadavg()[0]:.1f}",
    )


async def _imports(repeats: int) -> Table:
    """How much of it is Python: an interpreter that does nothing, and one that imports the engine and ends."""
    table = Table("Of which Python, seconds", ("what", "median", "best"))
    for name, code in {
        "an interpreter": "pass",
        "and the engine imported": "import engine.cli, engine.commands.run, engine.app.engine",
    }.items():
        times = sorted([await _interpreter(code) for _ in range(max(3, repeats))])
        table.rows.append((name, statistics.median(times), times[0]))
    return table


async def _interpreter(code: str) -> float:
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(sys.executable, "-P", "-c", code, cwd=PROJECT)
    async with asyncio.timeout(30):
        await process.wait()
    return time.monotonic() - began
