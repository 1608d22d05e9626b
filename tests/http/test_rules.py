"""Every rule by which the engine refuses has its words in the API."""

import re
from pathlib import Path

import engine
from engine.errors import DatabaseAway, InvalidValue, ProgrammingError, Refused, StandardisteError
from engine.http.problems import kind_of, problem_of

_RULE = re.compile(r"""\b(?:rule|code)=f?["']([a-z{][^"']*)["'],?""")


def test_every_rule_in_the_tree_is_explained() -> None:
    folder = Path(engine.__file__).parent
    rules = {rule for file in folder.rglob("*.py") for rule in _RULE.findall(file.read_text(encoding="utf-8"))}
    assert {rule for rule in rules if kind_of(rule.split("{")[0]) is None} == set()


def test_each_error_of_the_tree_gets_its_status() -> None:
    def status(error: StandardisteError) -> tuple[int, str]:
        problem, _ = problem_of(error, "0")
        return problem.status, problem.code

    assert status(InvalidValue("x")) == (422, "invalid-value")
    assert status(DatabaseAway("x")) == (503, "database-away")
    assert status(Refused("x", rule="destination-premium", status=403)) == (403, "destination-premium")
    assert status(Refused("x", rule="a-rule-of-tomorrow", status=409)) == (409, "a-rule-of-tomorrow")


def test_an_error_of_ours_tells_the_asker_nothing_but_its_incident() -> None:
    fault = ProgrammingError("leg 3 has two owners", what_next="Ask the owners.")
    problem, headers = problem_of(fault, "the-request")
    assert (problem.status, problem.code, problem.incident) == (500, "internal", "the-request")
    assert "owners" not in f"{problem}{headers}"
