"""Wrong scenarios: each file of `broken/` says on its first lines all that is found in it, and nothing else is."""

from pathlib import Path

import msgspec
import pytest

from engine.scenarios import findings
from engine.scenarios.check.codes import CODES
from engine.scenarios.house import UNKNOWN
from tests.scenarios.checking import HOUSE, checked

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
WORDS = """\
scenario: main
start: greet
on_error: bye
nodes:
  greet: {type: play, prompt: Bonjour, next: bye}
  bye: {type: hangup}
"""
ASKED = "type: hours, calendar: x, on: {open: bye, closed: bye}"


def expected(text: str) -> list[str]:
    return [line[2:] for line in text.splitlines() if line.startswith("# S")]


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_all_that_is_wrong_is_found_where_it_is(path: Path, tmp_path: Path) -> None:
    text = path.read_text()

    found = checked(tmp_path, text).findings

    assert expected(text) == [f"{at.code} {at.line}:{at.column} {at.scenario} {at.node}".rstrip() for at in found]
    assert all(at.file == str(tmp_path / at.scenario / "scenario.yaml") for at in found)


def test_every_code_has_its_broken_file() -> None:
    shown = {line.split()[0] for path in BROKEN for line in expected(path.read_text())}
    elsewhere = {"S308", "S390", "S602"}  # below; what is not read at all is the loader's to find
    assert shown == CODES.keys() - elsewhere


def test_no_code_stands_for_two_things() -> None:
    assert not CODES.keys() & findings.CODES.keys()


def test_words_need_a_speech_engine_for_their_language(tmp_path: Path) -> None:
    mute = msgspec.structs.replace(HOUSE, speech=frozenset({"en"}))
    assert [at.code for at in checked(tmp_path, WORDS, mute).findings] == ["S602"]


def test_what_is_not_known_is_not_checked_and_said_so(tmp_path: Path) -> None:
    text = WORDS.replace("type: play, prompt: Bonjour, next: bye", ASKED)
    report = checked(tmp_path, text, UNKNOWN)
    assert [at.code for at in report.findings] == ["S390"]
    assert report.good


def test_a_sound_scenario_has_no_findings(tmp_path: Path) -> None:
    report = checked(tmp_path, WORDS)
    assert report.findings == ()
    assert report.good


def test_a_file_that_cannot_be_read_is_told_by_the_loader(tmp_path: Path) -> None:
    report = checked(tmp_path, WORDS + "  bye: {type: hangup}\n")
    assert [at.code for at in report.findings] == ["S103"]
    assert report.proof == ()
    assert not report.good
