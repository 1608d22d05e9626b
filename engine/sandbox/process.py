"""One process of the sandbox: started with its output in a file, gone when its owner is gone, stopped by its pid."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from engine.errors import ProgrammingError
from engine.sandbox import launch
from engine.sandbox.errors import PartDidNotStart

POLL_S = 0.02
TAIL_LINES = 15


def dying_with_us(command: Sequence[str], number: int = signal.SIGKILL, user: str | None = None) -> list[str]:
    """The command that runs `command` and is sent signal `number` when the thread that started it ends (0: never)."""
    return [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(int(number)), user or "-", *command]


class OwnedProcess:
    """A child in a session of its own (Ctrl-C does not reach it) that the kernel ends when its owner ends.

    `death_signal` 0 lets it outlive the owner. Only its own pid is ever signalled.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        output: Path,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        user: str | None = None,
        death_signal: int = signal.SIGKILL,
    ) -> None:
        self.name = name
        self.output = output
        self._command = [str(word) for word in command]
        self._environment = {**os.environ, "TZ": "UTC", **(environment or {})}
        self._directory = directory
        self._user = user
        self._death_signal = int(death_signal)
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Of the running process; raises ProgrammingError when it does not run."""
        if self._process is None or self._process.returncode is not None:
            raise ProgrammingError(f"{self.name} is not running")
        return self._process.pid

    async def start(self) -> None:
        """Start it; `wait_until` says when it is of use."""
        if self.running:
            raise ProgrammingError(f"{self.name} is running already")
        with self.output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *dying_with_us(self._command, self._death_signal, self._user),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment,
                cwd=self._directory,
                start_new_session=True,
            )

    async def wait_until(self, ready: Callable[[], Awaitable[bool]], *, timeout_s: float) -> None:
        """Return once `ready` says so; raises PartDidNotStart with the last lines when it ends first or is too slow."""
        try:
            async with asyncio.timeout(timeout_s):
                while not await ready():
                    if not self.running:
                        raise PartDidNotStart(f"{self.name} ended at once: {self.tail()}", what_next=self._look())
                    await asyncio.sleep(POLL_S)
        except TimeoutError as error:
            message = f"{self.name} was not ready after {timeout_s:.0f} s: {self.tail()}"
            raise PartDidNotStart(message, what_next=self._look()) from error

    def send(self, number: int) -> None:
        """Send a signal; nothing happens when it has ended already."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def wait_ended(self, *, timeout_s: float) -> None:
        """Raises TimeoutError."""
        if self._process is not None:
            async with asyncio.timeout(timeout_s):
                await self._process.wait()

    async def stop(self, number: int = signal.SIGTERM, *, timeout_s: float = 10) -> None:
        """Ask it to end, and make it end when it does not in `timeout_s`. Returns when it is gone."""
        self.send(number)
        try:
            await self.wait_ended(timeout_s=timeout_s)
        except TimeoutError:
            self.send(signal.SIGKILL)
            await self.wait_ended(timeout_s=5)

    def tail(self, lines: int = TAIL_LINES) -> str:
        """The last lines it printed."""
        try:
            return "\n".join(self.output.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _look(self) -> str:
        return f"the whole output is in {self.output}"
