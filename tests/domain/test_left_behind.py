"""What callers leave in a scenario: wishes to be called back, and messages."""

import msgspec

from engine.domain import callbacks, voicemails
from engine.domain.ids import message_recording, question_id, recording_id
from engine.domain.request import ScenarioCall
from engine.domain.values import E164, Slug
from tests.domain.calls import CALL, CUSTOMER, Scene, asked_by_customer, moment

HOTLINE = ScenarioCall(name=Slug("rappel"), version="1", application=Slug("hotline"), longest_s=60)
CAME = Scene(asked_by_customer(scenario=HOTLINE)).call
HIDDEN = msgspec.structs.replace(CAME, request=asked_by_customer(customer_number=""))
AT = moment(5).utc


def test_a_wish_to_be_called_back() -> None:
    made = callbacks.asked_for(CAME, 4, queue=Slug("sales"), number=E164("+33612345678"), at=AT)
    assert (made.call_id, made.caller, made.scenario, made.status) == (CALL, CUSTOMER, "rappel", "waiting")
    assert made == callbacks.asked_for(CAME, 4, queue=Slug("sales"), number=E164("+33612345678"), at=AT)
    hidden = callbacks.asked_for(HIDDEN, 5, queue=Slug("sales"), number=E164("+33612345678"), at=AT)
    assert (hidden.caller, hidden.scenario, hidden.id != made.id) == (None, None, True)


def test_a_message() -> None:
    made = voicemails.left(CAME, 4, mailbox=Slug("alice"), seconds=2.5, at=AT, node="paris")
    assert (made.call_id, made.caller, made.scenario, made.heard) == (CALL, CUSTOMER, "rappel", False)
    assert voicemails.left(HIDDEN, 4, mailbox=Slug("alice"), seconds=2.5, at=AT, node="paris").caller is None


def test_names_tell_questions_and_recordings_apart() -> None:
    assert message_recording(CALL, "message-7") == recording_id(CALL, 7)
    assert len({question_id(CALL, 1), question_id(CALL, 2), question_id(CALL, 1)}) == 2
