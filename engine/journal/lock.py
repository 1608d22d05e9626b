"""One engine per journal: a lock on a file beside it.

A POSIX record lock, not `flock`: it dies with the process that took it even when a forked worker of that process
lives on, so that a killed engine never keeps its successor out. POSIX locks do not exclude the own process, hence
the list of paths this process holds.
"""

import fcntl
import os
from pathlib import Path

from engine.errors import JournalUnwritable

_held_here: set[Path] = set()


class JournalLock:
    """Held from construction until `release`; raises JournalUnwritable naming the process that holds it."""

    def __init__(self, journal: Path) -> None:
        self._path = journal.resolve().with_name(journal.name + ".lock")
        if self._path in _held_here:
            raise _taken(self._path, str(os.getpid()))
        self._fd = _locked(self._path)
        _held_here.add(self._path)

    def release(self) -> None:
        """Lets the next engine in; the file stays, because removing it would race with that engine."""
        _held_here.discard(self._path)
        os.close(self._fd)


def _locked(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip()
        os.close(fd)
        raise _taken(path, holder or "unknown") from error
    os.truncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _taken(path: Path, pid: str) -> JournalUnwritable:
    return JournalUnwritable(
        f"the journal is in use: process {pid} holds {path}",
        what_next=f"stop process {pid}, or give this engine a journal of its own",
    )
