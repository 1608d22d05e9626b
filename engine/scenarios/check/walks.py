"""What a graph of names has: who can be reached, circles, the shortest way. No recursion: graphs may be deep."""

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)
Graph = Mapping[Name, Iterable[Name]]


def reached(leads: Graph[Name], starts: Iterable[Name]) -> set[Name]:
    """Everything that can be reached from these, themselves included."""
    found = set(starts)
    to_do = list(found)
    while to_do:
        for to in leads.get(to_do.pop(), ()):
            if to not in found:
                found.add(to)
                to_do.append(to)
    return found


def backwards(leads: Graph[Name]) -> dict[Name, list[Name]]:
    """The same edges, each the other way round."""
    found: dict[Name, list[Name]] = {name: [] for name in leads}
    for source, targets in leads.items():
        for to in targets:
            found.setdefault(to, []).append(source)
    return found


def shortest(leads: Graph[Name], start: Name, is_end: Callable[[Name], bool]) -> tuple[Name, ...]:
    """The fewest steps from a node to one that is an end, both included; empty when there is no way."""
    came: dict[Name, Name | None] = {start: None}
    to_do = deque([start])
    while to_do:
        at = to_do.popleft()
        if is_end(at):
            return _back(came, at)
        for to in leads.get(at, ()):
            if to not in came:
                came[to] = at
                to_do.append(to)
    return ()


def _back(came: Mapping[Name, Name | None], end: Name) -> tuple[Name, ...]:
    way: list[Name] = []
    at: Name | None = end
    while at is not None:
        way.append(at)
        at = came[at]
    return tuple(reversed(way))


def knots(leads: Graph[Name]) -> list[tuple[Name, ...]]:
    """The strongly connected parts, each before those that lead to it."""
    search = _Tarjan(leads)
    for root in leads:
        if root not in search.order:
            search.run(root)
    return search.found


class _Tarjan(Generic[Name]):
    """Tarjan's search, with a stack of its own in the place of recursion."""

    def __init__(self, leads: Graph[Name]) -> None:
        self.order: dict[Name, int] = {}
        self.found: list[tuple[Name, ...]] = []
        self._leads = leads
        self._low: dict[Name, int] = {}
        self._open: dict[Name, None] = {}
        self._work: list[tuple[Name, Iterator[Name]]] = []

    def run(self, root: Name) -> None:
        self._enter(root)
        while self._work:
            at, following = self._work[-1]
            for to in following:
                if to not in self.order:
                    self._enter(to)
                    break
                if to in self._open:
                    self._low[at] = min(self._low[at], self.order[to])
            else:
                self._leave(at)

    def _enter(self, name: Name) -> None:
        self.order[name] = self._low[name] = len(self.order)
        self._open[name] = None
        self._work.append((name, iter(self._leads.get(name, ()))))

    def _leave(self, name: Name) -> None:
        self._work.pop()
        if self._work:
            before = self._work[-1][0]
            self._low[before] = min(self._low[before], self._low[name])
        if self._low[name] == self.order[name]:
            part: list[Name] = []
            while not part or part[-1] != name:
                part.append(self._open.popitem()[0])
            self.found.append(tuple(part))


def circles(leads: Graph[Name]) -> list[tuple[Name, ...]]:
    """One circle out of each part of the graph that has any, its first node again at the end."""
    rank = {name: number for number, name in enumerate(leads)}
    found = []
    for part in knots(leads):
        members = set(part)
        within = {name: [to for to in leads.get(name, ()) if to in members] for name in part}
        start = min(part, key=lambda name: rank.get(name, len(rank)))
        if within[start]:
            found.append((start, *_round(within, start)))
    return found


def _round(within: Graph[Name], start: Name) -> tuple[Name, ...]:
    """The shortest way from a node back to itself, inside a part where there is one."""
    ways = [shortest(within, to, lambda name: name == start) for to in within[start]]
    return min(ways, key=len)
