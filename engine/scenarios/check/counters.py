"""Circles that a counting variable ends: `tries = tries + 1`, and a switch that goes round while `tries < 3`."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from engine.domain.scenario import graph
from engine.domain.scenario.graph import Expression, NodeName, Outcome, Scenario, Set, Switch, Variable
from engine.domain.scenario.outcomes import case_outcome, edge
from engine.scenarios.check import walks
from engine.scenarios.check.uses import writes
from engine.scenarios.check.ways import Ways

Turnstile = tuple[NodeName, Outcome]
"""A way that is only taken while a variable is below a bound."""

_LITERAL = re.compile(r"\s*(-?[0-9]{1,9})\s*")
_ONE_MORE = re.compile(r"\s*([a-z][a-z0-9_]*)\s*\+\s*([1-9][0-9]{0,8})\s*")
_BELOW = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(<=?)\s*(-?[0-9]{1,9})\s*")
_ABOVE = re.compile(r"\s*([a-z][a-z0-9_]*)\s*(>=?)\s*(-?[0-9]{1,9})\s*")


class _Counter(msgspec.Struct, frozen=True):
    """A variable that is only ever set to a number, or to itself and something more."""

    least: int
    step: int
    steps_at: frozenset[NodeName]
    reset_at: frozenset[NodeName]


def turnstiles(scenario: Scenario, ways: Ways) -> dict[Turnstile, int]:
    """The ways inside circles that can be taken so many times only, whatever the caller does."""
    counters = _counters(scenario)
    if not counters:
        return {}
    leads = {name: [way.to for way in out] for name, out in ways.items()}
    knot_of = {name: frozenset(part) for part in walks.knots(leads) for name in part}
    found: dict[Turnstile, int] = {}
    for name, node in scenario.nodes.items():
        if isinstance(node, Switch):
            for outcome, to, variable, bound in _guarded(node):
                counter = counters.get(variable)
                if counter is not None and to in knot_of[name] and _counts(counter, name, to, knot_of[name], leads):
                    found[name, outcome] = max(0, -(-(bound - counter.least) // counter.step))
    return found


def _counters(scenario: Scenario) -> dict[Variable, _Counter]:
    at_nodes: dict[Variable, list[tuple[NodeName, Expression | None]]] = {}
    for name, node in scenario.nodes.items():
        for write in writes(node):
            value = node.values.get(write.variable) if isinstance(node, Set) else None
            at_nodes.setdefault(write.variable, []).append((name, value))
    found = {}
    for variable, sets in at_nodes.items():
        var = scenario.vars.get(variable)
        if var is not None and var.type == "number" and not var.param:
            counter = _counter(variable, var.default, sets)
            if counter is not None:
                found[variable] = counter
    return found


def _counter(
    variable: Variable, default: graph.Value | None, sets: list[tuple[NodeName, Expression | None]]
) -> _Counter | None:
    firsts = [default] if isinstance(default, int) else []
    steps: dict[NodeName, int] = {}
    resets = set()
    for name, value in sets:
        more, literal = _ONE_MORE.fullmatch(value or ""), _LITERAL.fullmatch(value or "")
        if more and more[1] == variable:
            steps[name] = int(more[2])
        elif literal:
            firsts.append(int(literal[1]))
            resets.add(name)
        else:
            return None
    if not steps or not firsts:
        return None
    return _Counter(min(firsts), min(steps.values()), frozenset(steps), frozenset(resets))


def _guarded(node: Switch) -> Iterator[tuple[Outcome, NodeName, Variable, int]]:
    """The ways that imply that a variable is below a bound: of a case that says so, and behind one that says the
    contrary."""
    targets: list[tuple[Outcome, NodeName]] = [
        (case_outcome(number), case.to) for number, case in enumerate(node.cases, 1)
    ]
    otherwise = edge(node, "else")
    if otherwise is not None:
        targets.append(("else", otherwise))
    for number, case in enumerate(node.cases):
        if below := _BELOW.fullmatch(case.when):
            yield *targets[number], Variable(below[1]), int(below[3]) + (below[2] == "<=")
        if above := _ABOVE.fullmatch(case.when):
            for outcome, to in targets[number + 1 :]:
                yield outcome, to, Variable(above[1]), int(above[3]) + (above[2] == ">")


def _counts(
    counter: _Counter,
    switch: NodeName,
    to: NodeName,
    knot: frozenset[NodeName],
    leads: Mapping[NodeName, list[NodeName]],
) -> bool:
    """Whether nothing sets it back on the way round, and every way back to the switch goes by a step."""
    if counter.reset_at & knot:
        return False
    if to in counter.steps_at:
        return True
    stepless = {name: [next_ for next_ in leads[name] if next_ in knot - counter.steps_at] for name in knot}
    return switch not in walks.reached(stepless, {to})
