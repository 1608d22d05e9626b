"""Secrets made at first start."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import BadFile
from engine.secret_file import read, read_or_make


def test_made_once_and_closed_to_others(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ari.secret"
    secret = read_or_make(path)
    assert len(secret) == 43
    assert read_or_make(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["ari.secret"]


def test_those_who_come_together_get_the_same_one(tmp_path: Path) -> None:
    path = tmp_path / "ari.secret"
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: read_or_make(path), range(32)))
    assert len(secrets) == 1


def test_a_secret_others_could_read_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "ari.secret"
    read_or_make(path)
    path.chmod(0o640)
    with pytest.raises(BadFile, match="others can read"):
        read(path)


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_empty_one_is_not_a_secret(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ari.secret"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(BadFile, match="empty"):
        read(path)
