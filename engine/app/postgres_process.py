"""One PostgreSQL on a data directory that is kept: made, started, found again by whoever comes, stopped.

It outlives the process that started it. What tells that a server runs here is not its pid file, which a killed one
leaves behind, but a process whose working directory is the data directory.
"""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from engine.errors import Unavailable
from engine.sandbox.postgres import PostgresInstall, give, new_database, unprivileged_account

START_S = 30.0  # after a crash it repairs itself first
STOP_S = 15.0
ORPHANS_S = 10.0  # children of a killed server notice within a second or two
POLL_S = 0.05

_SETTINGS = """\
# Written by the engine at each start. Reached over loopback, with a password; small, because it shares the machine.
# GMT is the one time zone PostgreSQL knows without the machine's tzdata.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 60
shared_buffers = 64MB
dynamic_shared_memory_type = mmap
timezone = 'GMT'
log_timezone = 'GMT'
lc_messages = 'C'
"""


class PostgresProcess:
    """The server whose files are in `home`. Every method may be called by one process at a time (see PrivatePostgres).

    Root cannot run PostgreSQL: then `home` and all in it belong to an account without rights.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = home / "data"
        self._account = unprivileged_account()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def made_by(self) -> int | None:
        """The major version that made the data; None when there is none yet."""
        try:
            return int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            return None

    @property
    def pid(self) -> int | None:
        """The running server; None when there is none."""
        if self._child is not None:
            self._child.poll()  # a dead child of ours must not look alive
        try:
            pid = int(self._status()[0])
            return pid if os.readlink(f"/proc/{pid}/cwd") == str(self.data.resolve()) else None
        except (OSError, ValueError, IndexError):
            return None

    @property
    def port(self) -> int | None:
        """Where it listens, or last did."""
        try:
            return int(self._status()[3])
        except (OSError, ValueError, IndexError):
            return None

    async def make(self, install: PostgresInstall, password: str) -> None:
        """Make the data directory with an empty database; whole or not at all."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        give(self.home, self._account)
        fresh = self.home / "data.new"  # of a start that was killed, if it is there
        await asyncio.to_thread(shutil.rmtree, fresh, ignore_errors=True)
        await new_database(install, fresh, settings=_SETTINGS.format(port=5432), password=password)
        await asyncio.to_thread(os.sync)  # made without waiting for the disk; from now on it waits
        fresh.rename(self.data)

    async def start(self, install: PostgresInstall) -> None:
        """Start it and return when it takes connections; raises Unavailable with the end of its log."""
        await self._until_empty()
        port = self._free_port()
        (self.data / "postmaster.pid").unlink(missing_ok=True)  # nobody is here: see _until_empty
        settings = self.data / "postgresql.conf"
        settings.write_text(_SETTINGS.format(port=port))
        self._child = await asyncio.to_thread(self._launch, install)
        await self.until_ready()

    async def until_ready(self) -> None:
        """Return when it takes connections; raises Unavailable."""
        try:
            async with asyncio.timeout(START_S):
                while not self._ready():
                    if self._child is not None and self._child.poll() is not None:
                        raise Unavailable(f"PostgreSQL ended at once: {self._last_words()}", what_next=self._look())
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            words = f"PostgreSQL is not ready after {START_S:.0f} s: {self._last_words()}"
            raise Unavailable(words, what_next=self._look()) from None

    async def stop(self) -> None:
        """Disconnect everybody, write everything and end; returns when it is gone."""
        for number in (signal.SIGINT, signal.SIGQUIT):  # the second does not wait for anything
            pid = self.pid
            if pid is None:
                return
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    while self.pid == pid:  # noqa: ASYNC110 - no child of ours, perhaps
                        await asyncio.sleep(POLL_S)

    def _launch(self, install: PostgresInstall) -> "subprocess.Popen[bytes]":
        owner = pwd.getpwnam(self._account) if self._account else None
        with (self.home / "log").open("wb") as output:
            return subprocess.Popen(  # noqa: S603 - a program found by PostgresInstall, and a path of ours
                [str(install.programs / "postgres"), "-D", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,
                user=owner.pw_uid if owner else None,
                group=owner.pw_gid if owner else None,
                extra_groups=[] if owner else None,
            )

    def _ready(self) -> bool:
        with suppress(OSError, IndexError):
            return self.pid is not None and self._status()[7].strip() == "ready"
        return False

    def _status(self) -> list[str]:
        """The lines of postmaster.pid (miscadmin.h): 1 the process, 4 the port, 8 what it does."""
        return (self.data / "postmaster.pid").read_text().splitlines()

    def _inhabitants(self) -> set[int]:
        """The processes of a server on this data directory, its children too: they all work in it."""
        where, found = str(self.data.resolve()), set()
        for entry in Path("/proc").iterdir():
            with suppress(OSError):
                if entry.name.isdigit() and os.readlink(entry / "cwd") == where:
                    found.add(int(entry.name))
        return found

    async def _until_empty(self) -> None:
        """Two servers on one directory destroy it, and children of a killed one count. Raises Unavailable."""
        try:
            async with asyncio.timeout(ORPHANS_S):
                while self._inhabitants():  # noqa: ASYNC110 - children of somebody else
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            left = ", ".join(map(str, sorted(self._inhabitants())))
            raise Unavailable(
                f"processes of a PostgreSQL that was killed are still in {self.data}: {left}",
                what_next=f"End them: kill {left.replace(',', '')}",
            ) from None

    def _free_port(self) -> int:
        """The one it had, so that users who were there before find it again; else a free one."""
        for wanted in (self.port or 0, 0):
            with socket.socket() as probe, suppress(OSError):
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", wanted))
                return int(probe.getsockname()[1])
        raise Unavailable("no port is free on loopback")

    def _last_words(self) -> str:
        with suppress(OSError):
            return " / ".join((self.home / "log").read_text(errors="replace").splitlines()[-3:])
        return ""

    def _look(self) -> str:
        return f"Its log is {self.home / 'log'}; or name another database: [postgres] dsn."
