"""The engine dies at every point of one call's life between deciding, writing and acting: the next one goes on.

One answered call writes and orders some twenty things each; before and after each of them the process may be gone. A
seeded sample of these points here, all of them in the long version.
"""

import os
import random
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from engine.sandbox.process import OwnedProcess
from engine.sandbox.running import PROJECT, RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.boxes import own_box
from tests.domain.legality import OUTBOUND
from tests.faults.dying_engine import MOMENTS, Moment, Whose

__all__ = ["own_box"]

pytestmark = [pytest.mark.live, pytest.mark.faults, pytest.mark.asyncio(loop_scope="session")]

SOAK = bool(os.environ.get("STANDARDISTE_SOAK"))
SAMPLE = 8
SEED = int(os.environ.get("STANDARDISTE_SEED", "7"))
PLACES = 40  # crowd places are used in turn: every number is dialled by one point at a time
LIMITS = {"limits": {"setups_per_s": 1000.0, "loop_lag_s": 5.0, "calls_per_minute_per_agent": 100}}
OVER_S = 45.0
NOTICE = "message" if SOAK else "tone"

Point = tuple[Moment, int]
Death = tuple[Whose, Moment, int]


class DyingEngine(RunningEngine):
    """A running engine that will die where it is told."""

    dies_at: Death | None = None
    tally: Path | None = None

    def _new_process(self) -> OwnedProcess:
        if self.dies_at is None:
            return super()._new_process()
        words = [*map(str, self.dies_at), *([str(self.tally)] if self.tally else [])]
        return OwnedProcess(
            "dying engine",
            [sys.executable, "-m", "tests.faults.dying_engine", self.config, *words],
            output=self.state / "engine.log",
            directory=PROJECT,
            environment={"PYTHONUNBUFFERED": "1"},
        )

    async def place_with_key(self, plan: crowd.Plan, key: str) -> str | None:
        """The call's id; None when the engine died while it was asked."""
        try:
            answer = await self.post("/v1/calls", {"agent": plan.agent, "to": plan.customer}, key=key)
        except (OSError, aiohttp.ClientError):
            return None
        assert answer.status == 202, answer.body
        return str(answer.body["id"])


@pytest_asyncio.fixture(loop_scope="session")
async def dying(own_box: Sandbox) -> AsyncIterator[tuple[Sandbox, DyingEngine, Iterator[crowd.Plan]]]:
    plans = crowd.plans([crowd.TALKS_BRIEFLY], PLACES)
    file = crowd.written(own_box, crowd.directory(own_box.farend, plans, notice=NOTICE))
    engine = DyingEngine(own_box, file, settings=LIMITS)
    async with engine:
        yield own_box, engine, _for_ever(plans)


@pytest.mark.timeout(3600 if SOAK else 240)
async def test_the_next_engine_goes_on_wherever_the_last_one_died(
    dying: tuple[Sandbox, DyingEngine, Iterator[crowd.Plan]],
) -> None:
    """One complete record, nobody rung twice, nothing left in Asterisk, an outcome that says what happened."""
    box, engine, places = dying
    points = await _points_of_a_call(box, engine, next(places))
    chosen = points if SOAK else random.Random(SEED).sample(points, SAMPLE)
    print(f"{len(points)} points in one call; seed {SEED} tries {len(chosen)}")
    wrong: list[str] = []
    outcomes: dict[Point, str] = {}
    await _next_life(engine, ("new", *chosen[0]))
    for point, following in zip(chosen, [*chosen[1:], None], strict=True):
        try:
            outcomes[point] = await _die_and_go_on(box, engine, next(places), point, following)
        except (AssertionError, TimeoutError) as failed:
            wrong.append(f"{point}: {failed}")
    for point, outcome in outcomes.items():
        print(f"  {point[0]:13} {point[1]:3}  {outcome}")
    assert wrong == []


async def _points_of_a_call(box: Sandbox, engine: DyingEngine, place: crowd.Plan) -> list[Point]:
    """What an undisturbed call passes."""
    engine.tally = engine.state / "tally"
    await _next_life(engine, ("new", "write-before", 10**6))
    await _recorded(box, engine, await crowd.place(engine, place), place)
    passed = [line.split()[0] for line in engine.tally.read_text().splitlines()]
    engine.tally = None
    return [(moment, number + 1) for moment in MOMENTS for number in range(passed.count(moment))]


async def _die_and_go_on(
    box: Sandbox, engine: DyingEngine, place: crowd.Plan, point: Point, following: Point | None
) -> str:
    """The engine that goes on is the one that dies at the `following` point, of a call of its own."""
    box.farend.forget()
    key = f"{point[0]}-{point[1]}-{place.number}"
    call_id = await engine.place_with_key(place, key)
    await _died(box, engine, place)
    next_death: Death | None = ("new", *following) if following else None
    # An engine that died before it answered may have left no call: then it is begun anew, and must live.
    await _next_life(engine, next_death if call_id else None)
    again = await engine.place_with_key(place, key)  # as an application does that got no answer
    assert again is not None
    assert call_id in (None, again)
    row = await _recorded(box, engine, again, place)
    for number in place.numbers:
        assert len(box.farend.invites(number)) <= 1, f"{number} was rung twice"
    outcome = str(row["outcome"])
    assert outcome in OUTBOUND
    if call_id is None:
        await _next_life(engine, next_death)
    return f"{outcome} by {row['hangup_by']}"


async def _died(box: Sandbox, engine: DyingEngine, place: crowd.Plan) -> None:
    async def gone() -> bool:
        return not engine.process.running

    await crowd.until(gone, timeout_s=OVER_S)


async def _recorded(box: Sandbox, engine: DyingEngine, call_id: str, place: crowd.Plan) -> dict[str, object]:
    """The call's row, once it is there and nothing is left of the call."""

    async def over() -> bool:
        call = (await engine.get(f"/v1/calls/{call_id}")).body
        if call["stage"] == "confirming" and call["recovered"]:
            await box.farend.press(place.mobile, "1")  # a key pressed while the engine was dead is pressed again
        return not call["live"]

    await crowd.until(over, timeout_s=OVER_S, every_s=0.3)
    rows = await crowd.all_recorded(box, [call_id], timeout_s=OVER_S)
    assert rows[call_id]["ended_at"] is not None
    assert (await engine.get("/v1/calls?live=true")).body["items"] == []

    async def nothing_left() -> bool:
        channels = await box.asterisk.cli("core show channels count")
        bridges = await box.asterisk.cli("bridge show all")
        return "0 active channels" in channels and "stasis" not in bridges

    await crowd.until(nothing_left, timeout_s=15)
    return rows[call_id]


async def _next_life(engine: DyingEngine, dies_at: Death | None) -> None:
    await engine.kill()
    engine.dies_at = dies_at
    await engine.start()


def _for_ever(plans: Iterable[crowd.Plan]) -> Iterator[crowd.Plan]:
    known = list(plans)
    while True:
        yield from known
