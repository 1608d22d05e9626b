"""A private Asterisk: found on the machine or fetched, and run from a configuration directory of its own."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from engine.config.asterisk import AsteriskPaths
from engine.config.render import Files
from engine.errors import ProgrammingError
from engine.sandbox.apt import Bundle, Say, fetch_tree
from engine.sandbox.apt_sources import REMEDY
from engine.sandbox.errors import FetchFailed, PartDidNotStart
from engine.sandbox.process import OwnedProcess
from engine.sandbox.relocated import find_loader

Version = tuple[int, ...]

MINIMUM: Version = (22, 10, 1)  # security fixes, SIP codes in events, bridge variables
BOOT_TIMEOUT_S = 60  # 1 to 2 s on a quiet machine
STOP_TIMEOUT_S = 15  # then it is killed; nothing of ours is lost
CLI_TIMEOUT_S = 10
SOCKET_PATH_LIMIT = 107  # sun_path of a unix socket, less its final zero

_VERSION = re.compile(r"Asterisk (\d+(?:\.\d+)*)")
_VOICES = {"en": "en_US_f_Allison", "fr": "fr_CA_f_June"}  # links that the packages' installation scripts would make


def _finish(tree: Path) -> None:
    """What unpacking leaves undone: the links from language to voice, without which prompts fail in silence."""
    sounds = tree / "usr/share/asterisk/sounds"
    for language, voice in _VOICES.items():
        if (sounds / voice).is_dir() and not (sounds / language).exists():
            (sounds / language).symlink_to(voice)


PACKAGES = Bundle(
    "asterisk",
    ("asterisk", "asterisk-core-sounds-en-gsm", "asterisk-core-sounds-fr-gsm", "asterisk-moh-opsound-gsm"),
    suites=("forky", "stable"),  # by name first: "stable" is too old until that release is out
    whole=True,
    finish=_finish,
)


@dataclass(frozen=True)
class AsteriskInstall:
    """Where an Asterisk's files are.

    `program` are the words that start it (a relocated one is started through its own loader), `data` holds sounds,
    music on hold and documentation.
    """

    program: tuple[str, ...]
    modules: Path
    data: Path
    music: Path
    version: Version

    @classmethod
    def find(cls, path: Path | None = None) -> "AsteriskInstall | None":
        """The Asterisk at `path`, else the machine's own, however old; None when there is none."""
        return _on_this_machine() if path is None else _named(path)

    @classmethod
    async def find_or_fetch(cls, say: Say, minimum: Version = MINIMUM, path: Path | None = None) -> "AsteriskInstall":
        """The Asterisk at `path`, else the machine's own when it is new enough, else one fetched from Debian.

        `path` names an `asterisk` program, or a directory with an unpacked tree. Raises FetchFailed.
        """
        if path is not None:
            found = await asyncio.to_thread(_named, path)
            if found is None or found.version < minimum:
                had = "no Asterisk" if found is None else f"Asterisk {_dotted(found.version)}"
                raise FetchFailed(f"{path} is {had}; {_dotted(minimum)} or newer is needed", what_next=REMEDY)
            return found
        found = await asyncio.to_thread(_on_this_machine)
        if found and found.version >= minimum:
            say(f"using this machine's Asterisk {_dotted(found.version)}")
            return found
        tree = await fetch_tree(PACKAGES, say)
        relocated = await asyncio.to_thread(_in_tree, tree)
        if relocated is None or relocated.version < minimum:
            had = "does not run" if relocated is None else f"is {_dotted(relocated.version)}"
            raise FetchFailed(f"the Asterisk fetched to {tree} {had}; {_dotted(minimum)} is needed", what_next=REMEDY)
        return relocated


def _dotted(version: Version) -> str:
    return ".".join(str(part) for part in version)


def _named(path: Path) -> AsteriskInstall | None:
    if path.is_dir():
        return _in_tree(path)
    return _installed(path.resolve())


