"""Whoever is led into another scenario hears it in the language they had by then, so it has to speak that."""

from pathlib import Path

import pytest

from tests.scenarios.checking import checked

MAIN = """\
scenario: main
languages: [fr, en]
start: START
on_error: bye
vars:
  vip: {type: flag, default: no}
nodes:
  french: {type: language, language: fr, next: other}
  english: {type: language, language: en, next: other}
  which: {type: switch, cases: [{when: "WHEN", to: other}], next: bye}
  unlike: {type: switch, cases: [{when: "language != 'fr'", to: bye}], next: other}
  within: {type: subflow, scenario: speaking, on: {done: other}}
  other: {type: LED, scenario: regret}
  bye: {type: hangup, prompt: {fr: Au revoir., en: Goodbye.}}
---
scenario: regret
start: bye
on_error: bye
nodes:
  bye: {type: hangup, prompt: Nous sommes fermés.}
---
scenario: speaking
languages: [fr, en]
start: choose
on_error: back
outcomes: [done]
nodes:
  choose: {type: language, language: SPEAKS, next: back}
  back: {type: return, outcome: done}
"""


def led(start: str, *, when: str = "language == 'fr'", by: str = "transfer", speaks: str = "fr") -> str:
    return MAIN.replace("START", start).replace("WHEN", when).replace("LED", by).replace("SPEAKS", speaks)


@pytest.mark.parametrize("by", ["transfer", "subflow"])
@pytest.mark.parametrize(
    ("start", "when", "speaks"),
    [
        ("other", "", "fr"),
        ("english", "", "fr"),
        ("which", "vip", "fr"),
        ("which", "language == 'fr' || vip", "fr"),
        ("within", "", "en"),
    ],
)
def test_some_callers_would_hear_a_wrong_voice(by: str, start: str, when: str, speaks: str, tmp_path: Path) -> None:
    found = checked(tmp_path, led(start, when=when or "vip", by=by, speaks=speaks)).findings
    told = [(at.node, at.message) for at in found if at.code == "S313"]
    assert told == [("other", "regret does not speak en, which callers may hear by now")]


@pytest.mark.parametrize(
    ("start", "when", "speaks"),
    [
        ("french", "", "fr"),
        ("which", "language == 'fr'", "fr"),
        ("which", "language == 'fr' && vip", "fr"),
        ("unlike", "", "fr"),
        ("within", "", "fr"),
    ],
)
def test_only_those_who_hear_french_come_there(start: str, when: str, speaks: str, tmp_path: Path) -> None:
    found = checked(tmp_path, led(start, when=when or "language == 'fr'", speaks=speaks)).findings
    assert "S313" not in [at.code for at in found]
