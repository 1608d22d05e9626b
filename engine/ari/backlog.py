"""Events received and not yet delivered, in order, with the rule for what a snapshot makes superfluous."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime, timedelta

from engine.ari.events import (
    AriEvent,
    BridgeCreated,
    ChannelCreated,
    ChannelEnteredBridge,
    ChannelLeftBridge,
    ChannelStateChange,
    Dial,
    UnknownEvent,
)

CLOCK_STEP = timedelta(milliseconds=1)
"""Asterisk cuts its times to the millisecond: an event may be that much younger than it says."""


def superseded(event: AriEvent, taken_at: datetime, *, arrived_before: bool) -> bool:
    """Whether a snapshot taken at `taken_at` already holds all that this event says.

    Only what a snapshot shows (states, members, existence) is ever superseded: ends, keys, prompts, arrivals and a
    leg's early media cannot be read back and are always delivered, perhaps twice. An event is older than the snapshot
    if it arrived before the GET was sent, or by its time: both clocks are this machine's. If the clock jumped just
    then, the snapshot taken after the backlog puts it right.
    """
    surely_before = taken_at - CLOCK_STEP
    match event:
        case ChannelStateChange() | ChannelCreated() | ChannelEnteredBridge() | ChannelLeftBridge() | BridgeCreated():
            return arrived_before or event.at < surely_before
        case Dial():
            return event.dialstatus in {"", "RINGING", "ANSWER"} and (arrived_before or event.at < surely_before)
        case _:
            return False


class Backlog:
    """A queue whose writer never waits. `mark` is the number of events received so far."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, AriEvent]] = deque()
        self._arrived = asyncio.Event()
        self.mark = 0
        self.closed = False

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: AriEvent) -> None:
        """Called by the reader of the socket only."""
        self.mark += 1
        self._events.append((self.mark, event))
        self._arrived.set()

    def take(self) -> tuple[int, AriEvent] | None:
        """The oldest event and its number, or None."""
        if self._events:
            return self._events.popleft()
        if not self.closed:
            self._arrived.clear()
        return None

    async def wait(self) -> None:
        """Until something is there, `wake` was called, or it is closed."""
        await self._arrived.wait()

    def wake(self) -> None:
        """End a wait with nothing to take."""
        self._arrived.set()

    def close(self) -> None:
        """Nothing more will come."""
        self.closed = True
        self._arrived.set()

    def clear(self) -> None:
        """Forget what is not delivered."""
        self._events.clear()

    def drop_superseded(self, taken_at: datetime, mark: int) -> int:
        """Remove what the snapshot taken when `mark` events had arrived made superfluous; how many."""
        kept = deque(
            (number, event)
            for number, event in self._events
            if isinstance(event, UnknownEvent) or not superseded(event, taken_at, arrived_before=number <= mark)
        )
        dropped = len(self._events) - len(kept)
        self._events = kept
        return dropped
