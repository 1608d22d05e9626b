"""`engine scenario` and its words, on files as people write them."""

import io
import json
import wave
from pathlib import Path

import pytest

from engine import cli

SCENARIO = """\
scenario: tiny
start: choose
on_error: bye
nodes:
  choose:
    type: menu
    prompt: [{file: hello}, Tapez 1.]
    keys: {1: sales}
    on: {no_input: bye, no_match: bye}
  sales: {type: group, group: sales, on: {not_taken: bye, nobody: bye}}
  bye: {type: hangup, prompt: {sound: vm-goodbye}}
"""
TESTS = """\
defaults: {at: 2026-05-04T10:00+02:00}
conversations:
  - name: to sales
    steps: [press: 1, group sales: talked 10]
    result: talked
"""


CALENDAR = """\
calendars:
  office: {name: Office, time_zone: Europe/Paris, country: FR, hours: Mo-Fr 09:00-18:00}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "tiny"
    (home / "prompts" / "fr").mkdir(parents=True)
    (home / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    (home / "tiny.test.yaml").write_text(TESTS, encoding="utf-8")
    with wave.open(str(home / "prompts" / "fr" / "hello.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(2 * 8_000 * 7))
    return tmp_path


def scenario(*words: str, folder: Path) -> int:
    return cli.main(["scenario", *words, "--folder", str(folder)])


def test_the_ways_that_conversations_go_are_drawn(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scenario("draw", "tiny", "--as", "mermaid", folder=folder) == 0
    plain = capsys.readouterr().out
    assert scenario("draw", "tiny", "--as", "mermaid", "--heat", "conversations", folder=folder) == 0
    assert plain.splitlines()[:3] == (warm := capsys.readouterr().out).splitlines()[:3]
    assert warm.count("stroke-width") > plain.count("stroke-width")


def types(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_a_call_from_a_pipe(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    types(monkeypatch, "1")
    assert scenario("try", "tiny", "--answer", "group sales=busy", folder=folder) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == ["  0:00  “[hello] Tapez 1.”", "keys > 1", "  0:07  you press 1"]
    assert said[-1] == "the way: choose (key 1) > sales (busy) > bye (ended)"


def test_a_recorded_call_is_a_test(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "tiny" / "tiny.test.yaml"
    types(monkeypatch, "1", "nobody")
    assert scenario("try", "tiny", "--at", "2026-05-01T10:00", "--record", str(file), folder=folder) == 0
    types(monkeypatch)
    assert scenario("try", "tiny", "--record", str(file), folder=folder) == 0
    assert scenario("test", "--all", folder=folder) == 0
    assert "tiny: 3 of 3 conversations as expected, 2 of 5 edges (40 %)" in capsys.readouterr().out


def test_a_call_becomes_a_recording(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = folder / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    words = ["try", "tiny", "--audio", str(folder / "call.wav")]
    assert scenario(*words, folder=folder) == 1
    assert "no speech engine on this machine" in capsys.readouterr().err
    espeak = programs / "espeak-ng"
    espeak.write_text(
        "#!/bin/sh\nprintf '%24s\\100\\037\\000\\000%16s%16000s' '' '' ''\n", encoding="utf-8"
    )  # 8,000 Hz
    espeak.chmod(0o755)
    types(monkeypatch, "h")
    assert scenario(*words, folder=folder) == 0
    with wave.open(str(folder / "call.wav"), "rb") as file:
        assert file.getnframes() == 8 * 8_000  # 7 s of recording, 1 s of speech
    types(monkeypatch)
    assert scenario(*words[:-1], str(folder / "away" / "call.wav"), folder=folder) == 1
    assert "cannot be written" in capsys.readouterr().err


def asks_a_calendar(folder: Path, calendar: str) -> Path:
    """The scenario looks into a calendar instead of asking; the file of the directory that has it."""
    hours = "  choose: {type: hours, calendar: office, on: {open: sales, closed: bye}}\n"
    text = SCENARIO[: SCENARIO.index("  choose:")] + hours + SCENARIO[SCENARIO.index("  sales:") :]
    (folder / "tiny" / "scenario.yaml").write_text(text, encoding="utf-8")
    file = folder / "company.yaml"
    file.write_text(calendar, encoding="utf-8")
    return file


def test_the_calendars_of_a_directory_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = asks_a_calendar(folder, CALENDAR)
    types(monkeypatch)
    words = ["try", "tiny", "--at", "2026-05-04T06:00+02:00", "--directory", str(file)]
    assert scenario(*words, folder=folder) == 0
    assert "hours office: closed until=2026-05-04T07:00:00+00:00" in capsys.readouterr().out


def test_a_conversation_that_goes_another_way_is_exit_code_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "tiny" / "tiny.test.yaml"
    file.write_text(TESTS.replace("result: talked", "result: ended"), encoding="utf-8")
    assert scenario("test", "tiny", folder=folder) == 1
    assert f"{file}:3: result: ended expected, it is talked" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["test"], "either names of scenarios or --all"),
        (["test", "tiny", "--all"], "either names of scenarios or --all"),
        (["test", "other"], "S101"),
        (["publish", "tinny"], "tinny/scenario.yaml: not there\n  next: Did you mean tiny?"),
        (["publish", "reception"], "reception/scenario.yaml: not there\n  next: Give its name, or --folder DIR"),
        (["try", "tiny", "--at", "noon"], "--at: "),
        (["try", "tiny", "--answer", "weather=fine"], "'weather' is nothing a scenario asks"),
        (["try", "Tiny"], "'Tiny' is not an identifier"),
    ],
)
def test_what_cannot_be_done_is_told(
    words: list[str], told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scenario(*words, folder=folder) == 1
    assert told in capsys.readouterr().err


def test_an_empty_folder_and_a_broken_recording_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tiny" / "prompts" / "fr" / "hello.wav").write_bytes(b"noise")
    assert scenario("test", "tiny", folder=folder) == 1
    assert "hello.wav: not a recording in WAV" in capsys.readouterr().err
    assert scenario("test", "--all", folder=folder / "tiny") == 1
    assert "no scenario there" in capsys.readouterr().err


def test_what_is_sound_is_proved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scenario("check", "tiny", folder=folder) == 0

    told = capsys.readouterr().out
    assert "S390 warning: groups of the deployment: not known here, so 'sales' was not checked" in told
    assert "tiny: every caller reaches a person, a message or an end within 3 steps" in told


def test_what_is_wrong_is_told_and_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "tiny" / "scenario.yaml"
    file.write_text(SCENARIO.replace("{1: sales}", "{1: slaes}"), encoding="utf-8")

    assert scenario("check", "--all", "--json", folder=folder) == 1

    found = json.loads(capsys.readouterr().out)["tiny"]["findings"]
    (wrong,) = [finding for finding in found if finding["code"] == "S201"]
    assert (wrong["file"], wrong["line"], wrong["node"]) == (str(file), 8, "choose")


def test_what_a_directory_has_is_known(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "directory.yaml"
    file.write_text(CALENDAR, encoding="utf-8")

    assert scenario("check", "tiny", "--directory", str(file), folder=folder) == 1
    assert "S301 node sales: 'sales' is not among the groups of this deployment" in capsys.readouterr().out


def test_a_calendar_that_is_never_open_is_told_where_it_is_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = asks_a_calendar(folder, CALENDAR.replace("Mo-Fr 09:00-18:00", "'off'"))

    scenario("check", "tiny", "--directory", str(file), folder=folder)
    assert "S314 warning node choose: office: `off` is not open once in the coming year." in capsys.readouterr().out


def test_names_or_all_are_checked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scenario("check", folder=folder) != 0
    assert "either names of scenarios or --all" in capsys.readouterr().err


@pytest.mark.parametrize(("form", "begins"), [("dot", "digraph scenario {"), ("mermaid", "flowchart TD")])
def test_a_scenario_is_drawn(form: str, begins: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert scenario("draw", "tiny", "--as", form, folder=folder) == 0
    assert capsys.readouterr().out.startswith(begins)
