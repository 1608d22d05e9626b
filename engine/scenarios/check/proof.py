"""The proof: every caller reaches a person, a message or an end within N steps and M seconds, silence included.

For each scenario two callers are followed, each over all ways the world may take meanwhile (open or closed, found or
not, taken or not, in order or not):

- the *idle* caller says nothing or presses wrong keys for as long as the scenario lets him. Inputs have their own
  bound: silences and wrong keys are counted apart, so an input is asked for at most `2 * tries - 1` times.
- *any* caller may besides choose whatever there is, as often as he likes.

The longest way through the graph (`worst.py`) is the bound: exact where the graph has no circle, never too small where
it has. A subflow costs what its own longest way costs. Only where a circle has no bound of its own, or a bound beyond
them, are the limits of the interpreter needed; then they are named: `visits` of a node, `steps` in all, `duration_s`.
Past a limit, whichever it is, a caller is led out by `on_error` within a few nodes and seconds in reserve.

Seconds do not count conversations, and are estimates where a prompt is (`durations.py`).
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from engine.domain.scenario.graph import AnyNode, Callback, NodeName, Program, Record, Subflow, Transfer, Voicemail
from engine.domain.scenario.outcomes import edge
from engine.domain.scenario.way import RESERVE, RESERVE_S
from engine.domain.values import Slug
from engine.scenarios.check import walks
from engine.scenarios.check.counters import Turnstile, turnstiles
from engine.scenarios.check.durations import is_endless, seconds_at
from engine.scenarios.check.ways import REACHING, Way, Ways
from engine.scenarios.check.worst import NOTHING, Cost, Worst, worst
from engine.scenarios.house import House

SHORTEST_SEARCH_S = 1.0
"""Somebody is rung for so long even where less is left."""


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """`limits`: those that are needed to say so. `because`: the nodes which need them."""

    steps: int
    seconds: float
    way: tuple[NodeName, ...]
    limits: tuple[str, ...] = ()
    because: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = f"within {self.steps} steps and {self.seconds:.0f} seconds"
        if not self.limits:
            return said
        because = f", because of {', '.join(self.because[:5])}" if self.because else ""
        return f"{said}, by the limits alone ({', '.join(self.limits)}){because}"


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Of one scenario, run with the limits of the program's main one."""

    scenario: Slug
    idle: Bound
    anyone: Bound

    def __str__(self) -> str:
        return (
            f"{self.scenario}: every caller reaches a person, a message or an end {self.anyone};\n"
            f"  who says nothing or presses wrong keys, {self.idle}\n"
            f"  at worst by {' -> '.join(self.idle.way)}"
        )


class Prover:
    """Costs are worked out from the innermost subflows outwards."""

    def __init__(self, program: Program, ways: Mapping[Slug, Ways], house: House) -> None:
        self._program, self._ways, self._house = program, ways, house
        self._limits = program.start.limits
        self._turnstiles: dict[Slug, dict[Turnstile, int]] = {
            name: turnstiles(scenario, ways[name]) for name, scenario in program.scenarios.items()
        }

    def prove(self) -> tuple[Proof, ...]:
        idle = self._all(lambda way: way.hand != "chosen", anyone=False)
        anyone = self._all(lambda _: True, anyone=True)
        return tuple(
            Proof(scenario=name, idle=self._bound(idle[name]), anyone=self._bound(anyone[name]))
            for name, scenario in self._program.scenarios.items()
            if scenario.start in scenario.nodes
        )

    def _all(self, taken: Callable[[Way], bool], *, anyone: bool) -> dict[Slug, Worst]:
        found: dict[Slug, Worst] = {}
        for part in walks.knots(self._calls()):
            for name in part:
                found[name] = self._scenario(name, found, taken, anyone=anyone)
        return found

    def _calls(self) -> dict[Slug, list[Slug]]:
        """Which scenario leads into which."""
        return {
            name: [other for other in map(_other, scenario.nodes.values()) if other in self._program.scenarios]
            for name, scenario in self._program.scenarios.items()
        }

    def _scenario(
        self, slug: Slug, known: Mapping[Slug, Worst], taken: Callable[[Way], bool], *, anyone: bool
    ) -> Worst:
        scenario = self._program.scenarios[slug]
        if scenario.start not in scenario.nodes:
            return Worst(NOTHING)
        ways = {name: [way for way in out if taken(way)] for name, out in self._ways[slug].items()}
        costs = {name: self._cost(name, node, known, anyone=anyone) for name, node in scenario.nodes.items()}
        return worst(ways, scenario.start, costs, self._turnstiles[slug], self._limits.visits)

    def _cost(self, name: NodeName, node: AnyNode, known: Mapping[Slug, Worst], *, anyone: bool) -> Cost:
        here = Cost(1, seconds_at(node, self._house.seconds), visits=1)
        if anyone and is_endless(node):
            here = Cost(1, math.inf, patient=frozenset((name,)), visits=1)
        other = _other(node)
        if other not in self._program.scenarios:
            return here
        if other in known:
            return here + known[other].cost.led_into()
        return here + Cost(self._limits.steps, math.inf, frozenset((name,)))  # a scenario in a circle

    def _bound(self, found: Worst) -> Bound:
        """With the limits, where they are needed or are met before."""
        limits, cost = self._limits, found.cost
        met = {
            "visits": bool(cost.endless) or cost.most_visits > limits.visits,
            "steps": cost.steps > limits.steps,
            "duration_s": cost.seconds > limits.duration_s,
        }
        steps, seconds = cost.steps, cost.seconds
        if any(met.values()):
            steps = min(steps, limits.steps)
            seconds = min(seconds, self._longest_kept_s(steps)) + self._reserve_s()
            steps += RESERVE
        return Bound(
            steps=steps,
            seconds=seconds,
            way=found.way,
            limits=tuple(limit for limit, needed in met.items() if needed),
            because=tuple(sorted(cost.endless | cost.patient)),
        )

    def _longest_kept_s(self, steps: int) -> float:
        """Until `duration_s` is met; ringing before a conversation that the caller comes back from does not count."""
        before_talk_s = _longest(node for node in self._searches() if edge(node, "after") is not None)
        return self._limits.duration_s + SHORTEST_SEARCH_S + steps * before_talk_s

    def _reserve_s(self) -> float:
        """Of a caller who met a limit: it counts anew after each search for somebody, and once more for a message."""
        search_s = min(_longest(self._searches()), RESERVE_S)
        searching_s = RESERVE * (search_s + RESERVE_S) if search_s else 0.0
        leaves = any(isinstance(node, Record | Voicemail | Callback) for node in self._nodes())
        return RESERVE_S + searching_s + (RESERVE_S if leaves else 0.0)

    def _searches(self) -> Iterator[AnyNode]:
        return (node for node in self._nodes() if isinstance(node, REACHING))

    def _nodes(self) -> Iterator[AnyNode]:
        return (node for scenario in self._program.scenarios.values() for node in scenario.nodes.values())


def _longest(nodes: Iterable[AnyNode]) -> float:
    return max((seconds_at(node, {}) for node in nodes), default=0.0)


def _other(node: AnyNode) -> Slug | None:
    """The scenario a node leads into."""
    return node.scenario if isinstance(node, Subflow | Transfer) else None
