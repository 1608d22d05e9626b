"""The engine dies and comes back: the caller is where they were, and nothing is asked or kept twice."""

from typing import Any

import pytest

from engine.domain.scenario import talk
from engine.domain.scenario.graph import (
    AnyNode,
    Collect,
    Expression,
    Fetch,
    Hangup,
    Lookup,
    Menu,
    NodeName,
    Play,
    Record,
    Template,
    Transfer,
    Variable,
    Voicemail,
)
from engine.domain.values import Slug
from tests.domain.scenario.caller import Caller, of, say, texts

END = NodeName("end")


def caller_in(node: AnyNode, **fields: Any) -> Caller:
    return Caller(of({"node": node, "end": Hangup(prompt=say("Fin"))}, vars=texts("code"), **fields))


def test_who_was_being_answered_is_answered() -> None:
    caller = caller_in(Play(prompt=say("Bonjour"), next=END)).engine_restarts()
    assert talk.TakeCall() in caller.orders
    caller.answered().hears("Bonjour")


def test_what_was_said_is_said_again() -> None:
    caller = caller_in(Play(prompt=(*say("Un"), *say("Deux", "buffer")), next=END)).answered().hears("Un")
    caller.engine_restarts().hears("Un").hears("Deux").hears("Fin")
    assert caller.way == [("node", "done"), ("end", "ended")]


def test_a_message_is_announced_again() -> None:
    caller = caller_in(Record(prompt=say("Parlez"), next=END)).answered().engine_restarts().hears("Parlez")
    assert caller.recorded(5).hears("Fin")


@pytest.mark.parametrize("pressed", ["", "1"])
def test_a_menu_is_said_again_with_its_counters(pressed: str) -> None:
    menu = Menu(prompt=say("Choix"), keys={"12": END}, tries=2, on={"no_input": END}, no_input_prompt=say("Eh bien ?"))
    caller = caller_in(menu).answered().hears("Choix").waits(5).hears("Eh bien ?").presses(pressed)
    caller.engine_restarts().hears("Choix").waits(5).hears("Fin")


def test_a_prompt_is_not_said_twice_at_once() -> None:
    menu = Menu(prompt=say("Choix"), keys={"1": END})
    caller = caller_in(menu).answered().engine_restarts().presses("1").hears("Fin")
    assert [order.number for order in caller.ordered(talk.Hush)] == [1, 2]


def test_what_was_typed_ahead_may_not_be_whole_and_is_forgotten() -> None:
    nodes: dict[str, AnyNode] = {
        "play": Play(prompt=say("Attention", "buffer"), next=NodeName("menu")),
        "menu": Menu(prompt=say("Choix"), keys={"1": END}),
        "end": Hangup(prompt=say("Fin")),
    }
    Caller(of(nodes)).answered().presses("1").engine_restarts().hears("Attention").hears("Choix")


def test_an_input_to_be_confirmed_is_read_back_again() -> None:
    node = Collect(prompt=say("Code"), into=Variable("code"), confirm=say("Juste ?"), next=END)
    caller = caller_in(node).answered().presses("33#").engine_restarts().hears("digits 33", "Juste ?")
    assert caller.presses("1").value("code") == "33"


def test_a_recording_goes_on() -> None:
    caller = caller_in(Record(prompt=say("Parlez"), next=END)).answered().hears("Parlez").engine_restarts()
    assert caller.orders == []
    caller.recorded(5).hears("Fin")


def test_a_search_is_ordered_again_under_its_number() -> None:
    caller = caller_in(Transfer(switchboard=True, next=END))
    before = caller.reaching
    assert caller.engine_restarts().orders == [before]
    caller.reached("not_taken").answered().hears("Fin")


SLOW = Fetch(url=Template("https://slow"), timeout_s=30, next=END, on={"error": END})
LOOKUP = Lookup(table=Slug("t"), key=Expression("caller"), next=END)


def test_a_question_is_asked_again_under_its_number_and_in_its_time() -> None:
    nodes: dict[str, AnyNode] = {"hello": Play(prompt=say("Bonjour"), next=NodeName("slow")), "slow": SLOW}
    caller = Caller(of({**nodes, "end": Hangup(prompt=say("Fin"))})).answered().hears("Bonjour").waits(2)
    asked = caller.asked
    caller.engine_restarts()
    assert asked in caller.orders
    caller.waits(2).hears("prompt please-wait").waits(29).told("done").hears("Fin")


def test_nobody_who_is_not_answered_is_asked_to_wait() -> None:
    caller = caller_in(LOOKUP).engine_restarts()
    assert [order.timer for order in caller.orders if isinstance(order, talk.Wait)] == ["answer"]
    assert caller.waits(4).told("found").answered().hears("Fin")


def test_a_message_of_somebody_gone_is_stored_all_the_same() -> None:
    caller = caller_in(Voicemail(mailbox=Slug("x"), next=END)).answered().hears("prompt leave-message")
    caller.hangs_up().recorded(5).engine_restarts().told("left")
    assert (caller.way, caller.left.end) == ([("node", "left")], "hung_up")
