"""The place of everything in a scenario's file, by its way through the model."""

import pytest

from engine.domain.scenario.graph import NodeName, Variable
from engine.scenarios.loader import load_text
from engine.scenarios.places import Place, Places, Step

TEXT = """\
scenario: test
start: choose
on_error: bye
vars:
  customer: {type: text}
nodes:
  choose:
    type: menu
    prompt:
      - Bonjour
      - {fr: Encore, barge: ignore}
      - file: welcome
    keys: {1: bye, "2": bye}
    on:
      no_input: bye
  bye:
    type: hangup
    prompt: Au revoir
  which:
    type: switch
    cases:
      - {when: customer == '', to: bye}
    next: bye
"""
PLACES: list[tuple[tuple[Step, ...], tuple[int, int]]] = [
    (("start",), (2, 8)),
    (("vars", "customer", "type"), (5, 20)),
    (("nodes", "choose"), (7, 3)),
    (("nodes", "choose", "type"), (8, 11)),
    (("nodes", "choose", "prompt"), (9, 5)),
    (("nodes", "choose", "prompt", 0, "say", "fr"), (10, 9)),
    (("nodes", "choose", "prompt", 1, "say", "fr"), (11, 14)),
    (("nodes", "choose", "prompt", 2, "file"), (12, 15)),
    (("nodes", "choose", "tries"), (7, 3)),
    (("nodes", "choose", "keys", "2"), (13, 25)),
    (("nodes", "bye", "prompt", 0, "say", "fr"), (18, 13)),
    (("nodes", "which", "cases", 0, "when"), (22, 16)),
    (("nodes", "which", "cases", 7, "when"), (21, 5)),
    (("limits", "steps"), (1, 1)),
]


@pytest.fixture(scope="module")
def places() -> Places:
    return load_text(TEXT, "test.yaml").places


@pytest.mark.parametrize(("way", "place"), PLACES)
def test_a_way_through_the_model_leads_to_a_place_in_the_file(
    places: Places, way: tuple[Step, ...], place: tuple[int, int]
) -> None:
    assert places.at(*way) == place


EDGES = [
    ("choose", "key 2", (13, 25)),
    ("choose", "no_input", (15, 17)),
    ("choose", "no_match", (7, 3)),
    ("which", "case 1", (22, 36)),
    ("which", "else", (23, 11)),
]


@pytest.mark.parametrize(("node", "outcome", "place"), EDGES)
def test_an_edge_stands_where_its_target_is_written(
    places: Places, node: str, outcome: str, place: tuple[int, int]
) -> None:
    assert places.edge(NodeName(node), outcome) == place


def test_nodes_and_variables_stand_at_their_names(places: Places) -> None:
    assert (places.node(NodeName("bye")), places.variable(Variable("customer"))) == ((16, 3), (5, 3))


def test_without_a_file_everything_is_at_its_beginning() -> None:
    assert Places(None).at("nodes", "a") == Place(1, 1)
