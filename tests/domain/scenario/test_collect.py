"""Digits: as many as are wanted, ended, cleared, checked, read back."""

from typing import Any

import pytest

from engine.domain.scenario.graph import AnyNode, Collect, Hangup, Menu, NodeName, Play, Var, Variable
from tests.domain.scenario.caller import Caller, of, say, texts

CODE = Variable("code")


def collecting(**fields: Any) -> Caller:
    node = Collect(
        prompt=say("Votre code"),
        into=CODE,
        no_input_prompt=say("Tapez le code"),
        no_match_prompt=say("Code faux"),
        next=NodeName("thanks"),
        on={"no_input": NodeName("silent"), "no_match": NodeName("wrong")},
        **fields,
    )
    nodes: dict[str, AnyNode] = {
        "hello": Play(prompt=say("Bonjour"), next=NodeName("code")),
        "code": node,
        "thanks": Menu(prompt=say("Merci {code}"), keys={"1": NodeName("end")}, next=NodeName("end")),
        "end": Hangup(),
        "silent": Hangup(prompt=say("Personne")),
        "wrong": Hangup(prompt=say("Refusé")),
    }
    return Caller(of(nodes, vars=texts("code"))).answered()


def asked(**fields: Any) -> Caller:
    return collecting(**fields).hears("Bonjour").hears("Votre code")


@pytest.mark.parametrize("terminator", "#*")
def test_a_terminator_ends_the_input(terminator: str) -> None:
    asked(terminators="#*").presses("33" + terminator).hears("Merci 33")


def test_so_does_a_pause() -> None:
    asked().presses("3").waits(2.9).presses("3").waits(3).hears("Merci 33")


def test_so_does_the_last_digit_there_may_be() -> None:
    caller = asked(max_digits=2).presses("33")
    assert caller.speaking is not None
    assert caller.run.path[1].keys == "33"


def test_the_terminator_after_the_last_digit_still_belongs_to_it() -> None:
    caller = asked(max_digits=2).presses("33#").hears("Merci 33").presses("1").is_at("end")
    assert [(visit.node, visit.keys) for visit in caller.run.path] == [
        ("hello", ""),
        ("code", "33"),
        ("thanks", "#1"),
        ("end", ""),
    ]


def test_but_not_when_it_comes_late() -> None:
    caller = asked(max_digits=2).presses("33").waits(2.1).presses("#")
    assert caller.run.path[-1].cut == 1


def test_nor_does_another_key() -> None:
    asked(max_digits=2).presses("331").is_at("end")


def test_a_terminator_typed_ahead_after_the_last_digit_belongs_to_it_too() -> None:
    collecting(max_digits=2).presses("33#1").is_at("end")


def test_another_key_typed_ahead_does_not() -> None:
    caller = asked(max_digits=2, confirm=say("Correct ?")).presses("33").presses("1")
    assert caller.value("code") == "33"
    nodes: dict[str, AnyNode] = {
        "hello": Play(prompt=say("Bonjour", "buffer"), next=NodeName("code")),
        "code": Collect(prompt=say("Code"), into=CODE, max_digits=2, next=NodeName("menu")),
        "menu": Menu(prompt=say("Choix"), keys={"1": NodeName("end")}, next=NodeName("sorry")),
        "end": Hangup(),
    }
    Caller(of(nodes, vars=texts("code"))).answered().presses("331").hears("Bonjour").is_at("end")


def test_the_clear_key_begins_the_input_anew() -> None:
    asked(clear_key="*").presses("34*").waits(4.9).presses("33#").hears("Merci 33")


def test_too_few_digits_are_wrong() -> None:
    caller = asked(min_digits=2).presses("3#").hears("Code faux").presses("4#").hears("Code faux").presses("#")
    caller.hears("Refusé")
    assert caller.way[1] == ("code", "no_match")


def test_nothing_may_be_enough() -> None:
    asked(min_digits=0, confirm=say("Correct ?")).presses("#").hears("Merci ")


def test_an_input_must_be_valid() -> None:
    asked(valid="[0-9]{2}").presses("333#").hears("Code faux").presses("33#").hears("Merci 33")


def test_silence_leads_out() -> None:
    caller = asked().waits(5).hears("Tapez le code").waits(5).hears("Tapez le code").waits(5).hears("Personne")
    assert caller.way[1] == ("code", "no_input")


def test_without_words_for_it_the_whole_prompt_is_said_again() -> None:
    nodes: dict[str, AnyNode] = {"code": Collect(prompt=say("Code"), into=CODE, min_digits=2, next=NodeName("sorry"))}
    Caller(of(nodes, vars=texts("code"))).answered().hears("Code").waits(5).hears("Code").presses("1#").hears("Code")


def test_an_input_that_does_not_fit_its_variable_is_an_error() -> None:
    nodes: dict[str, AnyNode] = {"n": Collect(prompt=say("Combien"), into=CODE, next=NodeName("sorry"))}
    caller = Caller(of(nodes, vars={"code": Var(type="number")})).answered().hears("Combien").presses("1*2#")
    assert caller.run.faults == ("main/n: '1*2' is no number for code",)


# -- typed ahead -------------------------------------------------------------------------------------------------------


def test_digits_typed_ahead_are_the_input() -> None:
    collecting().presses("33#").hears("Merci 33")


def test_what_is_typed_ahead_may_be_gone_on_with() -> None:
    collecting().presses("3").hears_nothing().waits(2).presses("3#").hears("Merci 33")


@pytest.mark.parametrize("habit", ["#", "*"])
def test_keys_that_begin_no_input_are_none_typed_ahead(habit: str) -> None:
    collecting(clear_key="*").presses(habit).hears("Votre code")


def test_a_terminator_typed_ahead_may_be_an_input_of_nothing() -> None:
    collecting(min_digits=0, clear_key="*").presses("*#").hears("Merci ")


def test_whoever_typed_ahead_something_wrong_hears_the_prompt() -> None:
    collecting(min_digits=2).presses("3#").hears("Code faux", "Votre code").presses("33#").hears("Merci 33")


# -- read back ---------------------------------------------------------------------------------------------------------


def confirming(**fields: Any) -> Caller:
    return asked(confirm=say("Un si c'est juste"), **fields).presses("33#")


def test_an_input_is_read_back_and_taken() -> None:
    confirming().hears("digits 33", "Un si c'est juste").presses("1").hears("Merci 33")


def test_a_key_during_the_reading_back_counts() -> None:
    confirming().presses("1").hears("Merci 33")


def test_or_it_is_typed_again() -> None:
    confirming().presses("2").hears("Votre code").presses("44#").presses("1").hears("Merci 44")


def test_but_not_for_ever() -> None:
    confirming(tries=2).presses("2").hears("Votre code").presses("33#").presses("2").hears("Refusé")


def test_a_key_that_is_no_answer_has_it_read_back_again() -> None:
    confirming().presses("5").hears("digits 33", "Un si c'est juste").presses("1").hears("Merci 33")


def test_so_has_silence() -> None:
    caller = confirming(tries=2).hears("digits 33", "Un si c'est juste").waits(5)
    caller.hears("digits 33", "Un si c'est juste").waits(5).hears("Personne")


def test_the_answer_may_be_typed_ahead() -> None:
    collecting(confirm=say("Juste ?")).presses("33#1").hears("Merci 33")
