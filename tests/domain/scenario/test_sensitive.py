"""Sensitive inputs: their digits are where they are needed, and nowhere else."""

from typing import Any

import msgspec
import pytest

from engine.domain.scenario import talk
from engine.domain.scenario.graph import (
    AnyNode,
    Callback,
    Collect,
    Expression,
    Fetch,
    Hangup,
    Lookup,
    Menu,
    NodeName,
    Notify,
    Play,
    Record,
    Return,
    Scenario,
    Subflow,
    Template,
    Transfer,
    Variable,
)
from engine.domain.scenario.interpreter import unseen
from engine.domain.scenario.run import Run
from engine.domain.scenario.secrets import MASKED, Secrets
from engine.domain.values import Slug
from tests.domain.scenario.caller import Caller, of, program, say, scenario, texts

PIN, CARD = Variable("pin"), Variable("card")


def pin(**fields: Any) -> Collect:
    return Collect(prompt=say("Code secret"), into=PIN, sensitive=True, no_match_prompt=say("Faux"), **fields)


def fetch(**fields: Any) -> Fetch:
    return Fetch(url=Template("https://bank/{pin}"), body={"pin": Expression("'p' + pin")}, **fields)


BANK: dict[str, AnyNode] = {
    "hello": Play(prompt=say("Bonjour"), next=NodeName("pin")),
    "pin": pin(valid="[0-9]{4}", clear_key="*", next=NodeName("check"), on={"no_match": NodeName("out")}),
    "check": fetch(next=NodeName("menu")),
    "menu": Menu(prompt=say("Solde 1"), keys={"1": NodeName("check")}, next=NodeName("out")),
    "out": Hangup(prompt=say("Au revoir")),
}


def at_the_bank() -> Caller:
    return Caller(of(BANK, vars=texts("pin"))).answered().hears("Bonjour")


def seen_by_nobody(caller: Caller, digits: str) -> None:
    """Neither what is kept of the call nor what was ordered has them."""
    kept = (caller.run, caller.all)
    assert digits not in msgspec.json.encode(kept).decode()


def question(caller: Caller) -> talk.AskWeb:
    sent = caller.sent
    assert isinstance(sent, talk.AskWeb)
    return sent


def test_the_digits_are_where_they_are_needed_and_nowhere_else() -> None:
    caller = at_the_bank().hears("Code secret").presses("7391#").is_at("check")
    assert question(caller).body == {"pin": "p7391"}
    assert question(caller).url == "https://bank/%E2%9F%A6pin-2%E2%9F%A7"
    assert caller.run.path[1].keys == "••••#"
    seen_by_nobody(caller, "7391")


def test_what_is_typed_is_masked_and_then_is_not() -> None:
    caller = at_the_bank()
    assert caller.run.masked
    caller.presses("7391#").told("done").hears("Solde 1").presses("9")
    assert caller.ordered(talk.Mask) == [talk.Mask(on=True), talk.Mask(on=False)]
    assert caller.run.path[-1].keys == "9"


def test_whoever_hangs_up_there_leaves_nothing_masked() -> None:
    caller = at_the_bank().presses("73").hangs_up()
    assert caller.ordered(talk.Mask)[-1] == talk.Mask(on=False)


def test_a_wrong_input_is_asked_for_again() -> None:
    caller = at_the_bank().presses("739#").hears("Faux").presses("7391#").is_at("check")
    assert question(caller).body == {"pin": "p7391"}


def test_but_not_for_ever() -> None:
    caller = at_the_bank().presses("1#").presses("22#").presses("333#").hears("Au revoir")
    assert caller.way[1] == ("pin", "no_match")
    seen_by_nobody(caller, "333")


def test_what_was_cleared_is_no_part_of_it() -> None:
    assert question(at_the_bank().presses("55*7391#")).body == {"pin": "p7391"}


def test_what_was_pressed_before_is_no_part_of_it() -> None:
    caller = Caller(of(BANK, vars=texts("pin"))).answered().presses("0").presses("7391#")
    assert [visit.keys for visit in caller.run.path] == ["•", "••••#", ""]
    assert question(caller).body == {"pin": "p7391"}


def must_hear(**fields: Any) -> Caller:
    prompt = (*say("Mention", "ignore"), *say("Code", "buffer"))
    node = Collect(prompt=prompt, into=PIN, sensitive=True, next=NodeName("check"), **fields)
    nodes: dict[str, AnyNode] = {"pin": node, "check": fetch(next=NodeName("out")), "out": Hangup()}
    return Caller(of(nodes, vars=texts("pin"))).answered()


def test_keys_typed_while_something_must_be_heard_are_it() -> None:
    caller = must_hear().presses("99").hears("Mention").presses("73").hears("Code").presses("91#")
    assert question(caller).body == {"pin": "p7391"}


