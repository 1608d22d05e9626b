"""Messages: announced, recorded, kept, whatever the caller does."""

from typing import Any

import pytest

from engine.domain.scenario import talk
from engine.domain.scenario.graph import AnyNode, Hangup, Limits, NodeName, Notify, Record, Var, Variable, Voicemail
from engine.domain.values import Slug
from tests.domain.scenario.caller import Caller, of, say, texts

MESSAGE = Variable("message")


def recording(**fields: Any) -> Caller:
    """A caller who is being recorded."""
    node = Record(prompt=say("Parlez"), **{"into": MESSAGE, "next": NodeName("end"), **fields})
    nodes: dict[str, AnyNode] = {"record": node, "end": Hangup(prompt=say("Merci"))}
    return Caller(of(nodes, vars=texts("message"))).answered().hears("Parlez")


def test_a_message_is_recorded_and_named() -> None:
    caller = recording(max_s=30, silence_s=4, beep=False)
    assert caller.taking == talk.Take(number=2, name="message-2", max_s=30, silence_s=4, beep=False)
    caller.waits(12).recorded(10).hears("Merci")
    assert (caller.value("message"), caller.run.path[0].message) == ("message-2", "message-2")


def test_a_message_may_be_named_nowhere() -> None:
    assert recording(into=None).recorded(10).run.path[0].message == "message-2"


def test_a_key_during_the_announcement_begins_it() -> None:
    node = Record(prompt=say("Parlez"), next=NodeName("sorry"))
    caller = Caller(of({"record": node})).answered().presses("1")
    assert caller.taking.beep


@pytest.mark.parametrize(("terminators", "key", "stops"), [("#", "#", 1), ("#", "1", 0), ("12", "1", 1)])
def test_a_terminator_ends_it(terminators: str, key: str, stops: int) -> None:
    caller = recording(terminators=terminators).presses(key)
    assert len(caller.ordered(talk.StopTaking)) == stops
    caller.recorded(3).hears("Merci")
    assert caller.run.path[0].keys == key


def test_too_short_a_message_is_none() -> None:
    caller = recording(min_s=3, on={"empty": NodeName("sorry")}).recorded(2.9).hears("Désolé")
    assert caller.way[0] == ("record", "empty")


def test_a_disk_that_is_full_is_an_error() -> None:
    assert recording().recorded(0, ok=False).hears("Désolé").way[0] == ("record", "error")


def test_so_is_a_recording_that_never_ends() -> None:
    recording(max_s=10).waits(12).hears("Désolé")


def test_or_does_not_end_when_it_must() -> None:
    recording().presses("#").waits(5).hears("Désolé")


def test_the_message_of_whoever_hangs_up_is_kept() -> None:
    caller = recording().hangs_up()
    assert not caller.run.over
    caller.recorded(4)
    assert (caller.left.end, caller.run.path[0].message) == ("hung_up", "message-2")


def test_a_message_that_was_recorded_is_noted_whatever_its_variable() -> None:
    node = Record(prompt=say("Parlez"), into=MESSAGE, next=NodeName("sorry"))
    caller = Caller(of({"record": node}, vars={"message": Var(type="flag")})).answered().hears("Parlez").recorded(4)
    assert (caller.way[0], caller.run.path[0].message) == (("record", "error"), "message-2")


def test_whoever_speaks_too_long_is_heard_first() -> None:
    caller = Caller(of({"record": Record(prompt=say("Parlez"), next=NodeName("sorry"))}, limits=Limits(duration_s=20)))
    caller.answered().hears("Parlez").waits(20)
    assert caller.orders == [
        talk.Wait(timer="limit", seconds=60),
        talk.StopTaking(number=2),
        talk.Wait(timer="record", seconds=5),
    ]
    caller.recorded(19).hears("Désolé")
    assert (caller.run.path[0].message, caller.left.end) == ("message-2", "limit")


# -- voicemail ---------------------------------------------------------------------------------------------------------


def leaving(**fields: Any) -> Caller:
    node = Voicemail(mailbox=Slug("sales"), next=NodeName("end"), **fields)
    nodes: dict[str, AnyNode] = {"voicemail": node, "end": Hangup(prompt=say("Merci")), "gone": Notify(event="gone")}
    return Caller(of(nodes, on_hangup=NodeName("gone"))).answered()


def test_a_message_is_left() -> None:
    caller = leaving().hears("prompt leave-message").recorded(8)
    assert caller.asked.question == talk.StoreMessage(mailbox=Slug("sales"), name="message-2", seconds=8)
    caller.told("left").hears("Merci")
    assert (caller.way[0], caller.run.path[0].message) == (("voicemail", "left"), "message-2")


def test_it_is_asked_for_in_the_scenarios_own_words() -> None:
    caller = leaving(prompt=say("Laissez un message")).hears("Laissez un message").presses("#")
    assert caller.ordered(talk.StopTaking)


def test_a_voicemail_without_a_message_is_empty() -> None:
    caller = leaving(on={"empty": NodeName("end")}).hears("prompt leave-message").recorded(0.5).hears("Merci")
    assert caller.way[0] == ("voicemail", "empty")


def test_a_message_that_could_not_be_stored_is_an_error() -> None:
    caller = leaving().hears("prompt leave-message").recorded(8).told("error").hears("Désolé")
    assert caller.run.path[0].message is None


@pytest.mark.parametrize("hangs_up", ["while recording", "while storing"])
def test_the_message_is_stored_for_whoever_hangs_up(hangs_up: str) -> None:
    caller = leaving().hears("prompt leave-message")
    if hangs_up == "while recording":
        caller.hangs_up().recorded(8)
    else:
        caller.recorded(8).hangs_up()
    caller.told("left").is_at("gone")
    assert (caller.way[0], caller.run.path[0].message) == (("voicemail", "left"), "message-2")
    assert caller.speaking is None


def test_a_message_that_is_being_stored_is_not_given_up_for_a_limit() -> None:
    nodes: dict[str, AnyNode] = {"voicemail": Voicemail(mailbox=Slug("sales"), next=NodeName("sorry"))}
    caller = Caller(of(nodes, limits=Limits(duration_s=10))).answered().hears("prompt leave-message")
    caller.waits(9).recorded(8).waits(2).told("left").hears("Désolé")
    assert caller.run.path[0].message == "message-2"
    assert caller.run.limited
