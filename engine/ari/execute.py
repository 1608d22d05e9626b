"""Orders of a call, carried out in Asterisk; what went wrong comes back as an event the call understands.

Each order is bounded in time by the requests below. A channel that is already gone is no error: its end is told by its
own event, and where that event was lost, by ours after a grace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import structlog

from engine.ari.errors import AriError, Conflict, NotFound, NotInStasis
from engine.ari.requests import AriRequests
from engine.domain import effects as fx
from engine.domain.directory import Language
from engine.domain.events import (
    ChannelEnded,
    ChannelRefused,
    DialInDoubt,
    DialSent,
    Event,
    JoinFailed,
    PlaybackEnded,
    RecordingEnded,
)
from engine.domain.moment import Moment
from engine.domain.scenario.talk import AnyHeard
from engine.domain.values import ChannelId, RecordingId

log = structlog.get_logger(__name__)

RECORDED_AS, BYTES_PER_S = "sln", 16_000
"""Without a header: what was recorded until a crash of Asterisk can be heard. 8 kHz, 16 bit."""
FIRST = "-p0001"
"""The end of the name of the first thing a caller hears (`ids.playback_id`): silence goes before it, for the far end
opens its way for the voice with the first packets, and loses them."""
LAST_WORD_S = 1.0
"""Asterisk says 404 before the event that tells why the channel ended has been read: it gets this long."""


class Voices(Protocol):
    """Where what a scenario says is to be had."""

    async def media(self, items: tuple[AnyHeard, ...], language: Language) -> list[str]:
        """Media URIs that Asterisk plays one after the other; what cannot be had is passed over."""
        ...


class Executor:
    """Implements `calls.ports.World`. `sounds` is where the prompts are, from Asterisk's point of view."""

    def __init__(
        self, requests: AriRequests, *, sounds: Path, now: Callable[[], Moment], voices: Voices | None = None
    ) -> None:
        self._ari, self._sounds, self._now, self._voices = requests, sounds, now, voices

    async def carry_out(self, effect: fx.Effect) -> Event | None:
        told: Event | None = None
        match effect:
            case fx.CreateChannel():
                told = await self._create(effect)
            case fx.DialChannel():
                told = await self._dial(effect)
            case fx.HangUp() | fx.Answer():
                told = await self._end_or_take(effect)
            case fx.JoinBridge():
                told = await self._join(effect)
            case fx.Play() | fx.Utter():
                told = await self._say(effect)
            case fx.StartRecording():
                told = await self._record(effect)
            case _:
                await self._quietly(effect)
        return told

    async def hang_up_orphan(self, channel: str) -> None:
        try:
            await self._ari.hang_up(channel)
        except AriError as failed:
            log.warning("ari.orphan_stays", channel=channel, why=failed.message)

    async def destroy_orphan_bridge(self, bridge: str) -> None:
        try:
            await self._ari.destroy_bridge(bridge)
        except AriError as failed:
            log.warning("ari.orphan_stays", bridge=bridge, why=failed.message)

    async def _create(self, effect: fx.CreateChannel) -> Event | None:
        variables = {"TIMEOUT(absolute)": str(effect.life_s)}
        # With create + dial the number presented is the *connected line's*, not the caller id's.
        if effect.caller_id is not None:
            variables["CONNECTEDLINE(num,i)"] = effect.caller_id
            variables["CONNECTEDLINE(num-pres,i)"] = "allowed"
        else:
            variables["CONNECTEDLINE(num-pres,i)"] = "prohib"
        try:
            await self._ari.create_channel(effect.channel, effect.endpoint, variables=variables)
        except Conflict:
            return None  # it is there: this is the second time it is ordered, after a restart
        except AriError as failed:
            log.warning("ari.create_failed", channel=effect.channel, why=failed.message)
            return ChannelRefused(at=self._now(), channel=effect.channel, why=failed.stable_code)
        return None

    async def _dial(self, effect: fx.DialChannel) -> Event:
        try:
            await self._ari.dial(effect.channel, effect.timeout_s)
        except NotFound:
            return await self._gone(effect.channel)
        except AriError as failed:
            log.warning("ari.dial_in_doubt", channel=effect.channel, why=failed.message)
            return DialInDoubt(at=self._now(), channel=effect.channel)
        return DialSent(at=self._now(), channel=effect.channel)

    async def _end_or_take(self, effect: fx.HangUp | fx.Answer) -> Event | None:
        return await (self._hang_up(effect) if isinstance(effect, fx.HangUp) else self._answer(effect))

    async def _hang_up(self, effect: fx.HangUp) -> Event | None:
        try:
            there = await self._ari.hang_up(effect.channel, cause=effect.cause)
        except AriError as failed:
            log.warning("ari.hang_up_failed", channel=effect.channel, why=failed.message)
            return None  # the call repeats it
        return None if there else await self._gone(effect.channel)

    async def _answer(self, effect: fx.Answer) -> Event | None:
        """Whoever called is bounded like those we call: nothing of ours can be forgotten."""
        try:
            await self._ari.set_variable(effect.channel, "TIMEOUT(absolute)", str(effect.life_s))
            await self._ari.answer(effect.channel)
        except NotFound:
            return await self._gone(effect.channel)
        except AriError as failed:
            log.warning("ari.answer_failed", channel=effect.channel, why=failed.message)
        return None

    async def _join(self, effect: fx.JoinBridge) -> Event | None:
        try:
            await self._ari.add_to_bridge(effect.bridge, effect.channel)
        except AriError as failed:
            log.warning("ari.join_failed", channel=effect.channel, why=failed.message)
            return JoinFailed(at=self._now(), channel=effect.channel, why=failed.stable_code)
        return None

    async def _say(self, effect: fx.Play | fx.Utter) -> Event | None:
        """A prompt of ours, or things of a scenario; what cannot be had is over at once."""
        media = await self._media(effect)
        try:
            if media:
                await self._ari.play(effect.channel, effect.playback, media, lang=effect.language)
        except AriError as failed:
            log.warning("ari.play_failed", channel=effect.channel, media=media, why=failed.message)
            media = []
        return None if media else PlaybackEnded(at=self._now(), playback=effect.playback, heard=False)

    async def _media(self, effect: fx.Play | fx.Utter) -> list[str]:
        if isinstance(effect, fx.Play):
            return [f"sound:{self._sounds / effect.language / effect.prompt}"]
        media = [] if self._voices is None else await self._voices.media(effect.items, effect.language)
        if media and effect.playback.endswith(FIRST):
            return [f"sound:{self._sounds / 'lead'}", *media]
        return media

    async def _record(self, effect: fx.StartRecording) -> Event | None:
        """Ordered again after a restart, it is told how the recording ended that goes on no more."""
        try:
            await self._ari.record(
                effect.channel,
                effect.recording,
                file_format=RECORDED_AS,
                max_s=effect.max_s,
                silence_s=effect.silence_s,
                beep=effect.beep,
            )
        except (Conflict, NotFound, NotInStasis):  # where the caller is gone too, their message may be there
            return await self._recorded(effect.recording)
        except AriError as failed:
            log.warning("ari.record_failed", channel=effect.channel, why=failed.message)
            return RecordingEnded(at=self._now(), recording=effect.recording, kept=False)
        return None

    async def _recorded(self, recording: RecordingId) -> Event | None:
        try:
            if await self._ari.is_recording(recording):
                return None
            seconds = len(await self._ari.stored_recording(recording)) / BYTES_PER_S
        except NotFound:  # the caller hung up as it was to begin: no fault, and the hang-up is told first
            await asyncio.sleep(LAST_WORD_S)
            seconds = 0.0
        except AriError as failed:
            log.warning("ari.recording_lost", recording=recording, why=failed.message)
            return RecordingEnded(at=self._now(), recording=recording, kept=False)
        return RecordingEnded(at=self._now(), recording=recording, seconds=round(seconds, 1))

    async def _quietly(self, effect: fx.Effect) -> None:
        """Orders whose failure changes nothing for the call."""
        try:
            match effect:
                case fx.OpenBridge(bridge=bridge):
                    await self._ari.create_bridge(bridge, name=self._ari.app)  # whose it is, should two engines be here
                case fx.CloseBridge(bridge=bridge, leaving=leaving):
                    for channel in leaving:
                        with suppress(Conflict, NotFound):  # out of it already
                            await self._ari.remove_from_bridge(bridge, channel)
                    await self._ari.destroy_bridge(bridge)
                case fx.Ring(channel=channel):
                    await self._ari.ring(channel)
                case fx.StopPlayback(playback=playback):
                    await self._ari.stop_playback(playback)
                case fx.StopRecording(recording=recording):
                    await self._ari.stop_recording(recording)
                case fx.StartComfort(channel=channel, comfort=comfort):
                    moh_class = "default" if comfort == "music" else "standardiste-comfort"
                    await self._ari.start_moh(channel, moh_class=moh_class)
                case fx.StopComfort(channel=channel):
                    await self._ari.stop_moh(channel)
        except (Conflict, NotFound):
            pass  # already so
        except AriError as failed:
            log.warning("ari.order_failed", order=type(effect).__name__, why=failed.message)

    async def _gone(self, channel: ChannelId) -> ChannelEnded:
        await asyncio.sleep(LAST_WORD_S)
        return ChannelEnded(at=self._now(), channel=channel, missed=True)
