"""Where everything of a scenario stands in its file, found when it is asked for."""

from collections.abc import Iterable
from typing import NamedTuple

import yaml

from engine.domain.scenario.graph import NodeName, Outcome, Variable

Step = str | int
Way = tuple[Step, ...]


class Place(NamedTuple):
    """Counted from 1."""

    line: int
    column: int


START = Place(1, 1)


def place_of(node: yaml.Node | None) -> Place:
    """Where a node begins; what is not there, at the beginning of the file."""
    return Place(node.start_mark.line + 1, node.start_mark.column + 1) if node and node.start_mark else START


class Places:
    """A way through the model, as in `at("nodes", "choose", "prompt", 0, "say", "fr")`, gives a place.

    A value written on one line is at its value, what has parts is at its key. Where the file says less than the model
    (a default, one text for a whole prompt), the place is that of the nearest thing around it.
    """

    def __init__(self, root: yaml.Node | None) -> None:
        self._root = root
        self._maps: dict[int, dict[str, tuple[yaml.Node, yaml.Node]]] = {}

    def at(self, *way: Step) -> Place:
        """Where the thing at the end of this way stands."""
        here, at = self._root, self._root
        for step in way:
            match here:
                case yaml.MappingNode():
                    key, below = self._entries(here).get(str(step), (None, here))
                    here, at = below, (below if isinstance(below, yaml.ScalarNode) else key) or at
                case yaml.SequenceNode(value=items) if isinstance(step, int) and step < len(items):
                    here = at = items[step]
                case _:
                    pass  # the model's notation is longer than the file's
        return place_of(at)

    def node(self, name: NodeName) -> Place:
        return self.at("nodes", name)

    def variable(self, name: Variable) -> Place:
        return self.at("vars", name)

    def edge(self, name: NodeName, outcome: Outcome) -> Place:
        """Where an edge's target is written; the node, for an edge that is not."""
        kind, _, rest = outcome.partition(" ")
        ways: Iterable[Way] = [("on", outcome), ("next",)]
        if kind == "key" and rest:
            ways = [("keys", rest)]
        elif kind == "case" and rest.isdecimal():
            ways = [("cases", int(rest) - 1, "to")]
        node = self.node(name)
        found = (self.at("nodes", name, *way) for way in ways if self._has(name, way))
        return next(found, node)

    def _has(self, name: NodeName, way: Way) -> bool:
        """Whether the file has that way of a node."""
        return self.at("nodes", name, *way) != self.at("nodes", name, *way[:-1])

    def _entries(self, node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        found = self._maps.get(id(node))
        if found is None:
            pairs = [(key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
            found = self._maps[id(node)] = {key.value: (key, value) for key, value in pairs}
        return found
