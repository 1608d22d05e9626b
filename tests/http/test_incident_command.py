"""`engine incident` asks the running engine."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine import cli
from tests.http.conftest import Api
from tests.http.test_limits_command import config


async def run(api: Api, folder: Path, *words: str) -> int:
    return await asyncio.to_thread(cli.main, ["incident", *words, "--config", config(folder, api.port)])


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDARDISTE_TOKEN", "std_admin")


async def test_a_flag_is_set_with_an_end_and_cleared(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run(api, tmp_path, "set", "it-down", "--for", "4h", "--message-fr", "Panne à Lyon") == 0
    told = capsys.readouterr().out
    assert told.startswith("SET    it-down  Panne informatique / IT down\n       by ops since ")
    assert told.endswith("       Panne à Lyon\n")
    ((_, code, wish, _),) = api.incidents.asked
    assert (code, wish.message_en) == ("it-down", None)
    assert timedelta(hours=3, minutes=59) < wish.expires_at - datetime.now(UTC) <= timedelta(hours=4)
    assert await run(api, tmp_path, "clear", "it-down") == 0
    assert capsys.readouterr().out == "clear  it-down  Panne informatique / IT down\n"


async def test_what_is_listed(api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run(api, tmp_path, "list") == 0
    assert capsys.readouterr().out == "clear  it-down  Panne informatique / IT down\n"
    await run(api, tmp_path, "set", "it-down")
    assert "until it is cleared" in capsys.readouterr().out


async def test_why_it_cannot(api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run(api, tmp_path, "set", "it-down", "--for", "soon") == 1
    assert "'soon' is no time such as 90m, 4h or 2d" in capsys.readouterr().err
    assert await run(api, tmp_path, "clear", "../sites/paris") == 1
    assert api.incidents.asked == []
