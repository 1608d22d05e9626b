"""Somebody to talk to: agents, groups, extensions, numbers; and what comes after."""

from typing import Any

import pytest

from engine.domain.scenario import talk
from engine.domain.scenario.graph import (
    AnyNode,
    Expression,
    Group,
    Hangup,
    Limits,
    NodeName,
    Play,
    Ring,
    Set,
    Transfer,
    Var,
    Variable,
)
from engine.domain.values import E164, Extension, Slug
from tests.domain.scenario.caller import Caller, of, program, say, scenario, texts

NO, BUSY, AFTER = NodeName("no"), NodeName("busy"), NodeName("survey")
NUMBER = E164("+33123456789")


def reaching(node: AnyNode, **fields: Any) -> Caller:
    nodes: dict[str, AnyNode] = {
        "reach": node,
        "no": Hangup(prompt=say("Personne")),
        "busy": Hangup(prompt=say("Occupé")),
        "survey": Hangup(prompt=say("Êtes-vous content ?")),
    }
    return Caller(of(nodes, vars={"team": Var(type="text", default="sales")}, **fields))


RING = Ring(agents=(Slug("ana"),), next=NO)


@pytest.mark.parametrize(
    ("node", "whom"),
    [
        (
            Ring(agents=(Slug("ana"),), numbers=(NUMBER,), strategy="one_by_one", ring_s=9, next=NO),
            talk.Agents(agents=(Slug("ana"),), numbers=(NUMBER,), strategy="one_by_one", ring_s=9),
        ),
        (Group(group=Slug("support"), next=NO), talk.OfGroup(group=Slug("support"))),
        (Group(named_by=Expression("team + '-2'"), next=NO), talk.OfGroup(group=Slug("sales-2"))),
        (Transfer(extension=Extension("101"), next=NO), talk.AtExtension(extension=Extension("101"))),
        (Transfer(number=NUMBER, next=NO), talk.OfNumber(number=NUMBER)),
        (Transfer(switchboard=True, next=NO), talk.Switchboard()),
    ],
)
def test_somebody_is_looked_for(node: AnyNode, whom: talk.AnyWhom) -> None:
    caller = reaching(node)
    assert caller.reaching == talk.Reach(number=1, whom=whom, max_s=60, comfort="music", after=False)
    assert caller.timers == {}


@pytest.mark.parametrize(
    ("on", "outcome", "to"),
    [
        ({}, "not_taken", NO),
        ({}, "busy", NO),
        ({}, "nobody", NO),
        ({}, "error", "sorry"),
        ({"busy": BUSY}, "busy", BUSY),
        ({"nobody": BUSY}, "nobody", BUSY),
        ({"error": BUSY}, "error", BUSY),
        ({"after": AFTER}, "after", AFTER),
    ],
)
def test_every_end_of_the_search_leads_somewhere(on: dict[str, NodeName], outcome: str, to: str) -> None:
    caller = reaching(Ring(agents=(Slug("ana"),), next=NO, on=on)).reached(outcome).is_at(to)
    assert caller.run.answered is (outcome == "after")
    assert "limit" in caller.timers


@pytest.mark.parametrize(("outcome", "gone"), [("talked", True), ("after", False)])
def test_after_the_conversation_the_call_is_over(outcome: str, gone: bool) -> None:
    caller = reaching(RING).waits(90).reached(outcome)
    assert (caller.left.end, caller.way) == ("talked", [("reach", "talked")])
    assert (caller.run.gone, caller.run.talked_s) == (gone, 90)


def test_unless_the_caller_may_go_on() -> None:
    caller = reaching(Ring(agents=(Slug("ana"),), next=NO, on={"after": AFTER}))
    assert caller.reaching.after
    caller.reached("after").hears("Êtes-vous content ?")
    assert caller.ordered(talk.TakeCall) == []


def test_keys_of_the_conversation_are_for_no_menu() -> None:
    caller = reaching(RING).presses("12").reached("not_taken")
    assert (caller.run.ahead, caller.run.path[0].keys) == ("", "••")


def test_whoever_hangs_up_while_it_rings_is_gone() -> None:
    assert reaching(RING).hangs_up().left.end == "hung_up"


def test_a_group_without_a_name_is_an_error() -> None:
    caller = Caller(of({"reach": Group(named_by=Expression("team"), next=NO), "no": Hangup()}, vars=texts("team")))
    assert caller.way[0] == ("reach", "error")


# -- time --------------------------------------------------------------------------------------------------------------


def test_nobody_is_looked_for_longer_than_the_caller_may_be_kept() -> None:
    caller = reaching(Ring(agents=(Slug("ana"),), max_s=600, next=NO), limits=Limits(duration_s=100))
    assert caller.reaching.max_s == 100


def test_the_time_of_a_conversation_does_not_count() -> None:
    node = Ring(agents=(Slug("ana"),), next=NO, on={"after": AFTER})
    caller = reaching(node, limits=Limits(duration_s=100)).waits(3_000).reached("after")
    assert caller.timers["limit"] == 3_100


def test_that_of_a_search_does() -> None:
    caller = reaching(RING, limits=Limits(duration_s=100)).waits(30).reached("not_taken")
    assert caller.timers["limit"] == 100


def test_a_search_that_took_all_the_time_there_was_leads_out() -> None:
    caller = reaching(RING, limits=Limits(duration_s=50)).waits(51).reached("not_taken").answered().hears("Désolé")
    assert (caller.way[0], caller.left.end) == (("reach", "limit"), "limit")


def test_whoever_is_led_out_may_still_be_put_through() -> None:
    nodes: dict[str, AnyNode] = {
        "hello": Play(prompt=say("Bonjour"), next=NodeName("hello")),
        "sorry": Ring(agents=(Slug("ana"),), max_s=600, next=NodeName("bye")),
        "bye": Hangup(prompt=say("Personne")),
    }
    caller = Caller(of(nodes, limits=Limits(duration_s=10))).answered().waits(10)
    assert caller.reaching.max_s == 60
    caller.waits(60).reached("not_taken").hears("Personne")
    assert caller.left.end == "limit"


# -- another scenario --------------------------------------------------------------------------------------------------


def test_another_scenario_does_not_come_back() -> None:
    nodes: dict[str, AnyNode] = {
        "x": Set(values={Variable("x"): Expression("'là'")}, next=NodeName("hi")),
        "hi": Play(prompt=say("Ici {x}"), next=NodeName("end")),
        "end": Hangup(),
    }
    other = scenario(nodes, "other", vars=texts("x"))
    main = scenario({"go": Transfer(scenario=Slug("other"), next=NO), "no": Hangup()})
    caller = Caller(program(main, other)).answered().hears("Ici là")
    assert caller.way == [("go", "transferred"), ("x", "done"), ("hi", "done"), ("end", "ended")]
    assert [visit.scenario for visit in caller.run.path] == ["main", "other", "other", "other"]
