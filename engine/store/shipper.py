"""Carries the journal's outbox to PostgreSQL: in order, each row until it is there, none twice, none in the way.

Every write is idempotent, so a batch that was written and not yet marked (the engine died in between) is written
again without harm.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from engine.errors import StandardisteError
from engine.store.delivery import POISON, REPAIRS, Delivery, as_it_is, bury, write
from engine.store.outbox import CdrPayload, OutboxItem, OutboxSource
from engine.store.pool import Database

BATCH = 50  # rows per transaction: 600 to 3000 calls a second, and no more than 10 ms of the event loop at a time
IDLE_S = 5.0  # a look without being poked, should a poke ever be missing
RETRY_FIRST_S = 0.2
RETRY_LONGEST_S = 5.0

_log = structlog.get_logger(__name__)


class Shipper:
    """`run` is its one task, cancelled to stop; `poke` tells it that there is something to ship.

    `on_dead_letter(kind)` is called for each row that had to be set aside.
    """

    def __init__(
        self,
        source: OutboxSource,
        db: Database,
        *,
        batch: int = BATCH,
        on_dead_letter: Callable[[str], None] | None = None,
    ) -> None:
        self.shipped = 0
        self.dead_letters = 0
        self._source = source
        self._db = db
        self._batch = batch
        self._on_dead_letter = on_dead_letter
        self._poked = asyncio.Event()
        db.on_change(lambda available: self.poke() if available else None)

    def poke(self) -> None:
        """There may be something to ship, or the database may be back: look now."""
        self._poked.set()

    async def run(self) -> None:
        """Ships for ever."""
        pause = RETRY_FIRST_S
        while True:
            try:
                rest = IDLE_S if await self.ship() < self._batch else 0.0
                pause = RETRY_FIRST_S
            except StandardisteError as error:
                _log.warning("shipper.waits", reason=str(error), pause_s=pause)
                rest, pause = pause, min(pause * 2, RETRY_LONGEST_S)
            except Exception:  # a fault of ours in the history must never take live calls down with it
                _log.exception("shipper.failed", pause_s=pause)
                rest, pause = pause, min(pause * 2, RETRY_LONGEST_S)
            await self._rest(rest)

    async def drain(self, bound_s: float) -> bool:
        """Ships what there is, for the end of the engine's life; says whether the outbox is empty now."""
        with contextlib.suppress(StandardisteError, TimeoutError):
            async with asyncio.timeout(bound_s):
                while await self.ship():
                    pass
                return True
        return False

    async def ship(self) -> int:
        """Ships one batch and says how many rows it had; raises DatabaseAway with nothing lost."""
        items = await self._source.outbox(self._batch)
        if not items:
            return 0
        try:
            await self._together(items)
        except POISON:
            await self._one_by_one(items)
        await self._source.shipped([item.seq for item in items])
        self.shipped += len(items)
        return len(items)

    async def _together(self, items: Sequence[OutboxItem]) -> None:
        deliveries = [await self._with_steps(as_it_is(item)) for item in items]
        async with self._db.connection() as connection:
            await write(connection, self._source.journal_id, deliveries)

    async def _one_by_one(self, items: Sequence[OutboxItem]) -> None:
        for item in items:
            await self._somehow(item)

    async def _somehow(self, item: OutboxItem) -> None:
        reasons = []
        for repair in REPAIRS:
            try:
                delivery = await self._with_steps(repair(item))
                async with self._db.connection() as connection:
                    await write(connection, self._source.journal_id, [delivery])
            except POISON as error:
                reasons.append(f"{repair.__name__}: {type(error).__name__}: {error}")
            else:
                if reasons:
                    _log.warning("shipper.repaired", seq=item.seq, call_id=item.call_id, reasons=reasons)
                return
        await self._set_aside(item, "\n".join(reasons))

    async def _set_aside(self, item: OutboxItem, error: str) -> None:
        async with self._db.connection() as connection:
            await bury(connection, self._source.journal_id, item, error)
        self.dead_letters += 1
        _log.error("shipper.dead_letter", seq=item.seq, kind=item.kind, call_id=item.call_id, error=error)
        if self._on_dead_letter is not None:
            self._on_dead_letter(item.kind)

    async def _with_steps(self, delivery: Delivery) -> Delivery:
        if isinstance(delivery.payload, CdrPayload) and delivery.payload.steps:
            return replace(delivery, steps=await self._source.steps(delivery.payload.record.call_id))
        return delivery

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._poked.wait()
        self._poked.clear()
