"""A folder of scenarios: what belongs together is found by name, and its version is that of all of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.domain.values import Slug, slug
from engine.scenarios.program import LoadedProgram, load_program, scenario_names

MAIN = slug("main")
SAYING = """\
scenario: {name}
start: greet
on_error: bye
nodes:
  greet: {{type: play, prompt: {{file: welcome}}, next: on}}
  "on": {node}
  bye: {{type: hangup, prompt: Au revoir}}
"""
ASKING = "{type: subflow, scenario: survey, on: {done: bye}}"
ENDING = "{type: hangup}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`main` asks `survey`; both have a recording of their own by the same name, and the same words in it."""
    write(tmp_path, "main", ASKING)
    write(tmp_path, "survey", ENDING)
    return tmp_path


def write(folder: Path, name: str, node: str, sound: bytes = b"RIFF", language: str = "fr") -> None:
    (folder / name / "prompts" / language).mkdir(parents=True, exist_ok=True)
    (folder / name / "prompts" / language / "welcome.wav").write_bytes(sound)
    (folder / name / "scenario.yaml").write_text(SAYING.format(name=name, node=node))


def change(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def codes(loaded: LoadedProgram) -> list[str]:
    return [finding.code for finding in loaded.findings]


def version(folder: Path) -> str:
    loaded = load_program(folder, MAIN)
    assert loaded.program is not None, loaded.findings
    return loaded.program.version


def test_a_scenario_comes_with_all_it_leads_to(folder: Path) -> None:
    write(folder, "other", ENDING)

    loaded = load_program(folder, MAIN)

    assert loaded.findings == ()
    assert loaded.program is not None
    assert set(loaded.program.scenarios) == {"main", "survey"}
    assert loaded.program.start.scenario == "main"
    assert [(sound.name, sound.language) for sound in loaded.recordings] == [("welcome", "fr")]
    assert scenario_names(folder) == ["main", "other", "survey"]


def test_scenarios_that_lead_to_each_other_are_each_read_once(folder: Path) -> None:
    write(folder, "survey", "{type: transfer, scenario: main}")

    loaded = load_program(folder, MAIN)

    assert loaded.findings == ()
    assert list(loaded.scenarios) == ["main", "survey"]


def test_a_version_does_not_care_how_a_file_is_laid_out(folder: Path) -> None:
    before = version(folder)
    path = folder / "main" / "scenario.yaml"
    head, nodes = path.read_text().split("nodes:\n")
    turned = "".join(reversed(nodes.splitlines(keepends=True)))

    path.write_text(f"# said to callers\nnodes:\n{turned}\n\n{head}")

    assert version(folder) == before


def other_recordings(folder: Path) -> None:
    write(folder, "main", ASKING, b"x")
    write(folder, "survey", ENDING, b"x")


CHANGES: dict[str, Callable[[Path], None]] = {
    "words": lambda folder: change(folder / "main" / "scenario.yaml", "Au revoir", "Merci"),
    "a subflow": lambda folder: change(folder / "survey" / "scenario.yaml", "Au revoir", "Merci"),
    "recordings": other_recordings,
    "another language": lambda folder: write(folder, "main", ASKING, language="en"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_version_changes_with_all_that_a_caller_meets(folder: Path, what: str) -> None:
    before = version(folder)

    CHANGES[what](folder)

    assert version(folder) != before


def test_a_recording_that_nobody_says_is_not_in_the_version(folder: Path) -> None:
    before = version(folder)

    (folder / "main" / "prompts" / "fr" / "spare.wav").write_bytes(b"RIFF")

    assert version(folder) == before


def test_a_scenario_that_is_not_there_is_told_where_it_is_named_with_the_nearest(folder: Path) -> None:
    write(folder, "main", "{type: subflow, scenario: survy}")

    (found,) = load_program(folder, MAIN).findings

    assert (found.code, found.line, found.column, found.node) == ("S115", 6, 35, "on")
    assert found.mend == "Did you mean `survey`?"


def test_faults_of_everything_led_to_are_told_together(folder: Path) -> None:
    change(folder / "survey" / "scenario.yaml", "{type: hangup}", "{type: hungup}")
    change(folder / "main" / "scenario.yaml", "scenario: main", "scenario: mian")

    loaded = load_program(folder, MAIN)

    assert codes(loaded) == ["S116", "S108"]
    assert loaded.program is None
    assert loaded.scenarios[MAIN].scenario is not None


def test_one_name_cannot_stand_for_two_recordings(folder: Path) -> None:
    write(folder, "survey", ENDING, b"other words")

    (found,) = load_program(folder, MAIN).findings

    assert (found.code, found.scenario, found.node) == ("S118", "survey", "greet")


def test_a_recording_that_cannot_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bad_disk(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("hashlib.file_digest", bad_disk)

    assert codes(load_program(folder, MAIN)) == ["S117", "S117"]


def test_no_scenario_leads_to_hundreds(tmp_path: Path) -> None:
    for number in range(202):
        write(tmp_path, f"s{number}", f"{{type: transfer, scenario: s{number + 1}}}")

    assert codes(load_program(tmp_path, Slug("s0"))) == ["S109"]


def test_nothing_by_that_name(tmp_path: Path) -> None:
    assert codes(load_program(tmp_path, MAIN)) == ["S101"]
