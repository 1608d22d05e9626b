"""What a caller hears: in their language, with every variable filled in, before the call is answered or after."""

import pytest

from engine.domain.scenario import talk
from engine.domain.scenario.graph import (
    AnyNode,
    Date,
    Digits,
    Expression,
    File,
    Hangup,
    NodeName,
    Number,
    Pause,
    Play,
    Prompt,
    Reason,
    Say,
    Set,
    SetLanguage,
    Sound,
    Template,
    Value,
    Var,
    Variable,
)
from engine.domain.scenario.prompts import address, variables_of
from engine.domain.values import Slug
from tests.domain.scenario.caller import Caller, of, say, texts

END = NodeName("end")


def playing(*prompt: object, **fields: object) -> Caller:
    nodes: dict[str, AnyNode] = {"play": Play(prompt=prompt, next=END), "end": Hangup()}  # type: ignore[arg-type]
    return Caller(of(nodes, **fields)).answered()


@pytest.mark.parametrize(
    ("item", "heard"),
    [
        (Say(say={"fr": Template("Le {day}, {caller}")}), "Le 2026-05-04, +33612345678"),
        (File(file=Slug("accueil")), "name accueil"),
        (Sound(sound="vm-goodbye"), "name vm-goodbye"),
        (Digits(digits=Expression("caller")), "digits 0033612345678"),
        (Digits(digits=Expression("'a1-2*3#'")), "digits 12*3#"),
        (Number(number=Expression("size(day) + 2")), "number 12"),
        (Number(number=Expression("'7'")), "number 7"),
        (Date(date=Expression("day")), "day 2026-05-04"),
        (Pause(pause=1.5), "seconds 1.5"),
    ],
)
def test_everything_can_be_said(item: object, heard: str) -> None:
    caller = playing(item).hears(heard)
    assert caller.way == [("play", "done"), ("end", "ended")]


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (Digits(digits=Expression("'abc'")), "'abc' has no digits to be said"),
        (Number(number=Expression("'twelve'")), "'twelve' is not a number to be said"),
        (Date(date=Expression("'2026-02-30'")), "'2026-02-30' is not a day to be said"),
        (Say(say={"fr": Template("{nobody}")}), "undeclared"),
    ],
)
def test_what_cannot_be_said_leads_to_the_scenarios_error(item: object, why: str) -> None:
    caller = playing(item).hears("Désolé")
    assert caller.way == [("play", "error"), ("sorry", "ended")]
    assert why in caller.run.faults[0]


def test_where_the_apology_itself_cannot_be_said_the_call_ends() -> None:
    nodes: dict[str, AnyNode] = {"play": Play(prompt=(Number(number=Expression("caller")),), next=NodeName("play"))}
    nodes["sorry"] = Play(prompt=(Number(number=Expression("'many'")),), next=NodeName("play"))
    caller = Caller(of(nodes), caller="").answered()
    assert caller.left.end == "fault"
    assert caller.way == [("play", "error"), ("sorry", "error")]


def test_items_that_a_key_treats_alike_are_said_in_one_go() -> None:
    caller = playing(*say("Bonjour"), *say("et bienvenue"), *say("Mentions", "buffer"), *say("Fin"))
    caller.hears("Bonjour", "et bienvenue").presses("1").hears("Mentions").hears("Fin")
    assert (caller.run.path[0].prompts, caller.run.path[0].cut) == (1, 0)


def test_a_key_skips_all_but_what_must_be_heard() -> None:
    caller = playing(*say("Bonjour"), *say("Mentions", "ignore"), *say("Fin"))
    caller.presses("1").hears("Mentions")
    assert caller.run.path[0].cut == 1
    assert caller.left.end == "ended"


def test_nothing_to_say_is_said_at_once() -> None:
    assert playing().way == [("play", "done"), ("end", "ended")]


def test_a_prompt_that_could_not_be_played_does_not_hold_the_caller() -> None:
    caller = playing(*say("Bonjour"))
    caller.happens(talk.SpeechOver(at=caller.at, number=1, heard=False))
    assert caller.left.end == "ended"


# -- languages ---------------------------------------------------------------------------------------------------------

GREETING: Prompt = (Say(say={"fr": Template("Bonjour"), "en": Template("Hello {vip}")}),)
BOTH: dict[str, AnyNode] = {
    "vip": Set(values={Variable("vip"): Expression("language == 'en'")}, next=NodeName("hello")),
    "hello": Play(prompt=GREETING, next=NodeName("french")),
    "french": SetLanguage(language="fr", next=NodeName("again")),
    "again": Play(prompt=(*GREETING, *say("{vip}")), next=END),
    "end": Hangup(),
}


def test_the_caller_is_spoken_to_in_their_language_until_it_changes() -> None:
    caller = Caller(of(BOTH, languages=("fr", "en"), vars={"vip": Var(type="flag")}), language="en").answered()
    caller.hears("Hello yes").hears("Bonjour", "oui")
    assert [spoken.language for spoken in caller.ordered(talk.Speak)] == ["en", "fr"]


def test_a_language_the_scenario_does_not_know_is_its_first() -> None:
    Caller(of(BOTH, vars={"vip": Var(type="flag")}), language="en").answered().hears("Bonjour")


