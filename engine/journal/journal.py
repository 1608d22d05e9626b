"""The journal as the rest of the engine sees it: every step of every call, on this node's disk before it is acted upon.

The event loop never touches the file: writes go to one writer thread in order, reads to one reader thread. A write
that was answered survives the engine's death (kill -9); a durable one survives the loss of power as well.
"""

import asyncio
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, cast

from engine.journal import reads, writes
from engine.journal.ballast import BALLAST_BYTES, Ballast
from engine.journal.file import open_for_reading, open_for_writing, translated
from engine.journal.lock import JournalLock
from engine.journal.rows import (
    Backlog,
    ClosedCall,
    ClosedState,
    EventBounds,
    EventRow,
    IdempotencyRow,
    OpenCall,
    OutboxRow,
    StepRow,
)
from engine.journal.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")

_JOURNAL_ID = "journal_id"
_NODE = "node"


class Journal:
    """Made by `Journal.open`. `node` is this engine's name, `journal_id` this file's own, for ever: outbox numbers
    are unique within it."""

    def __init__(self, path: Path, node: str, writer: Writer, readers: ThreadPoolExecutor) -> None:
        self.path = path
        self.node = node
        self.journal_id = ""
        self.on_event: Callable[[], None] = lambda: None  # called in the event loop once public events are written
        self.on_record: Callable[[], None] = lambda: None  # likewise, once there is something for PostgreSQL
        self.on_kept: Callable[[bool, float], None] = lambda durable, seconds: None  # likewise, of each append
        self._writer = writer
        self._readers = readers
        self._reading: sqlite3.Connection | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path, node: str, *, ballast_bytes: int = BALLAST_BYTES) -> AsyncIterator["Journal"]:
        """Locks, creates or updates the file, and starts its threads; at the end writes what is queued.

        Raises JournalUnwritable (another engine has it, named by pid; no rights; no room) or JournalDamaged.
        """
        lock = await asyncio.to_thread(_locked, path)
        try:
            connection = await asyncio.to_thread(open_for_writing, path)
            writer = Writer(connection, path, Ballast(path.with_name(path.name + ".ballast"), ballast_bytes))
            with ThreadPoolExecutor(1, thread_name_prefix="journal-reader") as readers:
                journal = cls(path, node, writer, readers)
                try:
                    await journal._introduce()
                    yield journal
                finally:
                    await writer.stop()
                    await journal._stop_reading()
        finally:
            lock.release()

    @property
    def disk_full(self) -> bool:
        """Whether the disk is full: refuse new work, finish what there is."""
        return self._writer.disk_full

    @property
    def waiting(self) -> int:
        """How many writes are queued and not yet answered."""
        return self._writer.waiting

    async def append(
        self,
        step: StepRow,
        *,
        durable: bool = False,
        idempotency: IdempotencyRow | None = None,
        outbox: Sequence[OutboxRow] = (),
    ) -> int:
        """Writes one step and what belongs to it in one transaction; gives its number once it is written.

        `durable` waits until the disk has it. Raises IdempotencyConflict (then nothing was written) or
        JournalUnwritable.
        """
        return await self.append_nowait(step, durable=durable, idempotency=idempotency, outbox=outbox)

    def append_nowait(
        self,
        step: StepRow,
        *,
        durable: bool = False,
        idempotency: IdempotencyRow | None = None,
        outbox: Sequence[OutboxRow] = (),
    ) -> "asyncio.Future[int]":
        """`append` whose waiting is left to the caller; the order of the calls is the order of the journal."""
        return self._append((step,), durable, idempotency, outbox)

    async def append_together(
        self, steps: Sequence[StepRow], *, durable: bool = False, outbox: Sequence[OutboxRow] = ()
    ) -> int:
        """Steps of several calls in one transaction: a leg that moves is released and adopted, or neither."""
        return await self._append(tuple(steps), durable, None, outbox)

    async def report(
        self, outbox: Sequence[OutboxRow], *, durable: bool = False, idempotency: IdempotencyRow | None = None
    ) -> None:
        """Outbox rows that belong to no step: a refused request, a disposition of a call long over."""
        await self._append((), durable, idempotency, outbox)

    async def open_calls(self) -> list[OpenCall]:
        """Every call that is not over, oldest change first: where recovery starts."""
        return await self._read(reads.open_calls)

    async def steps(self, call_id: str) -> list[StepRow]:
        """The whole story of one call in order; empty when it is not known (any more)."""
        return await self._read(reads.steps, call_id)

    async def find_idempotency(self, key: str, owner: str) -> IdempotencyRow | None:
        """What this owner's key stands for, if it was used and is still kept."""
        return await self._read(reads.find_idempotency, key, owner)

    async def answer_idempotency(self, key: str, owner: str, answer: bytes) -> None:
        """Stores the answer later requests with this key get."""
        await self._write(writes.answer, key, owner, answer)

    async def prune_idempotency(self, older_than: datetime) -> int:
        """Forgets keys given before then (the API promises 72 h); says how many."""
        total = 0
        while pruned := await self._write(writes.prune_idempotency, older_than):
            total += pruned
        return total

    async def outbox(self, limit: int, after: int = 0) -> list[OutboxRow]:
        """The oldest rows PostgreSQL does not know yet, those behind number `after`."""
        return await self._read(reads.outbox, limit, after)

    async def shipped(self, seqs: Sequence[int]) -> None:
        """Marks outbox rows as known to PostgreSQL."""
        await self._write(writes.shipped, tuple(seqs))

    async def backlog(self) -> Backlog:
        """The outbox rows that wait."""
        return await self._read(reads.backlog)

    async def events(self, after: int, limit: int) -> list[EventRow]:
        """Public events behind number `after`, in order."""
        return await self._read(reads.events, after, limit)

    async def event_bounds(self) -> EventBounds:
        """The numbers of the public events that can be read."""
        return await self._read(reads.event_bounds)

    async def prune_events(self, keep: timedelta, now: datetime, up_to: int) -> int:
        """Removes public events older than `keep`, none behind number `up_to`; says how many."""
        total = 0
        while pruned := await self._write(writes.prune_events, now - keep, up_to):
            total += pruned
        return total

    async def closed_calls(self, limit: int, before: int | None = None) -> list[ClosedCall]:
        """Finished calls still held, newest first; `before` is the `closed_seq` of the last one of the page before."""
        return await self._read(reads.closed_calls, limit, before)

    async def closed_states(self, since: datetime, limit: int, before: int | None = None) -> list[ClosedState]:
        """Calls that ended since then, newest first, as they were; `before` is the last `closed_seq` of the page
        before."""
        return await self._read(reads.closed_states, since, limit, before)

    async def closed_call(self, call_id: str) -> ClosedCall | None:
        """One finished call still held, with its newest `cdr` payload."""
        return await self._read(reads.closed_call, call_id)

    async def prune(self, keep: timedelta, now: datetime) -> int:
        """Removes calls closed longer than `keep` ago, never one with a row still to be shipped; says how many.

        Works in small transactions, with live calls' steps between them.
        """
        total = 0
        while pruned := await self._write(writes.prune, now - keep):
            total += pruned
        while await self._write(writes.prune_strays, now - keep):
            pass
        return total

    async def get(self, name: str) -> bytes | None:
        """One small fact about this node, such as the last good revision of the directory."""
        return await self._read(reads.get, name)

    async def put(self, name: str, value: bytes) -> None:
        """Keeps one small fact about this node."""
        await self._write(writes.put, name, value)

    def _append(
        self,
        steps: tuple[StepRow, ...],
        durable: bool,
        idempotency: IdempotencyRow | None,
        outbox: Sequence[OutboxRow],
    ) -> "asyncio.Future[int]":
        rows, now, asked = tuple(outbox), datetime.now(UTC), time.perf_counter()
        written = self._writer.submit(lambda c: writes.append(c, steps, idempotency, rows, now), durable=durable)
        written.add_done_callback(lambda _: self.on_kept(durable, time.perf_counter() - asked))
        if any(row.kind == "event" for row in rows):
            written.add_done_callback(lambda _: self.on_event())
        if any(row.kind != "event" for row in rows):
            written.add_done_callback(lambda _: self.on_record())
        return written

    async def _write(
        self, apply: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        future = self._writer.submit(lambda connection: apply(connection, *args, **kwargs))
        return cast("T", await future)

    async def _read(self, ask: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._readers, partial(self._ask, lambda c: ask(c, *args, **kwargs)))
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def _ask(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        if self._reading is None:  # opened in the reader's own thread, at the first question
            self._reading = open_for_reading(self.path)
        return ask(self._reading)

    async def _introduce(self) -> None:
        known = await self.get(_JOURNAL_ID)
        if known is None:
            known = uuid.uuid4().hex.encode()
            await self.put(_JOURNAL_ID, known)
        self.journal_id = known.decode()
        if await self.get(_NODE) != self.node.encode():
            await self.put(_NODE, self.node.encode())

    async def _stop_reading(self) -> None:
        if self._reading is not None:
            await asyncio.get_running_loop().run_in_executor(self._readers, self._reading.close)


def _locked(path: Path) -> JournalLock:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return JournalLock(path)
