"""Reading a scenario's file: what is well written becomes the model, and every fault is told at its place."""

import gc
from pathlib import Path

import msgspec
import pytest

from engine.domain.scenario.graph import (
    Collect,
    Date,
    Expression,
    File,
    Hangup,
    Item,
    NodeName,
    Pause,
    Ring,
    Say,
    Template,
)
from engine.domain.values import slug
from engine.scenarios.findings import CODES, Finding
from engine.scenarios.loader import Loaded, load, load_text

HEAD = "scenario: test\nstart: a\non_error: bye\n"
ONE = HEAD + "nodes:\n  bye: {type: hangup}\n  a: "
TWO = HEAD + "languages: [fr, en]\nnodes:\n  bye: {type: hangup}\n  a: "


def read(text: str) -> Loaded:
    return load_text(text, "test.yaml")


def prompt(written: str, head: str = ONE) -> tuple[Item, ...]:
    """What a prompt written so is read as."""
    loaded = read(f"{head}{{type: hangup, prompt: {written}}}")
    assert loaded.scenario is not None, loaded.findings
    node = loaded.scenario.nodes[NodeName("a")]
    assert isinstance(node, Hangup)
    return node.prompt


def told(text: str) -> list[str]:
    """`line:column code` of every finding."""
    return [f"{found.line}:{found.column} {found.code}" for found in read(text).findings]


def test_values_are_what_the_model_wants_whatever_yaml_would_make_of_them() -> None:
    loaded = read(
        HEAD
        + """
vars:
  hour: {type: text, default: 12:30}
  zeros: {type: text, default: 0123}
  number: {type: number, default: 0123}
  below: {type: number, default: -5}
  late: {type: flag, default: on}
  word: {type: text, default: yes}
nodes:
  bye: {type: hangup}
  a: {type: ring, numbers: +33612345678, agents: [on, 0123], on: {not_taken: bye}}
  b: {type: collect, prompt: x, into: word, valid: 1_0, first_timeout_s: 2, next: a}
"""
    )

    assert loaded.findings == ()
    assert loaded.scenario is not None
    defaults = {name: var.default for name, var in loaded.scenario.vars.items()}
    assert defaults == {
        "hour": "12:30",
        "zeros": "0123",
        "number": 123,
        "below": -5,
        "late": True,
        "word": "yes",
    }
    a, b = (loaded.scenario.nodes[NodeName(name)] for name in ("a", "b"))
    assert isinstance(a, Ring)
    assert (a.numbers, a.agents) == (("+33612345678",), ("on", "0123"))
    assert isinstance(b, Collect)
    assert (b.valid, b.first_timeout_s, type(b.first_timeout_s)) == ("1_0", 2.0, float)


HELLO = Say(say={"fr": Template("Bonjour")})
BOTH = Say(say={"fr": Template("Bonjour"), "en": Template("Hello")})
PROMPTS: list[tuple[str, tuple[Item, ...]]] = [
    ("Bonjour", (HELLO,)),
    ("{fr: Bonjour, en: Hello}", (BOTH,)),
    ("{fr: Bonjour, barge: ignore}", (msgspec.structs.replace(HELLO, barge="ignore"),)),
    ("{file: welcome, barge: buffer}", (File(file=slug("welcome"), barge="buffer"),)),
    ("{say: Bonjour}", (HELLO,)),
    ("{say: {fr: Bonjour, en: Hello}}", (BOTH,)),
    ("[Bonjour, {fr: Bonjour, en: Hello}, {pause: 1}]", (HELLO, BOTH, Pause(pause=1.0))),
    ("{date: day}", (Date(date=Expression("day")),)),
    ("[]", ()),
]


@pytest.mark.parametrize(("written", "read_as"), PROMPTS)
def test_a_prompt_is_written_as_short_as_one_likes(written: str, read_as: tuple[Item, ...]) -> None:
    assert prompt(written) == read_as


