"""A small disk for what must go wrong when it is full."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest


@asynccontextmanager
async def small_disk(folder: Path) -> AsyncIterator[Path]:
    """Twelve megabytes where this folder is, and the junk that fills them once asked to (`fill`)."""
    command = ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)]
    if (await asyncio.to_thread(subprocess.run, command, check=False)).returncode != 0:
        pytest.skip("may not mount")
    try:
        yield folder / "junk"
    finally:
        await asyncio.to_thread(subprocess.run, ["umount", "-l", str(folder)], check=False)


async def fill(junk: Path) -> None:
    await asyncio.to_thread(_fill, junk)


def _fill(junk: Path) -> None:
    with junk.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 4096)
