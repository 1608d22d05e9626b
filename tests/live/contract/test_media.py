"""Prompts, keys, comfort and ringing, as the parties hear them."""

from __future__ import annotations

import asyncio
import time

from engine.ari.events import ChannelDtmfReceived, ChannelEnteredBridge, Dial, PlaybackFinished, PlaybackStarted
from engine.ari.requests import AriRequests
from engine.sandbox.audio import tone_levels
from engine.sandbox.behaviours import mobile
from tests.live.contract.line import Line, new_id

LONG = ["sound:demo-congrats"]
LONG_S = 27.0
RINGBACK_HZ = 440
"""France."""


async def _playing(line: Line, ari: AriRequests, channel: str, media: list[str]) -> str:
    playback = new_id()
    await ari.play(channel, playback, media)
    await line.until(
        lambda: any(isinstance(e, PlaybackStarted) and e.playback.id == playback for e in line.events(channel))
    )
    return playback


async def _finished(line: Line, playback: str) -> str:
    def ends() -> list[str]:
        return [
            e.playback.state for e in line.events() if isinstance(e, PlaybackFinished) and e.playback.id == playback
        ]

    await line.until(ends)
    return ends()[0]


async def test_a_command_for_the_channel_s_thread_waits_behind_a_prompt_and_not_behind_a_lane(line: Line) -> None:
    channel = await line.up(mobile("10", ring_s=0, serial=70))
    playback = await _playing(line, line.raw, channel, LONG)
    waiting = asyncio.create_task(line.raw.set_variable(channel, "A", "1"))
    reading = await line.raw.get_variable(channel, "CHANNEL(state)")
    assert reading == "Up"
    assert not waiting.done()
    assert await line.ari.stop_playback(playback)
    await asyncio.wait_for(waiting, LONG_S / 4)
    await _playing(line, line.ari, channel, LONG)
    started = time.monotonic()
    await line.ari.set_variable(channel, "A", "2")
    assert time.monotonic() - started < LONG_S / 4  # it did not wait for the prompt's end


async def test_a_stopped_prompt_ends_done(line: Line) -> None:
    channel = await line.up(mobile("10", ring_s=0, serial=71))
    playback = await _playing(line, line.ari, channel, LONG)
    assert await line.ari.stop_playback(playback)
    assert await _finished(line, playback) == "done"
    async with asyncio.timeout(10):
        while await line.ari.stop_playback(playback):  # forgotten a moment after it is told
            pass


async def test_a_missing_sound_fails_alone_and_is_skipped_in_a_list(line: Line) -> None:
    channel = await line.up(mobile("10", ring_s=0, serial=72))
    for media, state in ((["sound:is-not-there"], "failed"), (["sound:is-not-there", "sound:beep"], "done")):
        playback = new_id()
        await line.ari.play(channel, playback, media)
        assert await _finished(line, playback) == state


async def test_a_hang_up_fails_the_prompt(line: Line) -> None:
    channel = await line.up(mobile("10", ring_s=0, serial=73))
    playback = await _playing(line, line.ari, channel, LONG)
    await line.ari.hang_up(channel)
    assert await _finished(line, playback) == "failed"


async def test_a_key_is_told_while_a_prompt_plays(line: Line) -> None:
    channel = await line.up(mobile("26", ring_s=0, serial=74))
    await _playing(line, line.ari, channel, LONG)
    assert (await line.event(ChannelDtmfReceived, channel)).digit == "1"


async def test_a_key_is_told_between_two_parties_in_a_bridge(line: Line) -> None:
    one = await line.up(mobile("10", ring_s=0, serial=75))
    number = mobile("10", ring_s=0, serial=76)
    other = await line.up(number)
    await line.bridge(one, other)
    await line.event(ChannelEnteredBridge, other)
    await line.box.farend.press(number, "5")
    assert (await line.event(ChannelDtmfReceived, other)).digit == "5"


async def _agent_waits(line: Line, serial: int, customer: str) -> tuple[str, str, str]:
    """An agent in a bridge hearing comfort, and a customer's leg dialled into it: bridge, number, customer."""
    number = mobile("25", ring_s=0, serial=serial)
    agent = await line.up(number)
    bridge = await line.bridge(agent)
    await line.ari.start_moh(agent)
    leg = await line.created(f"PJSIP/{customer}@trunk-lyon-1")
    await line.ari.add_to_bridge(bridge, leg)
    await line.ari.dial(leg, 30)
    return agent, number, leg


async def _hears(line: Line, number: str, freq: int, *, above_db: float = -35) -> None:
    """Until the last half second of what a party heard holds a tone."""
    await line.box.farend.until(lambda: bool(line.box.farend.heard(number)))
    (recording,) = line.box.farend.heard(number)

    def level() -> float:
        seconds = recording.stat().st_size / 16000
        return tone_levels(recording, [freq], start_s=max(0.0, seconds - 0.5))[freq] if seconds > 0.5 else -99.0

    await line.box.farend.until(lambda: level() > above_db)


async def test_ringing_replaces_comfort_by_itself(line: Line) -> None:
    """And stopping the comfort then would stop the ringing."""
    _, number, leg = await _agent_waits(line, 77, mobile("81", serial=78))
    await line.event(Dial, leg, dialstatus="RINGING")
    await _hears(line, number, RINGBACK_HZ)


async def test_early_media_is_heard_once_comfort_is_stopped(line: Line) -> None:
    agent, number, leg = await _agent_waits(line, 79, mobile("13", ring_s=9, tone_hz=1600, serial=80))
    await line.event(Dial, leg, dialstatus="PROGRESS")
    await line.ari.stop_moh(agent)
    await _hears(line, number, 1600)
    assert (await line.ari.get_channel(leg)).state == "Down"


async def test_comfort_ends_at_the_answer_by_itself(line: Line) -> None:
    agent, number, leg = await _agent_waits(line, 81, mobile("11", ring_s=0.5, tone_hz=1200, serial=82))
    await line.event(Dial, leg, dialstatus="ANSWER")
    await _hears(line, number, 1200)
    await line.ari.stop_moh(agent)
