"""When a delivery that failed is tried again: ten tries over three days, never in step with others'."""

import random

DELAYS_S: tuple[float, ...] = (5, 30, 120, 900, 3600, 10_800, 28_800, 72_000, 144_000)
"""After the first, second... try; together 72.3 hours. A restart is bridged in seconds, a weekend is survived."""
TRIES = len(DELAYS_S) + 1
JITTER = 0.1  # of each delay, either way: a receiver that comes back is not met by everybody at once


def delay_s(tries: int) -> float | None:
    """Seconds to wait after so many tries; None when it was the last one."""
    if tries >= TRIES:
        return None
    return DELAYS_S[tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret depends on it
