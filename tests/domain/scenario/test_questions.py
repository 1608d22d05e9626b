"""What the house is asked: hours, incidents, tables, web services. Slow, silent and lying ones too."""

from typing import Any

import pytest

from engine.domain.scenario import talk
from engine.domain.scenario.graph import (
    AnyNode,
    Expression,
    Fetch,
    Hangup,
    Hours,
    Incident,
    Lookup,
    NodeName,
    Notify,
    Play,
    Prompt,
    Template,
    Var,
    Variable,
)
from engine.domain.scenario.run import Visit
from engine.domain.values import Slug
from tests.domain.scenario.caller import START, Caller, of, say

YES, NO, WRONG = NodeName("yes"), NodeName("no"), NodeName("wrong")
NAME, VIP, CODE = Variable("name"), Variable("vip"), Variable("code")
VARS = {
    "name": Var(type="text", default="inconnu"),
    "vip": Var(type="flag"),
    "code": Var(type="text"),
}


def asking(node: AnyNode, *, answered: bool = True) -> Caller:
    """A caller for whom this is asked, who was answered before or not."""
    nodes: dict[str, AnyNode] = {
        "hello": Play(prompt=say("Bonjour"), unanswered=not answered, next=NodeName("ask")),
        "ask": node,
        "yes": Hangup(prompt=say("Oui")),
        "no": Hangup(prompt=say("Non")),
        "wrong": Hangup(prompt=say("Erreur")),
    }
    caller = Caller(of(nodes, vars=VARS))
    return (caller.answered() if answered else caller).hears("Bonjour")


def visit(caller: Caller) -> Visit:
    return caller.run.path[1]


HOURS = Hours(calendar=Slug("site"), next=YES, on={"closed": NO})
HOLIDAYS = Hours(calendar=Slug("site"), next=YES, on={"closed": NO, "holiday": WRONG, "error": YES})
INCIDENT = Incident(flags=(Slug("strike"), Slug("flood")), into=CODE, next=YES, on={"clear": NO})
UNNAMED = Incident(flags=(Slug("strike"),), next=YES, on={"clear": NO, "error": WRONG})
LOOKUP = Lookup(table=Slug("contacts"), key=Expression("caller"), into={NAME: "name"}, next=YES, on={"none": NO})
MANY = Lookup(table=Slug("contacts"), key=Expression("true"), next=YES, on={"none": NO, "many": WRONG})
FETCH = Fetch(url=Template("https://crm/{caller}"), into={VIP: "/vip"}, next=YES, on={"error": NO})
NOTIFY = Notify(event="called", variables=(NAME,), next=YES)


@pytest.mark.parametrize(
    ("node", "outcome", "values", "to"),
    [
        (HOURS, "open", {"until": "2026-05-04T18:00:00Z"}, YES),
        (HOURS, "closed", {}, NO),
        (HOURS, "holiday", {}, NO),
        (HOURS, "error", {}, "sorry"),
        (HOURS, "what?", {}, "sorry"),
        (HOLIDAYS, "holiday", {}, WRONG),
        (HOLIDAYS, "error", {}, YES),
        (INCIDENT, "active", {"code": "flood"}, YES),
        (INCIDENT, "active", {}, "sorry"),
        (INCIDENT, "clear", {}, NO),
        (INCIDENT, "error", {}, "sorry"),
        (UNNAMED, "active", {"code": "strike"}, YES),
        (UNNAMED, "error", {}, WRONG),
        (LOOKUP, "found", {"name": "Ana"}, YES),
        (LOOKUP, "found", {"vip": True}, YES),
        (LOOKUP, "none", {}, NO),
        (LOOKUP, "many", {}, NO),
        (LOOKUP, "error", {}, "sorry"),
        (LOOKUP, "forgotten", {}, "sorry"),
        (MANY, "many", {}, WRONG),
        (FETCH, "done", {"/vip": True}, YES),
        (FETCH, "done", {"/vip": "false"}, YES),
        (FETCH, "error", {"/vip": True}, NO),
        (NOTIFY, "done", {}, YES),
        (NOTIFY, "error", {}, YES),
    ],
)
def test_every_answer_leads_somewhere(node: AnyNode, outcome: str, values: dict[str, Any], to: str) -> None:
    caller = asking(node).told(outcome, **values).is_at(to)
    assert caller.timers.keys() == {"limit", "speech"}


@pytest.mark.parametrize(
    ("node", "question"),
    [
        (HOURS, talk.AskHours(calendar=Slug("site"), at=START)),
        (INCIDENT, talk.AskIncident(flags=(Slug("strike"), Slug("flood")))),
        (LOOKUP, talk.AskTable(table=Slug("contacts"), key="+33612345678", columns=("name",), timeout_s=3)),
        (MANY, talk.AskTable(table=Slug("contacts"), key="true", columns=(), timeout_s=3)),
        (
            FETCH,
            talk.AskWeb(url="https://crm/%2B33612345678", method="GET", body={}, pointers=("/vip",), timeout_s=5),
        ),
        (NOTIFY, talk.Tell(event="called", variables={"name": "inconnu"})),
    ],
)
def test_it_is_asked_with_all_that_is_needed(node: AnyNode, question: talk.AnyQuestion) -> None:
    assert asking(node).asked.question == question


