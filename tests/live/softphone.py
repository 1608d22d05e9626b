"""A real softphone, baresip of Debian, set up with what `POST /v1/agents` answered and nothing else of ours.

It speaks a tone and records what it hears, and is told what to do by its `ctrl_tcp` module: JSON in netstrings.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from engine.sandbox.process import OwnedProcess

PAGE = Path(__file__).resolve().parents[2] / "docs" / "softphones.md"
WAIT_S = 20.0
SPEAKS_AT = 48000  # what its tone generator can; it resamples
HEARS_AT = 8000

_LINE = re.compile("^<sip:.*$", re.MULTILINE)

CONFIG = """\
poll_method epoll
sip_listen {host}:{sip_port}
net_interface {host}
call_local_timeout 120
call_max_calls 1
ausrc_srate {speaks_at}
auplay_srate {hears_at}
ausrc_channels 2
auplay_channels 1
audio_source ausine,{tone_hz}
rtp_ports {rtp_first}-{rtp_last}
ctrl_tcp_listen 127.0.0.1:{control_port}
module_path {modules}
module g711.so
module ausine.so
module sndfile.so
snd_path {folder}
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
"""


class Softphone:
    """``async with Softphone(program, folder, told, ...) as phone: await phone.dial("0140000000")``

    `told` are the `settings` of the answer.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        told: Mapping[str, Any],
        *,
        tone_hz: int,
        ports: tuple[int, int],  # SIP and control; both free
        rtp_ports: tuple[int, int],
        host: str = "127.0.0.1",
    ) -> None:
        folder.mkdir()
        self._folder = folder
        self.events: list[dict[str, Any]] = []
        self.refused: list[dict[str, Any]] = []  # orders it did not take
        self._control_port = ports[1]
        self._reading: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        (folder / "accounts").write_text(account(told))
        (folder / "contacts").write_text("")
        modules = folder / "modules"  # a word in its file ends at a blank, and the sandbox may lie under one
        modules.symlink_to(program.parent.parent / "usr" / "lib" / "baresip" / "modules")
        (folder / "config").write_text(
            CONFIG.format(
                host=host,
                sip_port=ports[0],
                control_port=ports[1],
                tone_hz=tone_hz,
                speaks_at=SPEAKS_AT,
                hears_at=HEARS_AT,
                folder=folder,
                rtp_first=rtp_ports[0],
                rtp_last=rtp_ports[1],
                modules=modules,
            )
        )
        self._process = OwnedProcess("baresip", [program, "-f", folder], output=folder / "output", directory=folder)

    async def __aenter__(self) -> Self:
        await self._process.start()
        await self._process.wait_until(self._connected, timeout_s=WAIT_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
        if self._writer is not None:
            self._writer.close()
        await self._process.stop()

    @property
    def heard(self) -> Path:
        """What it heard in its only call."""
        (file,) = self._folder.glob("*-dec.wav")
        return file

    async def dial(self, number: str) -> None:
        await self._order("dial", number)

    async def accept(self) -> None:
        await self._order("accept")

    async def hang_up(self) -> None:
        await self._order("hangup")

    async def registered(self) -> None:
        """Return once the registrar has said so; before anybody can listen, it tells no event."""
        await self._process.wait_until(self._is_registered, timeout_s=WAIT_S)

    async def _is_registered(self) -> bool:
        return " 200 OK " in self._process.tail(100)

    async def told(self, kind: str, *, timeout_s: float = WAIT_S) -> dict[str, Any]:
        """The first event of this kind, once it is there; raises AssertionError with all of them."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (found := [event for event in self.events if event["type"] == kind]):  # noqa: ASYNC110 - told by it
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"no {kind}: {self.events} {self.refused}\n{self._process.tail(40)}") from None
        return found[0]

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    async def _connected(self) -> bool:
        try:
            reader, self._writer = await asyncio.open_connection("127.0.0.1", self._control_port)
        except OSError:
            return False
        self._reading = asyncio.create_task(self._read(reader), name="softphone-events")
        return True

    async def _order(self, command: str, parameters: str = "") -> None:
        assert self._writer is not None
        body = json.dumps({"command": command, "params": parameters}).encode()
        self._writer.write(b"%d:%s," % (len(body), body))
        await self._writer.drain()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = int((await reader.readuntil(b":"))[:-1])
                told = json.loads((await reader.readexactly(size + 1))[:-1])
                if told.get("event"):
                    self.events.append(told)
                elif not told.get("ok"):
                    self.refused.append(told)


def account(told: Mapping[str, Any]) -> str:
    """The line of baresip's `accounts` file, as docs/softphones.md has it."""
    assert told["codecs"] == ["alaw", "ulaw"]
    (line,) = _LINE.findall(PAGE.read_text(encoding="utf-8"))
    for name in ("transport", "port", "server", "secret", "user"):  # TRANSPORT has a PORT in it
        line = line.replace(name.upper(), str(told[name]))
    return f"{line}\n"
