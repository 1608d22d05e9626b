"""What a snapshot makes superfluous, and what must reach the consumer whatever was read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.ari.backlog import Backlog, superseded
from engine.ari.events import UnknownEvent, decode
from tests.ari.fake_asterisk import channel, event

TAKEN = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
BEFORE = "2026-11-20T11:59:59.998+0000"
PERHAPS = "2026-11-20T11:59:59.999+0000"
AFTER = "2026-11-20T12:00:00.001+0000"

SHOWN: list[tuple[str, dict[str, Any]]] = [
    ("ChannelStateChange", {"channel": channel("c")}),
    ("ChannelCreated", {"channel": channel("c")}),
    ("ChannelEnteredBridge", {"channel": channel("c"), "bridge": {"id": "b"}}),
    ("ChannelLeftBridge", {"channel": channel("c"), "bridge": {"id": "b"}}),
    ("BridgeCreated", {"bridge": {"id": "b"}}),
    ("Dial", {"peer": channel("c"), "dialstatus": "RINGING"}),
    ("Dial", {"peer": channel("c"), "dialstatus": "ANSWER"}),
]
NOT_SHOWN: list[tuple[str, dict[str, Any]]] = [
    ("StasisStart", {"channel": channel("c")}),
    ("StasisEnd", {"channel": channel("c")}),
    ("ChannelHangupRequest", {"channel": channel("c")}),
    ("ChannelDestroyed", {"channel": channel("c"), "cause": 16}),
    ("ChannelDtmfReceived", {"channel": channel("c"), "digit": "1"}),
    ("BridgeDestroyed", {"bridge": {"id": "b"}}),
    ("PlaybackFinished", {"playback": {"id": "p"}}),
    ("RecordingFinished", {"recording": {"name": "r"}}),
    ("Dial", {"peer": channel("c"), "dialstatus": "PROGRESS"}),
]


@pytest.mark.parametrize(("kind", "fields"), SHOWN)
def test_what_a_snapshot_shows_is_superseded_by_arrival_or_by_time(kind: str, fields: dict[str, Any]) -> None:
    old, new = decode(event(kind, BEFORE, **fields)), decode(event(kind, AFTER, **fields))
    assert superseded(old, TAKEN, arrived_before=False)
    assert superseded(new, TAKEN, arrived_before=True)
    assert not superseded(new, TAKEN, arrived_before=False)
    assert not superseded(decode(event(kind, PERHAPS, **fields)), TAKEN, arrived_before=False)


@pytest.mark.parametrize(("kind", "fields"), NOT_SHOWN)
def test_what_cannot_be_read_back_is_always_delivered(kind: str, fields: dict[str, Any]) -> None:
    found = decode(event(kind, BEFORE, **fields))
    assert not isinstance(found, UnknownEvent)
    assert not superseded(found, TAKEN, arrived_before=True)


def test_dropping_keeps_the_order_of_the_rest() -> None:
    backlog = Backlog()
    for kind, fields in [SHOWN[0], NOT_SHOWN[3], SHOWN[1]]:
        backlog.put(decode(event(kind, AFTER, **fields)))
    mark = backlog.mark
    for kind, fields in [SHOWN[0], NOT_SHOWN[4]]:
        backlog.put(decode(event(kind, AFTER, **fields)))
    assert backlog.drop_superseded(TAKEN, mark) == 2
    left = []
    while taken := backlog.take():
        left.append((taken[0], type(taken[1]).__name__))
    assert left == [(2, "ChannelDestroyed"), (4, "ChannelStateChange"), (5, "ChannelDtmfReceived")]


async def test_a_closed_backlog_makes_nobody_wait() -> None:
    backlog = Backlog()
    backlog.close()
    assert backlog.take() is None
    await backlog.wait()
