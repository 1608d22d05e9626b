"""Where the edges of a node lead."""

import pytest

from engine.domain.scenario import graph
from engine.domain.scenario.graph import Case, Expression, Menu, NodeName, Outcome, Play, Return, Subflow, Switch
from engine.domain.scenario.outcomes import edge, edges
from engine.domain.values import Slug

HERE, THERE, ELSEWHERE = NodeName("here"), NodeName("there"), NodeName("elsewhere")


@pytest.mark.parametrize(
    ("node", "outcome", "to"),
    [
        (Play(prompt=(), next=HERE), "done", HERE),
        (Play(prompt=(), on={"done": THERE}), "done", THERE),
        (Play(prompt=(), next=HERE), "error", None),
        (Menu(prompt=(), keys={}, next=HERE, on={"no_match": THERE}), "no_input", HERE),
        (Menu(prompt=(), keys={}, next=HERE, on={"no_match": THERE}), "no_match", THERE),
        (Return(outcome="x", next=HERE), "x", None),
    ],
)
def test_next_is_the_edge_of_the_first_outcome(node: graph.Node, outcome: Outcome, to: NodeName | None) -> None:
    assert edge(node, outcome) == to


def test_the_edges_of_a_menu_are_its_keys_too() -> None:
    menu = Menu(prompt=(), keys={"1": HERE, "10": THERE}, on={"no_input": ELSEWHERE, "no_match": ELSEWHERE})
    assert edges(menu) == {"no_input": ELSEWHERE, "no_match": ELSEWHERE, "key 1": HERE, "key 10": THERE}


def test_the_edges_of_a_switch_are_its_cases_too() -> None:
    switch = Switch(
        cases=(Case(when=Expression("true"), to=HERE), Case(when=Expression("a"), to=THERE)), next=ELSEWHERE
    )
    assert edges(switch) == {"case 1": HERE, "case 2": THERE, "else": ELSEWHERE}


def test_a_subflow_has_the_edges_it_names() -> None:
    subflow = Subflow(scenario=Slug("other"), next=HERE, on={"sold": THERE})
    assert edges(subflow) == {"sold": THERE}
