"""A box leaves nothing behind: no process, no port, no directory, however its owner ends."""

import asyncio
import json
import os
import signal
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from engine.sandbox.errors import PartDidNotStart
from engine.sandbox.places import short_run_directory, sweep
from engine.sandbox.sandbox import Sandbox

OWNER = textwrap.dedent(
    """
    import asyncio, json, signal, sys
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets its background ignore it
    from engine.sandbox.sandbox import Sandbox

    async def own():
        async with Sandbox("owned") as box:
            pids = [box.asterisk.pid, box.farend.asterisk.pid, box.postgres.pid]
            dirs = [str(box.dir), str(box.postgres.directory)]
            print(json.dumps({"pids": pids, "dirs": dirs}), flush=True)
            await asyncio.sleep(600)

    asyncio.run(own())
    """
)


async def start_owner() -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert owner.stdout is not None
    async with asyncio.timeout(60):
        return owner, json.loads(await owner.stdout.readline())


def runs(pid: int) -> bool:
    """A zombie does not run, unless it has threads that do: they hold its ports."""
    process = Path(f"/proc/{pid}")
    try:
        ended = (process / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        return not ended or len(list((process / "task").iterdir())) > 1
    except OSError:
        return False


def left(told: dict[str, Any]) -> list[str]:
    return [directory for directory in told["dirs"] if Path(directory).exists()]


async def until_gone(pids: list[int]) -> None:
    async with asyncio.timeout(10):
        while any(runs(pid) for pid in pids):  # noqa: ASYNC110 - other processes' processes
            await asyncio.sleep(0.02)


async def test_killed_owner_leaves_no_process_and_the_next_box_removes_its_directories() -> None:
    owner, told = await start_owner()
    os.kill(told["pids"][2], signal.SIGSTOP)  # even a frozen one
    owner.kill()
    await owner.wait()
    await until_gone(told["pids"])
    assert left(told) == told["dirs"]
    await asyncio.to_thread(sweep)
    assert left(told) == []


async def test_interrupted_owner_cleans_up() -> None:
    owner, told = await start_owner()
    owner.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        await owner.wait()
    assert not any(runs(pid) for pid in told["pids"])
    assert left(told) == []


async def test_sweeping_leaves_what_is_in_use(tmp_path: Path) -> None:
    mine = short_run_directory("mine")
    try:
        await asyncio.to_thread(sweep)
        assert mine.is_dir()
    finally:
        (mine / ".owner").unlink()
        mine.rmdir()


async def test_a_box_that_cannot_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Sandbox("broken")

    async def refuse() -> None:
        raise PartDidNotStart("on purpose")

    real = box._build

    def build(*installs: Any) -> None:
        real(*installs)
        monkeypatch.setattr(box.farend, "start", refuse)

    monkeypatch.setattr(box, "_build", build)
    with pytest.raises(PartDidNotStart, match="on purpose"):
        await box.open()
    assert not box.dir.exists()
    assert not box.asterisk.running
    assert not box.postgres.running


async def test_two_boxes_run_side_by_side(box: Sandbox) -> None:
    async with Sandbox("second") as second:
        assert second.ports.first != box.ports.first
        assert "0 active calls" in await second.asterisk.cli("core show channels")
