"""Menus: a caller chooses by key, is silent, is wrong, types ahead."""

import pytest

from engine.domain.scenario import talk
from engine.domain.scenario.graph import AnyNode, Hangup, Menu, NodeName, Play, Prompt
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


def test_whoever_types_ahead_what_is_no_choice_hears_the_choices(caller: Caller) -> None:
    caller.presses("9").hears("Pas ce choix", "Ventes 1, support 2").presses("1").hears("Ventes")


def test_a_hash_typed_ahead_out_of_habit_is_no_choice(caller: Caller) -> None:
    caller.presses("#").hears("Ventes 1, support 2").presses("1").hears("Ventes")


def test_a_hash_that_is_a_choice_is_taken() -> None:
    menu = Menu(prompt=say("Continuer: dièse"), keys={"#": NodeName("on")}, next=NodeName("sorry"))
    nodes: dict[str, AnyNode] = {"hello": Play(prompt=say("Bonjour"), next=NodeName("go-on")), "go-on": menu}
    Caller(of({**nodes, "on": Hangup(prompt=say("Suite"))})).answered().presses("#").hears("Suite")


def test_the_first_keys_of_a_choice_alone_are_none() -> None:
    menu = Menu(prompt=say("Code"), keys={"12": NodeName("in")}, on={"no_match": NodeName("out")}, tries=1)
    caller = Caller(of({"code": menu, "in": Hangup(), "out": Hangup()})).answered()
    caller.presses("1").waits(3)
    assert caller.way == [("code", "no_match"), ("out", "ended")]


def test_silence_and_wrong_keys_are_counted_apart(caller: Caller) -> None:
    caller.hears("Bonjour").hears("Ventes 1, support 2")
    caller.waits(5).presses("9").waits(0).hears("Pas ce choix").waits(5).hears("Choisissez").presses("8")
    caller.hears("Pas ce choix").presses("1").hears("Ventes")
    assert caller.run.path[1].keys == "981"


def test_who_comes_back_to_a_menu_begins_anew() -> None:
    menu = Menu(prompt=say("Un"), keys={"9": NodeName("menu")}, tries=2, next=NodeName("sorry"))
    caller = Caller(of({"menu": menu})).answered()
    caller.hears("Un").waits(5).presses("9").hears("Un").waits(5).hears("Un").is_at("menu").waits(5).is_at("sorry")


def test_keys_pressed_before_are_forgotten_where_the_menu_wants_none() -> None:
    nodes: dict[str, AnyNode] = {
        "hello": Play(prompt=say("Bonjour", "buffer"), next=NodeName("choice")),
        "choice": Menu(prompt=say("Sûr ?"), keys={"1": NodeName("yes")}, flush=True, next=NodeName("sorry")),
        "yes": Hangup(prompt=say("Oui")),
    }
    caller = Caller(of(nodes)).answered().presses("11").hears("Bonjour").hears("Sûr ?").presses("1").hears("Oui")
    assert caller.run.path[0].keys == "11"


# -- what a key does to what is said -----------------------------------------------------------------------------------


def barging(*prompts: Prompt) -> Caller:
    """In a menu whose prompt consists of these."""
    prompt = tuple(item for said in prompts for item in said)
    keys = {"1": NodeName("one"), "2": NodeName("two")}
    nodes: dict[str, AnyNode] = {
        "menu": Menu(prompt=prompt, keys=keys, next=NodeName("sorry")),
        "one": Hangup(prompt=say("Un")),
        "two": Hangup(prompt=say("Deux")),
    }
    return Caller(of(nodes)).answered()


def test_a_key_is_kept_while_something_is_said_that_goes_on() -> None:
    barging(say("Conversation enregistrée", "buffer")).presses("1").hears("Conversation enregistrée").hears("Un")


def test_a_key_is_lost_while_something_is_said_that_wants_none() -> None:
    caller = (
        barging(say("Silence", "ignore"), say("Choix"))
        .presses("1")
        .hears("Silence")
        .hears("Choix")
        .presses("2")
        .hears("Deux")
    )
    assert caller.run.path[0].keys == "12"


def test_what_must_be_heard_is_heard_first() -> None:
    caller = barging(
        say("Bonjour"), say("Enregistrée", "buffer"), say("Un ou deux"), say("Voilà", "buffer"), say("Merci")
    )
    caller.presses("1").hears("Enregistrée").hears("Voilà").hears("Un")
    assert [order.number for order in caller.ordered(talk.Hush)] == [1]


def test_a_key_pressed_during_what_must_be_heard_ends_what_need_not() -> None:
    barging(say("Enregistrée", "buffer"), say("Un ou deux")).presses("1").hears("Enregistrée").hears("Un")


def test_whoever_typed_ahead_hears_only_what_must_be_heard() -> None:
    nodes: dict[str, AnyNode] = {
        "hello": Play(prompt=(*say("Bonjour"), *say("Accueil")), next=NodeName("menu")),
        "menu": Menu(
            prompt=(*say("Enregistrée", "ignore"), *say("Choix")), keys={"1": NodeName("one")}, next=NodeName("sorry")
        ),
        "one": Hangup(prompt=say("Un")),
    }
    Caller(of(nodes)).answered().presses("1").hears("Enregistrée").hears("Un")


def test_a_prompt_whose_end_is_never_told_does_not_hold_a_caller(caller: Caller) -> None:
    caller.waits(300).hears("Ventes 1, support 2")
    assert [order.number for order in caller.ordered(talk.Hush)] == [1]


def test_what_is_not_waited_for_changes_nothing(caller: Caller) -> None:
    caller.hears("Bonjour")
    before = caller.run
    for told in (
        talk.SpeechOver(at=caller.at, number=1),
        talk.TimeUp(at=caller.at, timer="input"),
        talk.Replied(at=caller.at, number=2, outcome="done"),
        talk.Recorded(at=caller.at, number=2, seconds=3),
        talk.Reached(at=caller.at, number=2, outcome="talked"),
        talk.Taken(at=caller.at),
    ):
        caller.happens(told)
        assert (caller.run, caller.orders) == (before, [])


def test_whoever_is_gone_leaves_once(caller: Caller) -> None:
    caller.hangs_up().hangs_up()
    assert len(caller.ordered(talk.Leave)) == 1
