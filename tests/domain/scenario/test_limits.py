"""Every call ends: by nodes, by visits, by time; and those who are gone are gone."""

from typing import Any

import pytest

from engine.domain.scenario import talk
from engine.domain.scenario.graph import (
    AnyNode,
    Callback,
    Case,
    Expression,
    Hangup,
    Hours,
    Limits,
    Menu,
    NodeName,
    Notify,
    Play,
    Set,
    Switch,
    Var,
    Variable,
)
from engine.domain.scenario.way import RESERVE
from engine.domain.values import Slug
from tests.domain.scenario.caller import Caller, of, say

ON = {"n": Var(type="number", default=0)}
COUNT = Set(values={Variable("n"): Expression("n + 1")}, next=NodeName("count"))


def round_and_round(**limits: Any) -> Caller:
    return Caller(of({"count": COUNT}, vars=ON, limits=Limits(**limits)))


def test_a_circle_ends_by_visits_with_a_word_of_regret() -> None:
    caller = round_and_round(visits=3).answered().hears("Désolé")
    assert (caller.value("n"), caller.left.end) == (3, "limit")
    assert caller.run.faults == ("main/count: limit: 3 visits of count",)


def test_or_by_nodes() -> None:
    caller = round_and_round(steps=5, visits=100).answered().hears("Désolé")
    assert caller.run.faults == ("main/count: limit: 5 nodes",)


def test_a_circle_on_the_way_out_ends_too() -> None:
    caller = Caller(of({"count": COUNT, "sorry": COUNT}, vars=ON, limits=Limits(steps=5)))
    assert (caller.left.end, len(caller.run.path)) == ("limit", 5 + RESERVE)


def waiting(**limits: Any) -> Caller:
    nodes: dict[str, AnyNode] = {
        "menu": Menu(prompt=say("Choix"), keys={"1": NodeName("menu")}, next=NodeName("sorry")),
        "sorry": Play(prompt=say("Trop long"), next=NodeName("menu")),
    }
    return Caller(of(nodes, limits=Limits(**limits))).answered()


def test_nobody_is_kept_longer_than_the_scenario_says() -> None:
    caller = waiting(duration_s=7).hears("Choix").waits(5).waits(2).hears("Trop long").hears("Choix")
    assert caller.way[:2] == [("menu", "limit"), ("sorry", "done")]
    assert caller.run.faults == ("main/menu: limit: the longest a caller is kept is over",)


def test_nor_on_the_way_out() -> None:
    caller = waiting(duration_s=7).waits(7).waits(60)
    assert (caller.left.end, caller.way[-1][1]) == ("limit", "limit")


def storing_at_two_limits() -> Caller:
    """Somebody whose wish to be called back is just being stored when a limit is met, and when the reserve is."""
    callback = Callback(queue=Slug("sales"), tries=3, next=NodeName("callback"))
    caller = Caller(of({"callback": callback}, limits=Limits(duration_s=7))).answered()
    caller.waits(6).presses("1").waits(1).told("refused")
    return caller.waits(59).presses("0612345678#1").waits(1)


def test_what_is_being_stored_when_the_reserve_ends_too_is_awaited_and_is_the_last() -> None:
    caller = storing_at_two_limits().told("stored")
    assert (caller.left.end, caller.way) == ("limit", [("callback", "stored")])


def test_nobody_stays_by_leaving_something_again_and_again() -> None:
    caller = storing_at_two_limits().told("refused").waits(59).presses("0612345678#1").waits(1)
    assert (caller.left.end, caller.way) == ("limit", [("callback", "limit")])


@pytest.mark.parametrize(("n", "to"), [(0, "zero"), (1, "one"), (2, "more")])
def test_a_switch_takes_the_first_case_that_holds(n: int, to: str) -> None:
    cases = (
        Case(when=Expression("n == 0"), to=NodeName("zero")),
        Case(when=Expression("n < 2"), to=NodeName("one")),
    )
    nodes: dict[str, AnyNode] = {"switch": Switch(cases=cases, next=NodeName("more"))}
    ends: dict[str, AnyNode] = {name: Hangup() for name in ("zero", "one", "more")}
    caller = Caller(of({**nodes, **ends}, vars={"n": Var(type="number", default=n)}))
    outcome = {"zero": "case 1", "one": "case 2", "more": "else"}[to]
    assert caller.way == [("switch", outcome), (to, "ended")]


# -- those who are gone ------------------------------------------------------------------------------------------------


def leaving(**nodes: AnyNode) -> Caller:
    """Somebody who hangs up while a greeting is said, where the node `gone` is for that."""
    hello: dict[str, AnyNode] = {"hello": Play(prompt=say("Bonjour"), next=NodeName("gone"))}
    return Caller(of({**hello, **nodes}, on_hangup=NodeName("gone"), vars=ON)).answered()


TELL = Notify(event="left", next=NodeName("end"))


def test_what_is_to_be_done_for_them_is_done_unheard() -> None:
    caller = leaving(gone=TELL, end=Hangup(prompt=say("Au revoir"))).hangs_up().hears_nothing().waits(3)
    caller.told("done").hears_nothing()
    assert caller.way == [("hello", "hung up"), ("gone", "done"), ("end", "ended")]
    assert caller.left.end == "hung_up"


def test_whoever_leaves_while_it_is_being_done_has_it_done_once() -> None:
    caller = leaving(gone=TELL, end=COUNT, count=Hangup()).hears("Bonjour").hangs_up().told("done")
    assert caller.way == [("hello", "done"), ("gone", "done"), ("end", "done"), ("count", "ended")]


def test_nothing_is_asked_of_whoever_is_gone() -> None:
    menu = Menu(prompt=say("Choix"), keys={}, next=NodeName("gone"))
    assert leaving(gone=menu).hangs_up().way == [("hello", "hung up"), ("gone", "hung up")]


def test_nor_are_they_done_for_ever() -> None:
    caller = leaving(gone=COUNT, count=COUNT).hangs_up()
    assert caller.left.end == "hung_up"


def test_a_fault_then_is_no_reason_to_speak() -> None:
    hours = Hours(calendar=Slug("x"), next=NodeName("hello"))
    caller = leaving(gone=hours).hangs_up().waits(5)
    assert caller.way == [("hello", "hung up"), ("gone", "error"), ("sorry", "ended")]
    assert caller.ordered(talk.Speak)[1:] == []


def test_nothing_is_ordered_after_the_end() -> None:
    caller = leaving(gone=TELL, end=Hangup()).hangs_up().told("done")
    for told in (talk.Taken(at=caller.at), talk.KeyPressed(at=caller.at, key="1"), talk.Resumed(at=caller.at)):
        assert caller.happens(told).orders == []
