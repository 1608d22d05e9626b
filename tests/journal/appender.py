"""Appends until it is killed, telling what was acknowledged: run as a child process by the tests.

Arguments: journal file, seed, first number.
"""

import asyncio
import random
import sys
from pathlib import Path

from engine.journal import Journal
from tests.journal.rows import cdr, key, step


async def main(path: Path, seed: int, number: int) -> None:
    """One line per acknowledged step: its number, the call and what it should be."""
    dice = random.Random(seed)
    async with Journal.open(path, "child", ballast_bytes=65536) as journal:
        print("ready", flush=True)
        while True:
            group = range(number, number + dice.randint(1, 40))
            number = group.stop
            waiting = [_append(journal, n, dice) for n in group]
            for n, written in zip(group, waiting, strict=True):
                print(await written, n, flush=True)


def _append(journal: Journal, number: int, dice: random.Random) -> "asyncio.Future[int]":
    call_id = f"call-{number % 7}"
    return journal.append_nowait(
        step(call_id, number, closed=dice.random() < 0.1),
        durable=dice.random() < 0.3,
        idempotency=key(f"key-{number}", call_id=call_id),
        outbox=[cdr(call_id, b"%d" % number)],
    )


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
