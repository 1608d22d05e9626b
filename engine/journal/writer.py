"""The writer thread: takes everything that is queued, writes it in one transaction, answers everybody at once.

Grouping is what makes waiting for the disk affordable: all requests queued at a moment share one commit, and one
fsync when any of them asked for it. The order of the queue is the order of the journal.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog

from engine.errors import IdempotencyConflict, JournalUnwritable
from engine.journal.ballast import Ballast
from engine.journal.file import is_full, translated

GROUP = 512  # writes per transaction: bounds how long the first of them waits for the last
SPACE_CHECK_S = 1.0  # how often, while the disk is full, the writer looks whether it still is
STOP_S = 30.0  # for what is queued at the end; a plain disk writes thousands of steps in that time

_log = structlog.get_logger(__name__)

Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]


class Write:
    """One request to the writer: `apply` runs inside a transaction, its result goes into `future`."""

    __slots__ = ("apply", "durable", "future")

    def __init__(
        self, apply: Callable[[sqlite3.Connection], Any], *, durable: bool, future: asyncio.Future[Any]
    ) -> None:
        self.apply = apply
        self.durable = durable
        self.future = future


class Writer:
    """Owns the writing connection and the thread. `disk_full` is read by anybody, written by the thread."""

    def __init__(self, connection: sqlite3.Connection, path: Path, ballast: Ballast) -> None:
        self.disk_full = not ballast.restore()
        self._connection = connection
        self._path = path
        self._ballast = ballast
        self._full_sync: bool | None = None
        self._next_look = 0.0  # monotonic
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many writes are queued: grows when the disk does not keep up."""
        return self._queue.qsize()

    def submit(self, apply: Callable[[sqlite3.Connection], Any], *, durable: bool = False) -> asyncio.Future[Any]:
        """Queues a write behind all earlier ones. From the event loop's thread only."""
        future: asyncio.Future[Any] = self._loop.create_future()
        if self._stopped or not self._thread.is_alive():
            future.set_exception(JournalUnwritable(f"the journal {self._path} is closed"))
        else:
            self._queue.put(Write(apply, durable=durable, future=future))
        return future

    async def stop(self) -> None:
        """Writes what is queued, then closes the connection."""
        self._stopped = True
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, STOP_S)
        if self._thread.is_alive():
            raise JournalUnwritable(f"the journal {self._path} did not finish writing in {STOP_S:.0f} s")

    def _run(self) -> None:
        going = True
        while going:
            batch, going = self._take()
            if batch:
                self._answer(self._write(batch))
            if self.disk_full:
                self._look_for_space()
        self._connection.close()

    def _look_for_space(self) -> None:
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + SPACE_CHECK_S
        if self._ballast.restore():
            self.disk_full = False
            _log.info("journal.space_back", path=str(self._path))

    def _take(self) -> tuple[list[Write], bool]:
        """What is queued now (waits for the first), and whether there can be more after it."""
        batch: list[Write] = []
        try:
            item = self._queue.get(timeout=SPACE_CHECK_S if self.disk_full else None)
            while item is not None:
                batch.append(item)
                if len(batch) == GROUP:
                    return batch, True
                item = self._queue.get_nowait()
        except queue.Empty:
            return batch, True
        return batch, False

    def _write(self, batch: list[Write]) -> list[Outcome]:
        try:
            return self._transaction(batch)
        except Exception as error:  # whatever it is, it is given to those who asked
            if is_full(error):
                return self._write_when_full(batch)
            return self._apart(batch, error)

    def _write_when_full(self, batch: list[Write]) -> list[Outcome]:
        if not self.disk_full:
            _log.error("journal.disk_full", path=str(self._path), what_next="free some space")
        self.disk_full = True
        self._next_look = time.monotonic() + SPACE_CHECK_S
        try:
            self._ballast.drop()
            # Its log is several times the rows in it: emptied into the file, the room it took is the next steps'.
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            outcomes = self._transaction(batch)
            self._ballast.retake()  # emptying the log needs room itself: held back for the next time
        except Exception as error:  # as above
            return self._apart(batch, error)
        return outcomes

    def _apart(self, batch: list[Write], error: Exception) -> list[Outcome]:
        """One bad write must not take its neighbours with it: each gets a transaction of its own."""
        if len(batch) > 1 and not is_full(error):
            return [outcome for write in batch for outcome in self._write([write])]
        return [(write.future, None, self._ours(error)) for write in batch]

    def _transaction(self, batch: list[Write]) -> list[Outcome]:
        self._synchronise(any(write.durable for write in batch))
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = [self._apply(write) for write in batch]
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return outcomes

    def _apply(self, write: Write) -> Outcome:
        try:
            return write.future, write.apply(self._connection), None
        except IdempotencyConflict as error:  # refused before anything was written: its neighbours go on
            return write.future, None, error

    def _synchronise(self, full: bool) -> None:
        """FULL waits for the disk at commit, which also covers every earlier commit: the log is one file."""
        if full != self._full_sync:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
            self._full_sync = full

    def _ours(self, error: Exception) -> Exception:
        return translated(error, self._path) if isinstance(error, sqlite3.Error) else error

    def _answer(self, outcomes: list[Outcome]) -> None:
        try:
            self._loop.call_soon_threadsafe(_resolve, outcomes)
        except RuntimeError:  # the loop is gone: nobody waits any more, and what was asked for is written
            _log.warning("journal.nobody_waits", writes=len(outcomes))


def _resolve(outcomes: list[Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():  # whoever asked was cancelled meanwhile; it is written all the same
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
