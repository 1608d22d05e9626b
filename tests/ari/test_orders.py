"""Every order of a call is exactly one request, known to the letter; every word of Asterisk's about a call is told."""

from __future__ import annotations

import asyncio
import typing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from engine.ari import errors as ari_errors
from engine.ari import execute, translate
from engine.ari.errors import AriError, Conflict, NotFound, NotInStasis, Unreachable
from engine.ari.execute import Executor
from engine.ari.requests import AriRequests
from engine.domain import effects as fx
from engine.domain import events as ev
from engine.domain.directory import Language
from engine.domain.ids import playback_id
from engine.domain.moment import Moment
from engine.domain.scenario.talk import AnyHeard, DigitByDigit, Words
from engine.domain.values import BridgeId, CallId, ChannelId, Dialstring, PlaybackId, RecordingId
from tests.ari.test_execute import Asterisk
from tests.ari.test_translate import TOLD
from tests.clockwork import Hands

NOW = Moment(datetime(2026, 11, 20, tzinfo=UTC), 1.0)
LEG, BRIDGE, PROMPT, MESSAGE = ChannelId("c"), BridgeId("b"), PlaybackId("p"), RecordingId("r")

ORDERS: list[tuple[fx.Effect, str, dict[str, str]]] = [
    (
        fx.CreateChannel(channel=LEG, endpoint=Dialstring("PJSIP/x"), caller_id=None, life_s=60),
        "POST /channels/create",
        {"endpoint": "PJSIP/x", "app": "app", "channelId": "c"},
    ),
    (fx.DialChannel(channel=LEG, timeout_s=30), "POST /channels/c/dial", {"timeout": "30"}),
    (fx.HangUp(channel=LEG), "DELETE /channels/c", {}),
    (fx.HangUp(channel=LEG, cause=17), "DELETE /channels/c", {"reason_code": "17"}),
    (fx.Ring(channel=LEG), "POST /channels/c/ring", {}),
    (fx.OpenBridge(bridge=BRIDGE), "POST /bridges/b", {"type": "mixing,dtmf_events"}),
    (
        fx.JoinBridge(bridge=BRIDGE, channel=LEG),
        "POST /bridges/b/addChannel",
        {"channel": "c", "inhibitConnectedLineUpdates": "true"},
    ),
    (fx.CloseBridge(bridge=BRIDGE), "DELETE /bridges/b", {}),
    (
        fx.Play(playback=PROMPT, channel=LEG, prompt="press-one", language="en"),
        "POST /channels/c/play/p",
        {"media": "sound:/sounds/en/press-one", "lang": "en"},
    ),
    (fx.StopPlayback(playback=PROMPT), "DELETE /playbacks/p", {}),
    (
        fx.Utter(playback=PROMPT, channel=LEG, items=(Words("Bonjour"), DigitByDigit("12")), language="fr"),
        "POST /channels/c/play/p",
        {"media": "sound:/said/Bonjour,digits:12", "lang": "fr"},
    ),
    (
        fx.StartRecording(recording=MESSAGE, channel=LEG, max_s=60, silence_s=5, beep=True),
        "POST /channels/c/record",
        {"format": "sln", "maxDurationSeconds": "60", "maxSilenceSeconds": "5", "ifExists": "fail", "beep": "true"},
    ),
    (fx.StopRecording(recording=MESSAGE), "POST /recordings/live/r/stop", {}),
    (fx.StartComfort(channel=LEG, comfort="music"), "POST /channels/c/moh", {"mohClass": "default"}),
    (fx.StartComfort(channel=LEG, comfort="tone"), "POST /channels/c/moh", {"mohClass": "standardiste-comfort"}),
    (fx.StopComfort(channel=LEG), "DELETE /channels/c/moh", {}),
]
OURS = {fx.ChooseMember, fx.ChooseTrunk, fx.StartTimer, fx.CancelTimer, fx.AskHouse, fx.PlanReach}
"""Orders to the engine itself: Asterisk never hears of them."""


class Spoken:
    """Words are files of that name, digits digits."""

    async def media(self, items: tuple[AnyHeard, ...], language: Language) -> list[str]:
        return [f"digits:{i.digits}" if isinstance(i, DigitByDigit) else f"sound:/said/{_text(i)}" for i in items]


def _text(item: AnyHeard) -> str:
    assert isinstance(item, Words)
    return item.text


def executor(asterisk: Asterisk) -> Executor:
    return Executor(AriRequests(asterisk, "app"), sounds=Path("/sounds"), now=lambda: NOW, voices=Spoken())


def test_no_order_is_left_out() -> None:
    assert {type(order) for order, _, _ in ORDERS} | OURS | {fx.Answer} == set(typing.get_args(fx.Effect))


@pytest.mark.parametrize(("order", "request_", "query"), ORDERS, ids=lambda value: str(getattr(value, "channel", "")))
async def test_an_order_is_one_request(order: fx.Effect, request_: str, query: dict[str, str]) -> None:
    asterisk = Asterisk()
    await executor(asterisk).carry_out(order)
    (sent,) = asterisk.sent
    shown = {name: value for name, value in sent.query if name != "name"}
    assert (str(sent), shown) == (request_, query)


async def test_whoever_called_is_bounded_and_then_answered() -> None:
    asterisk = Asterisk()
    assert await executor(asterisk).carry_out(fx.Answer(channel=LEG, life_s=60)) is None
    assert [str(sent) for sent in asterisk.sent] == ["POST /channels/c/variable", "POST /channels/c/answer"]
    assert ("value", "60") in asterisk.sent[0].query


