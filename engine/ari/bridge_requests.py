"""Typed commands to bridges. A bridge id is never used twice: stale topics of the first would answer for the second."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.ari.building import Sender, Variables, get, given, listed, segment, variables_body
from engine.ari.channel_requests import urgent_delete
from engine.ari.pools import Request, Retry
from engine.ari.resources import BridgeSnapshot, Recording

TALKING = "mixing,dtmf_events"
"""Two parties who hear each other. Without `dtmf_events` Asterisk may pass RTP natively and we see no key."""
HOLDING = "holding"
"""Parties who wait and hear music, not each other."""


class _Stored(msgspec.Struct, frozen=True):
    name: str


class BridgeRequests(Sender):
    """Everything the engine asks of a bridge."""

    async def create_bridge(
        self, bridge_id: str, *, name: str = "", kind: str = TALKING, variables: Variables | None = None
    ) -> None:
        """Make a bridge; repeated when in doubt (a conflict then means it is there)."""
        await self._send(
            Request(
                method="POST",
                path=f"/bridges/{segment(bridge_id)}",  # variables are refused on the path without the id
                query=given(type=kind, name=name or None),
                body=variables_body(variables),
                retry=Retry.CREATE,
                lanes=(bridge_id,),
            )
        )

    async def add_to_bridge(
        self,
        bridge_id: str,
        channel_id: str,
        *,
        absorb_dtmf: bool = False,
        mute: bool = False,
        quiet: bool = True,
    ) -> None:
        """Put a channel in a bridge, out of the one it is in. A running prompt of it is stopped first.

        Its music goes on: stop it first if it is not wanted. `quiet` keeps Asterisk from sending the phones a
        re-INVITE to tell who they speak with. Success is ChannelEnteredBridge: a dying channel also answers 204.
        """
        query = given(
            channel=channel_id,
            absorbDTMF=absorb_dtmf or None,
            mute=mute or None,
            inhibitConnectedLineUpdates=quiet or None,
        )
        await self._move(bridge_id, channel_id, "addChannel", query)

    async def remove_from_bridge(self, bridge_id: str, channel_id: str) -> None:
        """Take a channel out of a bridge; it stays in our application."""
        await self._move(bridge_id, channel_id, "removeChannel", given(channel=channel_id))

    async def destroy_bridge(self, bridge_id: str) -> bool:
        """End a bridge; its channels stay. False if it was gone.

        Stop its recording and wait for the end first, else no RecordingFinished ever comes; hang up before, else
        causes are overwritten.
        """
        path = f"/bridges/{segment(bridge_id)}"
        return await self._send_if_there(Request(method="DELETE", path=path, retry=Retry.ALWAYS, lanes=(bridge_id,)))

    async def play_to_bridge(
        self, bridge_id: str, playback_id: str, media: Sequence[str], *, lang: str | None = None
    ) -> None:
        """Play to all parties. Does not hold up commands to their channels."""
        path = f"/bridges/{segment(bridge_id)}/play/{segment(playback_id)}"
        query = given(media=listed(media), lang=lang)
        await self._send(Request(method="POST", path=path, query=query, lanes=(bridge_id,)))

    async def start_bridge_moh(self, bridge_id: str, *, moh_class: str | None = None) -> None:
        """Music to all parties."""
        path = f"/bridges/{segment(bridge_id)}/moh"
        query = given(mohClass=moh_class)
        await self._send(Request(method="POST", path=path, query=query, retry=Retry.ALWAYS, lanes=(bridge_id,)))

    async def stop_bridge_moh(self, bridge_id: str) -> None:
        """End of the music."""
        path = f"/bridges/{segment(bridge_id)}/moh"
        await self._send(Request(method="DELETE", path=path, retry=Retry.ALWAYS, lanes=(bridge_id,)))

    async def record_bridge(self, bridge_id: str, name: str, *, file_format: str, max_s: int = 0) -> Recording:
        """Record the mix of all parties into `<spool>/recording/<name>.<file_format>`."""
        path = f"/bridges/{segment(bridge_id)}/record"
        query = given(name=name, format=file_format, maxDurationSeconds=max_s, ifExists="fail")
        return await self._read(Request(method="POST", path=path, query=query, lanes=(bridge_id,)), Recording)

    async def stop_recording(self, name: str) -> bool:
        """End a recording and keep its file; False if it had ended.

        Only after its RecordingStarted: two stops in 75 sent before it were accepted and lost.
        """
        path = f"/recordings/live/{segment(name)}/stop"
        return await self._send_if_there(Request(method="POST", path=path, retry=Retry.ALWAYS, urgent=True))

    async def is_recording(self, name: str) -> bool:
        """Whether it goes on."""
        return await self._send_if_there(get(f"/recordings/live/{segment(name)}"))

    async def stored_recording(self, name: str) -> bytes:
        """The whole file of a recording that ended, as it was written; NotFound if there is none."""
        return await self._send(get(f"/recordings/stored/{segment(name)}/file"))

    async def stored_recordings(self) -> list[str]:
        """The names of all that ended and have a file."""
        return [found.name for found in await self._read(get("/recordings/stored"), list[_Stored])]

    async def remove_recording(self, name: str) -> bool:
        """Remove the file of a recording that ended; False if there was none."""
        path = f"/recordings/stored/{segment(name)}"
        return await self._send_if_there(Request(method="DELETE", path=path, retry=Retry.ALWAYS))

    async def mute_recording(self, name: str) -> None:
        """Record silence from now: time in the file does not shift."""
        path = f"/recordings/live/{segment(name)}/mute"
        await self._send(Request(method="POST", path=path, retry=Retry.ALWAYS, lanes=(name,)))

    async def unmute_recording(self, name: str) -> None:
        """Record again."""
        path = f"/recordings/live/{segment(name)}/mute"
        await self._send(Request(method="DELETE", path=path, retry=Retry.ALWAYS, lanes=(name,)))

    async def discard_recording(self, name: str) -> bool:
        """End a recording and throw its file away."""
        return await self._send_if_there(urgent_delete(f"/recordings/live/{segment(name)}"))

    async def set_bridge_variables(self, bridge_id: str, variables: Variables) -> None:
        """Set variables of a bridge, reported in its events or not."""
        path = f"/bridges/{segment(bridge_id)}/variables"
        body = variables_body(variables)
        await self._send(Request(method="POST", path=path, body=body, retry=Retry.ALWAYS, lanes=(bridge_id,)))

    async def get_bridge(self, bridge_id: str) -> BridgeSnapshot:
        """One bridge; NotFound if it is gone."""
        return await self._read(get(f"/bridges/{segment(bridge_id)}"), BridgeSnapshot)

    async def list_bridges(self) -> list[BridgeSnapshot]:
        """All bridges of this Asterisk, ours or not."""
        return await self._read(get("/bridges"), list[BridgeSnapshot])

    async def _move(self, bridge_id: str, channel_id: str, verb: str, query: tuple[tuple[str, str], ...]) -> None:
        await self._send(
            Request(
                method="POST",
                path=f"/bridges/{segment(bridge_id)}/{verb}",
                query=query,
                lanes=(bridge_id, channel_id),
                needs_thread=channel_id,
            )
        )
