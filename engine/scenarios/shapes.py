"""The shape of everything in a scenario file, taken from the types of `engine.domain.scenario.graph`.

What is read (`reading.py`) and what editors are told (`schema.py`) are both made of these, so they agree.
"""

import re
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from engine.domain.directory import Language
from engine.domain.scenario import graph
from engine.domain.scenario.outcomes import OUTCOMES
from engine.domain.values import E164, E164_PATTERN, EXTENSION_PATTERN, SLUG_PATTERN, Extension, Slug


class Text(msgspec.Struct, frozen=True):
    """A text; `pattern` is for the whole of it. `wanted` says what it must be, and `example` shows one."""

    pattern: str = r"^[^\u0000-\u0008\u000b-\u001f\u007f]*$"
    wanted: str = "a text without control characters"
    example: str = "text"


class Whole(msgspec.Struct, frozen=True):
    low: int
    high: int


class Decimal(msgspec.Struct, frozen=True):
    """A number of seconds, more than `over`."""

    over: float
    high: float


class YesNo(msgspec.Struct, frozen=True):
    pass


class OneOf(msgspec.Struct, frozen=True):
    words: tuple[str, ...]
    values: tuple[str | int, ...]  # what each word stands for


Scalar = Text | Whole | Decimal | YesNo | OneOf


class Many(msgspec.Struct, frozen=True):
    """A list of `least` things or more; of scalars, one alone stands for a list of one."""

    one: "Shape"
    least: int = 0


class Map(msgspec.Struct, frozen=True):
    key: Text | OneOf
    value: "Shape"


class Words(msgspec.Struct, frozen=True):
    """A text in every language; in a scenario of one language it may be written without it."""

    languages: OneOf
    text: Text


class Prompt(msgspec.Struct, frozen=True):
    """See `reading.Reader`: one text, a map of languages, one item, or a list of these."""


class Field(msgspec.Struct, frozen=True):
    shape: "Shape"
    required: bool


class Record(msgspec.Struct, frozen=True):
    """A struct of the model: its fields by name, in the model's order."""

    model: type[msgspec.Struct]
    fields: dict[str, Field]


class Kinds(msgspec.Struct, frozen=True):
    """A node, or a variable: its `type` says which record it is."""

    what: Literal["node", "variable"]
    records: dict[str, Record]


Shape = Scalar | Many | Map | Words | Prompt | Record | Kinds

YES_NO = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_SOME = Text(r"^(?!\s*$)[^\u0000-\u0008\u000b-\u001f\u007f]+$", "a text that says something", "text")
TEXTS: dict[Any, Text] = {
    str: Text(),
    Slug: Text(f"^{SLUG_PATTERN}$", "an identifier: a-z, 0-9 and inner hyphens, at most 40 characters", "sales"),
    E164: Text(f"^{E164_PATTERN}$", "an E.164 number", "+33612345678"),
    Extension: Text(f"^{EXTENSION_PATTERN}$", "an extension: 2 to 6 digits, not starting with 0", "2001"),
    graph.NodeName: Text("^[a-z0-9][a-z0-9_-]{0,39}$", "a node's name: a-z, 0-9, _ and -, at most 40", "choose"),
    graph.Variable: Text("^[a-z][a-z0-9_]{0,39}$", "a variable's name: a-z first, then a-z, 0-9 and _", "customer"),
    graph.Expression: _SOME,
    graph.Template: _SOME,
}
_LANGUAGES = get_args(Language)
_WIDEST = Whole(-(10**15), 10**15)
_KNOWN: dict[Any, Shape] = {**TEXTS, graph.Prompt: Prompt(), bool: YesNo(), int: _WIDEST}
_VALUES: dict[graph.ValueType, type] = {"text": str, "number": int, "flag": bool}