def _on_this_machine() -> AsteriskInstall | None:
    program = shutil.which("asterisk", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    return _installed(Path(program)) if program else None


def _installed(program: Path) -> AsteriskInstall | None:
    """An Asterisk installed the usual way: `PREFIX/sbin/asterisk` beside `PREFIX/lib`."""
    prefix = program.parent.parent
    modules = next(iter([*prefix.glob("lib/*/asterisk/modules"), *prefix.glob("lib*/asterisk/modules")]), None)
    data = next((d for d in (prefix / "share/asterisk", Path("/var/lib/asterisk")) if (d / "sounds").is_dir()), None)
    if modules is None or data is None:
        return None
    return _checked((str(program),), modules, data, [data / "moh", Path("/var/lib/asterisk/moh")])


def _in_tree(tree: Path) -> AsteriskInstall | None:
    """A relocated Asterisk: run by the C library of its own suite, whatever the machine's is."""
    modules = next(iter(tree.glob("usr/lib/*/asterisk/modules")), None)
    loader = find_loader(tree)
    if modules is None or loader is None:
        return None
    libraries = modules.parent.parent
    program = (str(loader), "--library-path", str(libraries), str(tree / "usr/sbin/asterisk"))
    data = tree / "usr/share/asterisk"
    return _checked(program, modules, data, [data / "moh", tree / "var/lib/asterisk/moh"])


def _checked(program: tuple[str, ...], modules: Path, data: Path, music: list[Path]) -> AsteriskInstall | None:
    try:
        done = subprocess.run([*program, "-V"], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    found = _VERSION.search(done.stdout)
    if not found:
        return None
    version = tuple(int(part) for part in found[1].split("."))
    return AsteriskInstall(program, modules, data, next((m for m in music if m.is_dir()), music[0]), version)


def with_keys_logged(files: Files) -> Files:
    """The same files for an Asterisk of a sandbox, which also writes down every key that is pressed (`keys.log`).

    Never a real one: keys may be secrets.
    """
    return {**files, "logger.conf": f"{files['logger.conf']}keys.log = dtmf\n"}


class AsteriskServer:
    """One running Asterisk from one configuration directory (`paths.etc`).

    It ends with the process that started it, unless `outlives_owner`. Stopping and starting again keeps everything on
    disk, as a restart of a real one would.
    """

    def __init__(
        self, install: AsteriskInstall, paths: AsteriskPaths, *, name: str = "asterisk", outlives_owner: bool = False
    ) -> None:
        self.install = install
        self.paths = paths
        if len(str(self._control)) > SOCKET_PATH_LIMIT:
            raise ProgrammingError(f"{self._control} is longer than {SOCKET_PATH_LIMIT} characters")
        self._process = OwnedProcess(
            name,
            [*install.program, "-f", "-C", paths.etc / "asterisk.conf"],
            output=paths.log / "console.log",
            directory=paths.log,  # where a core file would go
            death_signal=0 if outlives_owner else signal.SIGKILL,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def _control(self) -> Path:
        return self.paths.run / "asterisk.ctl"

    def write(self, files: Files) -> None:
        """Write configuration files, readable by their owner only (they hold secrets)."""
        for directory in self.paths.writable():
            directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            file = self.paths.etc / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch(mode=0o600)
            file.write_text(text, encoding="utf-8")

    async def start(self) -> None:
        """Start it and return when it is fully booted; raises PartDidNotStart with the end of its log."""
        self._control.unlink(missing_ok=True)  # of an Asterisk that was killed
        await self._process.start()
        try:
            await self._process.wait_until(self._fully_booted, timeout_s=BOOT_TIMEOUT_S)
        except PartDidNotStart as error:
            await self.kill()
            raise PartDidNotStart(f"{error.message}\n{self.log_tail()}", what_next=error.what_next) from error

    async def _fully_booted(self) -> bool:
        try:
            return "fully booted" in await self.cli("core waitfullybooted")
        except OSError:
            return False

    async def stop(self) -> None:
        """Hang up everything and end; returns when the process is gone."""
        await self._process.stop(signal.SIGTERM, timeout_s=STOP_TIMEOUT_S)

    async def close(self) -> None:
        """End it for good and at once: nothing of it will be used again. Its directories are the owner's."""
        await self.kill()

    async def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal; with SIGKILL (and SIGTERM) return only when it is gone."""
        self._process.send(number)
        if number in {signal.SIGKILL, signal.SIGTERM}:
            await self._process.wait_ended(timeout_s=STOP_TIMEOUT_S)

    async def wait_ended(self, *, timeout_s: float) -> None:
        """Return when the process has ended by itself; raises TimeoutError."""
        await self._process.wait_ended(timeout_s=timeout_s)

    async def cli(self, command: str) -> str:
        """What Asterisk's console answers to `command`; raises OSError when it does not listen."""
        async with asyncio.timeout(CLI_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(self._control)
            try:
                await reader.readline()  # "host/pid/version"
                writer.write(f"cli quit after {command}".encode() + b"\0")
                return (await reader.read()).decode(errors="replace").replace("\0", "")
            finally:
                writer.close()

    def log_tail(self, lines: int = 30, names: tuple[str, ...] = ()) -> str:
        """The last lines of its log files: of all, or of those named."""
        every = [self._process.output, *sorted(self.paths.log.glob("*.log"))]
        logs = [file for file in every if not names or file.name in names]
        seen = [file.read_text(errors="replace").splitlines()[-lines:] for file in dict.fromkeys(logs) if file.exists()]
        return "\n".join(line for lines_of_file in seen for line in lines_of_file)
