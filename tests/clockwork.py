"""Turning the hands of the event loop's clock, for what takes seconds or hours.

Only time that is waited for by timers passes: threads and sockets notice nothing. Turn them when all is quiet.
"""

import asyncio


class Hands:
    """Inside a running loop: `hands = Hands(); hands.turn(25)`."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._true, self._ahead_s = self._loop.time, 0.0
        self._loop.time = self._time  # type: ignore[method-assign] # every timer of the loop asks it

    def turn(self, seconds: float) -> None:
        """Whatever is due within that time is due now."""
        self._ahead_s += seconds

    def _time(self) -> float:
        return self._true() + self._ahead_s
