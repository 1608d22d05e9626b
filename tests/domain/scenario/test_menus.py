"""Menus: a caller chooses by key, is silent, is wrong, types ahead."""

import pytest

from engine.domain.scenario.graph import AnyNode, Hangup, Menu, NodeName, Play
from tests.domain.scenario.caller import Caller, of, say

WELCOME: dict[str, AnyNode] = {
    "welcome": Play(prompt=say("Bonjour"), next=NodeName("choice")),
    "choice": Menu(
        prompt=say("Ventes 1, support 2"),
        keys={"1": NodeName("sales"), "2": NodeName("support"), "22": NodeName("urgent")},
        no_input_prompt=say("Choisissez"),
        no_match_prompt=say("Pas ce choix"),
        on={"no_input": NodeName("operator"), "no_match": NodeName("operator")},
    ),
    "sales": Hangup(prompt=say("Ventes")),
    "support": Hangup(prompt=say("Support")),
    "urgent": Hangup(prompt=say("Urgent")),
    "operator": Hangup(prompt=say("Un opérateur")),
}


@pytest.fixture
def caller() -> Caller:
    return Caller(of(WELCOME)).answered()


def test_a_caller_listens_and_chooses(caller: Caller) -> None:
    caller.hears("Bonjour").hears("Ventes 1, support 2").waits(4.9).presses("1").hears("Ventes")
    assert caller.left.end == "ended"
    assert caller.way == [("welcome", "done"), ("choice", "key 1"), ("sales", "ended")]


def test_a_key_cuts_the_prompt(caller: Caller) -> None:
    caller.hears("Bonjour").presses("1").hears("Ventes")
    assert caller.run.path[1].cut == 1


def test_who_knows_the_way_types_ahead_and_hears_no_menu(caller: Caller) -> None:
    caller.presses("1").hears("Ventes")


def test_silence_leads_out_after_three_times(caller: Caller) -> None:
    caller.hears("Bonjour").hears("Ventes 1, support 2")
    caller.waits(5).hears("Choisissez").waits(5).hears("Choisissez").waits(5).hears("Un opérateur")
    assert caller.way[1] == ("choice", "no_input")


def test_wrong_keys_lead_out_after_three_times(caller: Caller) -> None:
    caller.hears("Bonjour").presses("9").hears("Pas ce choix").presses("8").hears("Pas ce choix").presses("7")
    assert caller.way[1] == ("choice", "no_match")
    assert caller.run.path[1].keys == "987"


def test_a_key_that_begins_another_waits_for_it(caller: Caller) -> None:
    caller.hears("Bonjour").presses("2").waits(2.9).presses("2").hears("Urgent")


def test_and_counts_when_nothing_more_comes(caller: Caller) -> None:
    caller.hears("Bonjour").presses("2").waits(3).hears("Support")


def test_who_hangs_up_is_gone(caller: Caller) -> None:
    caller.hears("Bonjour").hangs_up()
    assert caller.left.end == "hung_up"
    assert caller.way == [("welcome", "done"), ("choice", "hung up")]
