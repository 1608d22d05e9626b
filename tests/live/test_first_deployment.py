"""docs/first-deployment.md, followed word for word beside a hand-written Asterisk; two Asterisks play the Yeastars.

Only what differs between a machine and a sandbox is put in place of what the page says: see `Reader.here`.
"""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from engine.sandbox.behaviours import coded
from engine.sandbox.farend_files import PARIS
from engine.sandbox.running import PROJECT
from tests.live.hotel import Hotel

pytestmark = [pytest.mark.live, pytest.mark.soak, pytest.mark.timeout(400)]
"""Twelve commands, each with a Python of its own: 25 s on a quiet machine, two minutes on one with a load of 13."""

PAGE = PROJECT / "docs" / "first-deployment.md"
BOUND_S = 90.0
BLOCK = re.compile(r"(?:Into `(?P<file>[^`]+)`:\s+)?^```(?P<kind>\w+)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
ASTERISK = """\
#!/usr/bin/env python3
import socket, sys
there = socket.socket(socket.AF_UNIX)
there.connect({control!r})
there.makefile("rb").readline()
there.sendall(b"cli quit after " + sys.argv[2].encode() + b"\\0")
while said := there.recv(65536):
    sys.stdout.write(said.decode(errors="replace").replace("\\0", ""))
"""


class Reader:
    """Somebody who does what the page says: writes its files, runs its commands."""

    def __init__(self, box: Hotel) -> None:
        self.box, self.api = box, box.ports.take()
        self.home = box.dir / "srv"
        self.home.mkdir()
        self.programs = box.dir / "programs"
        self.programs.mkdir()
        shim = self.programs / "asterisk"
        shim.write_text(ASTERISK.format(control=str(box.asterisk.paths.run / "asterisk.ctl")))
        shim.chmod(0o755)
        self.token = ""
        self.running: asyncio.subprocess.Process | None = None

    def here(self, text: str) -> str:
        """The page's places, addresses and ports as they are in this box."""
        settings = self.box.asterisk_settings
        for there, place in {
            "/srv/standardiste": self.home,
            "/etc/asterisk": settings.paths.etc,
            "/var/log/asterisk": settings.paths.log,
            '"192.0.2.10"\n': (
                f'"127.0.0.1"\nsip_port = {settings.sip_port}\n'
                f'[ari]\nurl = "http://127.0.0.1:{settings.ari_port}"\n'
                f'[http]\nport = {self.api}\n[postgres]\ndsn = "{self.box.postgres.dsn}"\n'
            ),
            "192.0.2.20": PARIS,
            "port: 5060": f"port: {self.box.farend.sip_port}",
            ":8090": f":{self.api}",
        }.items():
            text = text.replace(there, str(place))
        return text

    async def follow(self) -> list[tuple[str, str]]:
        """The whole page; each command with what it printed."""
        told: list[tuple[str, str]] = []
        for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
            text = self.here(block["text"])
            if block["kind"] != "console":
                Path(self.here(block["file"])).parent.mkdir(exist_ok=True)
                Path(self.here(block["file"])).write_text(text)  # noqa: ASYNC240 - nobody waits
                continue
            for command in text.replace("\\\n", " ").split("$ ")[1:] if "$TOKEN" not in text else [text[2:]]:
                told.append((command.strip(), await self.run(command.strip())))
        return told

    async def run(self, command: str) -> str:
        if command.startswith("bin/engine run"):
            self.running = await self._start(command)
            await self._ready()
            return ""
        if "pjsip show contacts" in command:  # the page says: once that Yeastar has signed in
            await self.signed_in()
        process = await self._start(command)
        async with asyncio.timeout(BOUND_S):
            said = (await process.communicate())[0].decode()
        assert process.returncode == 0, f"{command}\n{said}"
        if "token create" in command:
            self.token = said.split()[-1]
        return said

    async def _start(self, command: str) -> asyncio.subprocess.Process:
        path = f"{self.programs}:{os.environ['PATH']}"
        output = asyncio.subprocess.DEVNULL if "engine run" in command else asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            "bash", "-c", f"exec {command}",
            cwd=PROJECT, stdout=output, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "PATH": path, "TOKEN": self.token},
        )  # fmt: skip

    async def _ready(self) -> None:
        async with asyncio.timeout(BOUND_S), aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{self.api}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)

    async def signed_in(self) -> None:
        """What the page has filled in on Lyon's Yeastar."""
        page = PAGE.read_text(encoding="utf-8")
        (user,) = re.findall(r"\| Username, Authentication Name \| `([^`]+)`", page)
        (secret,) = re.findall(r"secret: (\S+)", page)
        await self.box.farend.yeastar(user, secret, coded("10", ring_s=0.1, tone_hz=900, serial=5))

    async def talks(self, call_id: str) -> None:
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"http://127.0.0.1:{self.api}/v1/calls/{call_id}"
        async with asyncio.timeout(BOUND_S), aiohttp.ClientSession(headers=headers) as session:
            stage = ""
            while stage != "talking":
                await asyncio.sleep(0.05)
                async with session.get(url) as answer:
                    stage = (await answer.json())["stage"]
                assert stage != "ended"

    async def stop(self) -> None:
        if self.running is not None and self.running.returncode is None:
            self.running.send_signal(signal.SIGTERM)
            await self.running.wait()


@asynccontextmanager
async def reader() -> AsyncIterator[Reader]:
    async with Hotel("first", print) as box:
        somebody = Reader(box)
        try:
            yield somebody
        finally:
            await somebody.stop()


async def test_from_nothing_to_the_first_call_by_each_yeastar() -> None:
    async with reader() as somebody:
        told = dict(await somebody.follow())
        doctor = next(said for command, said in told.items() if " doctor " in command)
        assert "running and ready" in doctor
        assert "beside an administrator's" in doctor
        contacts = told["asterisk -rx 'pjsip show contacts'"]
        assert [name for name in ("paris", "lyon") if f"trunk-{name}-yeastar/" not in contacts] == []
        (curl,) = [command for command in told if command.startswith("curl")]
        await somebody.talks(json.loads(told[curl])["id"])
        assert somebody.box.farend.invites("0610053003")[-1].trunk == PARIS
        await somebody.box.farend.hang_up("0610053003")
        second = json.loads(await somebody.run(curl.replace("marie", "karim")))
        await somebody.talks(second["id"])
        assert somebody.box.farend.invites("0620153002")[-1].trunk == "127.0.0.5"
