"""Fetch Debian packages into a directory of our own and unpack them there: no root, nothing installed.

A private apt state (lists, cache, status file) beside the host's; apt itself checks signatures and hashes. A tree is
unpacked under another name and renamed when it is whole, so that a tree that exists is complete.
"""

import asyncio
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from engine.sandbox.apt_sources import REMEDY, AptSources, host_sources
from engine.sandbox.errors import FetchFailed
from engine.sandbox.places import sandbox_root
from engine.sandbox.process import dying_with_us

Say = Callable[[str], None]

UPDATE_TIMEOUT_S = 120  # one index of about 10 MB
DOWNLOAD_TIMEOUT_S = 900  # about 90 MB, on a slow line
UNPACK_TIMEOUT_S = 120  # one package
LOCK_TIMEOUT_S = 1200  # another process may be in the middle of a slow fetch
LOCK_POLL_S = 0.2
OWN_SUITE = "host"

_INSTALLED = """\
Package: {name}
Status: install ok installed
Version: 99:0
Architecture: {arch}
Multi-Arch: allowed
Maintainer: nobody
Description: only said to be there, so that it is not fetched

"""
_SIZE_IN_PLAN = re.compile(r"^'[^']+' \S+ (\d+) ", re.MULTILINE)


@dataclass(frozen=True)
class Bundle:
    """A set of packages that is fetched and unpacked as one tree.

    `suites` are tried in order; ``host`` is the machine's own. With `whole` the C library and everything else comes
    along (needed when the suite is newer than the machine), otherwise only what the machine does not have.
    """

    name: str
    packages: tuple[str, ...]
    suites: tuple[str, ...] = (OWN_SUITE,)
    whole: bool = False
    finish: Callable[[Path], None] | None = field(default=None, compare=False)
    without: tuple[str, ...] = ()  # what these depend on and we never use; with `whole` only
    revision: int = 1  # raised when `finish` changes, so that older trees are fetched again

    @property
    def key(self) -> str:
        """Directory name; it changes with the contents, so that a changed bundle is fetched anew."""
        asked = " ".join((*self.packages, *self.suites, *self.without, str(self.whole), str(self.revision)))
        return f"{self.name}-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"


def existing_tree(bundle: Bundle, root: Path | None = None) -> Path | None:
    """The unpacked tree of `bundle` when it is there already, without touching the network."""
    tree = (root or sandbox_root()) / "trees" / bundle.key
    return tree if tree.is_dir() else None


async def fetch_tree(bundle: Bundle, say: Say, root: Path | None = None) -> Path:
    """The unpacked tree of `bundle`, fetched when it is not there yet; two processes may ask at once.

    Raises FetchFailed with the remedy when the packages cannot be had.
    """
    root = root or sandbox_root()
    if tree := existing_tree(bundle, root):
        return tree
    root.mkdir(parents=True, exist_ok=True)
    async with _lock(root / f"{bundle.name}.lock", say):
        if tree := existing_tree(bundle, root):
            return tree
        return await _fetch(bundle, say, root)


@asynccontextmanager
async def _lock(path: Path, say: Say) -> AsyncIterator[None]:
    with path.open("w") as file:
        async with asyncio.timeout(LOCK_TIMEOUT_S):
            told = False
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not told:
                        say(f"waiting for another process that is fetching {path.stem}")
                        told = True
                await asyncio.sleep(LOCK_POLL_S)
        yield  # the lock goes with the file


