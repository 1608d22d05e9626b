"""What a bench is asked for: the same few numbers for all of them."""

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """`calls` live at once (reown), `rates` in calls per second and `seconds` for each (setup), `repeats` of each."""

    seconds: float = 6.0
    calls: tuple[int, ...] = (40, 100, 200)
    rates: tuple[float, ...] = (5, 10, 20, 40)
    repeats: int = 3


def say(text: str) -> None:
    """Progress, apart from the tables."""
    print(f"· {text}", file=sys.stderr, flush=True)
