"""A private PostgreSQL: the machine's own programs (or fetched ones), a new password, loopback and a free port.

A new database directory is copied from one made once by initdb and kept, so that it starts in well under a second.
PostgreSQL refuses to run as root: then it runs as an account without rights, in a directory that account owns.
"""

import asyncio
import fcntl
import os
import pwd
import secrets
import shutil
import signal
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from engine.sandbox.apt import Bundle, Say, fetch_tree
from engine.sandbox.errors import FetchFailed, PartDidNotStart
from engine.sandbox.places import OWNER, ROOT_VARIABLE, sandbox_root, short_run_directory
from engine.sandbox.process import OwnedProcess
from engine.sandbox.relocated import wrap_in_place

USER = "standardiste"
DATABASE = "standardiste"
START_TIMEOUT_S = 30
START_TRIES = 10
START_PAUSE_S = 0.2
STOP_TIMEOUT_S = 15
INITDB_TIMEOUT_S = 60
MINIMUM = 13  # what the schema needs
TEMPLATE_REVISION = 1
REACHABLE_BY_ALL = Path("/var/tmp/standardiste")  # noqa: S108 - owner and kind are checked


def _finish(tree: Path) -> None:
    for compiler in tree.glob("usr/lib/postgresql/*/lib/llvmjit*.so"):
        compiler.unlink()  # its library is not fetched; PostgreSQL does without it when it is not there
    for programs in tree.glob("usr/lib/postgresql/*/bin"):
        for name in ("postgres", "initdb"):  # initdb looks for postgres beside itself
            wrap_in_place(tree, str((programs / name).relative_to(tree)))


# Half of what they weigh is a compiler for long queries and Perl for Debian's own scripts.
_UNUSED = (
    *(f"libllvm{version}" for version in range(11, 25)),
    *("perl", "postgresql-common", "postgresql-client-common", "ssl-cert", "locales"),
)
PACKAGES = Bundle("postgresql", ("postgresql",), whole=True, finish=_finish, without=_UNUSED)

_SERVER_SETTINGS = """\
# Private and small. It need not survive the machine, only a kill: nothing waits for the disk.
# GMT is the one time zone it knows without the machine's tzdata.
listen_addresses = '127.0.0.1'
max_connections = 60
shared_buffers = 32MB
dynamic_shared_memory_type = mmap
fsync = off
full_page_writes = off
timezone = 'GMT'
log_timezone = 'GMT'
lc_messages = 'C'
"""
_WHO_MAY = "host all all 127.0.0.1/32 scram-sha-256\nlocal all all scram-sha-256\n"


@dataclass(frozen=True)
class PostgresInstall:
    """The directory with the programs `postgres` and `initdb`, and their major version."""

    programs: Path
    major: int

    @classmethod
    async def find_or_fetch(cls, say: Say) -> "PostgresInstall":
        """The newest on the machine, else fetched from the machine's own suite. Raises FetchFailed."""
        if found := await _newest(_on_this_machine()):
            return found
        tree = await fetch_tree(PACKAGES, say, await asyncio.to_thread(_reachable_root, unprivileged_account()))
        if found := await _newest([*tree.glob("usr/lib/postgresql/*/bin")]):
            return found
        raise FetchFailed(
            f"the PostgreSQL fetched to {tree} does not run",
            what_next="install PostgreSQL (on Debian: apt-get install postgresql), or name a database in the settings",
        )


def _reachable_root(account: str | None) -> Path:
    """Where the account that PostgreSQL runs as can reach its programs: not below /root, for one."""
    root = sandbox_root()
    parents = [d for d in (root, *root.parents) if d.exists()]
    if account is None or all(d.stat().st_mode & stat.S_IXOTH for d in parents):
        return root
    REACHABLE_BY_ALL.mkdir(mode=0o755, exist_ok=True)
    if REACHABLE_BY_ALL.is_symlink() or REACHABLE_BY_ALL.stat().st_uid != os.geteuid():
        raise FetchFailed(
            f"{REACHABLE_BY_ALL} belongs to somebody else, and {account} cannot reach {root}",
            what_next=f"set {ROOT_VARIABLE} to a directory that everybody can enter, or install PostgreSQL",
        )
    return REACHABLE_BY_ALL


