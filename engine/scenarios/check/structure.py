"""The graph as it is written: edges that lead nowhere, outcomes without an edge, nodes without use or end."""

from engine.domain.scenario.graph import (
    AnyNode,
    Expression,
    Hangup,
    Incident,
    Menu,
    Node,
    NodeName,
    Program,
    Set,
    Subflow,
    Switch,
    Transfer,
)
from engine.domain.scenario.outcomes import OUTCOMES, edges
from engine.domain.values import Slug
from engine.scenarios.check import walks
from engine.scenarios.check.subject import Subject
from engine.scenarios.check.ways import ENDS, FAULT, REACHING, may, must, part_of, runs

_FILLED: dict[type[Node], str] = {Menu: "keys", Switch: "cases", Set: "values", Incident: "flags"}
"""What a node is nothing without."""


def check(subject: Subject) -> None:
    _entrances(subject)
    for name, node in subject.scenario.nodes.items():
        _targets(subject, name, node)
        _outcomes(subject, name, node)
        _next(subject, name, node)
        _emptiness(subject, name, node)
        if isinstance(node, Switch):
            _cases(subject, name, node)
    _reach(subject)
    _ends(subject)


def _entrances(subject: Subject) -> None:
    scenario = subject.scenario
    for part, name in (("start", scenario.start), ("on_error", scenario.on_error), ("on_hangup", scenario.on_hangup)):
        if name is not None and name not in scenario.nodes:
            subject.find("S202", (part,), f"{part} leads to {name!r}, which is no node of this scenario")


def _targets(subject: Subject, name: NodeName, node: AnyNode) -> None:
    for outcome, to in edges(node).items():
        if to not in subject.scenario.nodes:
            subject.find("S201", part_of(node, outcome), f"{outcome} leads to {to!r}, which is no node", name)


def _outcomes(subject: Subject, name: NodeName, node: AnyNode) -> None:
    needed, allowed = must(subject.program, node), (*must(subject.program, node), *may(node))
    written = edges(node)
    for outcome in needed:
        if outcome not in written:
            subject.find("S206", (), f"nothing says where {outcome} leads", name)
    for outcome in node.on:
        if outcome in allowed or (isinstance(node, Subflow) and node.scenario not in subject.program.scenarios):
            continue
        if isinstance(node, Transfer) and outcome in OUTCOMES[Transfer].must + OUTCOMES[Transfer].may:
            subject.find("S204", ("on", outcome), f"a transfer to a scenario never comes back by {outcome}", name)
        else:
            has = f"it has {', '.join(allowed)}" if allowed else "it has none"
            subject.find("S205", ("on", outcome), f"{outcome} is no outcome of this node: {has}", name)


def _next(subject: Subject, name: NodeName, node: AnyNode) -> None:
    """`next` where there is nothing it could stand for."""
    if node.next is not None and (not OUTCOMES[type(node)].must or not must(subject.program, node)):
        subject.find("S204", ("next",), "this node has no outcome that `next` stands for", name)


def _emptiness(subject: Subject, name: NodeName, node: AnyNode) -> None:
    field = _FILLED.get(type(node))
    if field is not None and not getattr(node, field):
        subject.find("S212", (), f"it has no {field}", name)


def _cases(subject: Subject, name: NodeName, node: Switch) -> None:
    seen: dict[str, int] = {}
    for number, case in enumerate(node.cases):
        condition = _plain(case.when)
        if condition in seen:
            same = seen[condition] + 1
            subject.find("S213", ("cases", number, "when"), f"case {number + 1} is the same as case {same}", name)
        elif condition == "false":
            subject.find("S213", ("cases", number, "when"), f"case {number + 1} never holds", name)
        elif "true" in seen:
            always = seen["true"] + 1
            subject.find("S204", ("cases", number), f"case {always}, before it, always holds", name)
        seen.setdefault(condition, number)


def _plain(expression: Expression) -> str:
    """An expression without what does not matter: blanks outside texts."""
    parts = expression.replace('"', "'").split("'")
    return "'".join(part if number % 2 else "".join(part.split()) for number, part in enumerate(parts))


def _reach(subject: Subject) -> None:
    for name in subject.scenario.nodes:
        if name not in subject.while_there and name not in subject.once_gone:
            subject.find("S203", (), "no edge leads here from start, on_error or on_hangup", name)


def _ends(subject: Subject) -> None:
    """By written edges alone: that a fault would end it is no way out."""
    nodes = subject.scenario.nodes
    leads = {
        name: [way.to for way in out if not (way.implied and way.outcome == FAULT)]
        for name, out in subject.ways.items()
    }
    ends = [name for name, node in nodes.items() if isinstance(node, (*ENDS, *REACHING)) or _ends_inside(subject, node)]
    good = walks.reached(walks.backwards(leads), ends)
    for name in nodes:
        if name not in good and all(to in nodes for to in edges(nodes[name]).values()):
            subject.find("S207", (), "no hangup, return, ring, group or transfer can be reached from here", name)


def _ends_inside(subject: Subject, node: AnyNode) -> bool:
    """Whether a subflow, or one that it runs, has an end of its own: then its caller need not come back."""
    return isinstance(node, Subflow) and any(
        isinstance(inner, (Hangup, *REACHING))
        for name in walks.reached(runs(subject.program), {node.scenario})
        for inner in _entered(subject.program, name)
    )


def _entered(program: Program, name: Slug) -> list[AnyNode]:
    """The nodes of a scenario that written edges lead to from its start."""
    scenario = program.scenarios.get(name)
    if scenario is None:
        return []
    leads = {at: edges(node).values() for at, node in scenario.nodes.items()}
    return [scenario.nodes[at] for at in walks.reached(leads, {scenario.start}) if at in scenario.nodes]
