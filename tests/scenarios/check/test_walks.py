"""What is said of graphs, against the plainest way to find out."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from engine.scenarios.check import walks

Graph = dict[int, list[int]]
GRAPHS = st.integers(1, 6).flatmap(
    lambda size: st.fixed_dictionaries(
        {number: st.lists(st.integers(0, size - 1), max_size=4) for number in range(size)}
    )
)


def reaches(leads: Graph, start: int) -> set[int]:
    """In one step at least."""
    found: set[int] = set()
    for _ in leads:
        found |= {to for name in {start} | found for to in leads[name]} if not found else set()
        found |= {to for name in found for to in leads[name]}
    return found


@given(leads=GRAPHS)
def test_knots_are_the_nodes_that_reach_each_other_and_come_after_what_they_lead_to(leads: Graph) -> None:
    parts = walks.knots(leads)
    assert sorted(name for part in parts for name in part) == sorted(leads)
    rank = {name: number for number, part in enumerate(parts) for name in part}
    for one in leads:
        for other in leads:
            together = one == other or (other in reaches(leads, one) and one in reaches(leads, other))
            assert (rank[one] == rank[other]) == together
        assert all(rank[to] <= rank[one] for to in leads[one])


@given(leads=GRAPHS)
def test_circles_are_circles_and_every_knot_has_one(leads: Graph) -> None:
    found = walks.circles(leads)
    for circle in found:
        assert circle[0] == circle[-1]
        assert all(to in leads[name] for name, to in itertools.pairwise(circle))
    round_ = {name for name in leads if name in reaches(leads, name)}
    assert bool(found) == bool(round_)


@given(leads=GRAPHS)
def test_the_shortest_way_is_a_way_and_none_is_shorter(leads: Graph) -> None:
    last = max(leads)
    way = walks.shortest(leads, 0, last.__eq__)
    assert bool(way) == (last in walks.reached(leads, {0}))
    if way:
        assert (way[0], way[-1]) == (0, last)
        assert all(to in leads[name] for name, to in itertools.pairwise(way))
        there = {0}
        for _ in way[1:-1]:
            there |= {to for name in there for to in leads[name]}
        assert len(way) == 1 or last not in there or last == 0


def test_a_chain_of_many_is_no_deeper_than_a_short_one() -> None:
    long = {number: [number + 1] for number in range(50_000)}
    assert len(walks.knots(long)) == 50_001
    assert len(walks.reached(walks.backwards(long), {50_000})) == 50_001
