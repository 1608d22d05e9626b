"""Random programs, sound enough to be run: every edge leads to a node, and nothing else is sure."""

from typing import Any

from hypothesis import strategies as st

from engine.domain.scenario import graph
from engine.domain.scenario.graph import (
    AnyNode,
    Callback,
    Case,
    Collect,
    Expression,
    Group,
    Hangup,
    Hours,
    Limits,
    Lookup,
    Menu,
    NodeName,
    Play,
    Program,
    Record,
    Return,
    Scenario,
    Set,
    Subflow,
    Switch,
    Template,
    Var,
    Variable,
    Voicemail,
)
from engine.domain.scenario.outcomes import OUTCOMES
from engine.domain.values import Slug

SAY = (graph.Say(say={"fr": Template("Bonjour")}),)
MAIN, SUB = Slug("main"), Slug("sub")
N, CODE = Variable("n"), Variable("code")
DONE, LEFT = "done", "left"
END = NodeName("end")


def _names(size: int) -> list[NodeName]:
    return [*(NodeName(f"n{number}") for number in range(size)), END]


@st.composite
def nodes(draw: st.DrawFn, names: list[NodeName], *, calls: bool) -> AnyNode:
    """A node of any type, its edges anywhere."""
    to = st.sampled_from(names)
    on = {
        Play: {},
        Menu: {"no_input": draw(to), "no_match": draw(to)},
        Collect: {"no_input": draw(to), "no_match": draw(to)},
        Record: {"empty": draw(to)},
        Hours: {"closed": draw(to)},
        Lookup: {"none": draw(to)},
        Group: {"nobody": draw(to)},
        Voicemail: {"empty": draw(to)},
        Callback: {"refused": draw(to)},
        Subflow: {DONE: draw(to), LEFT: draw(to)},
    }
    types = [*on, Switch, Set] if calls else [*(type_ for type_ in on if type_ is not Subflow), Switch, Set]
    type_: Any = draw(st.sampled_from(types))
    edges: dict[str, Any] = {"on": dict(on.get(type_, {}))}
    if draw(st.booleans()) and "error" in OUTCOMES[type_].may:
        edges["on"]["error"] = draw(to)
    if type_ is Group and draw(st.booleans()):
        edges["on"]["after"] = draw(to)
    if type_ not in (Menu, Subflow):
        edges["next"] = draw(to)
    made: AnyNode = type_(**edges, **_filled(draw, type_, to))
    return made


def _filled(draw: st.DrawFn, type_: type, to: st.SearchStrategy[NodeName]) -> dict[str, Any]:
    tries = draw(st.integers(1, 3))
    bound = draw(st.integers(0, 4))
    cases = st.sampled_from([f"n < {bound}", f"n >= {bound}", "code == '1'", f"n <= {bound}"])
    ways = st.lists(st.builds(Case, when=cases.map(Expression), to=to), min_size=1, max_size=2).map(tuple)
    filled: dict[type, dict[str, Any]] = {
        Play: {"prompt": SAY},
        Menu: {"prompt": SAY, "keys": {"1": draw(to), "22": draw(to)}, "tries": tries},
        Collect: {
            "prompt": SAY,
            "into": CODE,
            "max_digits": 2,
            "valid": draw(st.sampled_from(["", "[0-9]{2}"])),
            "confirm": draw(st.sampled_from([(), SAY])),
            "clear_key": draw(st.sampled_from(["", "*"])),
            "tries": tries,
        },
        Record: {"prompt": SAY, "max_s": 10},
        Hours: {"calendar": Slug("office")},
        Lookup: {"table": Slug("customers"), "key": Expression("caller")},
        Group: {"group": Slug("sales"), "max_s": 10},
        Voicemail: {"mailbox": Slug("sales"), "max_s": 10},
        Callback: {"queue": Slug("sales"), "tries": tries},
        Subflow: {"scenario": SUB},
        Switch: {"cases": draw(ways)},
        Set: {"values": {N: Expression(draw(st.sampled_from(["n + 1", "n + 1", "n + 2", "0"])))}},
    }
    return filled[type_]


