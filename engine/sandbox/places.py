"""Where the sandbox keeps things: a cache that is kept, and short run directories that are not."""

import os
import shutil
import tempfile
from pathlib import Path

ROOT_VARIABLE = "STANDARDISTE_SANDBOX"
PROJECT = Path(__file__).resolve().parents[2]
OWNER = ".owner"  # in a run directory: which process removes it


def sandbox_root() -> Path:
    """The directory of everything fetched once and kept: packages, the database template.

    ``STANDARDISTE_SANDBOX`` if set, ``.sandbox`` of the checkout when there is one and it can be written, else the
    user's cache directory.
    """
    named = os.environ.get(ROOT_VARIABLE)
    if named:
        return Path(named).expanduser().resolve()
    if (PROJECT / "pyproject.toml").is_file() and os.access(PROJECT, os.W_OK):
        return PROJECT / ".sandbox"
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "standardiste"


def short_run_directory(prefix: str) -> Path:
    """A new private directory with a short path: a unix socket below it must stay under 107 characters.

    The caller removes it; if the caller is killed, `sweep` does some day.
    """
    directory = Path(tempfile.mkdtemp(prefix=f"{prefix[:8]}-"))
    if len(str(directory)) > 60:  # a long TMPDIR (some CI systems) would push asterisk.ctl over the limit
        directory.rmdir()
        directory = Path(tempfile.mkdtemp(prefix=f"{prefix[:8]}-", dir="/tmp"))  # mkdtemp makes it 0700
    (directory / OWNER).write_text(_identity(os.getpid()))
    return directory


def sweep() -> None:
    """Remove the run directories of our own whose process was killed before it could."""
    for place in {Path(tempfile.gettempdir()), Path("/tmp")}:  # noqa: S108 - only what carries our mark, see below
        for mark in place.glob(f"*-*/{OWNER}"):
            if _abandoned(mark):
                shutil.rmtree(mark.parent, ignore_errors=True)


def _abandoned(mark: Path) -> bool:
    try:
        if mark.lstat().st_uid != os.geteuid() or mark.parent.is_symlink():
            return False
        identity = mark.read_text()
    except OSError:
        return False
    number = identity.split(" ")[0]
    return number.isdigit() and _identity(int(number)) != identity


def _identity(pid: int) -> str:
    """A process's number and when it began (numbers are used again); the number alone when it is gone."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except OSError:
        return str(pid)
    return f"{pid} {after_name.split()[19]}"  # proc(5): starttime
