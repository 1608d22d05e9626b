"""`engine number unmatched` asks the running engine."""

import asyncio
from pathlib import Path

import pytest

from engine import cli
from tests.http.conftest import Api
from tests.http.test_limits_command import config


async def test_what_was_called_and_leads_nowhere(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STANDARDISTE_TOKEN", "std_admin")
    words = ["number", "unmatched", "--config", config(tmp_path, api.port)]
    assert await asyncio.to_thread(cli.main, words) == 0
    assert capsys.readouterr().out == (
        "+33140000021 by paris-1: 2 times, last by a withheld number at 2026-11-20T12:00:00Z\n  Declare it.\n"
    )
