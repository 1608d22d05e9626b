"""The wish to be called back: at a number that is read back, confirmed and stored."""

from typing import Any

import pytest

from engine.domain.scenario import talk
from engine.domain.scenario.graph import AnyNode, Callback, Expression, Hangup, NodeName
from engine.domain.values import Slug
from tests.domain.scenario.caller import Caller, of, say


def calling(caller: str = "+33612345678", **fields: Any) -> Caller:
    node = Callback(queue=Slug("sales"), next=NodeName("stored"), on={"refused": NodeName("refused")}, **fields)
    nodes: dict[str, AnyNode] = {
        "callback": node,
        "stored": Hangup(prompt=say("Nous vous rappelons")),
        "refused": Hangup(prompt=say("Tant pis")),
    }
    return Caller(of(nodes), caller=caller).answered()


OWN = ("prompt call-you-back-at", "digits 0033612345678", "prompt confirm-number")


def stored(caller: Caller, number: str) -> None:
    assert caller.asked.question == talk.StoreCallback(queue=Slug("sales"), number=number)
    caller.told("stored").hears("Nous vous rappelons")


def test_the_callers_own_number_is_read_back_and_confirmed() -> None:
    caller = calling(prompt=say("Toutes nos lignes sont occupées"))
    caller.hears("Toutes nos lignes sont occupées", *OWN).presses("1")
    stored(caller, "+33612345678")
    assert caller.way[0] == ("callback", "stored")


def test_another_may_be_typed() -> None:
    caller = calling().hears(*OWN).presses("2").hears("prompt enter-number").presses("0698*0612345678#")
    caller.hears("prompt call-you-back-at", "digits 0612345678", "prompt confirm-number").presses("1")
    stored(caller, "0612345678")


@pytest.mark.parametrize("withheld", ["", "anonymous", "+1", "sip:x@y"])
def test_a_caller_whose_number_is_withheld_types_one(withheld: str) -> None:
    caller = calling(withheld).hears("prompt enter-number").presses("0612").waits(2.9).presses("345678").waits(3)
    stored(caller.presses("1"), "0612345678")


def test_a_number_is_no_longer_than_numbers_are() -> None:
    caller = calling("").hears("prompt enter-number").presses(15 * "1" + "#")
    stored(caller.presses("1"), 15 * "1")


@pytest.mark.parametrize("typed", ["#", "12#", "12A4#"])
def test_what_is_no_number_is_asked_for_again(typed: str) -> None:
    calling("").hears("prompt enter-number").presses(typed).hears("prompt enter-number")


def test_the_scenario_may_know_the_number() -> None:
    stored(calling(number=Expression("'+331' + '40000002'")).presses("1"), "+33140000002")


def test_a_number_nobody_may_be_called_back_at_is_asked_for_again() -> None:
    caller = calling().presses("1").told("refused").hears("prompt enter-number").presses("0612345678#").presses("1")
    stored(caller, "0612345678")


def test_but_not_for_ever() -> None:
    caller = calling(tries=1).presses("1").told("refused").hears("Tant pis")
    assert caller.way[0] == ("callback", "refused")


def test_silence_is_no_wish() -> None:
    caller = calling(tries=2).hears(*OWN).waits(5).hears(*OWN).waits(5).hears("Tant pis")
    assert caller.way[0] == ("callback", "refused")


def test_another_key_is_no_answer() -> None:
    calling().presses("5").hears(*OWN).presses("1").told("stored").hears("Nous vous rappelons")


def test_what_could_not_be_stored_is_an_error() -> None:
    calling().presses("1").told("error").hears("Désolé")


@pytest.mark.parametrize("outcome", ["stored", "refused"])
def test_whoever_hangs_up_once_it_is_confirmed_has_still_asked_for_it(outcome: str) -> None:
    caller = calling().presses("1").hangs_up().told(outcome)
    assert caller.way == [("callback", outcome)]
    assert caller.left.end == "hung_up"


def test_keys_typed_ahead_confirm_nothing() -> None:
    nodes: dict[str, AnyNode] = {
        "callback": Callback(queue=Slug("sales"), next=NodeName("sorry")),
    }
    caller = Caller(of(nodes)).presses("1").answered()
    assert caller.run.ahead == ""
    caller.hears(*OWN)
