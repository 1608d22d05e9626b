"""Whatever is in a file, reading it ends in a scenario or in findings, never in an exception."""

import time
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from engine.scenarios.findings import CODES
from engine.scenarios.loader import Loaded, load_text

VALID = """\
scenario: standard
languages: [fr, en]
vars:
  customer: {type: text, default: ''}
  count: {type: number, default: 0}
start: choose
on_error: bye
limits: {steps: 50}
nodes:
  choose:
    type: menu
    prompt:
      - {fr: Bonjour, en: Hello}
      - file: welcome
        barge: buffer
      - pause: 0.5
    keys: {1: ring, "2": code, 0: bye}
    on: {no_input: bye, no_match: bye}
  ring: {type: ring, agents: [marie], numbers: ['+33612345678'], next: bye}
  code:
    type: collect
    prompt: {sound: vm-enter-num-to-call}
    into: customer
    valid: '[0-9]{4}'
    on: {done: which, no_input: bye, no_match: bye}
  which:
    type: switch
    cases:
      - {when: "customer == '1234'", to: ring}
    next: bye
  bye: {type: hangup, prompt: {say: {fr: Au revoir, en: Goodbye}}}
"""
WORDS = (
    [line.strip() for line in VALID.splitlines()] + list("[]{}:,-#&*!|>'\"%@`?~\n\t \0\x85\u2028") + ["nodes", "null"]
)


def judged(text: str) -> Loaded:
    """Read, and held against what is promised of every text."""
    loaded = load_text(text, "fuzzed.yaml")
    lines = text.count("\n") + 1
    assert (loaded.scenario is None) == bool(loaded.findings)
    for found in loaded.findings:
        assert found.code in CODES
        assert found.message
        assert found.mend
        assert (
            1
            <= found.line
            <= lines + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029")
        )
        assert found.column >= 1
    return loaded


def test_what_is_changed_below_is_valid() -> None:
    assert judged(VALID).findings == ()


@given(st.text(st.characters(codec=None, categories=None)))
def test_any_text(text: str) -> None:
    judged(text)


@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_words_of_the_format_in_any_order(text: str) -> None:
    judged(text)


@given(st.integers(0, len(VALID)), st.integers(0, 40), st.lists(st.sampled_from(WORDS), max_size=3).map("".join))
def test_a_valid_file_with_something_else_in_the_place_of_something(at: int, gone: int, put: str) -> None:
    judged(VALID[:at] + put + VALID[at + gone :])


@given(st.lists(st.integers(0, VALID.count("\n")), min_size=2, max_size=12))
def test_a_valid_file_with_lines_repeated_and_left_out(numbers: list[int]) -> None:
    lines = VALID.splitlines()
    moved = [lines[number % len(lines)] for number in numbers]

    judged("\n".join(lines[: numbers[0]] + moved + lines[numbers[-1] :]))


NESTED: list[Callable[[int], str]] = [
    lambda times: "nodes: " + "[" * times,
    lambda times: "{nodes: " * times,
    lambda times: "- " * times,
    lambda times: "a: " * times,
    lambda times: f"scenario: {'x' * times}",
    lambda times: "\n".join(f"key{number}: x" for number in range(times)),
]


def test_what_is_made_to_take_long_does_not() -> None:
    for made in NESTED:
        began = time.monotonic()
        judged(made(30_000))
        assert time.monotonic() - began < 10


def test_five_thousand_nodes_are_read_at_once() -> None:
    node = "{type: menu, prompt: [{fr: Bonjour, en: Hello}, {file: welcome}], keys: {1: bye}, on: {no_input: bye}}"
    nodes = "".join(f"  n{number}: {node}\n" for number in range(5_000))
    began = time.process_time()

    loaded = load_text(VALID + nodes, "big.yaml")

    assert loaded.findings == ()
    assert time.process_time() - began < 3  # 0.5 s on a machine of one's own
