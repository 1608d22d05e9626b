"""What a finding looks like to a person and to a program."""

import json
import re

import msgspec

from engine.scenarios.findings import CODES, Finding, as_json, as_text, in_order, sound

FINDING = Finding(
    code="S104",
    file="standard/scenario.yaml",
    line=12,
    column=5,
    scenario="standard",
    node="choose",
    message="unknown key 'promt'; did you mean 'prompt'?",
    mend="Write `prompt`",
)


def test_a_finding_is_one_line_that_an_editor_jumps_to() -> None:
    assert str(FINDING) == (
        "standard/scenario.yaml:12:5: S104 node choose: unknown key 'promt'; did you mean 'prompt'? Write `prompt`"
    )


def test_what_belongs_to_no_node_names_none_and_a_warning_says_that_it_is_one() -> None:
    nowhere = msgspec.structs.replace(FINDING, node="", severity="warning", message="odd", mend="Leave it out")

    assert str(nowhere) == "standard/scenario.yaml:12:5: S104 warning: odd. Leave it out"


def test_findings_stand_in_the_order_of_the_file_and_each_once() -> None:
    later, first = (msgspec.structs.replace(FINDING, line=line) for line in (30, 2))

    assert in_order([later, FINDING, first, later]) == (first, FINDING, later)
    assert as_text([first, later]).count("\n") == 1


def test_only_errors_forbid_to_publish() -> None:
    warning = msgspec.structs.replace(FINDING, severity="warning")

    assert sound([warning])
    assert not sound([warning, FINDING])


def test_programs_get_every_field() -> None:
    (told,) = json.loads(as_json([FINDING]))

    assert set(Finding.__struct_fields__) == set(told)


def test_codes_are_codes_and_titles_one_line() -> None:
    assert all(re.fullmatch(r"S[1-9][0-9]{2}", code) and "\n" not in title for code, title in CODES.items())
    assert len(set(CODES.values())) == len(CODES)
