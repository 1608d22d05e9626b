"""Orders of a call carried out, and what the call is told when they cannot be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

import engine.ari.execute
from engine.ari.errors import AllocationFailed, AriError, Conflict, NotFound, OutcomeUnknown, Unreachable
from engine.ari.execute import Executor
from engine.ari.pools import Request
from engine.ari.requests import AriRequests
from engine.domain import effects as fx
from engine.domain import events as ev
from engine.domain.moment import Moment
from engine.domain.values import BridgeId, ChannelId, Dialstring, PlaybackId

NOW = Moment(datetime(2026, 11, 20, tzinfo=UTC), 1.0)
LEG, BRIDGE, PROMPT = ChannelId("c"), BridgeId("b"), PlaybackId("p")

CREATE = fx.CreateChannel(channel=LEG, endpoint=Dialstring("PJSIP/x"), caller_id="+33140000001", life_s=60)
DIAL = fx.DialChannel(channel=LEG, timeout_s=30)
HANG_UP = fx.HangUp(channel=LEG)
JOIN = fx.JoinBridge(bridge=BRIDGE, channel=LEG)
PLAY = fx.Play(playback=PROMPT, channel=LEG, prompt="press-one", language="fr")
QUIET: list[fx.Effect] = [
    fx.OpenBridge(bridge=BRIDGE),
    fx.CloseBridge(bridge=BRIDGE),
    fx.StopPlayback(playback=PROMPT),
    fx.StartComfort(channel=LEG, comfort="tone"),
    fx.StopComfort(channel=LEG),
]

Fails = Callable[[Request], AriError]


class Asterisk:
    """Does what it is told, or fails every request in one way."""

    def __init__(self, fails: Fails | None = None) -> None:
        self.sent: list[Request] = []
        self._fails = fails

    async def send(self, request: Request) -> bytes:
        self.sent.append(request)
        if self._fails is not None:
            raise self._fails(request)
        return b""


def executor(asterisk: Asterisk) -> Executor:
    return Executor(AriRequests(asterisk, "app"), sounds=Path("/sounds"), now=lambda: NOW)


def failing(kind: type[AriError]) -> Asterisk:
    return Asterisk(lambda request: kind(str(request), "as the test wants"))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.ari.execute, "LAST_WORD_S", 0.0)


@pytest.mark.parametrize("effect", [CREATE, HANG_UP, JOIN, PLAY, *QUIET], ids=lambda effect: type(effect).__name__)
async def test_an_order_that_succeeds_is_one_request_and_needs_no_word(effect: fx.Effect) -> None:
    asterisk = Asterisk()
    assert await executor(asterisk).carry_out(effect) is None
    assert len(asterisk.sent) == 1


async def test_a_dial_that_was_sent_is_told() -> None:
    assert isinstance(await executor(Asterisk()).carry_out(DIAL), ev.DialSent)


@pytest.mark.parametrize(
    ("effect", "failure", "expected"),
    [
        (CREATE, AllocationFailed, ev.ChannelRefused),
        (CREATE, Unreachable, ev.ChannelRefused),
        (CREATE, Conflict, None),
        (DIAL, OutcomeUnknown, ev.DialInDoubt),
        (DIAL, Conflict, ev.DialInDoubt),
        (DIAL, NotFound, ev.ChannelEnded),
        (HANG_UP, NotFound, ev.ChannelEnded),
        (HANG_UP, Unreachable, None),
        (JOIN, NotFound, ev.JoinFailed),
        (JOIN, OutcomeUnknown, ev.JoinFailed),
        (PLAY, NotFound, ev.PlaybackEnded),
        (PLAY, OutcomeUnknown, ev.PlaybackEnded),
    ],
)
async def test_what_the_call_is_told_of_a_failure(
    effect: fx.Effect, failure: type[AriError], expected: type[ev.Event] | None
) -> None:
    told = await executor(failing(failure)).carry_out(effect)
    assert (type(told) if told is not None else None) is expected


@pytest.mark.parametrize("effect", QUIET, ids=lambda effect: type(effect).__name__)
@pytest.mark.parametrize("failure", [NotFound, Conflict, OutcomeUnknown])
async def test_orders_whose_failure_changes_nothing_fail_quietly(effect: fx.Effect, failure: type[AriError]) -> None:
    assert await executor(failing(failure)).carry_out(effect) is None


async def test_orphans_are_ended_and_a_failure_is_survived() -> None:
    asterisk = Asterisk()
    await executor(asterisk).hang_up_orphan("c")
    await executor(asterisk).destroy_orphan_bridge("b")
    assert [str(request) for request in asterisk.sent] == ["DELETE /channels/c", "DELETE /bridges/b"]
    lost = executor(failing(Unreachable))
    await lost.hang_up_orphan("c")
    await lost.destroy_orphan_bridge("b")


@pytest.mark.parametrize(
    ("caller_id", "variables"),
    [
        ("+33140000001", {"CONNECTEDLINE(num,i)": "+33140000001", "CONNECTEDLINE(num-pres,i)": "allowed"}),
        (None, {"CONNECTEDLINE(num-pres,i)": "prohib"}),
    ],
)
async def test_the_number_presented_is_the_connected_line_s(caller_id: str | None, variables: dict[str, str]) -> None:
    asterisk = Asterisk()
    await executor(asterisk).carry_out(
        fx.CreateChannel(channel=LEG, endpoint=Dialstring("PJSIP/x"), caller_id=caller_id, life_s=60)
    )
    assert asterisk.sent[0].body == {"variables": {"TIMEOUT(absolute)": "60", **variables}}
