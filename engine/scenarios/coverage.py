"""Which edges of a scenario its conversations go along, and how often."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from engine.domain.scenario.graph import NodeName, Outcome, Program, Scenario
from engine.domain.scenario.outcomes import STANDS_IN, edges
from engine.domain.scenario.run import Run
from engine.domain.values import Slug


class Edge(NamedTuple):
    """An edge by where it begins; every outcome that a node's file gives a way to has one."""

    scenario: Slug
    node: NodeName
    outcome: Outcome


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """`counts`: how often each edge of the scenario was gone along, zero included; for a picture's heat, too."""

    scenario: Slug
    counts: dict[Edge, int]

    @property
    def missed(self) -> list[Edge]:
        return [edge for edge, count in self.counts.items() if not count]

    @property
    def percent(self) -> int:
        """Rounded down: 100 is all of them."""
        every = len(self.counts)
        return 100 * (every - len(self.missed)) // every if every else 100


def coverage(program: Program, runs: Iterable[Run]) -> Coverage:
    """Of the scenario itself; those it leads to have conversations of their own."""
    gone: Counter[Edge] = Counter(edge for run in runs for edge in gone_along(program, run))
    every = (Edge(program.main, name, outcome) for name, outcome in _ways(program.start))
    return Coverage(scenario=program.main, counts={edge: gone[edge] for edge in every})


def gone_along(program: Program, run: Run) -> Iterator[Edge]:
    """The edges of a caller's way, subflows' too. Ways to `on_error` and `on_hangup` are none."""
    for visit in run.path:
        if visit.outcome is not None:
            yield from _edge(program, Edge(visit.scenario, visit.node, visit.outcome))


def counted(program: Program, left: Mapping[Edge, int]) -> dict[Edge, int]:
    """How often callers went along each edge of a program, by how often they left its nodes; what was left by another
    version's nodes is left out."""
    counts: Counter[Edge] = Counter()
    for edge, count in left.items():
        scenario = program.scenarios.get(edge.scenario)
        if scenario is not None and edge.node in scenario.nodes:
            for taken in _edge(program, edge):
                counts[taken] += count
    every = (Edge(name, node, outcome) for name, one in program.scenarios.items() for node, outcome in _ways(one))
    return {edge: counts[edge] for edge in every}


def _ways(scenario: Scenario) -> Iterator[tuple[NodeName, Outcome]]:
    for name, node in scenario.nodes.items():
        yield from ((name, outcome) for outcome in edges(node))


def _edge(program: Program, left: Edge) -> Iterator[Edge]:
    """The edge that a node was left by: its outcome's own, or the one it stands in for."""
    known: Mapping[Outcome, NodeName] = edges(program.scenarios[left.scenario].nodes[left.node])
    taken = left.outcome if left.outcome in known else STANDS_IN.get(left.outcome)
    if taken is not None and taken in known:
        yield Edge(left.scenario, left.node, taken)


def as_text(found: Coverage, program: Program) -> str:
    """`12 of 14 edges (85 %)`, and a line for each that nobody went along."""
    every, missed = len(found.counts), found.missed
    lines = [f"{every - len(missed)} of {every} edges ({found.percent} %)"]
    for edge in missed:
        target = edges(program.scenarios[edge.scenario].nodes[edge.node])[edge.outcome]
        lines.append(f"  nobody goes from {edge.node} by {edge.outcome} to {target}")
    return "\n".join(lines)
