"""The command line's frame: help, exit codes, errors told to people, the doctor."""

import argparse
import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine import cli, commands
from engine.commands import doctor
from engine.errors import BadFile, DatabaseAway, Replaced
from engine.observe.doctor import Check, Finding, examine, ill, report, well
from engine.settings import AsteriskSettings, HttpSettings, Settings

LOOK = "  next: engine doctor says what this account can read and write.\n"


def test_every_command_is_in_the_help_and_explains_itself() -> None:
    parser = cli.build_parser()
    shown = set(re.findall(r"^    (\w+)  ", parser.format_help(), re.MULTILINE))
    assert {"cdr", "doctor", "settings", "version"} <= shown
    assert len(shown) == len(commands.modules())


def test_help_imports_nothing_heavy() -> None:
    probe = "import sys, engine.cli as c; c.build_parser(); print({'asyncpg', 'aiohttp'} & set(sys.modules) or 'none')"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "none"


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (BadFile("x.toml: bad", what_next="mend it"), 1, "engine: x.toml: bad\n  next: mend it\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
        (PermissionError(13, "Denied", "/srv/x"), 1, f"engine: [Errno 13] Denied: '/srv/x'\n{LOOK}"),
        (TimeoutError(), 1, f"engine: TimeoutError\n{LOOK}"),
    ],
)
def test_errors_become_words_and_exit_codes(
    error: BaseException, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(_: argparse.Namespace) -> int:
        raise error

    def parser() -> argparse.ArgumentParser:
        made = argparse.ArgumentParser()
        made.set_defaults(run=fail)
        return made

    monkeypatch.setattr(cli, "build_parser", parser)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    assert cli.main([]) == code
    assert capfd.readouterr().err == told


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["settings"], ["settings", "--verson"]])
def test_wrong_usage_is_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2


def test_an_engine_that_was_replaced_ends_with_a_code_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def replaced(settings: Settings) -> None:
        raise Replaced("another engine took our place", what_next="Stop it.")

    monkeypatch.setattr("engine.commands.run._serve", replaced)
    monkeypatch.setattr("engine.observe.log.set_up", lambda *_: None)
    file = tmp_path / "standardiste.toml"
    file.touch()
    assert cli.main(["run", "--config", str(file)]) == 3
    assert capsys.readouterr().err == "engine: another engine took our place\n  next: Stop it.\n"


@pytest.mark.parametrize(
    "words",
    ["config plan", "config apply", "config history", "config rollback 1", "token list", "token revoke crm"],
)
def test_who_forgot_config_is_told_so_and_nothing_is_made(
    words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They made an empty PostgreSQL, and spoke of its empty directory: `apply` would have given that to Asterisk."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STANDARDISTE_STATE_DIR", str(tmp_path / "state"))
    assert cli.main(words.split()) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"engine: there is no PostgreSQL in {tmp_path}/state")
    assert "--config" in told
    assert list(tmp_path.iterdir()) == []


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["version"]) == 0
    assert capsys.readouterr().out.startswith("standardiste 0.")


async def test_a_check_that_fails_or_hangs_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away() -> Finding:
        raise DatabaseAway("PostgreSQL is away", what_next="start it")

    async def hangs() -> Finding:
        await asyncio.Event().wait()
        return well("never")

    async def gone() -> Finding:
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr("engine.observe.doctor.CHECK_S", 0.05)
    findings = await examine([Check("a", away), Check("b", hangs), Check("c", gone)])
    assert [(name, finding.state) for name, finding in findings] == [("a", "ill"), ("b", "ill"), ("c", "ill")]
    assert "-> start it" in report(findings)


def test_report_lines_up() -> None:
    text = report([("disk", well("9 MB")), ("state directory", ill("closed", "open it"))])
    assert text.splitlines() == [
        "ok    disk             9 MB",
        "ILL   state directory  closed",
        "                       -> open it",
    ]


async def test_the_doctor_on_an_empty_machine(tmp_path: Path, unused_port: int) -> None:
    settings = Settings(
        state_dir=tmp_path / "state",
        http=HttpSettings(port=unused_port),
        asterisk=AsteriskSettings(config_dir=tmp_path / "etc", cel_path=tmp_path / "hangups.csv"),
    )
    found = dict(await examine(doctor.checks(settings, None)))
    assert {name: finding.state for name, finding in found.items()} == {
        "Python": "well", "settings": "well", "state directory": "well", "disk": "well", "API address": "well",
            "certificates": "well",
        "Asterisk": "care", "Asterisk's files": "care", "hang-up log": "well", "PostgreSQL": "well", "engine": "care",
    }  # fmt: skip


@pytest.mark.parametrize(("mode", "state"), [(0o700, "well"), (0o755, "care")])
def test_an_open_state_directory_is_noticed(tmp_path: Path, mode: int, state: str) -> None:
    tmp_path.chmod(mode)
    assert doctor._state_dir(tmp_path).state == state


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
