"""What one scope has called and spent lately. Times are seconds of the monotonic clock, money is `tariff.Money`."""

import bisect

from engine.domain.limits import Measure
from engine.domain.values import CallId

MINUTE_S = 60.0
LEAD_S = 2.0
"""A minute is paid this much before it begins: time to end the call if it cannot be."""
_HOUR_MINUTES, _DAY_MINUTES = 60, 24 * 60
KEEP_S = (_DAY_MINUTES + 2) * MINUTE_S


class Counter:
    """`held`: money for legs that may still be answered; `open`: calls that are not over."""

    def __init__(self) -> None:
        self.held: dict[CallId, int] = {}
        self.open: set[CallId] = set()
        self._requested: list[float] = []
        self._paid: dict[int, int] = {}  # minute of the clock -> money

    def request(self, at: float) -> None:
        bisect.insort(self._requested, at)

    def take_back(self, at: float) -> None:
        """A request that came to nothing."""
        if at in self._requested:
            self._requested.remove(at)

    def pay(self, at: float, amount: int) -> None:
        self._paid[int(at) // 60] = self._paid.get(int(at) // 60, 0) + amount

    def value(self, measure: Measure, now: float) -> int:
        match measure:
            case "calls_per_minute":
                return len(self._requested) - bisect.bisect_right(self._requested, now - MINUTE_S)
            case "concurrent_calls":
                return len(self.open)
            case "spend_per_hour":
                return self._spent(now, _HOUR_MINUTES)
            case _:
                return self._spent(now, _DAY_MINUTES)

    def begin_anew(self) -> None:
        """What was called and spent counts no more; what is under way does."""
        self._requested.clear()
        self._paid.clear()

    def forget_old(self, now: float) -> None:
        del self._requested[: bisect.bisect_right(self._requested, now - MINUTE_S)]
        self._paid = {minute: money for minute, money in self._paid.items() if minute >= int(now - KEEP_S) // 60}

    def _spent(self, now: float, minutes: int) -> int:
        """In a sliding window that is never shorter than said."""
        first = int(now + LEAD_S) // 60 - minutes
        return sum(money for minute, money in self._paid.items() if minute >= first) + sum(self.held.values())
