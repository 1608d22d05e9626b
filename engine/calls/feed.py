"""The public events of all calls of this node as one numbered stream, read back from the journal by whoever listens.

Nobody is pushed to: each listener reads at its own pace from where it stands, so a slow one costs no memory, and a
restart of either side loses nothing that the journal still holds.
"""

import asyncio
from typing import Protocol

import msgspec

from engine.calls.contract import Told
from engine.domain.public_events import EventType
from engine.journal import EventBounds, EventRow


class EventJournal(Protocol):
    """The part of the journal the feed reads."""

    @property
    def journal_id(self) -> str: ...
    async def events(self, after: int, limit: int) -> list[EventRow]: ...
    async def event_bounds(self) -> EventBounds: ...


class EventFeed:
    """Implements `contract.Feed`. `poke` is called whenever the journal has new events."""

    def __init__(self, journal: EventJournal) -> None:
        self._journal = journal
        self._news = asyncio.Event()

    @property
    def journal_id(self) -> str:
        return self._journal.journal_id

    def poke(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def news(self) -> asyncio.Event:
        return self._news

    async def bounds(self) -> tuple[int, int]:
        held = await self._journal.event_bounds()
        return held.oldest, held.newest

    async def page(self, after: int, limit: int) -> list[Told]:
        return [told(row) for row in await self._journal.events(after, limit)]


class _Whose(msgspec.Struct, frozen=True):
    agent: str | None


class _Head(msgspec.Struct, frozen=True):
    type: EventType
    data: _Whose


_HEAD = msgspec.json.Decoder(_Head)


def told(row: EventRow) -> Told:
    """A journalled event with its id, which names it for ever: the call's and its number on this node."""
    head = _HEAD.decode(row.payload)
    event_id = f"{row.call_id}.{row.seq}"
    return Told(
        seq=row.seq,
        id=event_id,
        type=head.type,
        agent=head.data.agent or "",
        call_id=row.call_id,
        body=b'{"id":"%s",%s' % (event_id.encode(), row.payload[1:]),  # the rest byte by byte as it was journalled
    )
