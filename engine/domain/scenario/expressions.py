"""Conditions and values of a scenario: CEL, type-checked against its variables before any caller meets them.

The one module that knows which CEL is behind it (cel-expr-python, the C++ implementation). CEL has no loops, no side
effects and no way out to the machine; see https://github.com/google/cel-spec.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NewType

from cel_expr_python import cel

from engine.domain.scenario.graph import Expression, Value, ValueType, Variable
from engine.errors import InvalidValue

Types = Mapping[Variable, ValueType]
_Known = NewType("_Known", frozenset[tuple[Variable, ValueType]])

LONGEST = 1_000
LONGEST_TEXT = 1_000
"""Of a variable: what is longer is said to nobody, and would be in the journal again with every fact."""
_TOO_BIG = 2**63  # CEL counts in 64 bits
_WHOLE = re.compile("-?[0-9]{1,18}", re.ASCII)
_TEXTS = r"[rRbB]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')|//[^\n]*"
_NAMES = re.compile(rf"{_TEXTS}|\.\s*[A-Za-z_]\w*|([A-Za-z_]\w*)(?!\w|\s*\()|[0-9]\w*|\w+", re.ASCII | re.DOTALL)
_WORDS = frozenset(map(Variable, ("true", "false", "null", "in")))
_CEL: dict[ValueType, cel.Type] = {"text": cel.Type.STRING, "number": cel.Type.INT, "flag": cel.Type.BOOL}
_TEXT, _PATTERN = Variable("text"), Variable("pattern")
_FITS = Expression("text.matches(pattern)")
_FITTED: Types = {_TEXT: "text", _PATTERN: "text"}
_OURS: dict[str, ValueType] = {of.name(): name for name, of in _CEL.items()}


def can_name(variable: Variable) -> bool:
    """Whether an expression can name a variable so: CEL keeps words such as `package` and `type` for itself."""
    try:
        return type_of(Expression(variable), {variable: "text"}) == "text"
    except InvalidValue:
        return False


def type_of(expression: Expression, types: Types) -> ValueType:
    """What it yields; raises InvalidValue, which says what is wrong, for one that does not fit the variables."""
    found = _compiled(expression, _Known(frozenset(types.items()))).return_type().name()
    if found not in _OURS:
        raise InvalidValue(f"`{expression}` is neither a text, a number nor a flag, but {found.lower()}")
    return _OURS[found]


def evaluate(expression: Expression, types: Types, values: Mapping[Variable, Value]) -> Value:
    """Its value. Raises InvalidValue where it has none: a variable without a value, a division by zero."""
    result = _compiled(expression, _Known(frozenset(types.items()))).eval(data=dict(values))
    if result.type().name() not in _OURS:
        raise InvalidValue(f"`{expression}`: {_first_line(str(result.value()))}")
    value: Value = result.value()
    return value


@lru_cache(maxsize=10_000)
def variables_in(expression: Expression) -> frozenset[Variable]:
    """Every name in it that may be a variable: it is outside texts, no field and no function."""
    return frozenset(Variable(found[1]) for found in _NAMES.finditer(expression) if found[1]) - _WORDS


def fits(pattern: str, text: str) -> bool:
    """Whether the whole of a text is as a regular expression says (RE2, so in linear time); raises InvalidValue for one
    that is none."""
    return bool(evaluate(_FITS, _FITTED, {_TEXT: text, _PATTERN: f"^(?:{pattern})$"}))


def fitted(value: Value, type_: ValueType, name: Variable) -> Value:
    """A value from outside as the variable wants it: `1` may come as a text, a yes as `true`. Raises InvalidValue."""
    match type_, value:
        case _, str() if len(value) > LONGEST_TEXT:
            raise InvalidValue(f"a text of {len(value)} characters for {name}: {LONGEST_TEXT} at most")
        case "text", _:
            return text_of(value)
        case "flag", bool():
            return value
        case "flag", "true" | "false":
            return value == "true"
        case "number", int() if not isinstance(value, bool) and abs(value) < _TOO_BIG:
            return value
        case "number", str() if _WHOLE.fullmatch(value):
            return int(value)
        case _:
            raise InvalidValue(f"{value!r:.60} is no {type_} for {name}")


def text_of(value: Value) -> str:
    """A value where a text is wanted; a flag as it is written."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@lru_cache(maxsize=10_000)  # the expressions of a house's scenarios, with room for the versions before
def _compiled(expression: Expression, known: _Known) -> cel.Expression:
    if len(expression) > LONGEST:
        raise InvalidValue(f"an expression of {len(expression)} characters: {LONGEST} at most")
    try:
        return _environment(known).compile(expression)
    except RuntimeError as wrong:
        raise InvalidValue(f"`{expression}`: {_first_line(str(wrong))}") from None


@lru_cache(maxsize=1_000)
def _environment(known: _Known) -> cel.Env:
    return cel.NewEnv(variables={str(name): _CEL[type_] for name, type_ in known})


def _first_line(told: str) -> str:
    """What CEL says, without its own wrapping."""
    line = told.splitlines()[0]
    return line.removeprefix("INVALID_ARGUMENT: ").removeprefix("ERROR: <input>:").removeprefix("UNKNOWN: ")
