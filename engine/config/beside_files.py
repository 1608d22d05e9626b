"""Carrying out a plan of `beside.py` in an administrator's directory, and undoing it byte for byte.

Ours first, his last line last: an Asterisk that is started anywhere in between has all that is included. Taking away
goes the other way round. A line is put at the very end and nothing else of a file is written, so owner, mode and
links stay; where the file did not end with a line feed ours has none either, which is how `without_line` knows.
"""

import os
import re
import shutil
from pathlib import Path

import msgspec

from engine.config.beside import INCLUDING, Plan, wrapper
from engine.config.render import FOLDER
from engine.errors import BadFile

BACKUP = ".before-standardiste"
FOLDER_MODE, FILE_MODE = 0o2750, 0o640  # the group is handed on: Asterisk's, which reads what we write
MADE = b"; Made by standardiste, and taken away with it unless you write something here.\n"


class Changes(msgspec.Struct, frozen=True):
    """What is not yet as the plan says: our files, his files that lack their line, the line that is too much."""

    files: tuple[str, ...]
    lines: tuple[str, ...]
    superfluous: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.files or self.lines or self.superfluous)


class Owner(msgspec.Struct, frozen=True):
    """Who is to write our files, and the group that reads them."""

    uid: int
    gid: int


def line_of(name: str) -> bytes:
    """The line of the administrator's `NAME.conf`, without its end."""
    return f'#include "{wrapper(name.removesuffix(".conf"))}"'.encode()


def with_line(content: bytes, line: bytes) -> bytes:
    """The file with our line at its end; as it is when it has the line."""
    return content if _has(content, line) else content + _added(content, line)


def without_line(content: bytes, line: bytes) -> bytes:
    """The file as it was before `with_line`, whatever was written around the line since."""
    end = re.search(rb"(?:\r?\n)" + re.escape(line) + rb"\Z", content)
    if end:
        return content[: end.start()]
    return re.sub(rb"^" + re.escape(line) + rb"\r?(?:\n|\Z)", b"", content, flags=re.MULTILINE)


def _has(content: bytes, line: bytes) -> bool:
    return re.search(rb"^" + re.escape(line) + rb"\r?$", content, re.MULTILINE) is not None


def _added(content: bytes, line: bytes) -> bytes:
    feed = b"\r\n" if b"\r\n" in content or content.endswith(b"\r") else b"\n"
    return line + feed if not content or content.endswith(b"\n") else feed + line


def changes(etc: Path, plan: Plan) -> Changes:
    """What `apply` would do."""
    files = tuple(name for name, text in plan.files.items() if _content(etc / name) != text.encode())
    lines = tuple(name for name in plan.lines if not _has(_content(etc / name) or b"", line_of(name)))
    others = (f"{name}.conf" for name in INCLUDING if f"{name}.conf" not in plan.lines)
    superfluous = tuple(name for name in others if _has(_content(etc / name) or b"", line_of(name)))
    return Changes(files, lines, superfluous)


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.exists() else None


def apply(etc: Path, plan: Plan, owner: Owner) -> Changes:
    """Make it so; returns what was changed. Raises BadFile when `standardiste` is not a directory of its own."""
    todo = changes(etc, plan)
    folder = etc / FOLDER
    if folder.is_symlink():
        raise BadFile(f"{folder} is a link", what_next="Remove it: the engine keeps its files in a directory there.")
    if not folder.exists():
        folder.mkdir(mode=0o700)
        os.chown(folder, owner.uid, owner.gid)
        folder.chmod(FOLDER_MODE)
    for name in todo.files:
        _write(etc / name, plan.files[name].encode(), owner, FILE_MODE)
    for name in todo.lines:
        _add_line(etc / name, line_of(name), owner)
    for name in todo.superfluous:
        _take_line(etc / name, line_of(name))
    return todo


def unwritable(etc: Path) -> Path | None:
    """What this account may not write and would have to: the directory, or a file of his."""
    ours = [etc / FOLDER, *(etc / f"{name}.conf" for name in INCLUDING)]
    return next((p for p in (etc, *ours) if p.exists() and not os.access(p, os.W_OK)), None)


def remove(etc: Path) -> tuple[str, ...]:
    """Take our lines and our folder away; returns what was changed. A backup stays where his file is not as it was."""
    touched = []
    for name in (f"{name}.conf" for name in INCLUDING):
        if _has(_content(etc / name) or b"", line_of(name)):
            _take_line(etc / name, line_of(name))
            touched.append(name)
        _drop_backup(etc / name)
    folder = etc / FOLDER
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
        touched.append(f"{FOLDER}/")
    return tuple(touched)


def _write(file: Path, content: bytes, owner: Owner | None, mode: int) -> None:
    """Whole or not at all, on the disk when this returns. `owner` None: whoever runs this."""
    temporary = _temporary(file)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        if owner is not None:
            os.fchown(descriptor, owner.uid, owner.gid)
        os.fchmod(descriptor, mode)
        opened.write(content)
        opened.flush()
        os.fsync(descriptor)
    temporary.replace(file)


def _temporary(file: Path) -> Path:
    return file.with_name(f".{file.name}.new")


def _add_line(file: Path, line: bytes, owner: Owner) -> None:
    if not file.exists():
        _write(file, MADE + line + b"\n", owner, FILE_MODE)
        return
    content = file.read_bytes()
    _back_up(file, content)
    with file.open("ab") as opened:
        opened.write(_added(content, line))
        opened.flush()
        os.fsync(opened.fileno())


def _back_up(file: Path, content: bytes) -> None:
    """A copy beside it, once, that nobody may read who may not read the file."""
    backup, was = _backup(file), file.stat()
    if backup.exists():
        return
    if os.geteuid() == 0:
        _write(backup, content, Owner(was.st_uid, was.st_gid), was.st_mode & 0o777)
    else:
        _write(backup, content, None, 0o600)


def _backup(file: Path) -> Path:
    return file.with_name(file.name + BACKUP)


def _take_line(file: Path, line: bytes) -> None:
    content = without_line(file.read_bytes(), line)
    if content == MADE:
        file.unlink()
        return
    with file.open("r+b") as opened:
        opened.write(content)
        opened.truncate()
        opened.flush()
        os.fsync(opened.fileno())


def _drop_backup(file: Path) -> None:
    """With what an interrupted change left of it or of the file."""
    backup = _backup(file)
    if backup.exists() and file.exists() and backup.read_bytes() == file.read_bytes():
        backup.unlink()
    for half in (file, backup):
        _temporary(half).unlink(missing_ok=True)
