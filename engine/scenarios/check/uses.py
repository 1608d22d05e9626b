"""What each type of node reads, sets and says: the one table behind the checks of variables, types and prompts."""

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from engine.domain.scenario.graph import (
    AnyNode,
    Callback,
    Collect,
    Date,
    Digits,
    Expression,
    Fetch,
    Group,
    Hangup,
    Incident,
    Lookup,
    Menu,
    Notify,
    Number,
    Outcome,
    Play,
    Prompt,
    Record,
    Said,
    Say,
    Set,
    Subflow,
    Switch,
    Template,
    ValueType,
    Variable,
    Voicemail,
)
from engine.domain.scenario.prompts import variables_of
from engine.scenarios.check.reporting import Part

Fate = Literal["said", "url", "told", "shown", "decides", "asked", "passed"]
"""What becomes of a value: the caller hears it; it is in a URL, told to applications, shown in the record; it decides
the way; a table or a web service is asked with it; or another variable takes it."""

_BRACES = re.compile(r"\{([^{}]*)\}")
_ANY: tuple[ValueType, ...] = ("text", "number", "flag")


class Read(msgspec.Struct, frozen=True):
    """`wanted`: the types that will do."""

    part: Part
    expression: Expression
    fate: Fate
    wanted: tuple[ValueType, ...] = _ANY


class Write(msgspec.Struct, frozen=True):
    """A variable gets a value when the node is left by one of these outcomes. `type`: None where anything may come."""

    part: Part
    variable: Variable
    outcomes: tuple[Outcome, ...]
    type: ValueType | None = None


def prompts_of(node: AnyNode) -> Iterator[tuple[Part, Prompt]]:
    """Everything a node says, with its place in the node."""
    match node:
        case Menu() | Collect():
            yield ("prompt",), node.prompt
            yield ("no_input_prompt",), node.no_input_prompt
            yield ("no_match_prompt",), node.no_match_prompt
            if isinstance(node, Collect):
                yield ("confirm",), node.confirm
        case Fetch(filler=filler):
            yield ("filler",), filler
        case Play() | Record() | Voicemail() | Callback() | Hangup():
            yield ("prompt",), node.prompt
        case _:
            pass


def items_of(node: AnyNode) -> Iterator[tuple[Part, Said]]:
    """Every item of every prompt of a node."""
    for part, prompt in prompts_of(node):
        for number, item in enumerate(prompt):
            yield (*part, number), item


def braces(template: Template) -> list[str]:
    """What stands in braces in a text, whether it can be a variable or not."""
    return _BRACES.findall(template)


def reads(node: AnyNode) -> Iterator[Read]:
    """Every expression of a node."""
    for part, item in items_of(node):
        yield from _of_item(part, item)
    match node:
        case Switch(cases=cases):
            for number, case in enumerate(cases):
                yield Read(("cases", number, "when"), case.when, "decides", ("flag",))
        case Set(values=values):
            yield from (Read(("values", name), expression, "passed") for name, expression in values.items())
        case Lookup(key=key):
            yield Read(("key",), key, "asked", ("text", "number"))
        case Fetch(url=url, body=body):
            yield from _of_template(("url",), url, "url")
            yield from (Read(("body", key), expression, "asked") for key, expression in body.items())
        case Subflow(params=params):
            yield from (Read(("params", name), expression, "passed") for name, expression in params.items())
        case Notify(variables=variables):
            for number, variable in enumerate(variables):
                yield Read(("variables", number), Expression(variable), "told")
        case Group(named_by=str(expression)) | Callback(number=str(expression)):
            field = "named_by" if isinstance(node, Group) else "number"
            yield Read((field,), Expression(expression), "shown", ("text",))
        case _:
            pass


def writes(node: AnyNode) -> Iterator[Write]:
    """Every variable a node may set. The results of a subflow are in `subflows.py`: their types are over there."""
    match node:
        case Collect(into=into):
            yield Write(("into",), into, ("done",), "text")
        case Record(into=into) if into is not None:
            yield Write(("into",), into, ("recorded",), "text")
        case Incident(into=into) if into is not None:
            yield Write(("into",), into, ("active",), "text")
        case Set(values=values):
            for name in values:
                yield Write(("values", name), name, ("done",))
        case Lookup(into=columns):
            for name in columns:
                yield Write(("into", name), name, ("found",))
        case Fetch(into=pointers):
            for name in pointers:
                yield Write(("into", name), name, ("done",))
        case Subflow(results=results, on=on):
            for name in results:
                yield Write(("results", name), name, tuple(outcome for outcome in on if outcome != "error"))
        case _:
            pass


def _of_item(part: Part, item: Said) -> Iterator[Read]:
    match item:
        case Say(say=texts):
            for language, text in texts.items():
                yield from _of_template((*part, "say", language), text, "said")
        case Digits(digits=expression):
            yield Read((*part, "digits"), expression, "said", ("text", "number"))
        case Number(number=expression):
            yield Read((*part, "number"), expression, "said", ("number",))
        case Date(date=expression):
            yield Read((*part, "date"), expression, "said", ("text",))
        case _:
            pass


def _of_template(part: Part, template: Template, fate: Fate) -> Iterator[Read]:
    for name in variables_of(template):
        yield Read(part, Expression(name), fate)
