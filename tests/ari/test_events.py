"""Decoding: what we know is typed, what we do not know is kept."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from engine.ari.events import (
    BridgeDestroyed,
    ChannelDestroyed,
    Dial,
    PlaybackFinished,
    RecordingFinished,
    StasisStart,
    UnknownEvent,
    channel_id,
    decode,
)
from tests.ari.fake_asterisk import channel, event


def test_a_known_event_is_typed_and_its_time_aware() -> None:
    found = decode(event("ChannelDestroyed", "2026-11-20T18:50:14.622+0000", channel=channel("c"), cause=17))
    assert isinstance(found, ChannelDestroyed)
    assert found.cause == 17
    assert found.tech_cause is None
    assert found.at == datetime(2026, 11, 20, 18, 50, 14, 622000, UTC)


def test_fields_we_do_not_know_do_no_harm() -> None:
    found = decode(event("StasisStart", channel=channel("c", novelty={"a": 1}), args=["x", "y"], future=True))
    assert isinstance(found, StasisStart)
    assert found.args == ("x", "y")


def test_a_type_we_do_not_know_is_kept_with_its_text() -> None:
    raw = event("ChannelTeleported", channel=channel("c"))
    found = decode(raw)
    assert isinstance(found, UnknownEvent)
    assert (found.type, found.raw) == ("ChannelTeleported", raw)


def test_a_known_type_of_another_shape_is_kept_too() -> None:
    found = decode(event("ChannelDestroyed", channel="c", cause=17))
    assert isinstance(found, UnknownEvent)
    assert found.type == "ChannelDestroyed"
    assert "$.channel" in found.why


@given(st.binary() | st.text())
def test_no_frame_is_fatal(raw: bytes | str) -> None:
    decode(raw)


def test_the_arguments_of_a_channel_in_our_application() -> None:
    there = decode(
        event("StasisEnd", channel=channel("c", dialplan={"app_name": "Stasis", "app_data": "standardiste,in,33"}))
    )
    gone = decode(event("StasisEnd", channel=channel("c", dialplan={"app_name": "Playback", "app_data": "x"})))
    assert there.channel.stasis_args == ("standardiste", "in", "33")  # type: ignore[union-attr]
    assert gone.channel.stasis_args == ()  # type: ignore[union-attr]


def test_which_channel_an_event_is_about() -> None:
    playback = {"id": "p", "target_uri": "channel:c"}
    on_bridge = {"id": "p", "target_uri": "bridge:b"}
    recording = {"name": "r", "target_uri": "channel:c"}
    cases: list[tuple[str, type, str | None]] = [
        (event("ChannelDestroyed", channel=channel("c"), cause=0), ChannelDestroyed, "c"),
        (event("Dial", peer=channel("c"), dialstatus="RINGING"), Dial, "c"),
        (event("PlaybackFinished", playback=playback), PlaybackFinished, "c"),
        (event("PlaybackFinished", playback=on_bridge), PlaybackFinished, None),
        (event("RecordingFinished", recording=recording), RecordingFinished, "c"),
        (event("BridgeDestroyed", bridge={"id": "b"}), BridgeDestroyed, None),
        (event("Novelty"), UnknownEvent, None),
    ]
    for raw, kind, expected in cases:
        found = decode(raw)
        assert isinstance(found, kind)
        assert channel_id(found) == expected
