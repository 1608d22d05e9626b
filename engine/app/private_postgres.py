"""The engine's own PostgreSQL, for those who name none: kept beside the journal, on loopback, with a made password.

`engine run` and the commands that need the database share one server. Each holds a shared lock while it uses it; the
first to come starts the server, the last to leave stops it. A user that is killed loses its lock and nothing else: the
server goes on and the next user finds it, or, if it was killed too, starts it again and it repairs itself.
"""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from stat import S_IXOTH
from typing import IO
from urllib.parse import quote

import structlog

from engine import secret_file
from engine.app.postgres_process import PostgresProcess
from engine.errors import Unavailable
from engine.sandbox.postgres import DATABASE, USER, PostgresInstall, unprivileged_account

LOCK_S = 60.0  # somebody else is starting or stopping it
LOCK_POLL_S = 0.05
WATCH_S = 2.0  # between two looks at whether it still runs

log = structlog.get_logger(__name__)
Say = Callable[[str], None]


class PrivatePostgres:
    """The server of one state directory; any number of processes may use it at once."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir.absolute()
        self.server = PostgresProcess(_home(self._state_dir))

    @asynccontextmanager
    async def used(self, say: Say, *, make: bool = True) -> AsyncIterator[str]:
        """The address of the database, for as long as the context lasts. Raises Unavailable, FetchFailed.

        `make`: one, where there is none yet; who only reads has no use for an empty one.
        """
        if not make and self.server.made_by is None:
            raise Unavailable(
                f"there is no PostgreSQL in {self.server.home} yet",
                what_next="`engine import` and `engine run` make it. If it is elsewhere: --config names its settings.",
            )
        self._state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_reachable(self.server.home)
        install = await self._install(say)
        with (self._state_dir / "postgres.users").open("a") as users:
            async with self._alone():
                await _lock(users, fcntl.LOCK_SH)
                await self._ensure_running(install, say)
            watching = asyncio.create_task(self._watch(install), name="private-postgres")
            try:
                yield self._dsn()
            finally:
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching
                await self._leave(users)

    async def _install(self, say: Say) -> PostgresInstall:
        install, made_by = await PostgresInstall.find_or_fetch(say), self.server.made_by
        if made_by in (None, install.major):
            return install
        programs = Path(f"/usr/lib/postgresql/{made_by}/bin")  # Debian keeps them side by side
        if made_by is not None and (programs / "postgres").exists():
            return PostgresInstall(programs, made_by)
        raise Unavailable(
            f"{self.server.data} was made by PostgreSQL {made_by}, and this machine has {install.major}",
            what_next=f"Install PostgreSQL {made_by}, or bring the data over with pg_upgrade.",
        )

    async def _ensure_running(self, install: PostgresInstall, say: Say = lambda _: None) -> None:
        if self.server.pid is not None:
            await self.server.until_ready()
            return
        if self.server.made_by is None:
            say(f"making a private PostgreSQL {install.major} in {self.server.home}")
            await self.server.make(install, self._password())
        await self.server.start(install)

    async def _leave(self, users: IO[str]) -> None:
        async with self._alone():
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # somebody else uses it
            await self.server.stop()

    async def _watch(self, install: PostgresInstall) -> None:
        """Start it again when it died; no call waits for it."""
        while True:
            await asyncio.sleep(WATCH_S)
            if await asyncio.to_thread(lambda: self.server.pid) is not None:
                continue
            log.error("postgres.died", log=str(self.server.home / "log"))
            try:
                async with self._alone():
                    await self._ensure_running(install)
            except Unavailable as failed:
                log.error("postgres.not_restarted", why=failed.message)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Nobody else starts or stops it meanwhile."""
        with (self._state_dir / "postgres.lock").open("a") as turn:
            await _lock(turn, fcntl.LOCK_EX)
            yield

    def _password(self) -> str:
        return secret_file.read_or_make(self._state_dir / "postgres.password")

    def _dsn(self) -> str:
        secret = quote(self._password(), safe="")
        return f"postgresql://{USER}:{secret}@127.0.0.1:{self.server.port}/{DATABASE}"


def _home(state_dir: Path) -> Path:
    """Root cannot run PostgreSQL, and the account that then does cannot enter root's state directory."""
    if unprivileged_account() is None:
        return state_dir / "postgres"
    return state_dir.with_name(f"{state_dir.name}-postgres")


def _check_reachable(home: Path) -> None:
    account = unprivileged_account()
    closed = [d for d in home.parents if d.exists() and not d.stat().st_mode & S_IXOTH]
    if account is not None and closed:
        raise Unavailable(
            f"the account {account}, which PostgreSQL runs as when root starts it, cannot enter {closed[-1]}",
            what_next="Run the engine as an ordinary user, choose another state_dir, or set [postgres] dsn.",
        )


async def _lock(file: IO[str], kind: int) -> None:
    try:
        async with asyncio.timeout(LOCK_S):
            while True:
                with suppress(BlockingIOError):
                    fcntl.flock(file, kind | fcntl.LOCK_NB)
                    return
                await asyncio.sleep(LOCK_POLL_S)
    except TimeoutError:
        raise Unavailable(f"another process has held {file.name} for {LOCK_S:.0f} s") from None