async def _fetch(bundle: Bundle, say: Say, root: Path) -> Path:
    sources = await asyncio.to_thread(host_sources)
    tree = root / "trees" / bundle.key
    partial = tree.with_name(f"{tree.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # an interrupted unpacking; the downloads themselves are resumed
    partial.mkdir(parents=True)
    archives = await _download(bundle, sources, say, root / "apt" / bundle.name)
    say(f"unpacking {len(archives)} packages of {bundle.name}")
    await _unpack(archives, partial)
    if bundle.finish:
        bundle.finish(partial)
    partial.rename(tree)
    for archive in archives:
        archive.unlink()
    return tree


async def _download(bundle: Bundle, sources: AptSources, say: Say, state: Path) -> list[Path]:
    reasons = []
    for suite in bundle.suites:
        apt = PrivateApt(state, sources, sources.suite if suite == OWN_SUITE else suite, whole=bundle.whole)
        apt.pretend(bundle.without)
        try:
            await apt.update(say)
            return await apt.download(bundle, say)
        except FetchFailed as failure:
            reasons.append(f"{apt.suite}: {failure.message}")
    raise FetchFailed(f"{bundle.name} could not be fetched. " + "; ".join(reasons), what_next=REMEDY)


async def _unpack(archives: list[Path], tree: Path) -> None:
    at_once = asyncio.Semaphore(os.cpu_count() or 2)

    async def one(archive: Path) -> None:
        async with at_once:
            await _run(["dpkg", "-x", str(archive), str(tree)], timeout_s=UNPACK_TIMEOUT_S)

    async with asyncio.TaskGroup() as group:
        for archive in archives:
            group.create_task(one(archive))


class PrivateApt:
    """One suite of one mirror with an apt state of its own below `state`."""

    def __init__(self, state: Path, sources: AptSources, suite: str, *, whole: bool) -> None:
        self.suite = suite
        self._state = state / suite
        self._sources = sources
        self._whole = whole
        self._pretended: tuple[str, ...] = ()

    def pretend(self, packages: tuple[str, ...]) -> None:
        """Take these for installed: whoever depends on them comes without them."""
        self._pretended = packages

    async def update(self, say: Say) -> None:
        """Fetch the index of the suite; raises FetchFailed."""
        self._write()
        say(f"reading the package index of Debian {self.suite}")
        # without this option a failed download is a mere warning and the old (or no) index is used
        update = ("update", "-o", "APT::Update::Error-Mode=any")
        try:
            await self._apt(*update, timeout_s=UPDATE_TIMEOUT_S)
        except FetchFailed as failed:
            if "expired" not in failed.message:
                raise
            # A mirror that stands still, or a clock that runs ahead. Signatures are checked all the same, and the
            # version of what comes is checked by who asked for it.
            say(f"this mirror's index of Debian {self.suite} is out of date; taking it as it is")
            await self._apt(*update, "-o", "Acquire::Check-Valid-Until=false", timeout_s=UPDATE_TIMEOUT_S)

    async def download(self, bundle: Bundle, say: Say) -> list[Path]:
        """Download the packages of `bundle` and everything they need; returns the archives. Raises FetchFailed."""
        # --download-only everywhere and no -y beside another answer: apt must never reach the point of installing
        wanted = ["install", "--download-only", "--no-install-recommends", "--reinstall", *bundle.packages]
        plan = await self._apt(*wanted, "--print-uris", timeout_s=UPDATE_TIMEOUT_S)
        size_mb = sum(int(size) for size in _SIZE_IN_PLAN.findall(plan)) / 1e6
        await self._apt(
            *wanted,
            "--yes",
            timeout_s=DOWNLOAD_TIMEOUT_S,
            progress=lambda percent: say(f"fetching {bundle.name}: {percent:.0f} % of {size_mb:.0f} MB"),
        )
        return sorted((self._state / "cache" / "archives").glob("*.deb"))

    def _write(self) -> None:
        for directory in ("lists/partial", "cache/archives/partial", "none"):
            (self._state / directory).mkdir(parents=True, exist_ok=True)
        status = self._state / "status"
        status.write_text("".join(_INSTALLED.format(name=n, arch=self._sources.architecture) for n in self._pretended))
        (self._state / "sources.list").write_text(self._sources.line(self.suite))
        used = status if self._whole else Path("/var/lib/dpkg/status")
        settings = {
            # Whatever command is given with this file, nothing is installed on the machine: apt has no dpkg to call.
            "Dir::Bin::dpkg": "/bin/false",
            "APT::Get::Download-Only": "true",
            "APT::Architecture": self._sources.architecture,  # apt would ask dpkg for these two
            "APT::Architectures": self._sources.architecture,
            "Dir::Etc::main": "/dev/null",  # the host's hooks are not run; its download settings are copied above
            "Dir::Etc::parts": self._state / "none",
            "Dir::State": self._state,
            "Dir::State::lists": self._state / "lists",
            "Dir::State::status": used,
            "Dir::Cache": self._state / "cache",
            "Dir::Cache::archives": self._state / "cache" / "archives",
            "Dir::Etc::sourcelist": self._state / "sources.list",
            "Dir::Etc::sourceparts": self._state / "none",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": self._state / "none",
            "Dir::Log": self._state,
            "Debug::NoLocking": "true",  # our own lock is held; the host's is nobody's business here
            "APT::Sandbox::User": "root",  # as root apt would drop to a user who cannot reach a private directory
            "APT::Get::List-Cleanup": "true",
        }
        lines = [f'{key} "{value}";\n' for key, value in settings.items()]
        (self._state / "apt.conf").write_text(self._sources.settings + "".join(lines))

    async def _apt(
        self,
        *arguments: str,
        timeout_s: float,
        progress: Callable[[float], None] | None = None,
        check: bool = True,
    ) -> str:
        environment = {**os.environ, "APT_CONFIG": str(self._state / "apt.conf"), "LC_ALL": "C"}
        command = ["apt-get", *arguments]
        return await _run(command, timeout_s=timeout_s, environment=environment, progress=progress, check=check)


async def _run(
    command: list[str],
    *,
    timeout_s: float,
    environment: dict[str, str] | None = None,
    progress: Callable[[float], None] | None = None,
    check: bool = True,
) -> str:
    """Run one command to its end; returns what it printed. Raises FetchFailed with its last words."""
    reader, writer = os.pipe()
    if progress:
        command = [*command, "-o", f"APT::Status-Fd={writer}"]
    process = await asyncio.create_subprocess_exec(
        *dying_with_us(command),  # one that went on alone would write into the next one's files
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment,
        pass_fds=(writer,) if progress else (),
        start_new_session=True,
    )
    os.close(writer)
    try:
        async with asyncio.timeout(timeout_s), _progress(reader, progress):
            printed, _ = await process.communicate()
    except TimeoutError as error:
        raise FetchFailed(f"{command[0]} {command[1]} took longer than {timeout_s} s", what_next=REMEDY) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = printed.decode(errors="replace")
    if check and process.returncode:
        last = [line for line in text.splitlines() if line.startswith(("E:", "W:", "dpkg"))] or text.splitlines()
        raise FetchFailed(" ".join(last[-3:]), what_next=REMEDY)
    return text


@asynccontextmanager
async def _progress(reader: int, told: Callable[[float], None] | None) -> AsyncIterator[None]:
    """Read apt's status lines (``dlstatus:NUMBER:PERCENT:TEXT``) and tell every tenth part."""
    file = os.fdopen(reader)
    if told is None:
        file.close()
        yield
        return

    def follow() -> None:
        last = -1
        for line in file:
            kind, _, rest = line.partition(":")
            if kind == "dlstatus":
                percent = float(rest.split(":")[1])
                if int(percent // 10) > last:
                    last = int(percent // 10)
                    told(percent)

    thread = asyncio.create_task(asyncio.to_thread(follow))  # ends when apt closes its end of the pipe
    try:
        yield
        await thread
    finally:
        thread.cancel()
