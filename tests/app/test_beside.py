"""`engine asterisk beside`: what it prints and changes, and that no secret is made by looking."""

import os
import stat
from pathlib import Path

import pytest

from engine import cli
from engine.commands import doctor
from engine.config.values import NOTICE
from engine.observe.doctor import Finding
from engine.sandbox.asterisk import AsteriskInstall
from engine.settings import load
from tests.config.test_beside import HIS, snapshot, write


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(AsteriskInstall, "find", lambda path=None: installed(22, 10, 1))
    etc = tmp_path / "etc"
    etc.mkdir()
    write(etc, HIS | {"musiconhold.conf": b"[default]\nmode=files\n"})
    (tmp_path / "state").mkdir(mode=0o700)
    file = tmp_path / "standardiste.toml"
    file.write_text(
        f'state_dir = "{tmp_path}/state"\n[asterisk]\nconfig_dir = "{etc}"\ncel_path = "{tmp_path}/hangups.csv"\n'
    )
    return file


def installed(*version: int) -> AsteriskInstall:
    return AsteriskInstall(("/bin/false",), Path("/m"), Path("/d"), Path("/d"), version)


def run(config: Path, *words: str) -> int:
    return cli.main(["asterisk", "beside", *words, "--config", str(config)])


def test_looking_changes_nothing_and_makes_no_secret(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = snapshot(config.parent)
    assert run(config) == 0
    assert snapshot(config.parent) == before
    said = capsys.readouterr().out
    assert "add line  pjsip.conf" in said
    assert "make      ari.conf" in said
    assert said.endswith("Carry it out: engine asterisk beside --apply\n")


def test_applied_again_and_removed(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = snapshot(config.parent / "etc")
    assert run(config, "--apply") == 0
    assert capsys.readouterr().out.endswith("engine doctor.\n")
    secret = config.parent / "state" / "ari.secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_text() in (config.parent / "etc/standardiste/beside-ari.conf").read_text()
    assert run(config, "--apply") == 0
    assert capsys.readouterr().out == "nothing to do\n"
    assert run(config, "--remove") == 0
    assert snapshot(config.parent / "etc") == before
    assert run(config, "--remove") == 0
    assert capsys.readouterr().out.endswith("nothing to take away\n")


def test_a_refusal_changes_nothing(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / "etc" / "http.conf").write_text("[general]\nenabled = no\n")
    before = snapshot(config.parent)
    assert run(config, "--apply") == 1
    assert snapshot(config.parent) == before
    said = capsys.readouterr().out
    assert "REFUSED   http.conf [general]: enabled = no, the engine wants yes (" in said
    assert said.endswith("nothing was changed\n")


def test_an_old_asterisk_is_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(AsteriskInstall, "find", lambda path=None: installed(20, 6, 0))
    assert run(config, "--apply") == 1
    assert "20.6.0, 22.10.1 or newer is needed" in capsys.readouterr().out
    monkeypatch.setattr(AsteriskInstall, "find", lambda path=None: None)
    assert run(config, "--asterisk", "/bin/true") == 1
    assert run(config) == 0


@pytest.mark.parametrize("word", ["--apply", "--remove"])
def test_an_account_that_may_not_write_changes_nothing(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    before, may = snapshot(config.parent), os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "pjsip.conf" and may(path, mode))
    assert run(config, word) == 1
    assert snapshot(config.parent) == before
    assert "pjsip.conf cannot be written by this account, so nothing was changed" in capsys.readouterr().err


def test_a_directory_that_is_not_there(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text('[asterisk]\nconfig_dir = "/nonexistent/etc"\n')
    assert run(config) == 1
    assert "next: Set [asterisk] config_dir" in capsys.readouterr().err


def test_root_must_know_whose_the_engine_is(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (config.parent / "state").rmdir()
    assert run(config, "--apply") == 1
    assert not (config.parent / "etc" / "standardiste").exists()


def _told(config: Path) -> Finding:
    return doctor.asterisk_files(load(config))


def test_the_doctor_sees_what_became_of_it(config: Path) -> None:
    etc = config.parent / "etc"
    assert (_told(config).state, _told(config).mend) == ("care", "engine asterisk beside")
    assert run(config, "--apply") == 0
    assert _told(config).state == "well"
    (etc / "pjsip.conf").write_bytes(HIS["pjsip.conf"])
    assert _told(config) == Finding("care", "pjsip.conf: not as the engine needs it", "engine asterisk beside --apply")
    (etc / "http.conf").write_text("[general]\nenabled = no\n")
    assert _told(config).state == "ill"
    assert "enabled = no" in _told(config).saw


def test_the_doctor_knows_the_engines_own(config: Path) -> None:
    etc = config.parent / "etc"
    (etc / "asterisk.conf").write_text(f"; {NOTICE}\n")
    assert _told(config) == Finding("well", f"{etc}: of the engine's own Asterisk")
    config.write_text(f'[asterisk]\nconfig_dir = "{etc}/away"\n')
    assert _told(config).mend == "engine asterisk, or engine asterisk beside"
