"""The files on disk, replaced so that a power cut at any moment leaves something Asterisk can start with.

Beside the live files stand `.last-good/` (a copy of what Asterisk last accepted) and, while new files are not yet
known to be accepted, the marker `.pending`. Whoever finds the marker - the engine when it starts, or Asterisk's
service before it starts (`python -m engine.config.last_good DIRECTORY`) - puts the last good files back. A rejected
file does no harm to a running Asterisk, but one that starts with it has no endpoints at all.
"""

import fcntl
import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from engine.config.errors import ConfigBusy, LastGoodLost

LAST_GOOD, PENDING, LOCK = ".last-good", ".pending", ".lock"
FILE_MODE, DIRECTORY_MODE = 0o600, 0o700  # the files hold SIP secrets
SHARED_MODE = 0o640


def read_files(directory: Path, names: Mapping[str, str] | tuple[str, ...]) -> dict[str, str]:
    """Those of the named files that exist, by name."""
    return {name: (directory / name).read_text(encoding="utf-8") for name in names if (directory / name).is_file()}


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    """Each file whole or not at all, on the disk when this returns; readable by its owner only.

    In a directory that hands its group on (setgid) that group may read too: Asterisk's, where accounts differ.
    """
    for name, text in files.items():
        target = directory / name
        target.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if target.parent.stat().st_mode & stat.S_ISGID:
                os.fchmod(file.fileno(), SHARED_MODE)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    for folder in {(directory / name).parent for name in files}:
        _sync(folder)


def _sync(directory: Path) -> None:
    """Make renames and removals in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def save(directory: Path, names: tuple[str, ...]) -> None:
    """Copy the live files to `.last-good` and set the marker, in this order: from here on, going back is possible."""
    live = read_files(directory, names)
    write_files(directory / LAST_GOOD, live)
    manifest = {name: _digest(live[name]) if name in live else None for name in names}
    write_files(directory, {PENDING: json.dumps(manifest)})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def is_pending(directory: Path) -> bool:
    """Whether the live files are not known to be accepted."""
    return (directory / PENDING).exists()


def restore(directory: Path) -> bool:
    """Put the last good files back if the marker is there; the marker stays until `accept`. May be repeated.

    Raises LastGoodLost when a saved file is not what it was when it was saved.
    """
    if not is_pending(directory):
        return False
    manifest: dict[str, str | None] = json.loads((directory / PENDING).read_text(encoding="utf-8"))
    saved = read_files(directory / LAST_GOOD, tuple(manifest))
    for name, digest in manifest.items():
        if digest is not None and (name not in saved or _digest(saved[name]) != digest):
            raise LastGoodLost(
                f"{directory / LAST_GOOD / name} is not the file that was saved",
                what_next=f"Look at {directory}, mend it by hand, then remove {directory / PENDING}.",
            )
    write_files(directory, {name: saved[name] for name, digest in manifest.items() if digest is not None})
    for name in (name for name, digest in manifest.items() if digest is None):
        (directory / name).unlink(missing_ok=True)
    return True


def accept(directory: Path) -> None:
    """The live files are good: remove the marker."""
    (directory / PENDING).unlink(missing_ok=True)
    _sync(directory)


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """One process changes these files at a time; raises ConfigBusy."""
    directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
    with (directory / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigBusy(f"{directory} is being changed by another process", what_next="Try again.") from error
        yield


def main() -> None:
    """For the start of Asterisk's service: put the last good files back where the marker is, and clear it."""
    directory = Path(sys.argv[1])
    with alone(directory):
        if restore(directory):
            accept(directory)
            sys.stderr.write(f"{directory}: an interrupted change was undone\n")


if __name__ == "__main__":
    main()
