"""Conditions of scenarios: checked before a caller meets them, and never more than a condition."""

import pytest

from engine.domain.scenario.expressions import LONGEST, Types, can_name, evaluate, fits, type_of, variables_in
from engine.domain.scenario.graph import Expression, Value, Variable
from engine.errors import InvalidValue

DEPARTMENT, TRIES, VIP = map(Variable, ("department", "tries", "vip"))
TYPES: Types = {DEPARTMENT: "text", TRIES: "number", VIP: "flag"}
VALUES: dict[Variable, Value] = {DEPARTMENT: "33", TRIES: 2, VIP: False}


@pytest.mark.parametrize(
    ("expression", "type_", "value"),
    [
        ("department == '33' && tries < 3", "flag", True),
        ("vip || department.startsWith('9')", "flag", False),
        ("tries + 1", "number", 3),
        ("department + '-' + string(tries)", "text", "33-2"),
        ("size(department)", "number", 2),
        ("department.matches('^[0-9]{2}$')", "flag", True),
        ("vip ? 'vip' : 'all'", "text", "all"),
    ],
)
def test_an_expression_has_a_type_and_a_value(expression: str, type_: str, value: Value) -> None:
    assert type_of(Expression(expression), TYPES) == type_
    assert evaluate(Expression(expression), TYPES, VALUES) == value


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("department > 3", "no matching overload"),
        ("nobody == 1", "undeclared reference to 'nobody'"),
        ("department ==", "Syntax error"),
        ("[1, 2]", "neither a text, a number nor a flag, but list"),
        ("1.5", "neither a text, a number nor a flag, but double"),
        ("__import__('os')", "undeclared reference"),
        ("'" + LONGEST * "x" + "'", "1002 characters"),
    ],
)
def test_what_does_not_fit_is_told_before_any_call(expression: str, why: str) -> None:
    with pytest.raises(InvalidValue, match=why.replace("(", r"\(")):
        type_of(Expression(expression), TYPES)


@pytest.mark.parametrize(
    ("expression", "why"), [("1 / (tries - 2) == 1", "divide by zero"), ("department == ''", "department")]
)
def test_what_has_no_value_is_told(expression: str, why: str) -> None:
    values = {TRIES: 2} if "department" in expression else VALUES
    with pytest.raises(InvalidValue, match=why):
        evaluate(Expression(expression), TYPES, values)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("department == 'tries' && tries < 3", {"department", "tries"}),
        ("[1, 2].exists(vip, vip == tries)", {"tries", "vip"}),
        ("department.size() + department.other", {"department"}),
        ("string(tries) in [department] ? true : null", {"tries", "department"}),
        (r""""it\"s vip" + 'it\'s vip' + r"vip" // vip""", set()),
        ('"""a "vip" b"""', set()),
        ("1u + 0x1F", set()),
    ],
)
def test_what_an_expression_may_read(expression: str, names: set[str]) -> None:
    assert variables_in(Expression(expression)) == names


@pytest.mark.parametrize(
    ("pattern", "text", "fit"),
    [("[0-9]{2}", "33", True), ("[0-9]{2}", "334", False), ("1|22", "221", False), ("(a+)+b", "a" * 5_000, False)],
)
def test_a_pattern_is_for_the_whole_of_a_text(pattern: str, text: str, fit: bool) -> None:
    assert fits(pattern, text) is fit


def test_a_pattern_that_is_none_is_told() -> None:
    with pytest.raises(InvalidValue, match="invalid regular expression"):
        fits("[0-9", "3")


@pytest.mark.parametrize("word", ["package", "function", "type", "list", "int", "in", "null", "true"])
def test_a_word_of_the_expressions_own_names_no_variable(word: str) -> None:
    assert not can_name(Variable(word))
    assert can_name(Variable(f"the_{word}"))
