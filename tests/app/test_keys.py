"""Keys count while one is asked for; in a conversation they are the parties' own affair."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from engine.app.listening import Listener
from engine.ari import events as ari
from engine.ari.messages import Received
from engine.ari.resources import ChannelSnapshot
from engine.calls.clock import Clock
from engine.domain import ids
from engine.domain.events import DigitPressed
from engine.domain.stages import AnyStage, Confirming, Informing, ReachingAgent, ReachingCustomer, Talking
from engine.domain.values import CallId
from tests.app.test_misfortune import NOW, Facts

CALL = CallId("01a1fa8b-a623-7c62-ad4b-2564114e4c53")
CHANNEL = ids.channel_id(CALL, "agent", 1)


@pytest.mark.parametrize(
    ("stage", "counts"),
    [
        (ReachingAgent(), True),  # it may be pressed before the answer is taken note of
        (Confirming(asked=1, early=False), True),
        (Informing(), False),
        (ReachingCustomer(), False),
        (Talking(), False),
    ],
)
async def test_keys_of_a_conversation_are_not_taken_note_of(stage: AnyStage, counts: bool) -> None:
    delivered: list[object] = []

    def deliver(thing: str, event: object) -> bool:
        delivered.append(event)
        return True

    registry = SimpleNamespace(
        owner_of=lambda channel: SimpleNamespace(call=SimpleNamespace(stage=stage)), deliver=deliver
    )
    listener = Listener(Clock(boot="b"), Facts())
    listener.attach(cast("Any", registry), cast("Any", None), cast("Any", None), cast("Any", None))
    channel = ChannelSnapshot(id=CHANNEL, name="PJSIP/x", state="Up")
    pressed = ari.ChannelDtmfReceived(timestamp=NOW.isoformat(), channel=channel, digit="4")
    await listener.take(Received(1, pressed))
    assert [type(event) for event in delivered] == ([DigitPressed] if counts else [])
