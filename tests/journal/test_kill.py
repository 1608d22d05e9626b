"""kill -9 at any moment: what was acknowledged is there, whole and in order, and the next engine gets in."""

import asyncio
import random
import sys
from pathlib import Path

import pytest

from engine.journal import Journal


@pytest.mark.parametrize("seed", range(5))
async def test_every_acknowledged_step_survives_kill_9(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "journal.db"
    acknowledged: list[tuple[int, int]] = []
    for life in range(2):  # a second life on what the first left behind
        acknowledged += await _live_and_die(path, seed * 10 + life)
    async with Journal.open(path, "parent") as journal:
        stories = [await journal.steps(f"call-{n}") for n in range(7)]
        outbox = await journal.outbox(100_000)
        open_calls = {call.call_id: call.state for call in await journal.open_calls()}
    steps = sorted((step for story in stories for step in story), key=lambda step: step.seq)
    found = {(step.seq, step.event) for step in steps}
    assert {(seq, b'{"n":%d}' % n) for seq, n in acknowledged} <= found
    assert [step.seq for step in steps] == list(range(1, len(steps) + 1))  # no holes: a step is whole or not there
    assert [row.payload for row in outbox] == [step.event.removeprefix(b'{"n":').removesuffix(b"}") for step in steps]
    last = {step.call_id: step for step in steps}
    assert open_calls == {call_id: step.state for call_id, step in last.items() if not step.closed}


async def _live_and_die(path: Path, seed: int) -> list[tuple[int, int]]:
    """Kills the child after a seeded number of acknowledgements; gives those that were read, later ones included."""
    dice = random.Random(seed)
    offset = 10_000 * (seed % 10)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.journal.appender",
        str(path),
        str(seed),
        str(offset),
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert await child.stdout.readline() == b"ready\n"
            lines = [await child.stdout.readline() for _ in range(dice.randint(1, 400))]
            child.kill()
            lines += (await child.stdout.read()).splitlines(keepends=True)
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
    complete = [line.split() for line in lines if line.endswith(b"\n")]
    return [(int(seq), int(number)) for seq, number in complete]