def test_a_text_without_its_language_is_only_for_scenarios_of_one() -> None:
    assert prompt("{en: Hello}", TWO) == (Say(say={"en": Template("Hello")}),)

    (found,) = read(f"{TWO}{{type: hangup, prompt: [{{say: Hello}}]}}").findings

    assert (found.code, found.node, found.mend) == ("S112", "a", "Write {fr: ..., en: ...}")


FAULTS = [
    ("", "1:1 S106"),
    ("- a", "1:1 S106"),
    ("a: [", "1:5 S102"),
    ("a: &b 1\nc: *b", "2:4 S102"),
    (f"{HEAD}start: b\nnodes: {{bye: {{type: hangup}}}}", "4:1 S103"),
    (f"{HEAD}on_eror: b\nnodes: {{bye: {{type: hangup}}}}", "4:1 S104"),
    ("scenario: test\nnodes: {bye: {type: hangup}}", "1:1 S105"),
    (f"{HEAD}nodes:", "1:1 S105"),
    (f"{HEAD}nodes: [a]", "4:8 S106"),
    (f"{HEAD}schema: 2\nnodes: {{bye: {{type: hangup}}}}", "4:9 S107"),
    (f"{HEAD}vars: {{x: {{type: number, default: a}}}}\nnodes: {{bye: {{type: hangup}}}}", "4:35 S107"),
    (f"{HEAD}vars: {{x: {{type: date}}}}\nnodes: {{bye: {{type: hangup}}}}", "4:18 S108"),
    (f"{HEAD}vars: {{X: {{type: text}}}}\nnodes: {{bye: {{type: hangup}}}}", "4:8 S110"),
    (f"{HEAD}nodes: {{Bye bye: {{type: hangup}}}}", "4:9 S110"),
    (f"{HEAD}nodes: {{[a]: {{type: hangup}}}}", "4:9 S106"),
    (f"{HEAD}nodes: {{a: }}", "4:9 S105"),
    (ONE + "[play]", "6:6 S106"),
    (ONE + "{prompt: Bonjour}", "6:6 S105"),
    (ONE + "{type: plai, prompt: Bonjour}", "6:13 S108"),
    (ONE + "{type: [play]}", "6:13 S108"),
    (ONE + "{type: play, promt: Bonjour, prompt: x}", "6:19 S104"),
    (ONE + "{type: play, prompt: x, unanswered: maybe}", "6:42 S107"),
    (ONE + "{type: play, prompt: {file: Bien venue}}", "6:34 S107"),
    (ONE + "{type: play, prompt: {file: a, sound: b}}", "6:27 S111"),
    (ONE + "{type: play, prompt: {fille: a}}", "6:27 S111"),
    (ONE + "{type: play, prompt: {pause: 1, barge: perhaps}}", "6:45 S107"),
    (ONE + "{type: play, prompt: {fr: ' '}}", "6:32 S107"),
    (ONE + "{type: play, prompt: x, next: [a]}", "6:36 S106"),
    (ONE + "{type: play, prompt: x, on: {error: a}}", "6:35 S113"),
    (ONE + "{type: play, prompt: x, on: error}", "6:34 S106"),
    (ONE + "{type: play, prompt: x, on: {[a]: b}}", "6:35 S106"),
    (ONE + "{type: play, prompt: x, next: a, on: {done: a}}", "6:44 S114"),
    (ONE + "{type: hangup, next: a}", "6:21 S113"),
    (ONE + "{type: subflow, scenario: b, next: a}", "6:35 S113"),
    (ONE + "{type: record, prompt: x, max_s: 2m}", "6:39 S107"),
    (ONE + "{type: record, prompt: x, max_s: 0}", "6:39 S107"),
    (ONE + "{type: fetch, url: x, timeout_s: 1e3}", "6:39 S107"),
    (ONE + "{type: menu, prompt: x, keys: {x: a}}", "6:37 S110"),
    (ONE + "{type: switch, cases: {when: a, to: b}}", "6:28 S106"),
    (ONE + "{type: incident, flags: []}", "6:30 S105"),
    (f"{HEAD}languages: []\nnodes: {{bye: {{type: hangup}}}}", "4:12 S105"),
    (ONE + "{type: switch, cases: [{wen: a, to: b}]}", "6:30 S104"),
    (ONE + "{type: ring, numbers: [0612345678]}", "6:29 S107"),
    (ONE + '{type: hangup, note: "\\0"}', "6:27 S107"),
]


