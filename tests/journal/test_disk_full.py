"""A full disk is a state: live calls are still written for a while, nothing written is lost, and it passes."""

import asyncio
import resource
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import JournalUnwritable
from engine.journal import Journal
from engine.journal.ballast import Ballast
from tests.journal.rows import step


def _may_mount() -> bool:
    """Root of its own namespace: what the disk test needs, and what some containers do not allow."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False, timeout=10
    )
    return tried.returncode == 0


@pytest.mark.skipif(not _may_mount(), reason="may not mount a small file system here")
async def test_the_ballast_carries_live_calls_over_a_full_disk(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        "unshare",
        "-Urm",
        sys.executable,
        "-m",
        "tests.journal.full_disk",
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(child.communicate(), 60)
    assert child.returncode == 0
    said = [line for line in out.decode().splitlines() if not line.startswith("20")]  # without the log's lines
    words = {line.rsplit(" ", 1)[0]: line.rsplit(" ", 1)[1] for line in said}
    assert int(words["full after"]) > 50
    assert int(words["then"]) > 500
    assert words["readable"] == "True"
    assert "space back False True" in said
    assert "reopened True True" in said


async def test_a_journal_that_may_not_grow_says_so_and_goes_on(tmp_path: Path) -> None:
    async with Journal.open(tmp_path / "journal.db", "n", ballast_bytes=4096) as journal:
        await journal.append(step("before"))
        await _limit(journal, pages=0)
        with pytest.raises(JournalUnwritable, match="full"):
            await _append_many(journal)
        assert journal.disk_full
        await _limit(journal, pages=1 << 30)
        await journal.append(step("after"))
        assert len(await journal.steps("before")) == len(await journal.steps("after")) == 1


async def _append_many(journal: Journal) -> None:
    for number in range(10_000):
        await journal.append(step("more", number))


async def _limit(journal: Journal, pages: int) -> None:
    """Forbids (or allows again) the file to grow, as a full disk does. The lowest limit is its present size."""

    def pragma(connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages or 1}").fetchone()

    await journal._writer.submit(pragma)


def test_the_ballast_is_real_blocks_and_is_taken_back_only_with_room_to_spare(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path / "b", 1 << 20)
    assert ballast.restore()
    assert (tmp_path / "b").stat().st_blocks * 512 >= 1 << 20
    assert ballast.present()
    ballast.drop()
    ballast.drop()
    assert not ballast.present()
    assert not Ballast(tmp_path / "b", 1 << 60).restore()


def test_a_ballast_that_cannot_be_reserved_leaves_nothing_behind(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        assert not Ballast(tmp_path / "b", 1 << 20).restore()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not (tmp_path / "b").exists()
