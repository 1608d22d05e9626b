"""What a scenario asks for twice is done once: it is kept in this node's journal under the question's own name.

A call lives on one node, and no call lives as long as the journal keeps these names (three days).
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple, Protocol

from engine.calls.clock import Clock
from engine.domain.call import Call
from engine.errors import IdempotencyConflict
from engine.journal import IdempotencyRow, OutboxRow

_OWNER = "scenario"  # no token is called so: theirs are random


class Asked(NamedTuple):
    """A question of a call's scenario; asked again after a restart it has the same number."""

    call: Call
    number: int

    @property
    def name(self) -> str:
        return f"{self.call.id}/{self.number}"


class Reports(Protocol):
    """The part of the journal this needs."""

    async def report(
        self, outbox: Sequence[OutboxRow], *, durable: bool = False, idempotency: IdempotencyRow | None = None
    ) -> None:
        """Keep these; raises JournalUnwritable, or IdempotencyConflict when the name was taken."""


class AskedOnce:
    def __init__(self, journal: Reports, clock: Clock) -> None:
        self._journal, self._clock = journal, clock

    def now(self) -> datetime:
        return self._clock.now().utc

    async def keep(self, asked: Asked, *outbox: OutboxRow) -> None:
        """Write them down, on the disk before it returns, unless that was done already; raises JournalUnwritable."""
        name = IdempotencyRow(key=asked.name, owner=_OWNER, body_hash="", at=self.now(), call_id=asked.call.id)
        with suppress(IdempotencyConflict):  # kept when it was asked before
            await self._journal.report(outbox, durable=True, idempotency=name)
