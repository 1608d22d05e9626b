"""A call whose lines are all sent at once."""

from datetime import datetime

import pytest

from engine.domain.scenario.graph import Expression, Hangup, Hours, Menu, NodeName, Program, Set, Variable
from engine.domain.values import Slug
from engine.errors import InvalidValue
from engine.scenarios.hearing import DEAF
from engine.scenarios.simulator import Caller
from engine.scenarios.trying import Attempt, Tried, attempt
from tests.domain.scenario.caller import of, say, texts

PROGRAM: Program = of(
    {
        "main": Hours(calendar=Slug("office"), on={"open": NodeName("menu"), "closed": NodeName("sorry")}),
        "menu": Menu(prompt=say("Tapez 1"), keys={"1": NodeName("sorry")}),
    }
)
MONDAY = Caller(at=datetime.fromisoformat("2026-05-04T10:00:00+02:00"))


def tried(*lines: str, **answers: str) -> Tried:
    said = {name.replace("_", " "): answer for name, answer in answers.items()}
    return attempt(PROGRAM, Attempt(caller=MONDAY, answers=said, lines=lines), None, DEAF)


def test_it_goes_as_far_as_the_lines_lead() -> None:
    found = tried(hours_office="open")
    assert found.asked == "keys"
    assert any("Tapez 1" in line for line in found.heard)
    assert found.way == "main (open) > menu"
    over = tried("1", hours_office="open")
    assert (over.asked, over.way) == (None, "main (open) > menu (key 1) > sorry (ended)")
    assert over.heard[: len(found.heard)] == found.heard


def test_what_nobody_answers_is_asked_for() -> None:
    found = tried()
    assert found.asked is not None
    assert found.asked.startswith("hours office? open closed")
    assert tried("open").asked == "keys"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59+00:00"])
def test_a_time_that_no_calendar_can_be_asked_for(at: str) -> None:
    wish = Attempt(caller=Caller(at=datetime.fromisoformat(at)))
    with pytest.raises(InvalidValue, match="from 1970 to 2199") as refused:
        attempt(PROGRAM, wish, None, DEAF)
    assert refused.value.pointer == "/at"


def test_it_tells_why_a_node_went_wrong() -> None:
    broken = of(
        {"main": Set(values={Variable("pin"): Expression("string(1 / size(''))")}), "sorry": Hangup()},
        vars=texts("pin"),
    )
    found = attempt(broken, Attempt(caller=MONDAY), None, DEAF)
    assert found.way == "main (error) > sorry (ended)"
    assert found.heard[0] == "  0:00  went wrong: main/main: `string(1 / size(''))`: divide by zero"


def test_an_answer_that_is_none() -> None:
    with pytest.raises(InvalidValue):
        tried(hours_office="perhaps")
