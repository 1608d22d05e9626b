"""`engine prompt` asks the running engine."""

import asyncio
from pathlib import Path

import pytest

from engine import cli
from tests.http.conftest import Api
from tests.http.test_limits_command import config


async def run(api: Api, folder: Path, *words: str) -> int:
    return await asyncio.to_thread(cli.main, ["prompt", *words, "--config", config(folder, api.port)])


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDARDISTE_TOKEN", "std_admin")


async def test_a_recording_is_added_listed_and_removed(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "accueil.mp3"
    file.write_bytes(b"ID3")
    assert await run(api, tmp_path, "add", "welcome", "fr", str(file), "--comment", "Marie & co") == 0
    assert capsys.readouterr().out == "welcome fr: 2.5 s of MP3, 44100 Hz, 2 channels\n"
    assert api.prompts.asked == [("put", "welcome", "fr", b"ID3", "Marie & co", "ops")]
    assert await run(api, tmp_path, "list") == 0
    assert capsys.readouterr().out == f"{'welcome':24} fr     2.5 s  by crm  Marie\n"
    assert await run(api, tmp_path, "remove", "welcome", "fr") == 0
    assert api.prompts.asked[1:] == [("remove", "welcome", "fr", "ops")]


async def test_why_it_cannot(api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await run(api, tmp_path, "add", "welcome", "fr", str(tmp_path / "away.wav")) == 1
    assert "No such file" in capsys.readouterr().err
    noise = tmp_path / "noise.wav"
    noise.write_bytes(b"noise")
    assert await run(api, tmp_path, "add", "../sites", "fr", str(noise)) == 1
    assert await run(api, tmp_path, "add", "welcome", "fr", str(noise)) == 1
    assert "no recording in WAV" in capsys.readouterr().err
    assert await run(api, tmp_path, "remove", "lost", "fr") == 1
    assert "there is no recording 'lost'" in capsys.readouterr().err
