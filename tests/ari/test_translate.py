"""Asterisk's words and the call's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.ari.events import decode
from engine.ari.resources import ChannelSnapshot
from engine.ari.translate import state, translate
from engine.domain import events as ev
from engine.domain.moment import Moment
from tests.ari.fake_asterisk import channel, event

NOW = Moment(datetime(2026, 11, 20, tzinfo=UTC), 1.0)
LEG = channel("c")

TOLD: list[tuple[str, dict[str, Any], type[Any], str]] = [
    ("StasisStart", {"channel": LEG}, ev.ChannelReady, "c"),
    ("Dial", {"peer": LEG, "dialstatus": "RINGING"}, ev.ChannelRinging, "c"),
    ("Dial", {"peer": LEG, "dialstatus": "PROGRESS"}, ev.ChannelProgressed, "c"),
    ("Dial", {"peer": LEG, "dialstatus": "ANSWER"}, ev.ChannelAnswered, "c"),
    ("ChannelStateChange", {"channel": channel("c", "Ringing")}, ev.ChannelRinging, "c"),
    ("ChannelStateChange", {"channel": channel("c", "Up")}, ev.ChannelAnswered, "c"),
    ("ChannelDestroyed", {"channel": LEG, "cause": 17, "tech_cause": 486}, ev.ChannelEnded, "c"),
    ("ChannelDtmfReceived", {"channel": LEG, "digit": "1"}, ev.DigitPressed, "c"),
    ("PlaybackFinished", {"playback": {"id": "p", "state": "done"}}, ev.PlaybackEnded, "p"),
    ("RecordingFinished", {"recording": {"name": "r", "talking_duration": 7}}, ev.RecordingEnded, "r"),
    ("RecordingFailed", {"recording": {"name": "r", "cause": "no file"}}, ev.RecordingEnded, "r"),
    ("ChannelEnteredBridge", {"channel": LEG, "bridge": {"id": "b"}}, ev.ChannelJoined, "c"),
]

NOT_TOLD: list[tuple[str, dict[str, Any]]] = [
    ("StasisEnd", {"channel": LEG}),  # also a leg given to the dialplan: not an end
    ("Dial", {"peer": LEG, "dialstatus": ""}),
    ("ChannelStateChange", {"channel": channel("c", "Down")}),
    ("ChannelEnteredBridge", {"bridge": {"id": "b"}}),
    ("PlaybackStarted", {"playback": {"id": "p"}}),
    ("ChannelTeleported", {}),
]


@pytest.mark.parametrize(("kind", "fields", "expected", "about"), TOLD)
def test_what_concerns_a_call_is_told_in_its_words(
    kind: str, fields: dict[str, Any], expected: type[Any], about: str
) -> None:
    told = translate(decode(event(kind, **fields)), NOW)
    assert told is not None
    assert (told[0], type(told[1]), told[1].at) == (about, expected, NOW)


@pytest.mark.parametrize(("kind", "fields"), NOT_TOLD)
def test_the_rest_is_not(kind: str, fields: dict[str, Any]) -> None:
    assert translate(decode(event(kind, **fields)), NOW) is None


def test_an_end_keeps_its_cause_and_sip_status() -> None:
    told = translate(decode(event("ChannelDestroyed", channel=LEG, cause=17, tech_cause=486)), NOW)
    assert told is not None
    ended = told[1]
    assert isinstance(ended, ev.ChannelEnded)
    assert (ended.cause, ended.sip_code) == (17, 486)


@pytest.mark.parametrize(("shown", "expected"), [("Up", "up"), ("Ringing", "ringing"), ("Down", "down"), ("?", "down")])
def test_the_state_of_a_channel_in_a_snapshot(shown: str, expected: str) -> None:
    assert state(ChannelSnapshot(id="c", name="PJSIP/x", state=shown)) == expected
