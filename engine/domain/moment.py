"""A point in time, twice: UTC for people, monotonic seconds for durations.

A wall clock that jumps an hour fires no timer and bends no duration, because durations are differences of `mono`.
`mono` goes on across restarts of the engine: the clock that makes moments takes care of that.
"""

from datetime import datetime

import msgspec


class Moment(msgspec.Struct, frozen=True, array_like=True):
    utc: datetime  # aware, UTC
    mono: float  # seconds


def seconds(start: Moment | None, end: Moment | None) -> float | None:
    """The duration between two moments in seconds, to the millisecond, never negative; None when one is missing."""
    if start is None or end is None:
        return None
    return max(0.0, round(end.mono - start.mono, 3))