def test_what_is_not_said_in_a_language_is_said_in_another() -> None:
    nodes: dict[str, AnyNode] = {"play": Play(prompt=say("Bonjour"), next=END), "end": Hangup()}
    Caller(of(nodes, languages=("en", "fr")), language="en").answered().hears("Bonjour")


# -- before the call is answered ---------------------------------------------------------------------------------------


def test_a_caller_may_hear_something_for_which_they_do_not_pay() -> None:
    nodes: dict[str, AnyNode] = {
        "free": Play(prompt=say("Gratuit"), unanswered=True, next=NodeName("paid")),
        "paid": Play(prompt=say("Payant"), next=END),
        "end": Hangup(),
    }
    caller = Caller(of(nodes)).hears("Gratuit").hears_nothing()
    assert caller.orders[1:] == [talk.TakeCall(), talk.Wait(timer="answer", seconds=10)]
    caller.presses("1").answered().hears("Payant")
    assert [spoken.early for spoken in caller.ordered(talk.Speak)] == [True, False]


def test_whoever_is_answered_meanwhile_is_not_answered_again() -> None:
    nodes: dict[str, AnyNode] = {
        "free": Play(prompt=say("Gratuit"), unanswered=True, next=END),
        "end": Hangup(prompt=say("Fin")),
    }
    assert Caller(of(nodes)).answered().hears("Gratuit").hears("Fin").ordered(talk.TakeCall) == []


def test_a_caller_who_cannot_be_answered_is_let_go() -> None:
    caller = Caller(of({"play": Play(prompt=say("Bonjour"), next=END), "end": Hangup()})).waits(10)
    assert (caller.left.end, caller.left.reason) == ("fault", "congestion")
    assert caller.run.faults == ("main/play: the caller could not be answered",)


@pytest.mark.parametrize("reason", ["busy", "congestion", "normal"])
def test_an_unanswered_callers_network_is_told_why(reason: Reason) -> None:
    caller = Caller(of({"end": Hangup(reason=reason)}))
    assert (caller.left.reason, caller.ordered(talk.TakeCall)) == (reason, [])


def test_whoever_hangs_up_before_the_answer_is_gone() -> None:
    caller = Caller(of({"end": Hangup(prompt=say("Au revoir"))})).hangs_up().answered()
    assert caller.left.end == "hung_up"


# -- templates ---------------------------------------------------------------------------------------------------------


def test_the_variables_of_a_text_are_known() -> None:
    assert variables_of(Template("Le {day}, {caller} {}")) == ("day", "caller")


def test_no_variable_leads_an_address_elsewhere() -> None:
    values: dict[str, Value] = {"name": "../admin?a=1&b", "vip": True}
    filled = address(Template("https://crm/{name}?vip={vip}"), lambda name: values[name])
    assert filled == "https://crm/..%2Fadmin%3Fa%3D1%26b?vip=true"


# -- values ------------------------------------------------------------------------------------------------------------


def test_variables_have_values_of_their_own_types() -> None:
    values = {"n": "2 + 2", "t": "n + 1", "f": "'true'"}
    nodes: dict[str, AnyNode] = {
        name: Set(values={Variable(name): Expression(value)}, next=NodeName(after))
        for (name, value), after in zip(values.items(), ["t", "f", "end"], strict=True)
    }
    variables = {"n": Var(type="number"), "t": Var(type="text"), "f": Var(type="flag", default=False)}
    caller = Caller(of({**nodes, "end": Hangup()}, vars=variables))
    assert caller.run.values == {"n": 4, "t": "5", "f": True}


@pytest.mark.parametrize(("type_", "value"), [("number", "'x'"), ("number", "true"), ("flag", "1"), ("flag", "'x'")])
def test_a_value_that_does_not_fit_is_an_error(type_: str, value: str) -> None:
    setting = Set(values={Variable("v"): Expression(value)}, next=END, on={"error": NodeName("wrong")})
    nodes: dict[str, AnyNode] = {"set": setting, "end": Hangup(), "wrong": Hangup()}
    caller = Caller(of(nodes, vars={"v": Var(type=type_)}))  # type: ignore[arg-type]
    assert caller.way == [("set", "error"), ("wrong", "ended")]
    assert f"is no {type_} for v" in caller.run.faults[0]


def test_a_text_that_grows_for_ever_is_an_error() -> None:
    setting = Set(values={Variable("t"): Expression("t + t + 'x'")}, next=NodeName("set"))
    caller = Caller(of({"set": setting}, vars={"t": Var(type="text", default="")})).answered().hears("Désolé")
    assert caller.run.faults == ("main/set: a text of 1023 characters for t: 1000 at most",)


def test_what_a_network_says_of_the_caller_stands_for_no_input() -> None:
    caller = Caller(of({"play": Play(prompt=say("{caller}"), next=END), "end": Hangup()}), caller="⟦pin-1⟧\x00A")
    caller.answered().hears("pin-1A")


def test_variables_without_a_value_are_an_error() -> None:
    assert playing(*say("{name}"), vars=texts("name")).hears("Désolé").run.faults
