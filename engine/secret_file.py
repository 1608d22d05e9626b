"""Secrets the engine makes for itself at first start: one file each, readable by its owner only."""

import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from engine.errors import BadFile


def read_or_make(path: Path) -> str:
    """The secret in the file; made (256 bits, URL-safe text) when there is none. Two processes get the same one.

    Raises BadFile when others may read it: a secret that was readable is to be replaced, not used.
    """
    if path.exists():
        return read(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600 from the start
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(fresh, path)  # whole or not at all, and never over one that exists
    finally:
        Path(fresh).unlink()
    return read(path)


def read(path: Path) -> str:
    """The secret in the file; raises BadFile when it is missing, empty or readable by others."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise BadFile(f"{path}: no secret can be read here ({wrong})") from wrong
    if stat.S_IMODE(mode) & 0o077:
        raise BadFile(f"{path}: others can read this secret", what_next=f"Remove it, and start again: rm {path}")
    if not text:
        raise BadFile(f"{path}: empty", what_next=f"Remove it, and start again: rm {path}")
    return text
