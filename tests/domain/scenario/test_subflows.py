"""Scenarios in scenarios: what they are given, what they give back, and what goes wrong inside."""

from typing import Any

import pytest

from engine.domain.scenario import talk
from engine.domain.scenario.graph import (
    AnyNode,
    Collect,
    Expression,
    Hangup,
    NodeName,
    Notify,
    Play,
    Return,
    Set,
    Subflow,
    Var,
    Variable,
)
from engine.domain.scenario.run import Run, left_since
from engine.domain.values import Slug
from tests.domain.scenario.caller import Caller, program, say, scenario, texts

ASK: dict[str, AnyNode] = {
    "ask": Collect(
        prompt=say("{what} ?"),
        into=Variable("answer"),
        next=NodeName("given"),
        on={"no_input": NodeName("none"), "no_match": NodeName("none")},
    ),
    "given": Return(outcome="given"),
    "none": Return(outcome="none"),
}


def inside(ask: dict[str, AnyNode] = ASK, main: dict[str, AnyNode] | None = None, **fields: Any) -> Caller:
    """A caller who was led into the scenario `ask`."""
    node = Subflow(
        scenario=Slug("ask"),
        params={Variable("what"): Expression("'Votre ' + thing")},
        results={Variable("number"): Variable("answer")},
        on={"given": NodeName("thanks"), "none": NodeName("pity"), "error": NodeName("oops")},
    )
    nodes: dict[str, AnyNode] = {
        "sub": node,
        "thanks": Hangup(prompt=say("Merci {number}")),
        "pity": Hangup(prompt=say("Dommage")),
        "oops": Hangup(prompt=say("Oups")),
        "gone": Notify(event="gone", variables=(Variable("thing"),)),
        **(main or {}),
    }
    variables = {"number": Var(type="number"), "thing": Var(type="text", default="âge")}
    outer = scenario(nodes, vars=variables, on_hangup=NodeName("gone"))
    return Caller(program(outer, scenario(ask, "ask", vars=texts("what", "answer"), **fields))).answered()


def test_a_scenario_is_given_something_and_gives_something_back() -> None:
    caller = inside().hears("Votre âge ?").presses("42#").hears("Merci 42")
    assert caller.way == [("sub", "given"), ("ask", "done"), ("given", "given"), ("thanks", "ended")]
    assert caller.run.frames == ()


def test_while_the_caller_is_inside_its_node_is_not_left() -> None:
    assert inside().way == [("sub", None), ("ask", None)]


def test_without_a_result_nothing_is_given_back() -> None:
    caller = inside().hears("Votre âge ?").waits(5).hears("Votre âge ?").waits(5).hears("Votre âge ?").waits(5)
    assert caller.hears("Dommage").value("number") is None


def test_a_result_that_does_not_fit_is_an_error() -> None:
    caller = inside().presses("4*2#").hears("Oups")
    assert caller.way[0] == ("sub", "error")
    assert caller.run.faults == ("ask/given: '4*2' is no number for number",)


def test_an_outcome_without_an_edge_is_one() -> None:
    inside({"back": Return(outcome="else")}).hears("Désolé")


def test_a_parameter_that_does_not_fit_is_one() -> None:
    node = Subflow(scenario=Slug("ask"), params={Variable("what"): Expression("thing + 1")})
    assert inside(main={"sub": node}).hears("Désolé").way[0] == ("sub", "error")
    fits_not = {Variable("what"): Expression("thing + thing")}
    nodes: dict[str, AnyNode] = {"sub": Subflow(scenario=Slug("ask"), params=fits_not)}
    outer = scenario(nodes, vars={"thing": Var(type="text", default=600 * "x")})
    caller = Caller(program(outer, scenario(ASK, "ask", vars=texts("what", "answer")))).answered().hears("Désolé")
    assert [visit.scenario for visit in caller.run.path] == ["main", "main"]


def test_what_goes_wrong_inside_leads_to_its_own_apology() -> None:
    wrong = Set(values={Variable("answer"): Expression("answer")}, next=NodeName("given"))
    caller = inside({"set": wrong, "given": Return(outcome="given")}).hears("Désolé")
    assert [(visit.scenario, visit.node) for visit in caller.run.path][1:] == [("ask", "set"), ("ask", "sorry")]


def test_a_call_may_end_inside() -> None:
    caller = inside({"bye": Hangup()})
    assert caller.way == [("sub", "call over"), ("bye", "ended")]
    assert caller.run.path[0].left == caller.at


def test_whoever_hangs_up_inside_is_gone_for_the_outermost() -> None:
    caller = inside().hangs_up()
    assert caller.asked.question == talk.Tell(event="gone", variables={"thing": "âge"})
    caller.told("done")
    assert caller.way == [("sub", "hung up"), ("ask", "hung up"), ("gone", "done"), ("sorry", "ended")]
    assert caller.left.end == "hung_up"


def test_a_node_inside_may_be_called_like_the_one_for_those_who_are_gone() -> None:
    caller = inside({"gone": Play(prompt=say("Ici"), next=NodeName("gone"))}).hangs_up()
    assert caller.asked.question == talk.Tell(event="gone", variables={"thing": "âge"})


@pytest.mark.parametrize("outcome", ["given", "else"])
def test_a_return_where_nobody_waits_is_the_end(outcome: str) -> None:
    caller = Caller(program(scenario({"back": Return(outcome=outcome)})))
    assert (caller.way, caller.left.end) == ([("back", outcome)], "ended")


def test_what_is_done_for_those_who_are_gone_may_be_a_scenario_too() -> None:
    nodes: dict[str, AnyNode] = {
        "hello": Play(prompt=say("Bonjour"), next=NodeName("hello")),
        "gone": Subflow(scenario=Slug("note"), on={"noted": NodeName("hello")}),
    }
    note = scenario({"tell": Notify(event="x", next=NodeName("back")), "back": Return(outcome="noted")}, "note")
    caller = Caller(program(scenario(nodes, on_hangup=NodeName("gone")), note)).answered().hangs_up().told("done")
    assert caller.way[1:] == [("gone", "noted"), ("tell", "done"), ("back", "noted"), ("hello", "hung up")]


def test_what_is_left_between_two_states_is_told_once() -> None:
    caller = inside().hears("Votre âge ?")
    asked = caller.run
    over = caller.presses("42#").hears("Merci 42").run

    def told(before: Run | None, after: Run | None) -> list[tuple[str, str | None]]:
        return [(str(visit.node), visit.outcome) for visit in left_since(before, after)]

    assert told(None, None) == told(None, asked) == told(over, over) == []
    assert told(asked, over) == [("sub", "given"), ("ask", "done"), ("given", "given"), ("thanks", "ended")]
    assert told(None, over) == told(asked, over)
