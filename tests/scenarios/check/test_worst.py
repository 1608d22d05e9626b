"""The longest way through small graphs, held against walking all ways there are."""

from hypothesis import given
from hypothesis import strategies as st

from engine.domain.scenario.graph import NodeName
from engine.scenarios.check.counters import Turnstile
from engine.scenarios.check.ways import Way
from engine.scenarios.check.worst import Cost, worst

VISITS = 2
START = NodeName("0")
Graph = dict[NodeName, list[Way]]


@st.composite
def graphs(draw: st.DrawFn, *, circles: bool) -> Graph:
    """Up to four nodes, and edges between any two of them, or only onwards."""
    size = draw(st.integers(1, 4))
    found: Graph = {NodeName(str(number)): [] for number in range(size)}
    pairs = [(one, other) for one in range(size) for other in range(0 if circles else one + 1, size)]
    for number, (one, other) in enumerate(draw(st.lists(st.sampled_from(pairs), max_size=5)) if pairs else ()):
        found[NodeName(str(one))].append(Way(NodeName(str(one)), f"way {number}", NodeName(str(other)), "itself"))
    return found


def longest(graph: Graph, passes: dict[Turnstile, int], visits: int | None) -> int:
    """Walk everywhere: each turnstile so often, and each node, where there is a limit on that."""
    best = 0
    stack = [(START, {START: 1}, dict(passes))]
    while stack:
        at, seen, left = stack.pop()
        best = max(best, sum(seen.values()))
        for way in graph[at]:
            gate = (at, way.outcome)
            if left.get(gate, 1) > 0 and (visits is None or seen.get(way.to, 0) < visits):
                stack.append(
                    (way.to, {**seen, way.to: seen.get(way.to, 0) + 1}, {**left, gate: left.get(gate, 1 << 30) - 1})
                )
    return best


def bound(graph: Graph, passes: dict[Turnstile, int], visits: int = VISITS) -> Cost:
    return worst(graph, START, {name: Cost(1, 1.0) for name in graph}, passes, visits).cost


@given(graph=graphs(circles=False))
def test_without_circles_it_is_exact(graph: Graph) -> None:
    found = bound(graph, {})
    assert found == Cost(longest(graph, {}, None), float(longest(graph, {}, None)))


@given(graph=graphs(circles=True))
def test_circles_are_walked_as_often_as_the_limit_allows_at_most(graph: Graph) -> None:
    found = bound(graph, {})
    assert longest(graph, {}, VISITS) <= found.steps
    assert bool(found.endless) == (longest(graph, {}, VISITS) < longest(graph, {}, VISITS + 1))


@given(graph=graphs(circles=True), times=st.integers(0, 1))
def test_circles_that_turnstiles_open_need_no_limit(graph: Graph, times: int) -> None:
    """Every way back is one."""
    passes = {(at, way.outcome): times for at, out in graph.items() for way in out if way.to <= at}

    found = bound(graph, passes, visits=100)

    assert not found.endless
    assert longest(graph, passes, None) <= found.steps
    assert longest(graph, passes, VISITS) <= bound(graph, passes).steps <= bound(graph, {}).steps


def test_the_way_is_one_that_takes_so_many_steps() -> None:
    a, b, c = (NodeName(name) for name in "012")
    graph = {a: [Way(a, "x", c, "itself"), Way(a, "y", b, "itself")], b: [Way(b, "x", c, "itself")], c: []}
    found = worst(graph, START, {name: Cost(1, 1.0) for name in graph}, {}, VISITS)
    assert found.way == (a, b, c)
