"""Small files this node keeps for the hours without its database: replaced whole or not at all, ours alone."""

import os
import tempfile
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.errors import BadFile

T = TypeVar("T")


def replace(path: Path, content: bytes) -> None:
    """Puts `content` at `path` atomically, mode 0600, on the disk before it returns."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp gives 0600
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the new name, too, must survive the loss of power
    finally:
        os.close(folder)


def read(path: Path, kind: type[T], what: str) -> T | None:
    """What is kept there, as JSON of this type; None when there is nothing yet.

    Raises BadFile, which calls it the local copy of `what`, when it is not readable as that.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BadFile(
            f"the local copy of {what} {path} cannot be used: {error}",
            what_next="start PostgreSQL; the engine then writes a new copy",
        ) from error
