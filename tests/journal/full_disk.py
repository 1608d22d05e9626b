"""Runs a journal on a file system of 4 MB until it is full and beyond: a child process of the disk tests.

It mounts the file system itself, in a mount namespace of its own; says what it saw, one line each.
"""

import asyncio
import contextlib
import subprocess
import sys
from pathlib import Path

from engine.errors import JournalUnwritable
from engine.journal import Journal
from tests.journal.rows import step

BALLAST = 512 * 1024


async def main(folder: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], check=True)  # noqa: ASYNC221
    path = folder / "journal.db"
    async with Journal.open(path, "child", ballast_bytes=BALLAST) as journal:
        before = await _fill(journal)
        print("full after", before)
        kept = 0
        with contextlib.suppress(JournalUnwritable):
            while True:  # the ballast was given up: live calls go on for a while
                await journal.append(step("live", kept))
                kept += 1
        print("then", kept)
        print("readable", len(await journal.steps("filler")) == before)
        (folder / "junk").unlink()
        async with asyncio.timeout(10):
            while journal.disk_full:  # noqa: ASYNC110 - a thread sets it
                await asyncio.sleep(0.05)
        await journal.append(step("live", kept), durable=True)
        print("space back", journal.disk_full, (folder / "journal.db.ballast").stat().st_size == BALLAST)
    async with Journal.open(path, "child", ballast_bytes=BALLAST) as journal:
        print("reopened", len(await journal.steps("live")) == kept + 1, len(await journal.steps("filler")) == before)


async def _fill(journal: Journal) -> int:
    (journal.path.parent / "junk").write_bytes(b"x" * 2_000_000)
    written = 0
    while not journal.disk_full:
        await journal.append(step("filler", written))
        written += 1
    return written


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
