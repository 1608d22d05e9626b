"""Pictures of scenarios: what is in them, and that nothing written in a scenario becomes notation."""

import re
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.scenario.graph import (
    AnyNode,
    Case,
    Expression,
    Hangup,
    Hours,
    Lookup,
    Menu,
    NodeName,
    Play,
    Set,
    Subflow,
    Switch,
    Transfer,
    Variable,
)
from engine.domain.values import Slug
from engine.errors import Unavailable
from engine.scenarios.coverage import Edge
from engine.scenarios.drawing import dot, mermaid, svg
from engine.scenarios.picture import SHAPES, pictures
from tests.domain.scenario.caller import of, program, say, scenario

BYE = NodeName("bye")
NODES: dict[str, AnyNode] = {
    "open": Hours(calendar=Slug("office"), on={"open": NodeName("menu"), "closed": BYE, "error": BYE}),
    "menu": Menu(
        prompt=say("Tapez 1 ou 2"), keys={"1": NodeName("vip"), "2": BYE}, on={"no_input": BYE, "no_match": BYE}
    ),
    "vip": Switch(cases=(Case(when=Expression("caller == ''"), to=BYE),), next=NodeName("count")),
    "count": Set(values={Variable("n"): Expression("n + 1")}, next=NodeName("desk"), note="once each"),
    "desk": Transfer(switchboard=True, next=BYE),
    "bye": Hangup(prompt=say("Au revoir")),
}
COUNTS = {
    Edge(Slug("main"), NodeName("open"), "open"): 1000,
    Edge(Slug("main"), NodeName("menu"), "key 2"): 3,
    Edge(Slug("main"), NodeName("menu"), "no_input"): 4,
}


def lines(counts: dict[Edge, int] | None = None) -> list[tuple[str | None, str, str, str, int | None]]:
    (picture,) = pictures(of(NODES), counts)
    return [(line.source, line.label, line.to, line.kind, line.count) for line in picture.lines]


def test_edges_to_the_same_node_are_one_and_errors_are_apart() -> None:
    assert lines() == [
        (None, "start", "open", "entry", None),
        (None, "on_error", "sorry", "error", None),
        ("open", "open", "menu", "way", None),
        ("open", "closed", "bye", "way", None),
        ("open", "error", "bye", "error", None),
        ("menu", "no_input, no_match, 2", "bye", "way", None),
        ("menu", "1", "vip", "way", None),
        ("vip", "else", "count", "way", None),
        ("vip", "caller == ''", "bye", "way", None),
        ("count", "", "desk", "way", None),
        ("desk", "not_taken", "bye", "way", None),
    ]


def test_counts_of_edges_that_are_one_are_added() -> None:
    counted = {(source, label): count for source, label, *_, count in lines(COUNTS)}
    assert counted["menu", "no_input, no_match, 2"] == 7
    assert counted["open", "open"] == 1000
    assert counted["vip", "else"] == 0
    assert counted[None, "start"] is None


def test_nodes_say_what_they_are_about() -> None:
    (picture,) = pictures(of(NODES))
    assert {node.name: node.about for node in picture.nodes} == {
        "open": "hours: office",
        "menu": "menu: Tapez 1 ou 2",
        "vip": "switch",
        "count": "set: n = n + 1",
        "desk": "transfer: switchboard",
        "bye": "hangup: Au revoir",
        "sorry": "hangup: Désolé",
    }


def test_every_type_of_node_has_a_shape() -> None:
    assert set(get_args(AnyNode)) == SHAPES.keys()


def test_graphviz_gets_frames_shapes_dashes_and_heat() -> None:
    drawn = dot(of(NODES), COUNTS)
    assert "subgraph cluster_0" in drawn
    assert re.search(r"s0_2 \[shape=hexagon, .*<B>menu</B>", drawn)
    assert re.search(r"s0_1 -> s0_6 .*style=dashed", drawn)
    assert re.search(r"s0_1 -> s0_2 \[label=<&#160;open ×1000>, color=\"#c8281e\", penwidth=4.5\]", drawn)
    assert "<I>once each</I>" in drawn


def test_mermaid_has_the_same_in_its_own_way() -> None:
    drawn = mermaid(of(NODES), COUNTS).splitlines()
    assert drawn[0] == "flowchart TD"
    assert '    s0_2{{"menu<br/>menu: Tapez 1 ou 2"}}:::asks' in drawn
    assert '    s0_1 -.->|"error ×0"| s0_6' in drawn
    assert "  linkStyle 2 stroke:#c8281e,stroke-width:4.5px" in drawn


def test_every_scenario_of_a_program_is_drawn_the_main_one_first() -> None:
    both = program(scenario({"ask": Subflow(scenario=Slug("other"))}), scenario({"x": Play(prompt=())}, name="other"))
    assert [picture.scenario for picture in pictures(both)] == ["main", "other"]
    assert "cluster_1" in dot(both)
    assert 'subgraph s1["other"]' in mermaid(both)


HOSTILE = st.text(max_size=30) | st.sampled_from(
    ['"]; a -> b [', "<b>&x;</b>", "]]>", '"--> x', "a\nb", "end", "%%{init: x}%%"]
)


@given(name=HOSTILE.filter(bool), words=HOSTILE, note=HOSTILE)
def test_nothing_in_a_scenario_becomes_notation(name: str, words: str, note: str) -> None:
    made = of(
        {
            name: Play(prompt=say(words), note=note, next=NodeName(name)),
            "find": Lookup(table=Slug(words), key=Expression("x")),
        }
    )
    for line in dot(made, {}).splitlines():
        for label in re.findall(r"label=<(.*)>(?:, |\]|;)", line):
            ElementTree.fromstring(f"<label>{label}</label>")  # noqa: S314 - our own
        assert line.count('"') % 2 == 0
    for line in mermaid(made, {}).splitlines():
        assert line.count('"') in (0, 2)
        for inside in line.split('"')[1::2]:
            assert not set(inside.replace("<br/>", "")) & set("<>|[]{}`")


async def test_graphviz_draws(tmp_path: Path) -> None:
    program_ = stand_in(tmp_path, 'test "$1" = -Tsvg && echo "<svg>" && cat && echo "</svg>"')
    assert await svg(program_, "digraph {}") == b"<svg>\ndigraph {}</svg>\n"


async def test_what_graphviz_has_against_it_is_told(tmp_path: Path) -> None:
    program_ = stand_in(tmp_path, "cat > /dev/null; echo 'syntax error in line 1' >&2; exit 1")
    with pytest.raises(Unavailable, match="syntax error in line 1"):
        await svg(program_, "digraph {")


def stand_in(folder: Path, script: str) -> Path:
    """A program in Graphviz's place: the real one is drawn with by the sandbox's tests."""
    path = folder / "dot"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