def test_what_was_found_is_known() -> None:
    assert asking(LOOKUP).told("found", name="Ana").value("name") == "Ana"
    assert asking(INCIDENT).told("active", code="flood").value("code") == "flood"


def test_what_is_missing_is_as_it_was_at_first() -> None:
    nodes: dict[str, AnyNode] = {
        "one": Lookup(table=Slug("t"), key=Expression("'1'"), into={NAME: "name"}, next=NodeName("two")),
        "two": Lookup(table=Slug("t"), key=Expression("'2'"), into={NAME: "name"}, next=YES),
        "yes": Hangup(),
    }
    caller = Caller(of(nodes, vars=VARS)).told("found", name="Ana").told("found")
    assert caller.value("name") == "inconnu"


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({}, "the answer has no /vip"),
        ({"/vip": "perhaps"}, "'perhaps' is no flag for vip"),
        ({"/vip": 1}, "1 is no flag for vip"),
        ({"/vip": "x" * 5_000}, "a text of 5000 characters for vip: 1000 at most"),
    ],
)
def test_a_service_that_lies_is_an_error(values: dict[str, Any], fault: str) -> None:
    caller = asking(FETCH).told("done", **values).is_at("no")
    assert caller.run.faults == (f"main/ask: {fault}",)


def test_what_can_be_neither_kept_nor_said_is_taken_out() -> None:
    assert asking(LOOKUP).told("found", name="A\x00n\ud800a⟦\n").value("name") == "Ana"


@pytest.mark.parametrize(("found", "fits"), [(".", False), ("..", False), ("...", True), ("a/../b?#", True)])
def test_a_value_leads_nowhere_else_in_an_address(found: str, fits: bool) -> None:
    nodes: dict[str, AnyNode] = {
        "one": Lookup(table=Slug("t"), key=Expression("'1'"), into={NAME: "name"}, next=NodeName("two")),
        "two": Fetch(url=Template("https://crm/customers/{name}/orders?at=../x"), next=YES, on={"error": NO}),
        "yes": Hangup(),
        "no": Hangup(),
    }
    caller = Caller(of(nodes, vars=VARS)).told("found", name=found)
    assert (caller.run.node == "two") is fits


def test_a_question_that_has_no_value_is_an_error() -> None:
    node = Lookup(table=Slug("t"), key=Expression("code"), next=YES, on={"error": WRONG})
    assert "code" in asking(node).is_at("wrong").run.faults[0]


# -- slow --------------------------------------------------------------------------------------------------------------

SLOW = Fetch(url=Template("https://slow"), timeout_s=20, next=YES, on={"error": NO})


def with_filler(*prompts: Prompt) -> Fetch:
    filler = tuple(item for prompt in prompts for item in prompt)
    return Fetch(url=Template("https://slow"), timeout_s=20, filler=filler, next=YES, on={"error": NO})


def test_nobody_is_left_in_silence() -> None:
    caller = asking(SLOW).waits(1.9).hears_nothing().waits(0.1).hears("prompt please-wait")
    caller.waits(2).hears("prompt please-wait").waits(2).hears("prompt please-wait")
    assert visit(caller).prompts == 3


@pytest.mark.parametrize("node", [HOURS, INCIDENT, LOOKUP, FETCH, NOTIFY])
def test_whatever_is_asked(node: AnyNode) -> None:
    asking(node).waits(2).hears("prompt please-wait")


def test_a_filler_is_said_to_its_end() -> None:
    caller = asking(with_filler(say("Nous cherchons"), say("encore", "ignore"))).waits(2)
    caller.hears("Nous cherchons").hears("encore").hears_nothing().waits(2).hears("Nous cherchons")


def test_a_late_answer_ends_it() -> None:
    caller = asking(with_filler(say("Nous cherchons"))).waits(2).told("done").hears("Oui")
    assert [order.number for order in caller.ordered(talk.Hush)] == [3]


def test_an_answer_that_does_not_come_is_an_error() -> None:
    caller = asking(SLOW).waits(2).waits(20).hears("Non")
    assert visit(caller).outcome == "error"
    caller.happens(talk.Replied(at=caller.at, number=2, outcome="done"))
    assert caller.way[1:] == [("ask", "error"), ("no", "ended")]


def test_keys_are_kept_meanwhile_and_end_no_filler() -> None:
    caller = asking(with_filler(say("Nous cherchons"))).waits(2).presses("1").hears("Nous cherchons")
    assert (caller.run.ahead, visit(caller).keys) == ("1", "1")


def test_a_filler_that_cannot_be_said_is_an_error() -> None:
    caller = asking(with_filler(say("{code}"))).waits(2).hears("Non")
    assert caller.run.faults


def test_whoever_is_not_answered_pays_for_no_filler() -> None:
    asking(SLOW, answered=False).waits(5).hears_nothing().told("done").is_at("yes")


def test_whoever_is_answered_meanwhile_does() -> None:
    asking(SLOW, answered=False).answered().waits(2).hears("prompt please-wait").answered().told("done").hears("Oui")


def test_whoever_hangs_up_meanwhile_is_gone() -> None:
    caller = asking(SLOW).waits(2).hangs_up().hears_nothing()
    assert caller.left.end == "hung_up"