@st.composite
def scenarios(draw: st.DrawFn, name: Slug, limits: Limits, *, calls: bool) -> Scenario:
    names = _names(draw(st.integers(1, 5)))
    made: dict[NodeName, AnyNode] = {each: draw(nodes(names, calls=calls)) for each in names[:-1]}
    ends: dict[NodeName, AnyNode] = {END: Hangup()}
    if name == SUB:
        ends = {END: Return(outcome=DONE)}
        if draw(st.booleans()):
            made[names[0]] = Return(outcome=LEFT)
    return Scenario(
        scenario=name,
        vars={N: Var(type="number", default=0), CODE: Var(type="text", default="")},
        start=names[0],
        on_error=draw(st.sampled_from(names)),
        outcomes=(DONE, LEFT) if name == SUB else (),
        limits=limits,
        nodes={**made, **ends},
    )


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A scenario, and another one that it may run as a subflow."""
    limits = Limits(
        steps=draw(st.sampled_from([10, 40, 400])),
        visits=draw(st.sampled_from([2, 5, 100])),
        duration_s=draw(st.sampled_from([60, 3_600])),
    )
    both = {
        MAIN: draw(scenarios(MAIN, limits, calls=True)),
        SUB: draw(scenarios(SUB, limits, calls=False)),
    }
    return Program(main=MAIN, version="", scenarios=both)


# -- programs whose callers were once kept longer than was promised ----------------------------------------------------


def of(nodes: dict[str, AnyNode], *, sub: dict[str, AnyNode] | None = None, **limits: int) -> Program:
    """A program that begins at its first node, and whose faults and limits lead to its last."""
    bounds = Limits(**limits)
    return Program(
        main=MAIN,
        version="",
        scenarios={MAIN: _whole(MAIN, nodes, bounds), SUB: _whole(SUB, sub or {"end": Return(outcome=DONE)}, bounds)},
    )


def _whole(name: Slug, nodes: dict[str, AnyNode], limits: Limits) -> Scenario:
    known = {NodeName(each): node for each, node in nodes.items()}
    return Scenario(
        scenario=name,
        vars={N: Var(type="number", default=0), CODE: Var(type="text", default="")},
        start=next(iter(known)),
        on_error=list(known)[-1],
        outcomes=(DONE, LEFT) if name == SUB else (),
        limits=limits,
        nodes=known,
    )


def _play(to: str) -> Play:
    return Play(prompt=SAY, next=NodeName(to))


ROUND: dict[str, AnyNode] = {"regret": _play("excuse"), "excuse": _play("regret")}
"""A way out that has no end but that of the reserve; the last of these is where limits lead to."""
CODED = of(
    {
        "ask": Collect(
            prompt=SAY, into=CODE, next=NodeName("said"), on={"no_input": NodeName("ask"), "no_match": NodeName("ask")}
        ),
        "said": _play("ask"),
    },
    visits=2,
)
COUNTED = of(
    {
        "count": Set(values={N: Expression("n + 1")}, next=NodeName("enough")),
        "enough": Switch(cases=(Case(when=Expression("n < 9"), to=NodeName("count")),), next=END),
        END: Hangup(),
        **ROUND,
    },
    visits=2,
)
OFTEN_INSIDE = of(
    {
        "one": Subflow(scenario=SUB, on={DONE: NodeName("two"), LEFT: END}),
        "two": Subflow(scenario=SUB, on={DONE: NodeName("three"), LEFT: END}),
        "three": Subflow(scenario=SUB, on={DONE: END, LEFT: END}),
        END: Hangup(),
        **ROUND,
    },
    sub={"told": _play("back"), "back": Return(outcome=DONE), **ROUND},
    visits=2,
)
SLOW = of({"told": _play("heard"), "heard": _play("end"), END: Hangup(), **ROUND}, duration_s=1)
SEARCHED = of(
    {
        "told": _play("end"),
        END: Hangup(),
        "again": Group(group=Slug("sales"), max_s=50, next=NodeName("message"), on={"nobody": NodeName("message")}),
        "message": Voicemail(mailbox=Slug("sales"), max_s=70, next=NodeName("again"), on={"empty": NodeName("again")}),
    },
    duration_s=1,
)
ONCE_TOO_LONG = (COUNTED, OFTEN_INSIDE, SLOW, SEARCHED)
