"""The journal is its owner's alone, wherever it lies: customers' numbers are in it."""

import stat
from pathlib import Path

import pytest

from engine.errors import JournalUnwritable
from engine.journal import Journal
from engine.journal.file import open_for_writing
from tests.journal.rows import step


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    async with Journal.open(path, "test", ballast_bytes=4096) as journal:
        await journal.append(step())
        assert set(modes(tmp_path).values()) == {0o600}


async def test_one_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    async with Journal.open(path, "test", ballast_bytes=4096):
        pass
    path.chmod(0o644)
    async with Journal.open(path, "test", ballast_bytes=4096) as journal:
        await journal.append(step())
        assert set(modes(tmp_path).values()) == {0o600}


def test_a_place_that_takes_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(JournalUnwritable, match="cannot be opened"):
        open_for_writing(tmp_path / "file" / "journal.sqlite")