@pytest.mark.parametrize(("text", "first"), FAULTS)
def test_a_fault_is_told_at_its_place(text: str, first: str) -> None:
    loaded = read(text)

    assert first in told(text)
    assert loaded.scenario is None
    assert all(found.code in CODES and found.message and found.mend for found in loaded.findings)


def test_every_fault_is_told_not_only_the_first() -> None:
    text = f"{HEAD}languages: [de]\nnodes:\n  a: {{type: menu, tries: x, keys: {{y: a}}}}\n  b: {{type: huangup}}\n"

    assert told(text) == ["4:13 S107", "6:6 S105", "6:26 S107", "6:36 S110", "7:13 S108"]


def test_the_nearest_word_is_offered() -> None:
    mends = [found.mend for found in read(f"{ONE}{{type: plai}}\n  b: {{type: play, promt: x}}").findings]

    assert mends == ["Did you mean `play`?", "Did you mean `prompt`?"]  # and does not tell that `prompt` is missing


def test_a_finding_names_scenario_and_node() -> None:
    (found,) = read(f"{ONE}{{type: hangup, reason: bussy}}").findings

    assert found == Finding(
        code="S107",
        file="test.yaml",
        line=6,
        column=29,
        scenario="test",
        node="a",
        message="reason: 'bussy' is not one of normal, busy, congestion",
        mend="Did you mean `busy`?",
    )


@pytest.mark.parametrize(
    ("line", "mend"),
    [
        (
            "prompt: Pour les ventes: tapez 1",
            "Begin a key in the column of the keys above; a text with an apostrophe, `: `,",
        ),
        ("prompt: 'Merci d'attendre'", "Let all keys of one node begin in the same column; a text with an apostrophe"),
        ("on: {busy: bye, nobody: Bye: bye}", "Close every bracket and brace, here or just before; a text with"),
        ("keys: {1: bye", "Close every bracket and brace"),
        ("\tnote: Été", "Indent with spaces, never with a tab"),
        ('note: "Été', "Close the quotes at the end of that text"),
        ("note: *été", "Mend the notation here, or just before"),
    ],
)
def test_what_is_no_yaml_is_told_with_what_one_does_about_it(line: str, mend: str) -> None:
    (found,) = read(f"{HEAD}nodes:\n  a:\n    type: play\n    {line}\n  bye: {{type: hangup}}\n").findings
    assert (found.code, found.mend[: len(mend)]) == ("S102", mend)


def test_outcomes_of_a_subflow_are_its_own_affair() -> None:
    assert not read(f"{ONE}{{type: subflow, scenario: b, on: {{whatever: bye}}}}").findings


def test_more_than_a_caller_could_ever_walk_is_refused() -> None:
    nodes = "\n".join(f"  n{number}: {{type: hangup}}" for number in range(20_001))

    assert told(f"{HEAD}nodes:\n{nodes}")[0] == "5:3 S109"
    assert told(f"{ONE}{{type: ring, agents: [{'x,' * 20_001}]}}") == ["6:27 S109"]


def test_a_file_that_is_not_there_is_a_finding_too(tmp_path: Path) -> None:
    (found,) = load(tmp_path / "none.yaml", "standard").findings

    assert (found.code, found.line, found.scenario) == ("S101", 1, "standard")


def test_a_file_is_read_as_utf_8_with_its_mark(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(f"{ONE}{{type: hangup, note: Été}}", encoding="utf-8-sig")

    assert load(path).findings == ()
    assert gc.isenabled()
