"""`engine demo`: what it shows, the commands it offers, and that nothing is left of it."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.crowding import Crowding

pytestmark = pytest.mark.live

PLAYED_S = 180.0  # 17 s on a quiet machine
ENDED_S = 30.0
COMMANDS_S = 60.0


class Demo:
    """A demonstration in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def until(self, words: str) -> None:
        assert self.process.stdout is not None
        async with asyncio.timeout(PLAYED_S):
            while not self.lines or words not in self.lines[-1]:
                line = await self.process.stdout.readline()
                assert line, "\n".join(self.lines)
                self.lines.append(line.decode().rstrip("\n"))

    async def ended(self) -> int:
        assert self.process.stdout is not None
        async with asyncio.timeout(ENDED_S):
            self.lines += (await self.process.stdout.read()).decode().splitlines()
            return await self.process.wait()


@asynccontextmanager
async def demo(*words: str) -> AsyncIterator[Demo]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "engine.cli", "demo", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield Demo(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def family(pid: int) -> dict[int, str]:
    """The descendants of a process with their starting times, which tell them from later ones of the same number."""
    children = [int(word) for file in Path(f"/proc/{pid}/task").glob("*/children") for word in file.read_text().split()]
    found = {child: started(child) for child in children}
    for child in children:
        found |= family(child)
    return found


def started(pid: int) -> str:
    """Since when it runs; "" when it has ended, though nobody may have taken note of that yet."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def ports_of(pids: set[int]) -> set[int]:
    """The TCP and UDP ports these processes have bound."""
    sockets = set()
    for file in (file for pid in pids for file in Path(f"/proc/{pid}/fd").glob("*")):
        with suppress(FileNotFoundError):
            sockets.add(os.readlink(file))
    return {port for inode, port in bound().items() if f"socket:[{inode}]" in sockets}


def bound() -> dict[str, int]:
    """Every port this machine listens on, by the inode of its socket."""
    rows = [row.split() for kind in ("tcp", "udp") for row in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]]
    return {row[9]: int(row[1].split(":")[1], 16) for row in rows if row[3] in ("0A", "07")}


@pytest.mark.timeout(300)
async def test_a_whole_demonstration(tmp_path: Path) -> None:
    """One run for everything, because it takes twenty seconds."""
    async with demo("--stay") as shown:
        async with Crowding() as crowding:
            await shown.until("Ctrl-C stops")
        shows_a_call_that_outlives_the_engine_and_one_that_is_busy("\n".join(shown.lines), 60 * crowding.factor)
        await offers_commands_that_work(shown.lines, tmp_path)
        await leaves_nothing_after_ctrl_c(shown)


def shows_a_call_that_outlives_the_engine_and_one_that_is_busy(told: str, gap_ms: float) -> None:
    for words in (
        "Anne Martin presses 1",
        "the customer answers: they talk",
        "kill -9",
        "has the call: talking",
        "outcome    answered, hung up by customer, Q.850 cause 16",
        "recovered  True",
        "Claire Moreau heard: “The person you are calling is busy.”",
        "outcome    customer_busy, hung up by customer, Q.850 cause 17 (user busy), SIP 486",
    ):
        assert words in told, f"{words!r} is not in\n{told}"
    gaps = [int(ms) for ms in re.findall(r"longest gap (\d+) ms", told)]
    assert len(gaps) == 2
    assert max(gaps) <= gap_ms
    pictures = re.findall(r"picture +(.*\.svg)", told)
    assert len(pictures) == 2
    for picture in pictures:
        assert Path(picture).read_text().startswith("<svg")


async def offers_commands_that_work(lines: list[str], folder: Path) -> None:
    begin = next(index for index, line in enumerate(lines) if line.startswith("API="))
    offered = [line for line in lines[begin:-2] if line and not line.startswith("xdg-open")]
    shell = await asyncio.create_subprocess_exec(
        "bash", "-ec", "\n".join(offered), cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(COMMANDS_S):
        said = (await shell.communicate())[0].decode()
    assert shell.returncode == 0, said
    assert "problem-" not in said, said
    assert '"ready":true' in said
    assert said.count('"state":"reaching-agent"') == 3, said
    assert "call_id,revision," in said
    assert (folder / "ladder.svg").read_text().startswith("<svg")


async def leaves_nothing_after_ctrl_c(shown: Demo) -> None:
    relatives = family(shown.process.pid)
    ports = ports_of(set(relatives) | {shown.process.pid})
    assert len(relatives) >= 4  # two Asterisks, PostgreSQL and the engine
    assert len(ports) >= 4
    home = re.findall(r"cat (\S+)/engine.pid", "\n".join(shown.lines))[0]
    shown.process.send_signal(signal.SIGINT)
    shown.process.send_signal(signal.SIGINT)  # an impatient second one changes nothing
    assert await shown.ended() == 128 + signal.SIGINT
    assert {pid for pid, since in relatives.items() if started(pid) == since} == set()
    assert set(bound().values()) & ports == set()
    assert not os.path.exists(home)  # noqa: ASYNC240 - nothing else runs here