def _on_this_machine() -> list[Path]:
    program = shutil.which("postgres")
    on_path = [Path(program).resolve().parent] if program else []
    return [*Path("/usr/lib/postgresql").glob("*/bin"), *on_path]


async def _newest(candidates: list[Path]) -> PostgresInstall | None:
    found = [await _install_at(programs) for programs in candidates if (programs / "initdb").exists()]
    usable = [install for install in found if install and install.major >= MINIMUM]
    return max(usable, key=lambda install: install.major, default=None)


async def _install_at(programs: Path) -> PostgresInstall | None:
    try:
        printed = await _run([programs / "postgres", "--version"], timeout_s=10)
        major = int(printed.split()[2].split(".")[0])  # "postgres (PostgreSQL) 15.18 (Debian ...)"
    except (PartDidNotStart, OSError, ValueError, IndexError):
        return None
    return PostgresInstall(programs, major)


class PostgresServer:
    """One running PostgreSQL in a new directory, removed by `close`; stopping and starting again keeps its contents."""

    def __init__(self, install: PostgresInstall, *, port: int, name: str = "postgresql") -> None:
        self.port = port
        self.password = secrets.token_urlsafe(24)
        self.directory: Path | None = None
        self._install = install
        self._name = name
        self._account = unprivileged_account()
        self._process: OwnedProcess | None = None

    @property
    def dsn(self) -> str:
        """The address of the empty database, with its password."""
        return f"postgresql://{USER}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def pid(self) -> int:
        return self._started().pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    async def start(self) -> None:
        """Start it and return when it takes connections; raises PartDidNotStart with the end of its log."""
        if self.directory is None:
            self.directory = short_run_directory("pg")
            give(self.directory, self._account)
            await new_database(
                self._install, self.directory / "data", settings=_SERVER_SETTINGS, password=self.password
            )
        self._process = self._postmaster(self.directory)
        for left in reversed(range(START_TRIES)):
            await self._process.start()
            try:
                await self._process.wait_until(self._takes_connections, timeout_s=START_TIMEOUT_S)
                return
            except PartDidNotStart:
                if self._process.running or not left:
                    await self._process.stop(signal.SIGQUIT)
                    raise
            await asyncio.sleep(START_PAUSE_S)  # the children of one that was killed are still leaving

    def _postmaster(self, directory: Path) -> OwnedProcess:
        where = ["-D", str(directory / "data"), "-p", str(self.port)]
        return OwnedProcess(
            self._name,
            [self._install.programs / "postgres", *where, "-c", f"unix_socket_directories={directory}"],
            output=directory / "log",
            directory=directory,
            user=self._account,
            death_signal=signal.SIGKILL,  # one that a test has frozen would not see SIGQUIT; its children go with it
        )

    async def stop(self) -> None:
        """End it, disconnecting everybody; returns when the process is gone."""
        if self._process is not None:
            await self._process.stop(signal.SIGINT, timeout_s=STOP_TIMEOUT_S)

    async def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the postmaster; with SIGKILL return only when it is gone and its port is free."""
        process = self._started()
        process.send(number)
        if number == signal.SIGKILL:
            await process.wait_ended(timeout_s=STOP_TIMEOUT_S)

    async def close(self) -> None:
        """Stop at once and remove everything."""
        if self._process is not None:
            await self._process.stop(signal.SIGQUIT, timeout_s=STOP_TIMEOUT_S)
        if self.directory is not None:
            await asyncio.to_thread(shutil.rmtree, self.directory, ignore_errors=True)
            self.directory = None

    def log_tail(self, lines: int = 30) -> str:
        """The last lines of its log."""
        return self._process.tail(lines) if self._process else ""

    def _started(self) -> OwnedProcess:
        if self._process is None:
            raise PartDidNotStart(f"{self._name} was never started")
        return self._process

    async def _takes_connections(self) -> bool:
        if self.directory is None or not self.running:
            return False
        try:
            status = (self.directory / "data" / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        # lines 1 and 8 are the postmaster's number and state (miscadmin.h); one that was killed leaves its file behind
        return len(status) > 7 and status[0] == str(self.pid) and status[7].strip() == "ready"


async def new_database(install: PostgresInstall, data: Path, *, settings: str, password: str) -> None:
    """Make the data directory `data` with our user and an empty database; `settings` are its postgresql.conf."""
    account = unprivileged_account()
    template = await _template(install, account)
    await asyncio.to_thread(shutil.copytree, template, data)
    (data / "postgresql.conf").write_text(settings)
    (data / "pg_hba.conf").write_text(_WHO_MAY)
    await asyncio.to_thread(give, data, account)
    await _single_user(install, account, data, f"ALTER USER {USER} PASSWORD '{password}'")


def unprivileged_account() -> str | None:
    """Whom PostgreSQL runs as when we are root; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    names = {account.pw_name for account in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), "nobody")


