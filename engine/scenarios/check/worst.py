"""The longest way through a graph in which some ways can be taken so many times only.

The parts of the graph that are no circles are walked once each, by the longest way. A circle that turnstiles (ways that
are taken a few times only, see `counters.py`) open, is walked at most once more often than all its turnstiles together
are passed: between two of these passes the way is a longest way inside. A circle that nothing opens has no longest
way: the limit on visits is what bounds it, and the result says so. Nor is any other walked more often than it allows.
"""

from collections.abc import Mapping

import msgspec

from engine.domain.scenario.graph import NodeName
from engine.scenarios.check import walks
from engine.scenarios.check.counters import Turnstile
from engine.scenarios.check.ways import Way


class Cost(msgspec.Struct, frozen=True):
    """`endless`: nodes in circles that only the limits get a caller out of; `patient`: nodes that a caller may stay at
    for as long as he likes. `visits`: how often he comes by one node, at most; `inside`: by one of a scenario that is
    led into, which several nodes may do."""

    steps: int = 0
    seconds: float = 0.0
    endless: frozenset[str] = frozenset()
    patient: frozenset[str] = frozenset()
    visits: int = 0
    inside: int = 0

    @property
    def most_visits(self) -> int:
        return max(self.visits, self.inside)

    def __add__(self, other: "Cost") -> "Cost":
        """One after the other, at nodes of which each is in one of them only."""
        return Cost(
            self.steps + other.steps,
            self.seconds + other.seconds,
            self.endless | other.endless,
            self.patient | other.patient,
            max(self.visits, other.visits),
            self.inside + other.inside,
        )

    def or_(self, other: "Cost") -> "Cost":
        """The worse of both, each in its own way."""
        return Cost(
            max(self.steps, other.steps),
            max(self.seconds, other.seconds),
            self.endless | other.endless,
            self.patient | other.patient,
            max(self.visits, other.visits),
            max(self.inside, other.inside),
        )

    def times(self, number: int) -> "Cost":
        return msgspec.structs.replace(
            self,
            steps=self.steps * number,
            seconds=self.seconds * number,
            visits=self.visits * number,
            inside=self.inside * number,
        )

    def led_into(self) -> "Cost":
        """The same, to a scenario that leads into this one."""
        return msgspec.structs.replace(self, visits=0, inside=self.most_visits)


NOTHING = Cost()
Costs = Mapping[NodeName, Cost]


class Worst(msgspec.Struct, frozen=True):
    """What the worst caller meets, and a way that takes as many steps (a circle once)."""

    cost: Cost
    way: tuple[NodeName, ...] = ()


def worst(
    ways: Mapping[NodeName, list[Way]],
    start: NodeName,
    costs: Costs,
    turnstiles: Mapping[Turnstile, int],
    visits: int,
) -> Worst:
    leads = {name: [way.to for way in out] for name, out in ways.items()}
    there = walks.reached(leads, {start})
    inside = {name: leads[name] for name in there}
    so_far: dict[NodeName, Worst] = {}
    part_of: dict[NodeName, Worst] = {}
    for part in walks.knots({start: inside[start], **inside}):
        members = frozenset(part)
        after = [so_far[to] for name in part for to in inside[name] if to not in members]
        here = _part(ways, members, costs, turnstiles, visits)
        found = _joined(here, after)
        for name in part:
            so_far[name], part_of[name] = found, here
    return so_far[start]


def _joined(here: Worst, after: list[Worst]) -> Worst:
    cost = NOTHING
    for each in after:
        cost = cost.or_(each.cost)
    longest = max(after, key=lambda each: each.cost.steps, default=None)
    return Worst(here.cost + cost, here.way + (longest.way if longest else ()))


def _part(
    ways: Mapping[NodeName, list[Way]],
    members: frozenset[NodeName],
    costs: Costs,
    turnstiles: Mapping[Turnstile, int],
    visits: int,
) -> Worst:
    """A part of the graph in which every node leads to every other, or a single node."""
    within = [way for name in members for way in ways[name] if way.to in members]
    if not within:
        (name,) = members
        return Worst(costs[name], (name,))
    passes = sum(turnstiles.get((way.source, way.outcome), 0) for way in within)
    opened: dict[NodeName, list[NodeName]] = {name: [] for name in sorted(members)}
    for way in within:
        if (way.source, way.outcome) not in turnstiles:
            opened[way.source].append(way.to)
    order = walks.knots(opened)
    total = NOTHING
    for name in members:
        total += costs[name]
    most = total.times(visits)
    if len(order) < len(members) or any(name in opened[name] for name in members):
        return Worst(msgspec.structs.replace(most, endless=total.endless | members), tuple(opened))
    longest: dict[NodeName, Worst] = {}
    for (name,) in order:
        longest[name] = _joined(Worst(costs[name], (name,)), [longest[to] for to in opened[name]])
    best = max(longest.values(), key=lambda each: each.cost.steps)
    cost = NOTHING
    for each in longest.values():
        cost = cost.or_(each.cost)
    cost = cost.times(passes + 1)
    fewer = msgspec.structs.replace(cost, steps=min(cost.steps, most.steps), seconds=min(cost.seconds, most.seconds))
    return Worst(fewer, best.way)
