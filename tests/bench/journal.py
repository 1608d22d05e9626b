"""How many steps the journal takes, and how long one waits for it, also while the engine's thread is busy."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from engine.journal import Journal
from tests.bench.asked import Asked
from tests.bench.tables import Table, ms, part
from tests.journal.rows import cdr, step

STEPS_OF_A_CALL = 17
PAYLOAD = b'"' + b"x" * 1400 + b'"'  # event with effects, and state: half a real step's 2.8 kB each
CALLERS = 200
PACES = (200, 700, 2000)  # steps per second; 700 are 40 calls
BUSY = 0.4  # of the event loop's time
BUSY_PIECE_S = 0.002


async def bench(asked: Asked) -> list[Table]:
    """Appends per second with many at once, then the wait of single ones at a pace."""
    each_s = max(0.5, asked.seconds / 4)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        flood = Table("The journal, 200 at once", ("step", "appends/s"))
        waits = Table(
            "The journal, the wait of one step, ms",
            ("step", "steps/s", "event loop", "half within", "99 of 100", "worst"),
            note=f"Steps of {2 * len(PAYLOAD) / 1000:.1f} kB, in the system's temporary directory. Durable: the disk "
            f"was waited for. A busy event loop computes {BUSY:.0%} of the time, {BUSY_PIECE_S * 1000:g} ms at once, "
            "as it does at some 40 calls per second.",
        )
        for durable in (False, True):
            word = "durable" if durable else "plain"
            async with Journal.open(Path(folder) / f"{word}.db", "bench") as journal:
                flood.rows.append((word, round(await _flood(journal, durable, each_s))))
                for pace in PACES:
                    waits.rows.append(await _row(journal, word, pace, each_s, busy=False))
                waits.rows.append(await _row(journal, word, PACES[1], each_s, busy=True))
    return [flood, waits]


async def _row(
    journal: Journal, word: str, pace: int, for_s: float, *, busy: bool
) -> tuple[str | int | float | None, ...]:
    durable = word == "durable"
    if busy:
        async with _busy():
            waits = await _paced(journal, pace, for_s, durable=durable)
    else:
        waits = await _paced(journal, pace, for_s, durable=durable)
    share = [ms(part(waits, share)) for share in (0.5, 0.99, 1.0)]
    return (word, pace, "busy" if busy else "idle", *share)


async def _flood(journal: Journal, durable: bool, for_s: float) -> float:
    until, written = time.perf_counter() + for_s, 0

    async def caller(first: int) -> None:
        nonlocal written
        number = first
        while time.perf_counter() < until:
            await _append(journal, f"{first:04d}", number, durable)
            number, written = number + 1, written + 1

    began = time.perf_counter()
    await asyncio.gather(*(caller(first) for first in range(CALLERS)))
    return written / (time.perf_counter() - began)


async def _paced(journal: Journal, pace: int, for_s: float, *, durable: bool) -> list[float]:
    """Steps at a steady pace, each timed from its own turn to its answer."""
    waits: list[float] = []

    async def one(number: int) -> None:
        began = time.perf_counter()
        await _append(journal, f"paced-{pace}", number, durable)
        waits.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(round(pace * for_s)):
            await asyncio.sleep(max(0.0, began + number / pace - time.perf_counter()))
            tasks.create_task(one(number))
    return waits


async def _append(journal: Journal, who: str, number: int, durable: bool) -> None:
    call, place = divmod(number, STEPS_OF_A_CALL)
    call_id, last = f"{who}-{call}", place == STEPS_OF_A_CALL - 1
    row = msgspec.structs.replace(step(call_id, number, closed=last), event=PAYLOAD, state=PAYLOAD)
    await journal.append(row, durable=durable, outbox=[cdr(call_id)] if last else [])


@asynccontextmanager
async def _busy() -> AsyncIterator[None]:
    """Keep the event loop computing for a share of its time, in small pieces, as decoding and encoding do."""

    async def compute() -> None:
        while True:
            until = time.perf_counter() + BUSY_PIECE_S
            while time.perf_counter() < until:
                sum(range(50))
            await asyncio.sleep(BUSY_PIECE_S * (1 - BUSY) / BUSY)

    computing = asyncio.create_task(compute(), name="busy")
    try:
        yield
    finally:
        computing.cancel()
        with suppress(asyncio.CancelledError):
            await computing
