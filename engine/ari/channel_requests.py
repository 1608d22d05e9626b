"""Typed commands to one channel. Each raises AriError; ids are ours and of one fixed length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from engine.ari.building import Sender, Variables, get, given, listed, segment, variables_body
from engine.ari.pools import URGENT_LIMIT_S, Request, Retry
from engine.ari.resources import ChannelSnapshot, Playback, Recording

Direction = Literal["both", "in", "out"]
SpyDirection = Literal["none", "both", "in", "out"]


class _Value(msgspec.Struct):
    value: str


class ChannelRequests(Sender):
    """Everything the engine asks of a channel."""

    async def create_channel(
        self,
        channel_id: str,
        endpoint: str,
        *,
        args: Sequence[str] = (),
        variables: Variables | None = None,
        originator: str | None = None,
        formats: Sequence[str] = (),
    ) -> None:
        """Make an undialled channel in our application. Nothing rings yet, so this is repeated when in doubt.

        `StasisStart` may arrive before this returns; `dial` is refused before it. `originator` is a channel whose
        linkedid and formats are taken over. AllocationFailed: the endpoint does not exist, or no resource was free.
        """
        await self._send(
            Request(
                method="POST",
                path="/channels/create",
                query=given(
                    endpoint=endpoint,
                    app=self._app,
                    appArgs=listed(args) or None,
                    channelId=channel_id,
                    originator=originator,
                    formats=listed(formats) or None,
                ),
                body=variables_body(variables),
                retry=Retry.CREATE,
                lanes=(channel_id,),
            )
        )

    async def dial(self, channel_id: str, timeout_s: int, *, caller: str | None = None) -> None:
        """Ring the far end of a created channel, once: a second dial kills the leg.

        OutcomeUnknown means that it may be ringing: hang it up by id. `caller` is a channel whose caller id is shown.
        """
        await self._post(channel_id, "dial", given(timeout=timeout_s, caller=caller))

    async def answer(self, channel_id: str) -> None:
        """Answer an incoming channel."""
        await self._post(channel_id, "answer", needs_thread=True, retry=Retry.ALWAYS)

    async def ring(self, channel_id: str) -> None:
        """Send 180 to an unanswered incoming channel."""
        await self._post(channel_id, "ring", retry=Retry.ALWAYS)

    async def stop_ring(self, channel_id: str) -> None:
        """Stop the ringing indication."""
        await self._delete(channel_id, "ring")

    async def progress(self, channel_id: str) -> None:
        """Send 183 to an unanswered incoming channel: what is played is heard before the answer."""
        await self._post(channel_id, "progress", retry=Retry.ALWAYS)

    async def play(self, channel_id: str, playback_id: str, media: Sequence[str], *, lang: str | None = None) -> None:
        """Play sounds one after the other (`sound:/path/without/extension`, `digits:12`, `tone:ring;tonezone=fr`)."""
        await self._send(
            Request(
                method="POST",
                path=f"/channels/{segment(channel_id)}/play/{segment(playback_id)}",
                query=given(media=listed(media), lang=lang),
                lanes=(channel_id,),
                starts_playback=playback_id,
            )
        )

    async def stop_playback(self, playback_id: str) -> bool:
        """Stop a prompt at once; False if it had ended. Past all lanes."""
        return await self._send_if_there(urgent_delete(f"/playbacks/{segment(playback_id)}"))

    async def get_playback(self, playback_id: str) -> Playback:
        """A playback that has not ended; NotFound afterwards."""
        return await self._read(get(f"/playbacks/{segment(playback_id)}"), Playback)

    async def start_moh(self, channel_id: str, *, moh_class: str | None = None) -> None:
        """Music to this channel alone."""
        await self._post(channel_id, "moh", given(mohClass=moh_class), retry=Retry.ALWAYS)

    async def stop_moh(self, channel_id: str) -> None:
        """End of the music."""
        await self._delete(channel_id, "moh")

    async def start_silence(self, channel_id: str) -> None:
        """Send silence: keeps RTP (and NAT) alive while nothing else is sent."""
        await self._post(channel_id, "silence", retry=Retry.ALWAYS)

    async def stop_silence(self, channel_id: str) -> None:
        """End of the silence."""
        await self._delete(channel_id, "silence")

    async def send_dtmf(self, channel_id: str, digits: str, *, between_ms: int | None = None) -> None:
        """Press keys toward the far end of this channel."""
        await self._post(channel_id, "dtmf", given(dtmf=digits, between=between_ms))

    async def mute(self, channel_id: str, direction: Direction = "both") -> None:
        """`in`: what this party says is not heard by others; `out`: this party hears nothing."""
        await self._post(channel_id, "mute", given(direction=direction), retry=Retry.ALWAYS)

    async def unmute(self, channel_id: str, direction: Direction = "both") -> None:
        """Undo mute."""
        await self._delete(channel_id, "mute", given(direction=direction))

    async def hold(self, channel_id: str) -> None:
        """Signal hold to the far end (a re-INVITE), without music from us."""
        await self._post(channel_id, "hold", retry=Retry.ALWAYS)

    async def unhold(self, channel_id: str) -> None:
        """Undo hold."""
        await self._delete(channel_id, "hold")

    async def hang_up(self, channel_id: str, *, cause: int | None = None) -> bool:
        """End a channel with a Q.850 cause; False if it was gone already. Past all lanes."""
        return await self._send_if_there(
            urgent_delete(f"/channels/{segment(channel_id)}", given(reason_code=cause)),
        )

    async def set_variable(self, channel_id: str, name: str, value: str) -> None:
        """Set a channel variable or function. The name is never a caller's text: functions can act."""
        await self._post(
            channel_id, "variable", given(variable=name, value=value), needs_thread=True, retry=Retry.ALWAYS
        )

    async def set_variables(self, channel_id: str, variables: Variables) -> None:
        """Set several variables in one request, reported in events or not."""
        await self._send(
            Request(
                method="POST",
                path=f"/channels/{segment(channel_id)}/variables",
                body=variables_body(variables),
                retry=Retry.ALWAYS,
                lanes=(channel_id,),
                needs_thread=channel_id,
            )
        )

    async def get_variable(self, channel_id: str, name: str) -> str:
        """A channel variable or function; '' or NotFound if it is not set."""
        return (await self._read(get(f"/channels/{segment(channel_id)}/variable", variable=name), _Value)).value

    async def snoop(
        self,
        channel_id: str,
        snoop_id: str,
        *,
        spy: SpyDirection = "both",
        whisper: SpyDirection = "none",
        args: Sequence[str] = (),
    ) -> None:
        """Make a channel that hears, and may speak into, another one. Wait for its StasisStart."""
        query = given(app=self._app, appArgs=listed(args) or None, spy=spy, whisper=whisper)
        path = f"/channels/{segment(channel_id)}/snoop/{segment(snoop_id)}"
        await self._send(Request(method="POST", path=path, query=query, lanes=(channel_id,)))

    async def record(
        self,
        channel_id: str,
        name: str,
        *,
        file_format: str,
        max_s: int = 0,
        silence_s: int = 0,
        beep: bool = False,
    ) -> Recording:
        """Record what the channel sends into `<spool>/recording/<name>.<file_format>`; never overwrites (Conflict).

        It ends after `max_s` in all, or `silence_s` of silence (0: never).

        A channel in a bridge answers 201 with state `failed`: record a snoop of it instead.
        """
        query = given(
            name=name,
            format=file_format,
            maxDurationSeconds=max_s,
            maxSilenceSeconds=silence_s,
            ifExists="fail",
            beep=beep,
        )
        request = Request(
            method="POST", path=f"/channels/{segment(channel_id)}/record", query=query, lanes=(channel_id,)
        )
        return await self._read(request, Recording)

    async def continue_in_dialplan(self, channel_id: str, context: str, *, exten: str = "s", priority: int = 1) -> None:
        """Give the channel back to the dialplan; StasisEnd follows without a hang-up."""
        await self._post(channel_id, "continue", given(context=context, extension=exten, priority=priority))

    async def get_channel(self, channel_id: str) -> ChannelSnapshot:
        """One channel; NotFound if it is gone."""
        return await self._read(get(f"/channels/{segment(channel_id)}"), ChannelSnapshot)

    async def list_channels(self) -> list[ChannelSnapshot]:
        """All channels of this Asterisk, ours or not (22 ms for 1500)."""
        return await self._read(get("/channels"), list[ChannelSnapshot])

    async def _post(
        self,
        channel_id: str,
        verb: str,
        query: tuple[tuple[str, str], ...] = (),
        *,
        needs_thread: bool = False,
        retry: Retry = Retry.NEVER,
    ) -> None:
        await self._send(
            Request(
                method="POST",
                path=f"/channels/{segment(channel_id)}/{verb}",
                query=query,
                retry=retry,
                lanes=(channel_id,),
                needs_thread=channel_id if needs_thread else "",
            )
        )

    async def _delete(self, channel_id: str, verb: str, query: tuple[tuple[str, str], ...] = ()) -> None:
        path = f"/channels/{segment(channel_id)}/{verb}"
        await self._send(Request(method="DELETE", path=path, query=query, retry=Retry.ALWAYS, lanes=(channel_id,)))


def urgent_delete(path: str, query: tuple[tuple[str, str], ...] = ()) -> Request:
    """An order to end something, past the lanes, repeated freely: gone is what is wanted."""
    return Request(method="DELETE", path=path, query=query, urgent=True, retry=Retry.ALWAYS, limit_s=URGENT_LIMIT_S)
