"""Scenarios that run each other: what is given and given back, and circles of them."""

from itertools import pairwise

from engine.domain.scenario.graph import NodeName, Program, Return, Scenario, Subflow, Transfer, Variable
from engine.domain.values import Slug
from engine.scenarios.check import walks
from engine.scenarios.check.kinds import type_of
from engine.scenarios.check.subject import Subject


def check(subject: Subject) -> None:
    for name, node in subject.scenario.nodes.items():
        match node:
            case Subflow(scenario=other) if other in subject.program.scenarios:
                _params(subject, name, node, subject.program.scenarios[other])
                _results(subject, name, node, subject.program.scenarios[other])
            case Return(outcome=outcome) if outcome not in subject.scenario.outcomes:
                declared = ", ".join(subject.scenario.outcomes) or "none"
                told = f"{outcome} is not among the outcomes of this scenario: {declared}"
                subject.find("S704", ("outcome",), told, name)
            case _:
                pass
    _outcomes(subject)


Circles = list[tuple[str, tuple[Slug, ...]]]
"""Codes and the scenarios in a circle, the first again at the end."""


def circles(program: Program) -> Circles:
    """Scenarios that run themselves, and those that only transfer to each other for ever."""
    runs = {name: _named_by(scenario, Subflow, program) for name, scenario in program.scenarios.items()}
    both = {name: runs[name] + _named_by(scenario, Transfer, program) for name, scenario in program.scenarios.items()}
    recursive = walks.circles(runs)
    known = {name for circle in recursive for name in circle}
    transferring = [circle for circle in walks.circles(both) if not known.issuperset(circle)]
    return [("S701", circle) for circle in recursive] + [("S707", circle) for circle in transferring]


def check_circles(subject: Subject, found: Circles) -> None:
    """At the nodes of this scenario that lead on in a circle."""
    for code, circle in found:
        following = dict(pairwise(circle)).get(subject.scenario.scenario)
        types = Subflow if code == "S701" else (Subflow, Transfer)
        for name, node in subject.scenario.nodes.items():
            if isinstance(node, types) and following is not None and node.scenario == following:
                subject.find(code, ("scenario",), " -> ".join(circle), name)


def _named_by(scenario: Scenario, type_: type[Subflow] | type[Transfer], program: Program) -> list[Slug]:
    named = [node.scenario for node in scenario.nodes.values() if isinstance(node, type_)]
    return [name for name in named if name is not None and name in program.scenarios]


def _params(subject: Subject, name: NodeName, node: Subflow, theirs: Scenario) -> None:
    for param, var in theirs.vars.items():
        if var.param and var.default is None and param not in node.params:
            subject.find("S702", (), f"{theirs.scenario} needs the parameter {param}", name)
    for param, expression in node.params.items():
        part = ("params", param)
        if param not in theirs.vars or not theirs.vars[param].param:
            subject.find("S703", part, f"{theirs.scenario} has no parameter {param}", name)
            continue
        found = type_of(subject, name, part, expression, told=True)
        if found is not None and found != theirs.vars[param].type:
            told = f"{param} of {theirs.scenario} is a {theirs.vars[param].type}, and `{expression}` a {found}"
            subject.find("S505", part, told, name)


def _results(subject: Subject, name: NodeName, node: Subflow, theirs: Scenario) -> None:
    for ours, result in node.results.items():
        part = ("results", ours)
        if result not in theirs.vars or not theirs.vars[result].result:
            subject.find("S703", part, f"{theirs.scenario} has no result {result}", name)
            continue
        var = subject.scenario.vars.get(Variable(ours))
        if var is not None and var.type != theirs.vars[result].type:
            told = f"{ours} is a {var.type}, and gets a {theirs.vars[result].type}"
            subject.find("S505", part, told, name)


def _outcomes(subject: Subject) -> None:
    scenario = subject.scenario
    nodes = [scenario.nodes[name] for name in subject.while_there]
    returned = {node.outcome for node in nodes if isinstance(node, Return)}
    for outcome in scenario.outcomes:
        if returned and outcome not in returned:
            subject.find("S705", ("outcomes",), f"no return that can be reached gives {outcome}")
    if not returned and (scenario.outcomes or subject.is_subflow):
        subject.find("S706", ("outcomes",), "no return can be reached")
