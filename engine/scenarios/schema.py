"""The JSON Schema of a scenario file, for editors: made of the shapes the loader reads by, so it cannot say otherwise.

    python -m engine.scenarios.schema > docs/scenario.schema.json

Editors read plain YAML: to them `0123` and `+33612345678` are numbers and `true` is no text. The schema takes these
where the loader, which reads the text that was written, does. What it cannot say (a text without its language is for
scenarios of one; the same edge twice; the bounds of a number in quotes) the loader alone says.
"""

import inspect
import json
import re
import sys
from typing import Any

from engine.domain.scenario.graph import Node
from engine.scenarios.reading import MAX_ENTRIES
from engine.scenarios.shapes import (
    ITEMS,
    SAID,
    SAY,
    SCENARIO,
    Decimal,
    Kinds,
    Many,
    Map,
    OneOf,
    Prompt,
    Record,
    Scalar,
    Shape,
    Text,
    Whole,
    Words,
    YesNo,
    first_outcome,
    outcomes,
)

Json = dict[str, Any]
_EXACT = 15  # digits of a number that JavaScript keeps


def schema() -> Json:
    """The whole schema (JSON Schema 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario of a telephone call",
        **_record(SCENARIO),
        "$defs": {"prompt": _prompt(), "item": _item()},
    }


def _of(shape: Shape) -> Json:
    match shape:
        case Record():
            return _record(shape)
        case Kinds(records=records):
            return _kinds(records)
        case Many(one=one, least=least):
            several = {"type": "array", "items": _of(one), "minItems": least, "maxItems": MAX_ENTRIES}
            return {"anyOf": [_of(one), several]} if isinstance(one, Scalar) else several
        case Map() | Words():
            return _mapping(shape)
        case Prompt():
            return {"$ref": "#/$defs/prompt"}
        case _:
            return _scalar(shape)


def _mapping(shape: Map | Words) -> Json:
    if isinstance(shape, Map):
        return _map(shape.key, _of(shape.value))
    words = _of(shape.text)
    return {"anyOf": [words, {**_map(shape.languages, words), "minProperties": 1}]}


def _scalar(shape: Scalar) -> Json:
    match shape:
        case Text():
            return _text(shape)
        case Whole(low=low, high=high):
            pattern = "^[0-9]{1,16}$" if low >= 0 else "^-?[0-9]{1,16}$"
            return {"type": ["integer", "string"], "minimum": low, "maximum": high, "pattern": pattern}
        case Decimal(over=over, high=high):
            pattern = r"^[0-9]{1,9}(?:\.[0-9]{1,9})?$"
            return {"type": ["number", "string"], "exclusiveMinimum": over, "maximum": high, "pattern": pattern}
        case YesNo():
            return {"enum": [True, False, "yes", "no", "on", "off", "true", "false"]}
        case OneOf(words=words, values=values):
            return {"enum": list(dict.fromkeys((*values, *words)))}


def _text(shape: Text) -> Json:
    """A text, and whatever an editor takes for something else that is one."""
    fits = re.compile(shape.pattern).fullmatch
    numbers = _numbers(shape.pattern)
    others = {"integer": numbers is not None, "number": fits("1.5"), "boolean": fits("true")}
    types = ["string", *(name for name, too in others.items() if too)]
    return {"type": types, "pattern": shape.pattern, "description": shape.wanted, **(numbers or {})}


def _numbers(pattern: str) -> Json | None:
    """The whole numbers that are such texts, with a plus sign if need be; None when there are none."""
    if re.fullmatch(pattern, "-1"):
        return {}
    for sign in ("", "+"):
        lengths = [length for length in range(1, 41) if re.fullmatch(pattern, sign + "1" * length)]
        if lengths:
            lowest = 0 if re.fullmatch(pattern, f"{sign}0") else 10 ** (lengths[0] - 1)
            highest = {"maximum": 10 ** lengths[-1] - 1} if lengths[-1] <= _EXACT else {}
            return {"minimum": lowest, **highest}
    return None


def _map(key: Text | OneOf, value: Json) -> Json:
    if isinstance(key, OneOf):
        return {"type": "object", "properties": dict.fromkeys(key.words, value), "additionalProperties": False}
    names = {"pattern": key.pattern, "description": key.wanted}
    return {"type": "object", "propertyNames": names, "additionalProperties": value, "maxProperties": MAX_ENTRIES}


def _record(shape: Record) -> Json:
    return {
        "description": inspect.getdoc(shape.model) or "",
        "type": "object",
        "properties": {name: _of(field.shape) for name, field in shape.fields.items()},
        "required": [name for name, field in shape.fields.items() if field.required],
        "additionalProperties": False,
    }


def _kinds(records: dict[str, Record]) -> Json:
    """By its `type`, so that an editor says what is wrong with this one, and not that it is none of them all."""
    return {
        "type": "object",
        "properties": {"type": {"enum": list(records)}},
        "required": ["type"],
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": _kind(record),
            }
            for name, record in records.items()
        ],
    }


def _kind(record: Record) -> Json:
    made = _record(record)
    made["properties"].setdefault("type", {})
    if issubclass(record.model, Node):
        if first_outcome(record.model) is None:
            del made["properties"]["next"]
        if (known := outcomes(record.model)) is not None:
            made["properties"]["on"] = _map(OneOf(known, known), made["properties"]["on"]["additionalProperties"])
    return made


def _prompt() -> Json:
    item = {"$ref": "#/$defs/item"}
    return {"anyOf": [item, {"type": "array", "items": item, "maxItems": MAX_ENTRIES}]}


def _item() -> Json:
    """One thing said: words as a text or by language, or a record of its kind."""
    by_language = _map(SAID.languages, _of(SAID.text))
    by_language["properties"] = {**by_language["properties"], "barge": _of(SAY.fields["barge"].shape)}
    by_language["anyOf"] = [{"required": [language]} for language in SAID.languages.words]
    return {"anyOf": [_of(SAID.text), by_language, *map(_record, ITEMS.values())]}


def text() -> str:
    """As docs/scenario.schema.json has it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
