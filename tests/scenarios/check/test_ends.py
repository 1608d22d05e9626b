"""A way is at its end too where the scenario that it leads into ends the call."""

from pathlib import Path

import pytest

from tests.scenarios.checking import checked

CLOSING = """\
scenario: main
start: greet
on_error: bye
nodes:
  greet: {type: play, prompt: Bonjour, next: close}
  close: {type: subflow, scenario: goodbye}
  bye: {type: hangup}
---
scenario: goodbye
start: SAY
on_error: bye
nodes:
  bye: {type: hangup, prompt: Au revoir}
"""
DEEPER = """\
---
scenario: last
start: bye
on_error: bye
nodes:
  bye: {type: hangup, prompt: Au revoir}
"""


@pytest.mark.parametrize(
    "text",
    [
        CLOSING.replace("SAY", "bye"),
        CLOSING.replace("SAY", "say").replace(
            "nodes:\n  bye: {type: hangup, prompt",
            "nodes:\n  say: {type: subflow, scenario: last}\n  bye: {type: hangup, prompt",
        )
        + DEEPER,
    ],
    ids=["a subflow that says goodbye", "one that another scenario does it for"],
)
def test_a_scenario_that_leaves_the_goodbye_to_another(text: str, tmp_path: Path) -> None:
    report = checked(tmp_path, text)
    assert {at.code for at in report.findings} <= {"S706", "S203"}  # it never comes back: a warning
    assert report.good


def test_a_subflow_that_only_comes_back_is_no_end(tmp_path: Path) -> None:
    text = CLOSING.replace("goodbye}", "goodbye, on: {done: greet}}").replace("SAY", "back")
    text = text.replace("  bye: {type: hangup, prompt: Au revoir}", "  back: {type: return, outcome: done}")
    text = text.replace("start: back\non_error: bye", "start: back\non_error: back\noutcomes: [done]")
    found = {(at.code, at.node) for at in checked(tmp_path, text).findings}
    assert {("S207", "greet"), ("S207", "close")} <= found
