"""Opening hours in the syntax of OpenStreetMap: `Mo-Fr 08:00-12:00,14:00-18:00; PH off`.

The one module that knows what is behind it (opening-hours-py). It is asked in wall time only, without a zone, so that
what a change of the clocks does is decided in one place of ours (`calendar.py`).
https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification
"""

import re
from collections.abc import Iterator
from datetime import datetime

from opening_hours import (  # type: ignore[attr-defined] # its stub forgets the errors
    OpeningHours,
    ParserError,
    State,
    UnknownCountryError,
)

from engine.errors import InvalidValue

LONGEST = 1_000
LOOKS_AHEAD = 400  # days; without a bound, hours that never change are looked through until the year 9999: 3 s
_QUOTED = re.compile(r'"[^"]*"')
_UNKNOWABLE = re.compile(r"\b(SH|sunrise|sunset|dawn|dusk)\b")
_NO_DAY = re.compile(r"\b(?:Feb 3[01]|(?:Apr|Jun|Sep|Nov) 31)\b")  # the library takes them for every day
_PUBLIC = re.compile(r"\bPH\b")
_COLUMN = re.compile(r"--> [0-9]+:([0-9]+)")


class Rules:
    """Hours that were read: what they say of any moment of the wall clock. `country`: whose public holidays PH means.

    Raises InvalidValue for what are no hours.
    """

    def __init__(self, text: str, country: str | None = None) -> None:
        try:
            self._hours = OpeningHours(
                text, country=country, auto_country=False, auto_timezone=False, max_interval_days=LOOKS_AHEAD
            )
        except ParserError as wrong:
            raise InvalidValue(_not_understood(text, str(wrong))) from None

    def is_open(self, wall: datetime) -> bool:
        """`unknown` counts as closed: a caller must be told one or the other."""
        return self._hours.is_open(wall)

    def comment(self, wall: datetime) -> str:
        """What the rule in force then has in quotes."""
        return self._hours.state(wall)[1]

    def next_change(self, wall: datetime) -> datetime | None:
        """When another rule is in force, on the same wall clock; None: never."""
        return self._hours.next_change(wall)

    def open_spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """From when to when it is open, between these two."""
        return ((since, until) for since, until, state, _ in self._hours.intervals(start, end) if state == State.OPEN)

    def doubtful(self, start: datetime, end: datetime) -> bool:
        """Whether it is `unknown` at any time between these two."""
        return any(state == State.UNKNOWN for _, _, state, _ in self._hours.intervals(start, end))


def hours(text: str) -> str:
    """Hours as a person wrote them, on one line; raises InvalidValue for what are none, or cannot be known here."""
    kept = " ".join(text.split())
    if len(kept) > LONGEST:
        raise InvalidValue(f"hours of {len(kept)} characters: {LONGEST} at most")
    if found := _UNKNOWABLE.search(_QUOTED.sub("", kept)):
        raise InvalidValue(f"{found[0]!r} is not known here: write days and times, and holidays by their dates")
    if found := _NO_DAY.search(_QUOTED.sub("", kept)):
        raise InvalidValue(f"{found[0]!r}: there is no such day")
    Rules(kept)
    return kept


def names_public_holidays(text: str) -> bool:
    """Whether these hours say themselves what happens on public holidays (`PH off`, `PH 10:00-12:00`)."""
    return _PUBLIC.search(_QUOTED.sub("", text)) is not None


def holidays_known(country: str) -> bool:
    """Whether it is known which days are public holidays there (ISO 3166)."""
    try:
        OpeningHours("PH", country=country)
    except UnknownCountryError:
        return False
    return True


def parts(text: str) -> list[str]:
    """The rules of these hours one by one, without what separates those that replace (`;`)."""
    quiet = _QUOTED.sub(lambda found: "_" * len(found[0]), text)
    ends = [found.start() for found in re.finditer(";", quiet)]
    starts = [0, *(end + 1 for end in ends)]
    cut = [text[since:until].strip() for since, until in zip(starts, [*ends, len(text)], strict=True)]
    return [part for part in cut if part]


def _not_understood(text: str, told: str) -> str:
    """The parser's picture of the place, as one sentence."""
    found = _COLUMN.search(told)
    place = int(found[1]) if found else 1
    rest = text[place - 1 :].strip()[:20]
    what = f"{rest!r}, at character {place}, is not understood" if rest else "something is missing at the end"
    return f"{text[:80]!r} are no opening hours: {what}; an example: Mo-Fr 08:00-12:00,14:00-18:00; PH off"
