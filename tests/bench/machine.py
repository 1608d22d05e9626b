"""How many steps of a call's life one core takes: the pure machine alone, and with the writing the journal needs."""

import time
from collections.abc import Callable
from functools import partial

import msgspec

from engine.domain import machine
from engine.domain.call import Call
from engine.domain.effects import Effect
from engine.domain.events import CallRequested, Event
from engine.domain.values import CallId
from tests.bench.asked import Asked
from tests.bench.tables import Table
from tests.calls import journals
from tests.domain.calls import CALL

TALES = ("answered", "failover", "voicemail", "three-phones")
Steps = list[tuple[Event, tuple[Effect, ...], Call]]


async def bench(asked: Asked) -> list[Table]:
    """Steps per second on one core, and bytes per call, for whole calls of several kinds."""
    table = Table(
        "The machine, one core",
        ("call", "steps", "us/step", "steps/s", "with its JSON, us/step", "calls/s", "journal, kB/call", "state, B"),
        note="A step with its JSON is what a call costs the engine's thread besides input and output: the machine, and "
        "event, effects and the whole state written for the journal. The last column is the largest state of the call.",
    )
    for name in TALES:
        scene = journals.TALES[name]()
        steps = _steps(CALL, scene.events)
        each_s = max(0.1, asked.seconds / len(TALES) / 4)
        pure_s = _seconds_each(partial(machine.fold, CALL, scene.events), each_s) / len(steps)
        whole_s = _seconds_each(partial(_lived_and_written, CALL, scene.events), each_s) / len(steps)
        size, largest = _written(steps)
        table.rows.append(
            (
                name,
                len(steps),
                pure_s * 1e6,
                round(1 / pure_s),
                whole_s * 1e6,
                round(1 / whole_s / len(steps)),
                size / 1000,
                largest,
            )
        )
    return [table]


def _lived_and_written(call_id: CallId, events: list[Event]) -> None:
    _written(_steps(call_id, events))


def _steps(call_id: CallId, events: list[Event]) -> Steps:
    first, *rest = events
    assert isinstance(first, CallRequested)
    call, effects = machine.begin(call_id, first)
    steps: Steps = [(first, effects, call)]
    for event in rest:
        call, effects = machine.step(call, event)
        steps.append((event, effects, call))
    return steps


def _written(steps: Steps) -> tuple[int, int]:
    """Bytes of the call in the journal, and of its largest state."""
    sizes = [[len(msgspec.json.encode(part)) for part in step] for step in steps]
    return sum(map(sum, sizes)), max(size[2] for size in sizes)


def _seconds_each(work: Callable[[], object], for_s: float) -> float:
    """The fastest of rounds of 20, in seconds each: the machine is shared, and others only ever make it slower."""
    fastest, until = float("inf"), time.perf_counter() + for_s
    while time.perf_counter() < until:
        began = time.perf_counter()
        for _ in range(20):
            work()
        fastest = min(fastest, (time.perf_counter() - began) / 20)
    return fastest