@cache
def shape(hint: Any) -> Shape:
    """The shape of what the model types so."""
    if hint in _KNOWN:
        return _KNOWN[hint]
    if hint == graph.AnyNode:
        records = [_record(model) for model in get_args(hint)]
        return Kinds("node", {str(record.model.__struct_config__.tag): record for record in records})
    if hint is graph.Var:
        return Kinds("variable", {of: _variable(default) for of, default in _VALUES.items()})
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _record(hint)
    return _composed(hint, get_origin(hint), get_args(hint))


def _composed(hint: Any, origin: Any, args: tuple[Any, ...]) -> Shape:
    if origin is Annotated:
        return _bounded(args[0], args[1])
    if origin is Literal:
        return OneOf(tuple(map(str, args)), args)
    if origin in (Union, UnionType):
        known = [arg for arg in args if arg is not type(None)]
        return shape(known[0]) if len(known) == 1 else Text()  # any value
    if origin is tuple:
        return Many(shape(args[0]))
    if origin is dict:
        return _map(args[0], args[1])
    raise TypeError(f"no shape for {hint}")


def _bounded(hint: Any, meta: msgspec.Meta) -> Shape:
    match hint():
        case tuple():
            return Many(shape(get_args(hint)[0]), meta.min_length or 0)
        case int():
            return Whole(int(meta.ge or 0), int(meta.le or _WIDEST.high))
        case float():
            return Decimal(meta.gt or 0, meta.le or _WIDEST.high)
        case _:
            return Text(meta.pattern or "", meta.description or "", (meta.examples or [""])[0])


def _map(key: Any, value: Any) -> Map | Words:
    match shape(key), shape(value):
        case OneOf() as languages, Text() as text:
            return Words(languages, text)
        case ((Text() as keys), values):
            return Map(keys, values)
        case _:
            raise TypeError(f"no shape for a map of {key} to {value}")


def _record(model: type[msgspec.Struct]) -> Record:
    hints = get_type_hints(model, include_extras=True)
    fields = msgspec.structs.fields(model)
    return Record(model, {f.name: Field(shape(hints[f.name]), f.required) for f in fields})


def _variable(default: type) -> Record:
    """A variable whose default is of this type."""
    record = _record(graph.Var)
    return Record(graph.Var, record.fields | {"default": Field(shape(default), required=False)})


ITEMS: dict[str, Record] = {str(model.__struct_config__.tag): _record(model) for model in get_args(graph.Said)}
"""The things a prompt is made of, by their kind, which is also the name of their own field."""
SAY = ITEMS["say"]
SAID = Words(OneOf(_LANGUAGES, _LANGUAGES), _SOME)
SCENARIO = _record(graph.Scenario)


def first_outcome(model: type[graph.Node]) -> graph.Outcome | None:
    """What `next` stands for; None for a node that has no `next`."""
    return next(iter(OUTCOMES[model].must), None)


def outcomes(model: type[graph.Node]) -> tuple[graph.Outcome, ...] | None:
    """What may stand under `on`; None for a subflow, whose outcomes another file declares."""
    known = OUTCOMES[model]
    return None if model is graph.Subflow else (*known.must, *known.may)


def fault(text: str, of: Scalar) -> str | None:
    """What a text should have been, when it is not."""
    match of:
        case Text(pattern=pattern, wanted=wanted):
            return None if re.fullmatch(pattern, text) else wanted
        case Whole(low=low, high=high):
            whole = re.fullmatch(r"-?[0-9]{1,16}", text, re.ASCII)
            return None if whole and low <= int(text) <= high else f"a whole number from {low} to {high}"
        case Decimal(over=over, high=most):
            number = re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", text, re.ASCII)
            return None if number and over < float(text) <= most else f"a number over {over:g}, at most {most:g}"
        case YesNo():
            return None if text.lower() in YES_NO else "yes or no"
        case OneOf(words=words):
            return None if text in words else f"one of {', '.join(words)}"


def value(text: str, of: Scalar) -> str | int | float | bool:
    """What a faultless text stands for."""
    match of:
        case Whole():
            return int(text)
        case Decimal():
            return float(text)
        case YesNo():
            return YES_NO[text.lower()]
        case OneOf(words=words, values=values):
            return values[words.index(text)]
        case Text():
            return text