def test_but_no_more_than_it_may_have() -> None:
    caller = must_hear(max_digits=4).hears("Mention").presses("739155").hears("Code").is_at("check")
    assert question(caller).body == {"pin": "p7391"}
    assert caller.run.ahead == ""


def test_an_input_of_nothing_may_be_secret_too() -> None:
    assert question(must_hear(min_digits=0).hears("Mention").presses("#").hears("Code")).body == {"pin": "p"}


# -- keys of others ----------------------------------------------------------------------------------------------------


def test_a_terminator_out_of_habit_is_no_secret() -> None:
    nodes: dict[str, AnyNode] = {"pin": pin(max_digits=4, next=NodeName("bye")), "bye": Hangup(prompt=say("Merci"))}
    caller = Caller(of(nodes, vars=texts("pin"))).answered().presses("7391#").hears("Merci")
    assert [visit.keys for visit in caller.run.path] == ["••••", "#"]
    assert caller.run.path[1].cut == 0


def test_the_keys_of_a_conversation_are_nobodys() -> None:
    nodes: dict[str, AnyNode] = {"boss": Transfer(switchboard=True, next=NodeName("sorry"))}
    caller = Caller(of(nodes)).presses("4970")
    assert caller.run.path[0].keys == 4 * MASKED


@pytest.mark.parametrize(("key", "stops"), [("#", 1), ("7", 0)])
def test_of_a_recording_only_what_ends_it_is_seen(key: str, stops: int) -> None:
    nodes: dict[str, AnyNode] = {
        "record": Record(prompt=say("Parlez"), next=NodeName("pin")),
        "pin": pin(next=NodeName("sorry")),
    }
    caller = Caller(of(nodes, vars=texts("pin"))).answered().hears("Parlez").presses(key)
    assert len(caller.ordered(talk.StopTaking)) == stops
    assert caller.run.path[0].keys == (key if stops else MASKED)


def test_a_menu_before_takes_its_own_keys_and_none_ahead_for_the_secret() -> None:
    nodes: dict[str, AnyNode] = {
        "menu": Menu(
            prompt=say("Choix", "buffer"), keys={"1": NodeName("pin"), "22": NodeName("pin")}, next=NodeName("sorry")
        ),
        "pin": pin(next=NodeName("sorry")),
    }
    caller = Caller(of(nodes, vars=texts("pin"))).answered().presses("17391").hears("Choix").is_at("pin")
    assert caller.run.path[0].keys == "17•••"


@pytest.mark.parametrize(("typed", "noted"), [("12", "12"), ("123", "12•"), ("1#3", "1#•"), ("1*3", "1*•")])
def test_so_do_digits_before(typed: str, noted: str) -> None:
    nodes: dict[str, AnyNode] = {
        "card": Collect(prompt=say("Carte", "buffer"), into=CARD, max_digits=2, clear_key="*", next=NodeName("pin")),
        "pin": pin(next=NodeName("sorry")),
    }
    caller = Caller(of(nodes, vars=texts("pin", "card"))).answered().presses(typed)
    assert caller.run.path[0].keys == noted


@pytest.mark.parametrize(
    ("caller_id", "typed", "noted"),
    [("+33612345678", "17", "1•"), ("", 17 * "0", 15 * "0" + 2 * MASKED), ("", "06#7", "06#•")],
)
def test_so_does_a_callback(caller_id: str, typed: str, noted: str) -> None:
    nodes: dict[str, AnyNode] = {
        "back": Callback(queue=Slug("sales"), prompt=say("On rappelle", "buffer"), next=NodeName("pin")),
        "pin": pin(next=NodeName("sorry")),
    }
    caller = Caller(of(nodes, vars=texts("pin")), caller=caller_id).answered()
    caller.presses(typed)
    assert caller.run.path[0].keys == noted


# -- lost with the engine ----------------------------------------------------------------------------------------------


def test_after_a_restart_while_typing_it_is_asked_for_again() -> None:
    caller = at_the_bank().presses("73").engine_restarts()
    assert talk.Mask(on=True) in caller.orders
    assert question(caller.hears("Code secret").presses("7391#")).body == {"pin": "p7391"}


def test_whose_check_was_lost_is_asked_again_and_not_told_to_be_wrong() -> None:
    caller = at_the_bank()
    caller.checks = False
    caller.presses("7391#").engine_restarts().hears("Code secret").is_at("pin")
    caller.checks = True
    assert question(caller.presses("7391#")).body == {"pin": "p7391"}


def test_whose_check_never_comes_is_asked_again() -> None:
    caller = at_the_bank()
    caller.checks = False
    caller.presses("7391#").waits(2).hears("prompt please-wait").waits(3).hears("Faux")


def test_a_lost_input_is_asked_for_again() -> None:
    caller = at_the_bank().presses("7391#").told("done").engine_restarts().hears("Solde 1").presses("1")
    assert caller.sent is None
    caller.told("forgotten").hears("Code secret").presses("7391#")
    assert question(caller).body == {"pin": "p7391"}
    assert caller.way[2:6] == [("check", "done"), ("menu", "key 1"), ("check", "forgotten"), ("pin", "done")]


