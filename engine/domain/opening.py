"""When a site works: `mon-fri 08:00-19:00`, in its own time. Outside, its limits are stricter."""

import re
from collections.abc import Iterable
from datetime import datetime

import msgspec

from engine.errors import InvalidValue

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? +([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})", re.ASCII)
_DAY_MINUTES = 24 * 60


class Window(msgspec.Struct, frozen=True):
    """Days (0 is Monday) and minutes since midnight; `until` is excluded, and 1440 at the most."""

    days: frozenset[int]
    since: int
    until: int


def window(text: str) -> Window:
    """`mon-fri 08:00-19:00`, `fri-mon 20:00-24:00`: days may go over Sunday, hours not over midnight.

    Raises InvalidValue.
    """
    found = _WINDOW.fullmatch(text.strip().lower())
    if found is None or found[1] not in DAYS or (found[2] or found[1]) not in DAYS:
        raise InvalidValue(f"{text!r} are no opening hours such as 'mon-fri 08:00-19:00'")
    since, until = (60 * int(hours) + int(minutes) for hours, minutes in ((found[3], found[4]), (found[5], found[6])))
    if not (0 <= since < until <= _DAY_MINUTES and int(found[4]) < 60 and int(found[6]) < 60):
        raise InvalidValue(f"{text!r}: hours go from 00:00 to 24:00 and end after they begin; write two for a night")
    first, last = DAYS.index(found[1]), DAYS.index(found[2] or found[1])
    days = frozenset((first + step) % 7 for step in range((last - first) % 7 + 1))
    return Window(days, since, until)


def is_open(hours: Iterable[str], local: datetime) -> bool:
    """Whether a site with these hours works at this time of its own clock; one without hours always does."""
    windows = [window(text) for text in hours]
    minute = 60 * local.hour + local.minute
    return not windows or any(local.weekday() in w.days and w.since <= minute < w.until for w in windows)
