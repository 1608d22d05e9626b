"""Variables: declared, set on every way that leads to where they are read, and read at all."""

from collections import deque
from collections.abc import Mapping

from engine.domain.scenario import graph
from engine.domain.scenario.expressions import can_name, variables_in
from engine.domain.scenario.graph import Callback, NodeName, Return, Variable
from engine.scenarios.check.subject import Subject
from engine.scenarios.check.uses import reads, writes
from engine.scenarios.check.ways import REACHING, Way


def check(subject: Subject) -> None:
    _undeclared(subject)
    _unassigned(subject)
    _unread(subject)


def _undeclared(subject: Subject) -> None:
    for name, node in subject.scenario.nodes.items():
        for write in writes(node):
            if write.variable in graph.KNOWN:
                subject.find("S508", write.part, f"{write.variable} is known, and cannot be set", name)
            elif write.variable not in subject.scenario.vars:
                subject.find("S501", write.part, f"{write.variable} is not declared under `vars`", name)
    for variable in subject.scenario.vars.keys() & graph.KNOWN.keys():
        subject.find("S508", ("vars", variable), f"{variable} is known in every scenario, and cannot be declared")
    for variable in subject.scenario.vars:
        if not can_name(variable):
            subject.find("S509", ("vars", variable), f"{variable} is a word of the expressions' own")


def _unassigned(subject: Subject) -> None:
    bits = {name: 1 << number for number, name in enumerate(subject.scenario.vars)}
    results = [name for name, var in subject.scenario.vars.items() if var.result]
    for name, known in _known_at(subject, bits).items():
        node = subject.scenario.nodes[name]
        for read in reads(node):
            for variable in sorted(variables_in(read.expression)):
                if variable in bits and not known & bits[variable]:
                    message = f"{variable} has no value here on some ways: {_unset_way(subject, variable)}"
                    subject.find("S502", read.part, message, name)
        if isinstance(node, Return):
            for variable in results:
                if not known & bits[variable]:
                    subject.find("S502", (), f"{variable}, a result, has no value here on some ways", name)


def _unset_way(subject: Subject, variable: Variable) -> str:
    setters = [
        name for name, node in subject.scenario.nodes.items() if any(w.variable == variable for w in writes(node))
    ]
    return f"only {', '.join(setters[:3])} sets it" if setters else "nothing sets it"


def _known_at(subject: Subject, bits: Mapping[Variable, int]) -> dict[NodeName, int]:
    """The variables that surely have a value when a node is entered, over all ways to it (a must-analysis)."""
    scenario = subject.scenario
    first = sum(bits[name] for name, var in scenario.vars.items() if var.default is not None or var.param)
    known = {
        name: first for name in (scenario.start, scenario.on_hangup) if name is not None and name in scenario.nodes
    }
    to_do = deque(known)
    while to_do:
        at = to_do.popleft()
        for way in subject.ways[at]:
            after = known[at] | _set_by(subject, bits, way)
            before = known.get(way.to)
            merged = after if before is None else before & after
            if merged != before:
                known[way.to] = merged
                to_do.append(way.to)
    return known


def _set_by(subject: Subject, bits: Mapping[Variable, int], way: Way) -> int:
    node = subject.scenario.nodes[way.source]
    found = 0
    for write in writes(node):
        if way.outcome in write.outcomes:
            found |= bits.get(write.variable, 0)
    return found


def _unread(subject: Subject) -> None:
    """What was collected counts as read where the caller may come to somebody: the agent's screen shows it."""
    nodes = subject.scenario.nodes.values()
    read = {variable for node in nodes for each in reads(node) for variable in variables_in(each.expression)}
    if any(isinstance(node, (*REACHING, Callback)) for node in nodes):
        read |= {write.variable for node in nodes for write in writes(node)}
    for name, var in subject.scenario.vars.items():
        if name not in read and not var.result:
            subject.find("S503", ("vars", name), f"{name} is never read")
