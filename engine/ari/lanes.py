"""One ordered lane per channel and per bridge, so that commands arrive in the order they were given.

Two commands sent over a pool without waiting were reordered 14 times in 300; and a command that the channel's own
thread must run waits for the end of the prompt playing there. So a command waits for its predecessors in its lanes,
and only for those; a prompt in its way is stopped first; hang-up, stop and reading pass beside the lanes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from engine.ari.errors import AriError, LaneBusy, OutcomeUnknown
from engine.ari.events import AriEvent, ChannelDestroyed, PlaybackFinished
from engine.ari.pools import URGENT_LIMIT_S, Request, Retry, Transport

LANE_LIMIT_S = 10.0
"""How long a command waits for those before it: two of them at their own limit. Then it is not sent at all."""

Ticket = asyncio.Future[None]


class Lanes:
    """A transport before the transport. Runs in the caller's task: owns none itself.

    Tell it the events with `observe`: it knows from them which prompts still play.
    """

    def __init__(self, beyond: Transport, *, limit_s: float = LANE_LIMIT_S) -> None:
        self._beyond = beyond
        self._limit_s = limit_s
        self._last: dict[str, Ticket] = {}
        self._playing: dict[str, set[str]] = {}
        self._channel_of: dict[str, str] = {}

    def __len__(self) -> int:
        """Lanes in use: idle ones vanish."""
        return len(self._last)

    async def send(self, request: Request) -> bytes:
        """Send in turn. LaneBusy if its turn does not come in time: it was never sent."""
        if request.urgent or not request.lanes:
            return await self._beyond.send(request)
        before, mine = self._take_ticket(request.lanes)
        try:
            await self._wait(before, request)
            await self._clear_the_way(request)
            return await self._send_noting_playback(request)
        finally:
            self._give_back(mine, before, request.lanes)

    def observe(self, event: AriEvent) -> None:
        """Learn that a prompt ended, or a channel."""
        match event:
            case PlaybackFinished():
                self._forget_playback(event.playback.id)
            case ChannelDestroyed():
                for playback_id in tuple(self._playing.get(event.channel.id, ())):
                    self._forget_playback(playback_id)

    def playing_on(self, channel_id: str) -> frozenset[str]:
        """The prompts we believe are playing, or waiting to play, on a channel."""
        return frozenset(self._playing.get(channel_id, ()))

    def forget_all(self) -> None:
        """After Asterisk restarted: nothing plays any more."""
        self._playing.clear()
        self._channel_of.clear()

    def _take_ticket(self, lanes: Iterable[str]) -> tuple[set[Ticket], Ticket]:
        """Stand behind the last of every lane at once: no await in between, so no two commands wait for each other."""
        mine: Ticket = asyncio.get_running_loop().create_future()
        before = {self._last[lane] for lane in lanes if lane in self._last}
        for lane in lanes:
            self._last[lane] = mine
        return before, mine

    async def _wait(self, before: set[Ticket], request: Request) -> None:
        if not before:
            return
        _, late = await asyncio.wait(before, timeout=self._limit_s)
        if late:
            raise LaneBusy(str(request), f"its turn did not come within {self._limit_s:g} s")

    def _give_back(self, mine: Ticket, before: set[Ticket], lanes: Iterable[str]) -> None:
        """Let the next one go; if we gave up waiting, only once those before us are through."""
        ahead = {ticket for ticket in before if not ticket.done()}

        def done(ticket: Ticket | None = None) -> None:
            if ticket is not None:
                ahead.discard(ticket)
            if ahead:
                return
            mine.set_result(None)
            for lane in lanes:
                if self._last.get(lane) is mine:
                    del self._last[lane]

        for ticket in tuple(ahead):
            ticket.add_done_callback(done)
        if not ahead:
            done()

    async def _clear_the_way(self, request: Request) -> None:
        for playback_id in tuple(self._playing.get(request.needs_thread, ())):
            with suppress(AriError):
                # Refused if it ended, or cannot be stopped (number:, characters:): then the command waits, bounded.
                await self._beyond.send(stop_playback_request(playback_id))
            self._forget_playback(playback_id)

    async def _send_noting_playback(self, request: Request) -> bytes:
        """Noted before it is sent: its end may be reported before the answer arrives."""
        if not request.starts_playback:
            return await self._beyond.send(request)
        channel_id = request.lanes[0]
        self._playing.setdefault(channel_id, set()).add(request.starts_playback)
        self._channel_of[request.starts_playback] = channel_id
        try:
            return await self._beyond.send(request)
        except OutcomeUnknown:
            raise  # it may be playing
        except AriError:
            self._forget_playback(request.starts_playback)
            raise

    def _forget_playback(self, playback_id: str) -> None:
        channel_id = self._channel_of.pop(playback_id, None)
        if channel_id is None:
            return
        left = self._playing[channel_id]
        left.discard(playback_id)
        if not left:
            del self._playing[channel_id]


def stop_playback_request(playback_id: str) -> Request:
    """An urgent stop of one prompt."""
    return Request(
        method="DELETE",
        path=f"/playbacks/{playback_id}",
        urgent=True,
        retry=Retry.ALWAYS,
        limit_s=URGENT_LIMIT_S,
    )
