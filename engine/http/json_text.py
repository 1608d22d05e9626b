"""Reading JSON that others wrote, strictly: what PostgreSQL and our own encoder cannot keep is refused here.

RFC 8259 leaves duplicate names, lone surrogates and huge numbers to the receiver; a receiver that guesses keeps
something else than what was sent (I-JSON, RFC 7493, gives the same rules).
"""

import json
import math
import re
from typing import Any, NoReturn, TypeVar

import msgspec

from engine.http.problems import HttpRefusal

T = TypeVar("T")

_UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")
_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1  # what the journal's encoder writes
_PATH_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]|\[\.\.\.\]")


class _WrongJson(ValueError):
    """What is wrong with the text, for the asker."""


def parse(raw: bytes) -> Any:
    """The JSON value; raises HttpRefusal `bad-json` or `invalid-text`."""
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
    except RecursionError as deep:
        raise HttpRefusal("bad-json", "The body is nested too deeply") from deep
    except ValueError as wrong:  # includes UnicodeDecodeError and JSONDecodeError
        raise HttpRefusal("bad-json", _reason(wrong)) from wrong
    check_texts(value)
    return value


def _reason(wrong: ValueError) -> str:
    if isinstance(wrong, UnicodeDecodeError):
        return f"The body is not UTF-8: byte {wrong.start} is wrong"
    if isinstance(wrong, json.JSONDecodeError):
        return f"Not JSON: {wrong.msg} at line {wrong.lineno}, column {wrong.colno}"
    return str(wrong) if isinstance(wrong, _WrongJson) else "Not JSON"


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _WrongJson(f"The name {shown(twice)} occurs twice in one object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise _WrongJson(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _WrongJson("A number is too large for a double")
    return number


def _bounded(text: str) -> int:
    if len(text) > 20 or not _INT_MIN <= (number := int(text)) <= _INT_MAX:
        raise _WrongJson("An integer does not fit 64 bits; send it as a string")
    return number


def shown(text: str) -> str:
    """Someone else's text inside our message: short, and without what cannot be encoded."""
    return json.dumps(text[:60])


def check_texts(value: Any, pointer: str = "") -> None:
    """Refuse U+0000 and lone surrogates, in keys too: PostgreSQL keeps neither. Names the place."""
    if isinstance(value, str):
        if _UNKEEPABLE.search(value):
            raise HttpRefusal("invalid-text", "A text holds U+0000 or half a surrogate pair", pointer=pointer)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_texts(key, pointer)
            check_texts(item, f"{pointer}/{_escaped(key)}")
    elif isinstance(value, list):
        for position, item in enumerate(value):
            check_texts(item, f"{pointer}/{position}")


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def typed(value: Any, kind: type[T]) -> T:
    """The parsed JSON as the type a route declares; raises HttpRefusal `invalid-body` with a JSON pointer."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as wrong:
        message, _, path = str(wrong).partition(" - at `")
        raise HttpRefusal("invalid-body", message, pointer=pointer_of(path.rstrip("`"))) from wrong


def pointer_of(path: str) -> str:
    """msgspec's `$.fields[3].code` as the JSON pointer `/fields/3/code`; stops where msgspec does not say more."""
    steps: list[str] = []
    for step in _PATH_STEP.finditer(path):
        if step.group() == "[...]":
            break
        steps.append(_escaped(step.group(1) or step.group(2)))
    return "".join(f"/{step}" for step in steps)


def depth(value: Any) -> int:
    """How deeply lists and objects nest: a bare number is 0, an empty object 1."""
    if isinstance(value, dict):
        return 1 + max((depth(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth(item) for item in value), default=0)
    return 0
