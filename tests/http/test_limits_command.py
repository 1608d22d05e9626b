"""`engine limits` asks the running engine."""

import asyncio
from pathlib import Path

import pytest

from engine import cli
from tests.http.conftest import Api


def config(folder: Path, port: int) -> str:
    file = folder / "standardiste.toml"
    file.write_text(f"[http]\nport = {port}\n")
    return str(file)


async def run(api: Api, folder: Path, *words: str) -> int:
    return await asyncio.to_thread(cli.main, ["limits", *words, "--config", config(folder, api.port)])


async def test_what_is_locked_is_shown(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STANDARDISTE_TOKEN", "std_admin")
    assert await run(api, tmp_path, "list") == 0
    told = capsys.readouterr().out
    assert "LOCKED since 2026-11-20T12:00:00Z: agent:alice: spend per hour 20.5 of 20" in told
    api.limits.held = type(api.limits.held)(locked=[], items=[])
    assert await run(api, tmp_path, "list") == 0
    assert "nothing is locked" in capsys.readouterr().out


async def test_a_scope_is_rearmed(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STANDARDISTE_TOKEN", "std_admin")
    assert await run(api, tmp_path, "rearm", "prefix:+44") == 0
    assert capsys.readouterr().out == "prefix:+44 may call again\n"
    assert api.limits.rearmed == [("prefix:+44", "ops")]
    assert await run(api, tmp_path, "rearm", "token:../x y") == 1
    assert "no limit keeps 'token:../x y' from calling" in capsys.readouterr().err


async def test_why_it_cannot(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("STANDARDISTE_TOKEN", raising=False)
    assert await run(api, tmp_path, "list") == 1
    assert "STANDARDISTE_TOKEN is not set" in capsys.readouterr().err
    monkeypatch.setenv("STANDARDISTE_TOKEN", "std_all")
    assert await run(api, tmp_path, "list") == 1
    assert "needs the scope admin" in capsys.readouterr().err
    assert await asyncio.to_thread(cli.main, ["limits", "list", "--config", config(tmp_path, 1)]) == 1
    assert "does not answer" in capsys.readouterr().err