async def test_whoever_called_and_cannot_be_answered_stays_unanswered() -> None:
    """No call is lost by it: its own timer ends it."""
    asterisk = Asterisk(lambda request: Unreachable(str(request), "nobody listens"))
    assert await executor(asterisk).carry_out(fx.Answer(channel=LEG, life_s=60)) is None


@pytest.mark.parametrize(
    "order",
    [fx.HangUp(channel=LEG), fx.Answer(channel=LEG, life_s=60), fx.DialChannel(channel=LEG, timeout_s=30)],
)
async def test_an_end_that_was_missed_is_told_after_a_grace_and_not_before(order: fx.Effect) -> None:
    """404 comes before the event that says why: that event has a second to be read first."""
    hands = Hands()
    asterisk = Asterisk(lambda request: NotFound(str(request), "gone"))
    told = asyncio.create_task(executor(asterisk).carry_out(order))
    while not asterisk.sent:  # noqa: ASYNC110 - two turns of the loop at most
        await asyncio.sleep(0)
    hands.turn(execute.LAST_WORD_S - 0.1)
    await asyncio.sleep(0.02)
    assert not told.done()
    hands.turn(0.1)
    assert await asyncio.wait_for(told, 1) == ev.ChannelEnded(at=NOW, channel=LEG, missed=True)


def failures() -> list[type[AriError]]:
    """Every way a request can fail."""
    kinds = [kind for kind in vars(ari_errors).values() if isinstance(kind, type) and issubclass(kind, AriError)]
    return [kind for kind in kinds if kind is not AriError]


@pytest.mark.parametrize("failure", failures(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("order", [order for order, _, _ in ORDERS], ids=lambda order: type(order).__name__)
async def test_no_failure_of_asterisk_s_is_raised_at_a_call(
    order: fx.Effect, failure: type[AriError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execute, "LAST_WORD_S", 0.0)
    asterisk = Asterisk(lambda request: failure(str(request), "as the test wants", 400))
    told = await executor(asterisk).carry_out(order)
    # Whether a recording is there already, and one whose caller is gone too: whether it is kept.
    asked_again: dict[type[AriError], int] = {NotFound: 2, Conflict: 1, NotInStasis: 1}
    asks = asked_again.get(failure, 0) if isinstance(order, fx.StartRecording) else 0
    assert len(asterisk.sent) == 1 + asks  # and nothing is tried twice here: the pools know what may be repeated
    if isinstance(order, fx.DialChannel):
        assert isinstance(told, ev.ChannelEnded if failure is NotFound else ev.DialInDoubt)
    if isinstance(order, fx.StartRecording) and failure is NotFound:  # they hung up before a word
        assert told == ev.RecordingEnded(at=NOW, recording=MESSAGE, seconds=0.0)
    elif isinstance(order, fx.StartRecording) and failure is not Conflict:
        assert told == ev.RecordingEnded(at=NOW, recording=MESSAGE, kept=False)
    if isinstance(order, fx.Play | fx.Utter):
        assert told == ev.PlaybackEnded(at=NOW, playback=PROMPT, heard=False)


async def test_a_failure_is_in_the_log_with_its_channel() -> None:
    asterisk = Asterisk(lambda request: Unreachable(str(request), "nobody listens"))
    with capture_logs() as logs:
        for order, _, _ in ORDERS:
            await executor(asterisk).carry_out(order)
    assert len(logs) == len(ORDERS)
    assert {line["log_level"] for line in logs} == {"warning"}


# -- what Asterisk says ------------------------------------------------------------------------------------------------

MADE_BY_OTHERS: set[type[Any]] = {
    *(ev.CallRequested, ev.FinishOrdered, ev.Disposed),  # applications
    *(ev.MemberChosen, ev.TrunkChosen, ev.TimerFired, ev.EngineRestarted, ev.CaughtUp, ev.AsteriskLost),  # the engine
    *(ev.HouseReplied, ev.ReachPlanned),
    *(ev.ChannelRefused, ev.DialSent, ev.DialInDoubt, ev.JoinFailed),  # how an order went
}


def test_whatever_a_call_can_hear_of_asterisk_it_is_told() -> None:
    assert {kind for _, _, kind, _ in TOLD} | MADE_BY_OTHERS == set(typing.get_args(ev.Event))


def test_states_and_dial_results_the_table_does_not_know_mean_nothing() -> None:
    assert set(translate._DIALSTATUS) == {"RINGING", "PROGRESS", "ANSWER"}
    assert set(translate._STATES) == {"Ringing", "Up"}


async def test_silence_goes_before_the_first_word_a_caller_hears_and_before_no_other() -> None:
    asterisk = Asterisk()
    call = CallId("01a217d2-5305-79b3-89b1-8c60dbeeaf8a")
    for number in (1, 2):
        first = fx.Utter(playback=playback_id(call, number), channel=LEG, items=(DigitByDigit("1"),), language="fr")
        await executor(asterisk).carry_out(first)
    assert [dict(sent.query)["media"] for sent in asterisk.sent] == ["sound:/sounds/lead,digits:1", "digits:1"]


async def test_who_goes_on_alone_is_taken_out_of_the_bridge_before_it_ends() -> None:
    asterisk = Asterisk()
    assert await executor(asterisk).carry_out(fx.CloseBridge(bridge=BRIDGE, leaving=(LEG,))) is None
    assert [str(sent) for sent in asterisk.sent] == ["POST /bridges/b/removeChannel", "DELETE /bridges/b"]
    gone = Asterisk(lambda request: NotFound(str(request), "gone"))
    assert await executor(gone).carry_out(fx.CloseBridge(bridge=BRIDGE, leaving=(LEG,))) is None
    assert len(gone.sent) == 2
