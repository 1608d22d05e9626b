"""Parties that say in SIP exactly what a scenario file says: SIPp, each at a loopback address of its own.

A scenario (sipp/*.xml) is made of the messages in sipp/messages.j2. It ends with the word "as written", so what went
otherwise is seen by its absence, and said in SIPp's own file of errors.
"""

import asyncio
from pathlib import Path
from typing import NamedTuple, Self

import jinja2

from engine.sandbox.process import OwnedProcess

SCENARIOS = Path(__file__).parent / "sipp"
STAYS, AS_WRITTEN = "stays", "as written"
POLL_S = 0.05

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(SCENARIOS),
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # noqa: S701 - SIP messages, in CDATA
)


class Towards(NamedTuple):
    """Whom a party calls or registers with, and as whom."""

    host: str
    port: int
    user: str  # the number called, or the account
    caller: str = ""
    secret: str = ""


class Party:
    """``async with Party(sipp, "moved", folder, at=(host, port), media_port=n) as party: await party.plays()``

    Without `towards` it waits to be called. `stays`: where its scenario leaves it open, the others leave first.
    """

    def __init__(
        self,
        sipp: Path,
        scenario: str,
        folder: Path,
        *,
        at: tuple[str, int],
        media_port: int,
        towards: Towards | None = None,
        stays: bool = False,
    ) -> None:
        self._folder = folder
        folder.mkdir()
        file = folder / "scenario.xml"
        file.write_text('<?xml version="1.0"?>\n' + _TEMPLATES.get_template(f"{scenario}.xml").render(stays=stays))
        host, port = at
        command = [sipp, "-sf", file, "-i", host, "-p", port, "-mi", host, "-mp", media_port, "-nostdin"]
        command += ["-timer_resol", 10, "-trace_logs", "-log_file", folder / "log"]
        command += ["-trace_err", "-error_file", folder / "errors", "-trace_msg", "-message_file", folder / "messages"]
        if towards is not None:
            command += ["-m", 1, "-s", towards.user, "-key", "caller", towards.caller or "nobody"]
            command += ["-au", towards.user, "-ap", towards.secret or "none", f"{towards.host}:{towards.port}"]
        words = [str(word) for word in command]
        self._process = OwnedProcess(f"SIPp {scenario}", words, output=folder / "output", directory=folder)

    async def __aenter__(self) -> Self:
        await self._process.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._process.stop()

    async def plays(self, until: str = AS_WRITTEN, *, timeout_s: float) -> None:
        """Return once the scenario got so far; raises AssertionError with what was said instead."""
        try:
            async with asyncio.timeout(timeout_s):
                while until not in self._read("log"):  # noqa: ASYNC110 - a file is looked at
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            said = "\n".join(self._read(name) for name in ("errors", "messages"))
            raise AssertionError(f"{self._process.name} did not play until it {until}:\n{said}") from None

    def messages(self) -> str:
        """All that was said, either way."""
        return self._read("messages")

    def _read(self, name: str) -> str:
        try:
            return (self._folder / name).read_text(errors="replace")
        except FileNotFoundError:
            return ""
