"""Calls to emergency numbers get their row of `call_history` although no engine took part in them.

Asterisk's log is looked at every few seconds, and at the start for what was called while no engine ran. What was
written down is written down again without harm: each call has one id.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec
import structlog

from engine.app.directories import CurrentDirectory
from engine.ari.emergencies import ended_calls
from engine.calls.clock import Clock
from engine.calls.rows import cdr
from engine.domain.emergency_record import EmergencyCall, record
from engine.errors import StandardisteError
from engine.journal import OutboxRow

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 5.0
LONGEST_AWAY = timedelta(days=7)  # how far back the log is read for a node that never looked, or not for long
_FACT = "emergency-records"


class Notes(Protocol):
    """What this needs of the journal."""

    async def get(self, name: str) -> bytes | None: ...

    async def put(self, name: str, value: bytes) -> None: ...

    async def report(self, rows: Sequence[OutboxRow]) -> None: ...


class EmergencyRecords:
    def __init__(self, log_file: Path, directory: CurrentDirectory, journal: Notes, clock: Clock, *, node: str) -> None:
        self._file, self._directory, self._journal, self._clock, self._node = log_file, directory, journal, clock, node
        self._since: datetime | None = None
        self._size = -1
        self._written: set[str] = set()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            try:
                await self.look()
            except (StandardisteError, OSError) as trouble:
                log.warning("emergency.not_recorded", why=str(trouble))
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> int:
        """Write down what ended since the last time; how many calls. Nothing is read while the file has not grown."""
        size = await asyncio.to_thread(_size_of, self._file)
        if size == self._size:
            return 0
        since = self._since or await self._remembered()
        calls = await asyncio.to_thread(ended_calls, self._file, since=since)
        fresh = [call for call in reversed(calls) if call.id not in self._written]
        if fresh:
            await self._write(fresh)
        self._written = {call.id for call in calls}
        self._since = max([since, *(call.ended for call in calls)])
        self._size = size
        return len(fresh)

    async def _write(self, calls: list[EmergencyCall]) -> None:
        rows = [self._row(call) for call in calls]
        await self._journal.report(rows)
        await self._journal.put(_FACT, msgspec.json.encode(calls[-1].ended))
        for call in calls:
            log.warning("emergency.called", number=call.number, by=call.endpoint, trunk=call.trunk, call_id=call.id)

    def _row(self, call: EmergencyCall) -> OutboxRow:
        return cdr(record(call, self._directory.directory, self._node), steps=False)

    async def _remembered(self) -> datetime:
        kept = await self._journal.get(_FACT)
        earliest = self._clock.now().utc - LONGEST_AWAY
        return earliest if kept is None else max(earliest, msgspec.json.decode(kept, type=datetime))


def _size_of(file: Path) -> int:
    return file.stat().st_size if file.exists() else -1
