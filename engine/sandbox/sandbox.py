"""One box of real parts: the engine's Asterisk, PostgreSQL and the far end, with ports and directories of their own."""

import asyncio
import secrets
import shutil
import weakref
from collections.abc import Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

from engine.config.asterisk import Ami, AsteriskPaths, AsteriskSettings
from engine.config.render import base_files
from engine.sandbox.apt import Say
from engine.sandbox.asterisk import AsteriskInstall, AsteriskServer, with_keys_logged
from engine.sandbox.farend import FarEnd
from engine.sandbox.places import short_run_directory, sweep
from engine.sandbox.ports import LOOPBACK, PortBlock
from engine.sandbox.postgres import PostgresInstall, PostgresServer

TELLING = ("messages.log", "keys.log")  # of Asterisk's logs


async def together(*parts: Coroutine[Any, Any, Any]) -> Any:
    """Run them at once and return their results; the first that fails ends the others, and its own error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(part) for part in parts]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return [task.result() for task in tasks]


class Sandbox:
    """``async with Sandbox("demo", print) as box:`` - everything runs inside, and nothing is left behind.

    `asterisk_settings` are what the engine's Asterisk runs with (ARI port, user and secret, SIP port, paths);
    `postgres.dsn` is an empty database; `farend` plays everybody else. `dir` is a private directory with a short path,
    removed at the end unless `keep`. `running` are all boxes of this process: who tells of a failure asks them
    (`last_words`).
    """

    running: ClassVar["weakref.WeakSet[Sandbox]"] = weakref.WeakSet()

    asterisk: AsteriskServer
    asterisk_settings: AsteriskSettings
    postgres: PostgresServer
    farend: FarEnd
    ports: PortBlock
    dir: Path

    def __init__(
        self, name: str, say: Say = lambda _: None, *, asterisk: Path | None = None, blocks: int = 1, keep: bool = False
    ) -> None:
        self.name = name
        self._say = say
        self._path = asterisk
        self._blocks = blocks
        self._keep = keep
        self._started: list[AsteriskServer | PostgresServer | FarEnd] = []

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Fetch what is missing and start the three parts at once; raises FetchFailed, PartDidNotStart."""
        install, programs = await self._installs()
        await asyncio.to_thread(sweep)
        self.ports = PortBlock.claim(self._blocks)
        self.dir = short_run_directory(self.name)
        try:
            self._build(install, programs)
            self._say("starting Asterisk, PostgreSQL and the far end")
            self.asterisk.write(with_keys_logged(base_files(self.asterisk_settings)))
            self._started += [self.asterisk, self.postgres, self.farend]
            self.running.add(self)
            await together(*(part.start() for part in self._started))
        except BaseException:  # half a box is no box: whatever went wrong, or a cancellation, leaves nothing behind
            await self.close()
            raise

    async def _installs(self) -> tuple[AsteriskInstall, PostgresInstall]:
        asterisk = AsteriskInstall.find_or_fetch(self._say, path=self._path)
        install, programs = await together(asterisk, PostgresInstall.find_or_fetch(self._say))
        return install, programs

    def _build(self, install: AsteriskInstall, programs: PostgresInstall) -> None:
        home, far = self.dir / "engine", self.dir / "far"
        paths = AsteriskPaths.under(home, modules=install.modules, data=install.data)
        self.asterisk_settings = AsteriskSettings(
            paths=paths,
            ari_port=self.ports.take(),
            ari_secret=secrets.token_hex(24),
            ami=Ami(port=self.ports.take(), user="standardiste", secret=secrets.token_hex(24)),
            sip_port=self.ports.take(),
            rtp_ports=self.ports.media(0),
            webrtc=True,
            music=install.music,
        )
        self.asterisk = AsteriskServer(install, paths)
        self.postgres = PostgresServer(programs, port=self.ports.take())
        self.farend = FarEnd(
            install,
            far,
            sip_port=self.ports.take(),
            ami_port=self.ports.take(),
            behind_port=self.ports.take(),
            rtp_ports=self.ports.media(1),
            engine=(LOOPBACK, self.asterisk_settings.sip_port),
        )

    def last_words(self, lines: int = 40) -> str:
        """The ends of both Asterisks' logs: warnings, and every key that was pressed; and the far end's last calls."""
        sides = {"Asterisk": self.asterisk, "far end": self.farend.asterisk}
        logs = [f"--- {self.name}: {side}\n{server.log_tail(lines, TELLING)}" for side, server in sides.items()]
        return "\n".join([*logs, *map(str, self.farend.calls()[-lines:])])

    async def close(self) -> None:
        """End every part, give the ports back and remove the directories; returns when no process is left."""
        try:
            ended = await asyncio.gather(*(part.close() for part in self._started), return_exceptions=True)
            for failure in filter(None, ended):
                raise failure
        finally:
            self._started.clear()
            self.running.discard(self)
            self.ports.close()
            if not self._keep:
                await asyncio.to_thread(shutil.rmtree, self.dir, ignore_errors=True)