def give(path: Path, account: str | None) -> None:
    """Make `path`, with all that is in it, the account's own; nobody else's."""
    path.chmod(0o700)
    if account is None:
        return
    owner = pwd.getpwnam(account)
    os.chown(path, owner.pw_uid, owner.pw_gid)
    for directory, names, files in os.walk(path):
        for name in (name for name in [*names, *files] if name != OWNER):
            os.chown(Path(directory) / name, owner.pw_uid, owner.pw_gid)


async def _template(install: PostgresInstall, account: str | None) -> Path:
    """A database directory as initdb makes it, with our user and database; made once and kept."""
    root = sandbox_root()
    template = root / f"postgresql-{install.major}-{TEMPLATE_REVISION}"
    if template.is_dir():
        return template
    root.mkdir(parents=True, exist_ok=True)
    with (root / "postgresql-template.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if not template.is_dir():
            await _make_template(install, account, template)
    return template


async def _make_template(install: PostgresInstall, account: str | None, template: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="pg-") as scratch:
        give(Path(scratch), account)
        made = Path(scratch) / "data"
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        secret = Path(scratch) / "secret"
        secret.write_text(secrets.token_urlsafe(24))  # replaced in every copy
        give(Path(scratch), account)
        where: list[Path | str] = [install.programs / "initdb", "-D", made, "-U", USER, f"--pwfile={secret}"]
        await _run([*where, *options], user=account, timeout_s=INITDB_TIMEOUT_S)
        await _single_user(install, account, made, f"CREATE DATABASE {DATABASE}")
        partial = template.with_name(f"{template.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(made, partial)
        partial.rename(template)


async def _single_user(install: PostgresInstall, account: str | None, data: Path, statement: str) -> None:
    command: list[Path | str] = [install.programs / "postgres", "--single", "-j", "-D", data, "postgres"]
    await _run(command, user=account, timeout_s=INITDB_TIMEOUT_S, words=f"{statement};\n\n")


async def _run(
    command: Sequence[Path | str],
    *,
    timeout_s: float,
    user: str | None = None,
    words: str | None = None,
) -> str:
    """Run one of its programs to the end; raises PartDidNotStart with what it printed."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
        cwd="/",
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    try:
        async with asyncio.timeout(timeout_s):
            printed, _ = await process.communicate((words or "").encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = printed.decode(errors="replace")
    if process.returncode or "ERROR:" in text or "FATAL:" in text:
        raise PartDidNotStart(f"{Path(command[0]).name} failed: {text.strip()[-500:]}")
    return text
