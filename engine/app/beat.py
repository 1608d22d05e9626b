"""The beat: Asterisk hands callers to the engine only while it hears that the call path works.

Each beat goes the way a call's step goes: through the event loop, the journal, and an order to Asterisk. A hung loop, a
full disk or a deaf connection all let it stop, and three seconds later callers reach people without the engine.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog

from engine.ari.errors import AriError
from engine.ari.requests import AriRequests
from engine.calls.clock import Clock
from engine.errors import JournalUnwritable, Refused

log = structlog.get_logger(__name__)

EVERY_S = 1.0
VARIABLE = "ENGINE_BEAT"
FULL = "0"


class BeatJournal(Protocol):
    async def put(self, name: str, value: bytes) -> None: ...


class Admission:
    """New work is refused before the engine's edge: past it everything gets slow for everybody."""

    def __init__(
        self,
        *,
        live_calls: int,
        setups_per_s: float,
        loop_lag_s: float,
        ready: Callable[[], bool],
        disk_full: Callable[[], bool] = lambda: False,
    ) -> None:
        self._live_calls, self._setups_per_s, self._longest_lag_s = live_calls, setups_per_s, loop_lag_s
        self._ready, self._disk_full = ready, disk_full
        self.loop_lag_s = 0.0
        self._allowance = setups_per_s
        self._counted_at = time.monotonic()

    def refusal(self, live: int) -> Refused | None:
        """Why a new call is refused now; takes one from the pace otherwise."""
        if not self._ready():
            return _busy("Asterisk is not connected", "not-ready")
        if self._disk_full():
            return _busy("the journal's disk is full: what room is left is for the calls that live", "disk-full")
        if live >= self._live_calls:
            return _busy(f"{live} calls live, the limit is {self._live_calls}", "engine-full")
        if self.loop_lag_s > self._longest_lag_s:
            return _busy(f"the engine is {self.loop_lag_s:.2f} s behind", "engine-behind")
        now = time.monotonic()
        self._allowance = min(self._setups_per_s, self._allowance + (now - self._counted_at) * self._setups_per_s)
        self._counted_at = now
        if self._allowance < 1:
            return _busy("too many new calls at once", "engine-pace")
        self._allowance -= 1
        return None

    def full(self, live: int) -> bool:
        return live >= self._live_calls or self.loop_lag_s > self._longest_lag_s or self._disk_full()


def _busy(message: str, rule: str) -> Refused:
    return Refused(message, rule=rule, status=503, retry_after_s=2, what_next="Try again in a moment.")


class Beat:
    def __init__(
        self, *, journal: BeatJournal, ari: AriRequests, clock: Clock, admission: Admission, live: Callable[[], int]
    ) -> None:
        self._journal, self._ari, self._clock, self._admission, self._live = journal, ari, clock, admission, live
        self._soon = asyncio.Event()
        self.last: float | None = None  # monotonic time of the last beat Asterisk took
        self._unanswered: float | None = None  # monotonic time since which Asterisk takes none

    async def run(self, encode: Callable[[], bytes]) -> None:
        """Beat for ever; `encode` gives the clock's anchor, which the journal keeps with each beat."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + EVERY_S
            await self._rest(due)
            self._admission.loop_lag_s = max(0.0, loop.time() - due)
            await self._once(encode())

    def soon(self) -> None:
        """Beat now: Asterisk has just been reached, and callers may come in."""
        self._soon.set()

    async def _rest(self, until: float) -> None:
        self._soon.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._soon.wait()

    async def _once(self, anchor: bytes) -> None:
        try:
            await self._journal.put("clock", anchor)
            value = FULL if self._admission.full(self._live()) else str(int(time.time()))
            self._unanswered = self._unanswered or time.monotonic()
            await self._ari.set_global(VARIABLE, value)
        except JournalUnwritable as failed:
            self._unanswered = None  # Asterisk was not asked: a full disk makes nobody deaf
            log.warning("beat.missed", why=failed.message)
        except AriError as failed:
            log.warning("beat.missed", why=failed.message)
        else:
            self.last, self._unanswered = time.monotonic(), None

    def unanswered_s(self) -> float:
        """For how long Asterisk has been asked to take a beat and has not."""
        return 0.0 if self._unanswered is None else time.monotonic() - self._unanswered

    def age_s(self) -> float | None:
        return None if self.last is None else time.monotonic() - self.last
