"""What a picture of a program shows, whoever draws it: nodes with a shape and a few words, edges with a kind."""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from engine.domain.scenario.graph import (
    AnyNode,
    Callback,
    Case,
    Collect,
    Fetch,
    Group,
    Hangup,
    Hours,
    Incident,
    Lookup,
    Menu,
    Node,
    NodeName,
    Notify,
    Outcome,
    Play,
    Program,
    Prompt,
    Record,
    Return,
    Ring,
    Say,
    Scenario,
    Set,
    SetLanguage,
    Subflow,
    Switch,
    Transfer,
    Voicemail,
)
from engine.domain.scenario.outcomes import case_outcome, edges
from engine.domain.values import Slug
from engine.scenarios.coverage import Edge

Shape = Literal["says", "asks", "records", "decides", "finds", "sets", "reaches", "runs", "ends"]
Kind = Literal["way", "error", "entry"]

SHAPES: dict[type[Node], Shape] = {
    Play: "says",
    Menu: "asks",
    Collect: "asks",
    Record: "records",
    Voicemail: "records",
    Callback: "records",
    Switch: "decides",
    Hours: "decides",
    Incident: "decides",
    Lookup: "finds",
    Fetch: "finds",
    Set: "sets",
    SetLanguage: "sets",
    Notify: "sets",
    Ring: "reaches",
    Group: "reaches",
    Transfer: "reaches",
    Subflow: "runs",
    Return: "ends",
    Hangup: "ends",
}
_NAMES: dict[type[Node], tuple[str, ...]] = {
    Hours: ("calendar",),
    Incident: ("flags",),
    Lookup: ("table",),
    Fetch: ("url",),
    SetLanguage: ("language",),
    Notify: ("event",),
    Ring: ("agents", "numbers"),
    Group: ("group", "named_by"),
    Transfer: ("extension", "number", "scenario"),
    Voicemail: ("mailbox",),
    Callback: ("queue",),
    Subflow: ("scenario",),
    Return: ("outcome",),
}
"""The fields that say most of a node that says nothing."""
LONGEST = 36


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """A node: its type and what it is about, and its note."""

    name: NodeName
    shape: Shape
    about: str
    note: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An edge, or several between the same nodes. `source` is None for the ways in. `count`: None without counts."""

    source: NodeName | None
    to: NodeName
    label: str
    kind: Kind
    count: int | None = None


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    scenario: Slug
    nodes: tuple[Drawn, ...]
    lines: tuple[Line, ...]


def pictures(program: Program, counts: Mapping[Edge, int] | None = None) -> tuple[Picture, ...]:
    """Of the main scenario first, and of every other."""
    rest = [scenario for name, scenario in program.scenarios.items() if name != program.main]
    return tuple(_picture(scenario, counts) for scenario in (program.start, *rest))


def _picture(scenario: Scenario, counts: Mapping[Edge, int] | None) -> Picture:
    nodes = tuple(
        Drawn(name=name, shape=SHAPES[type(node)], about=_about(node), note=node.note)
        for name, node in scenario.nodes.items()
    )
    lines = (*_entries(scenario), *(line for name in scenario.nodes for line in _lines(scenario, name, counts)))
    return Picture(
        scenario=scenario.scenario, nodes=nodes, lines=tuple(line for line in lines if line.to in scenario.nodes)
    )


def _entries(scenario: Scenario) -> Iterator[Line]:
    yield Line(source=None, to=scenario.start, label="start", kind="entry")
    yield Line(source=None, to=scenario.on_error, label="on_error", kind="error")
    if scenario.on_hangup is not None:
        yield Line(source=None, to=scenario.on_hangup, label="on_hangup", kind="error")


def _lines(scenario: Scenario, name: NodeName, counts: Mapping[Edge, int] | None) -> Iterator[Line]:
    """Outcomes that lead to the same node are one line, errors apart."""
    node = scenario.nodes[name]
    together: dict[tuple[NodeName, Kind], list[Outcome]] = {}
    for outcome, to in edges(node).items():
        together.setdefault((to, "error" if outcome == "error" else "way"), []).append(outcome)
    alone = len(together) == 1 and not isinstance(node, Menu | Switch)
    for (to, kind), outcomes in together.items():
        count = None
        if counts is not None:
            count = sum(counts.get(Edge(scenario.scenario, name, outcome), 0) for outcome in outcomes)
        label = "" if alone and outcomes == ["done"] else ", ".join(_label(node, outcome) for outcome in outcomes)
        yield Line(source=name, to=to, label=label, kind=kind, count=count)


def _label(node: AnyNode, outcome: Outcome) -> str:
    match node:
        case Menu():
            return outcome.removeprefix("key ")
        case Switch(cases=cases):
            found: dict[Outcome, Case] = {case_outcome(number): case for number, case in enumerate(cases, 1)}
            return short(found[outcome].when) if outcome in found else outcome
        case _:
            return outcome


def _about(node: AnyNode) -> str:
    """The type, and what it is about."""
    kind = str(node.__struct_config__.tag)
    match node:
        case Play() | Menu() | Collect() | Record() | Hangup():
            what = _words(node.prompt)
        case Set(values=values):
            what = ", ".join(f"{name} = {value}" for name, value in values.items())
        case Transfer(switchboard=True):
            what = "switchboard"
        case _:
            what = _named(node)
    return f"{kind}: {short(what)}" if what else kind


def _named(node: AnyNode) -> str:
    values = [value for field in _NAMES.get(type(node), ()) if (value := getattr(node, field))]
    return " ".join(value if isinstance(value, str) else ", ".join(value) for value in values)


def _words(prompt: Prompt) -> str:
    words = []
    for item in prompt:
        if isinstance(item, Say):
            words.append(next(iter(item.say.values()), ""))
        else:
            words.append(" ".join(str(getattr(item, field)) for field in item.__struct_fields__ if field != "barge"))
    return " ".join(words)


def short(text: str) -> str:
    """On one line, and cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
