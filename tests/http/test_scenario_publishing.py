"""`engine scenario publish, list and rollback` ask the running engine."""

import asyncio
from pathlib import Path

import pytest

from engine import cli
from engine.commands.scenario.publish import Publisher
from engine.settings import load
from tests.http.conftest import Api
from tests.http.test_limits_command import config

SCENARIO = "scenario: standard\nstart: bye\non_error: bye\nnodes: {bye: {type: hangup}}\n"


async def run(api: Api, folder: Path, *words: str) -> int:
    return await asyncio.to_thread(cli.main, ["scenario", *words, "--config", config(folder, api.port)])


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDARDISTE_TOKEN", "std_admin")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of scenarios with one in it."""
    written = tmp_path / "ivr" / "standard"
    written.mkdir(parents=True)
    (written / "scenario.yaml").write_text(SCENARIO)
    (written / "standard.test.yaml").write_text("conversations: []\n")
    (written / "note.txt").write_text("not for callers")
    return written.parent


async def test_it_is_published_with_its_files(
    api: Api, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(api, tmp_path, "publish", "standard", "--alias", "test", "--folder", str(folder)) == 0
    assert capsys.readouterr().out == "proved\nstandard: test is bbbbbbbbbbbb\n"
    ((_, name, bundle, alias, author),) = api.scenarios.asked
    assert (name, alias, author) == ("standard", "test", "ops")
    assert sorted(bundle.files) == ["standard/scenario.yaml", "standard/standard.test.yaml"]


async def test_everything_that_forbids_it_is_told(
    api: Api, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(api, tmp_path, "publish", "other", "--folder", str(folder)) == 1
    (folder / "other").mkdir()
    (folder / "other" / "scenario.yaml").write_text("x")
    assert await run(api, tmp_path, "publish", "other", "--folder", str(folder)) == 1
    assert "standard/scenario.yaml:1:1: S101: it is not there" in capsys.readouterr().err


async def test_every_change_is_published_and_a_broken_one_changes_nothing(
    api: Api, tmp_path: Path, folder: Path
) -> None:
    publisher = Publisher(load(Path(config(tmp_path, api.port))), folder, "standard", "live")
    assert await asyncio.to_thread(publisher.look) == "proved\nstandard: live is bbbbbbbbbbbb"
    assert await asyncio.to_thread(publisher.look) is None
    file = folder / "standard" / "scenario.yaml"
    file.rename(folder / "elsewhere.yaml")
    told = await asyncio.to_thread(publisher.look)
    assert told is not None
    assert told.startswith("NOT PUBLISHED, callers meet what they met before: ")
    assert await asyncio.to_thread(publisher.look) is None
    (folder / "elsewhere.yaml").rename(file)
    assert await asyncio.to_thread(publisher.look) == "proved\nstandard: live is bbbbbbbbbbbb"


async def test_what_is_published_and_rolled_back(api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run(api, tmp_path, "list") == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "standard",
        "  live     bbbbbbbbbbbb  crm, 2026-11-20T12:00:00Z",
    ]
    assert await run(api, tmp_path, "rollback", "standard") == 0
    assert "live     aaaaaaaaaaaa" in capsys.readouterr().out
    assert await run(api, tmp_path, "rollback", "../sites/paris") == 1