def test_whoever_is_gone_is_not_asked() -> None:
    nodes = {**BANK, "menu": Menu(prompt=say("Choix"), keys={}, next=NodeName("out"))}
    caller = Caller(of(nodes, vars=texts("pin"), on_hangup=NodeName("check"))).answered().hears("Bonjour")
    caller.presses("7391#").told("done").engine_restarts().hangs_up().told("forgotten")
    assert caller.left.end == "hung_up"
    assert caller.run.faults == ("main/check: a sensitive input was lost",)


def test_two_inputs_are_two_though_they_are_called_alike() -> None:
    ask = scenario({"pin": pin(next=NodeName("ok")), "ok": Return(outcome="ok")}, "ask", vars=texts("pin"))
    caller = twice(ask).presses("1111#").presses("2222#").is_at("change")
    assert question(caller).body == {"old": "1111", "new": "2222"}
    seen_by_nobody(caller, "1111")
    seen_by_nobody(caller, "2222")
    caller.engine_restarts().told("forgotten").is_at("pin")
    caller.presses("3333#").presses("4444#").is_at("change")
    assert question(caller).body == {"old": "3333", "new": "4444"}


def twice(ask: Scenario) -> Caller:
    names = {"old": "new", "new": "change"}
    asks: dict[str, AnyNode] = {
        name: Subflow(scenario=ask.scenario, results={Variable(name): PIN}, on={"ok": NodeName(after)})
        for name, after in names.items()
    }
    change = Lookup(table=Slug("x"), key=Expression("old"), next=NodeName("sorry"))
    body = {name: Expression(name) for name in names}
    web = Fetch(url=Template("https://bank"), body=body, next=NodeName("key"))
    main = scenario({**asks, "change": web, "key": change}, vars=texts("old", "new"))
    return Caller(program(main, ask)).answered()


def test_one_that_a_subflow_was_given_is_asked_for_outside_of_it() -> None:
    use = scenario(
        {"look": Lookup(table=Slug("cards"), key=Expression("given"), next=NodeName("ok")), "ok": Return(outcome="ok")},
        "use",
        vars=texts("given"),
    )
    nodes: dict[str, AnyNode] = {
        "pin": pin(next=NodeName("use")),
        "use": Subflow(
            scenario=Slug("use"), params={Variable("given"): Expression("pin")}, on={"ok": NodeName("sorry")}
        ),
    }
    caller = Caller(program(scenario(nodes, vars=texts("pin")), use)).answered().presses("7391#")
    caller.engine_restarts().told("forgotten").hears("Code secret").is_at("pin").presses("22#")
    sent = caller.sent
    assert isinstance(sent, talk.AskTable)
    assert sent.key == "22"


# -- secrets by themselves ---------------------------------------------------------------------------------------------


def test_a_web_service_cannot_have_an_input_sent_elsewhere() -> None:
    nodes = {**BANK, "check": fetch(into={CARD: "/card"}, next=NodeName("tell"))}
    nodes["tell"] = Notify(event="card", variables=(CARD,), next=NodeName("menu"))
    caller = Caller(of(nodes, vars=texts("pin", "card"))).answered().presses("0").presses("7391#")
    caller.told("done", **{"/card": "⟦pin-2⟧"})
    assert caller.sent == talk.Tell(event="card", variables={"card": "pin-2"})


def test_only_what_has_inputs_is_filled() -> None:
    secrets = Secrets()
    secrets.typed("7")
    assert secrets.check(talk.CheckSecret(name="pin", valid="", length=1))
    look = talk.AskTable(table=Slug("t"), key="⟦pin⟧-1", columns=(), timeout_s=1)
    web = talk.AskWeb(url="https://x", method="POST", body={"a": "⟦pin⟧", "b": 2}, pointers=(), timeout_s=1)
    tell = talk.Tell(event="e", variables={"a": "⟦pin⟧"})
    filled = [secrets.filled(asked) for asked in (look, web, tell)]
    assert filled == [
        msgspec.structs.replace(look, key="7-1"),
        msgspec.structs.replace(web, body={"a": "7", "b": 2}),
        tell,
    ]
    assert Secrets().filled(look) is None


def test_an_engine_that_did_not_hear_an_input_finds_it_wrong() -> None:
    assert not Secrets().check(talk.CheckSecret(name="pin", valid="", length=4))


def test_a_scenario_without_secrets_has_none() -> None:
    nodes: dict[str, AnyNode] = {"menu": Menu(prompt=say("Un"), keys={}, next=NodeName("sorry"))}
    caller = Caller(of(nodes))
    run: Run = caller.run
    assert not unseen(caller.program, run, "1")
