"""A scenario of thousands of nodes is checked while its author waits, and twice as many take twice as long."""

import time

from engine.domain.scenario.graph import (
    AnyNode,
    Case,
    Collect,
    Expression,
    Hangup,
    Menu,
    NodeName,
    Play,
    Program,
    Scenario,
    Set,
    Switch,
    Var,
    Variable,
)
from engine.domain.values import Slug
from engine.scenarios.check import check
from engine.scenarios.house import UNKNOWN
from tests.scenarios.check.nowhere import Nowhere
from tests.scenarios.check.programs import SAY

MAIN, DEPARTMENT, END = Slug("main"), Variable("department"), NodeName("end")
SMALL, LARGE = 1_000, 5_000
BOUND_S = 2.0  # of a core: others may use the machine meanwhile


def program(size: int) -> Program:
    """Plays, menus, switches, sets and inputs in turn, with ways back all over, so that most of it is one knot."""
    names = [NodeName(f"n{number}") for number in range(size)]
    nodes: dict[NodeName, AnyNode] = {END: Hangup()}
    for number, name in enumerate(names):
        onwards = names[number + 1] if number + 1 < size else END
        nodes[name] = _node(number, onwards, names[number * 7 % size])
    return Program(
        main=MAIN,
        version="",
        scenarios={
            MAIN: Scenario(
                scenario=MAIN,
                vars={DEPARTMENT: Var(type="text", default=str(size))},
                start=names[0],
                on_error=END,
                nodes=nodes,
            )
        },
    )


def _node(number: int, onwards: NodeName, back: NodeName) -> AnyNode:
    out = {"no_input": END, "no_match": END}
    match number % 5:
        case 0:
            return Play(prompt=SAY, next=onwards)
        case 1:
            return Menu(prompt=SAY, keys={"1": onwards, "2": back}, on=out)
        case 2:
            return Switch(cases=(Case(when=Expression(f"department == '{number}'"), to=back),), next=onwards)
        case 3:
            return Set(values={DEPARTMENT: Expression(f"department + '{number}'")}, next=onwards)
        case _:
            return Collect(prompt=SAY, into=DEPARTMENT, valid="[0-9]{2}", next=onwards, on=out)


def seconds(size: int) -> float:
    made = program(size)
    began = time.process_time()
    report = check(made, UNKNOWN, Nowhere())
    took = time.process_time() - began
    assert report.proof[0].anyone.steps > 0
    return took


def test_five_thousand_nodes() -> None:
    seconds(10)  # imports, and CEL
    small, large = min(seconds(SMALL) for _ in range(3)), min(seconds(LARGE) for _ in range(3))
    assert large < BOUND_S
    assert large < 3 * (LARGE / SMALL) * small
