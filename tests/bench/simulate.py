"""How many simulated calls one core takes: a whole caller's way through a scenario, from the first node to the end.

With the conversations that come with a scenario the steps are looked for and compared too, as before each publishing.
"""

import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

from engine.domain.scenario.graph import Program
from engine.domain.values import Slug
from engine.scenarios.conversations import load
from engine.scenarios.conversing import hold
from engine.scenarios.program import load_program
from engine.scenarios.testing import file_of
from tests.bench.asked import Asked
from tests.bench.tables import Table
from tests.scenarios.calls import call, company, runs

SHIPPED = Path(__file__).resolve().parents[2] / "ivr_scenarios"
ANSWERS: dict[str, str | list[str]] = {"hours": "open", "group sales": "talked 40", "group support": "not_taken"}


async def bench(asked: Asked) -> list[Table]:
    table = Table(
        "Simulated calls, one core",
        ("scenario", "nodes", "calls", "nodes/call", "us/call", "calls/s"),
        note="A company's six nodes: hours, a menu whose keys 1 and 2 callers press in turn, two groups. It is the "
        "processor's time: what else runs on the machine costs nothing here but its caches.",
    )
    program = company()
    keys = cycle("12")
    table.rows.append(_row("company", program, lambda: company_call(program, next(keys)), asked.seconds / 4))
    standard = load_program(SHIPPED, Slug("standard")).program
    assert standard is not None
    told = cycle(load(file_of(SHIPPED, standard.main)))
    table.rows.append(_row("standard", standard, lambda: len(hold(standard, next(told)).run.path), asked.seconds / 4))
    return [table]


def company_call(program: Program, key: str) -> int:
    """A caller listens, presses the key and talks, or not; how many nodes they met."""
    simulation = runs(call(program, ANSWERS))
    simulation.press(key)
    runs(simulation)
    assert simulation.over
    return len(simulation.run.path)


def seconds_for(calls: int, one: Callable[[], int]) -> tuple[float, int]:
    """The processor's time for so many calls, and the nodes they met."""
    began = time.process_time()
    nodes = sum(one() for _ in range(calls))
    return time.process_time() - began, nodes


def _row(name: str, program: Program, one: Callable[[], int], for_s: float) -> tuple[str | int | float, ...]:
    """Batches until the time is over; the fastest counts: the others met somebody else's work."""
    batch, calls, best, nodes = 500, 0, float("inf"), 0
    until = time.monotonic() + for_s
    while not calls or time.monotonic() < until:
        took, nodes = seconds_for(batch, one)
        calls, best = calls + batch, min(best, took)
    each_s = best / batch
    return name, len(program.start.nodes), calls, nodes / batch, each_s * 1e6, round(1 / each_s)
