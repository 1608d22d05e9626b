"""The clock that makes moments: UTC for people, monotonic seconds for durations, going on across restarts.

The kernel's monotonic clock survives a restart of the engine but not of the machine. So what it showed is remembered
with the boot it belongs to; after a reboot the wall clock bridges the gap once.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from engine.domain.moment import Moment

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Anchor(msgspec.Struct, frozen=True):
    """What the clock showed at some instant: kept in the journal."""

    boot: str
    utc: datetime
    mono: float
    kernel: float


class Clock:
    """Makes moments. `remembered` is the anchor of the engine's last life, None on a new node."""

    def __init__(
        self,
        remembered: Anchor | None = None,
        *,
        kernel: Callable[[], float] = time.monotonic,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        boot: str | None = None,
    ) -> None:
        self._kernel, self._wall = kernel, wall
        self._boot = boot if boot is not None else BOOT_ID.read_text().strip()
        self._offset = self._continued(remembered)

    def now(self) -> Moment:
        return Moment(self._wall(), self._kernel() + self._offset)

    def at(self, utc: datetime) -> Moment:
        """The moment of a time told by somebody else on this machine (CEL), never later than now."""
        now = self.now()
        return Moment(utc, min(now.mono, now.mono - (now.utc - utc).total_seconds()))

    def anchor(self) -> Anchor:
        now = self.now()
        return Anchor(self._boot, now.utc, now.mono, now.mono - self._offset)

    def _continued(self, remembered: Anchor | None) -> float:
        if remembered is None:
            return 0.0
        if remembered.boot == self._boot:
            return remembered.mono - remembered.kernel
        away = max(timedelta(0), self._wall() - remembered.utc).total_seconds()
        return remembered.mono + away - self._kernel()
