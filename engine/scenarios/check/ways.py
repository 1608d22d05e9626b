"""Every way out of every node, those included that a file need not write: stand-ins, and faults to on_error."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from engine.domain.scenario.graph import (
    AnyNode,
    Callback,
    Collect,
    Group,
    Hangup,
    Menu,
    NodeName,
    Outcome,
    Program,
    Record,
    Return,
    Ring,
    Scenario,
    Set,
    Subflow,
    Switch,
    Transfer,
    Voicemail,
)
from engine.domain.scenario.outcomes import OUTCOMES, REACHED, STANDS_IN, case_outcome, edges, key_outcome
from engine.domain.values import Slug
from engine.scenarios.check import walks
from engine.scenarios.check.reporting import Part
from engine.scenarios.check.uses import Read, reads

Hand = Literal["itself", "waiting", "silence", "wrong", "chosen", "after", "fault"]
"""In whose hand it is that this way is taken: the node's own; nobody's who was rung (`waiting`); the caller's who says
nothing, is wrong, chooses, or stays after a conversation; or something is out of order."""

FAULT: Outcome = "error"
REACHING = (Ring, Group, Transfer)
ENDS = (Hangup, Return)
WAITS = (Menu, Collect, Record, Voicemail, Callback, *REACHING)
"""Nodes that wait for somebody: a circle through one takes the caller's time, at least."""
_IDLE: dict[Outcome, Hand] = {"no_input": "silence", "no_match": "wrong", "empty": "silence", "refused": "silence"}
_FALLIBLE = re.compile(r"[/%\[]|\b(?!string\b|size\b|contains\b|startsWith\b|endsWith\b)[A-Za-z_]+\s*\(")
"""Parts of an expression that may have no value; the functions named always have one."""


class Way(msgspec.Struct, frozen=True):
    """`implied`: not written in the file."""

    source: NodeName
    outcome: Outcome
    to: NodeName
    hand: Hand
    implied: bool = False


Ways = Mapping[NodeName, tuple[Way, ...]]
Habits = Mapping[Slug, Mapping[Outcome, Hand]]
"""In whose hand the outcomes of each subflow are."""


def all_ways(program: Program) -> dict[Slug, Ways]:
    """Of every node of every scenario; ways to nodes that are not there are left out."""
    found: dict[Slug, Ways] = {}
    habits: dict[Slug, Mapping[Outcome, Hand]] = {}
    for part in walks.knots(runs(program)):
        for name in part:
            scenario = program.scenarios[name]
            found[name] = ways(program, scenario, habits)
            habits[name] = _habits(scenario, found[name])
    return found


def runs(program: Program) -> dict[Slug, list[Slug]]:
    """Which scenario runs which as a subflow."""
    return {
        name: [
            node.scenario
            for node in scenario.nodes.values()
            if isinstance(node, Subflow) and node.scenario in program.scenarios
        ]
        for name, scenario in program.scenarios.items()
    }


def ways(program: Program, scenario: Scenario, habits: Habits) -> Ways:
    return {
        name: tuple(way for way in _out_of(program, scenario, name, habits) if way.to in scenario.nodes)
        for name in scenario.nodes
    }


def must(program: Program, node: AnyNode) -> tuple[Outcome, ...]:
    """The outcomes of a node that must have an edge."""
    match node:
        case Transfer(scenario=other) if other is not None:
            return ()  # it does not come back
        case Subflow(scenario=other):
            return program.scenarios[other].outcomes if other in program.scenarios else tuple(node.on)
        case _:
            return OUTCOMES[type(node)].must


def may(node: AnyNode) -> tuple[Outcome, ...]:
    """The outcomes of a node that may have an edge."""
    return () if isinstance(node, Transfer) and node.scenario is not None else OUTCOMES[type(node)].may


def part_of(node: AnyNode, outcome: Outcome) -> Part:
    """Where the edge of an outcome is written inside its node."""
    match node:
        case Menu(keys=keys):
            for key in keys:
                if outcome == key_outcome(key):
                    return ("keys", key)
        case Switch(cases=cases):
            for number in range(1, len(cases) + 1):
                if outcome == case_outcome(number):
                    return ("cases", number - 1, "to")
        case _:
            pass
    return ("on", outcome) if outcome in node.on else ("next",)


def hand(node: AnyNode, outcome: Outcome, habits: Habits) -> Hand:
    """In whose hand an outcome is."""
    if outcome == FAULT:
        return "fault"
    match node:
        case Menu() | Collect() | Record() | Voicemail() | Callback():
            return _IDLE.get(outcome, "chosen")
        case Ring() | Group() | Transfer():
            return "after" if outcome in REACHED else "waiting"
        case Subflow(scenario=other):
            return habits.get(other, {}).get(outcome, "chosen")
        case _:
            return "itself"


def can_fail(node: AnyNode) -> bool:
    """Whether anything a sound scenario does there may go wrong: something outside it, or a value."""
    if FAULT in OUTCOMES[type(node)].must + OUTCOMES[type(node)].may and not isinstance(node, Set | Subflow):
        return True
    return any(_may_have_no_value(read) for read in reads(node))


def _may_have_no_value(read: Read) -> bool:
    """A text may be no digits and no day; a number may not be divided by, a text be no number."""
    if read.part[-1] in ("digits", "date"):
        return read.expression != "day"
    return _FALLIBLE.search(read.expression) is not None


def _out_of(program: Program, scenario: Scenario, name: NodeName, habits: Habits) -> Iterator[Way]:
    node = scenario.nodes[name]
    written = edges(node)
    known = {*must(program, node), *may(node)}
    for outcome, to in written.items():
        if outcome in known or outcome not in (*node.on, *OUTCOMES[type(node)].must):
            yield Way(name, outcome, to, hand(node, outcome, habits))
    for outcome in may(node):
        stands_in = written.get(STANDS_IN.get(outcome, ""))
        if outcome not in written and stands_in is not None:
            yield Way(name, outcome, stands_in, hand(node, outcome, habits), implied=True)
    if FAULT not in written and can_fail(node):
        yield Way(name, FAULT, scenario.on_error, "fault", implied=True)


def _habits(scenario: Scenario, out: Ways) -> dict[Outcome, Hand]:
    """A subflow that waits for nobody decides by itself; else, who does nothing good comes back by some outcomes."""
    nodes = scenario.nodes
    leads = {name: [way.to for way in out[name]] for name in nodes}
    idle = {name: [way.to for way in out[name] if way.hand not in ("chosen", "after")] for name in nodes}
    start = {scenario.start} & nodes.keys()
    waits = any(isinstance(nodes[name], WAITS) for name in walks.reached(leads, start)) or any(
        way.hand not in ("itself", "fault") for name in nodes for way in out[name]
    )
    idle_ends = [nodes[name] for name in walks.reached(idle, start)]
    comes_by_itself = {node.outcome for node in idle_ends if isinstance(node, Return)}
    found: dict[Outcome, Hand] = {}
    for outcome in scenario.outcomes:
        found[outcome] = "itself" if not waits else "silence" if outcome in comes_by_itself else "chosen"
    return found
