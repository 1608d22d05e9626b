"""Bridges, and leaving our application."""

from __future__ import annotations

import asyncio

import pytest

from engine.ari.bridge_requests import HOLDING
from engine.ari.building import Reported
from engine.ari.errors import Conflict, NotFound
from engine.ari.events import (
    ChannelEnteredBridge,
    ChannelLeftBridge,
    RecordingFinished,
    RecordingStarted,
    StasisEnd,
    StasisStart,
)
from engine.sandbox.behaviours import mobile
from tests.live.contract.line import Line, new_id


async def test_a_bridge_of_two_parties_lets_us_see_their_keys(line: Line) -> None:
    one, other = await asyncio.gather(*(line.up(mobile("10", ring_s=0, serial=serial)) for serial in (83, 84)))
    bridge = await line.bridge(one, other)
    await line.event(ChannelEnteredBridge, other)
    seen = await line.ari.get_bridge(bridge)
    assert set(seen.channels) == {one, other}
    assert seen.technology != "native_rtp"


async def test_a_leg_moves_to_another_bridge_without_leaving_the_first_before(line: Line) -> None:
    channel = await line.up(mobile("10", ring_s=0, serial=85))
    first = await line.bridge(channel)
    second = await line.bridge(channel, kind=HOLDING)
    await line.event(ChannelLeftBridge, channel)
    assert (await line.ari.get_bridge(first)).channels == ()
    assert (await line.ari.get_bridge(second)).channels == (channel,)


async def test_the_end_of_a_bridge_is_not_the_end_of_its_legs(line: Line) -> None:
    channel = await line.up(mobile("10", ring_s=0, serial=86))
    bridge = await line.bridge(channel)
    assert await line.ari.destroy_bridge(bridge)
    await line.event(ChannelLeftBridge, channel)
    assert (await line.ari.get_channel(channel)).stasis_args == ("contract",)
    assert not await line.ari.destroy_bridge(bridge)


async def test_a_bridge_reports_its_variables_once_somebody_entered(line: Line) -> None:
    bridge = await line.bridge(name="k7", variables={"CALL_ID": Reported("k7")})
    empty = await line.ari.get_bridge(bridge)
    assert (empty.name, empty.bridgevars) == ("k7", {})
    channel = await line.up(mobile("10", ring_s=0, serial=89))
    await line.ari.add_to_bridge(bridge, channel)
    entered = await line.event(ChannelEnteredBridge, channel)
    assert entered.bridge.bridgevars == {"CALL_ID": "k7"}
    assert (await line.ari.get_bridge(bridge)).bridgevars == {"CALL_ID": "k7"}


async def test_the_id_of_a_bridge_is_taken_while_it_lives(line: Line) -> None:
    bridge = await line.bridge()
    with pytest.raises(Conflict):
        await line.ari.create_bridge(bridge)


async def test_a_leg_that_is_gone_cannot_be_added(line: Line) -> None:
    bridge = await line.bridge()
    with pytest.raises(NotFound):
        await line.ari.add_to_bridge(bridge, new_id())


async def test_a_snoop_is_recorded_to_its_end_and_the_file_is_listed_and_removed(line: Line) -> None:
    channel = await line.up(mobile("10", ring_s=0, serial=87))
    snoop, name = new_id(), f"contract-{new_id()}"
    line.channels.append(snoop)
    await line.ari.snoop(channel, snoop, spy="in")
    await line.event(StasisStart, snoop)
    await line.ari.record(snoop, name, file_format="sln")
    await line.event(RecordingStarted)  # a stop before it may be accepted and lost
    assert await line.ari.stop_recording(name)
    finished = await line.event(RecordingFinished)
    assert finished.recording.name == name
    recording = line.box.asterisk_settings.paths.spool / "recording" / f"{name}.sln"
    assert recording.exists()
    assert name in await line.ari.stored_recordings()
    assert await line.ari.remove_recording(name)
    assert not recording.exists()
    assert name not in await line.ari.stored_recordings()


async def test_a_leg_given_to_the_dialplan_leaves_us_without_a_hang_up_of_ours(line: Line) -> None:
    channel = await line.up(mobile("10", ring_s=0, serial=88))
    await line.ari.continue_in_dialplan(channel, "there-is-no-such-context")
    await line.event(StasisEnd, channel)
