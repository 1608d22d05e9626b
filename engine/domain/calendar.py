"""A calendar at an instant: open, closed or a holiday, and when that next changes.

Hours are those of the wall clock at the calendar's own place. A day that a holiday closes or gives hours of its own is
from midnight to midnight; what the ordinary hours carry over from the evening before comes back after it.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from engine.domain.directory import Calendar, Site
from engine.domain.osm_hours import Rules, holidays_known, names_public_holidays
from engine.domain.public_holidays import days_of
from engine.errors import InvalidValue

FORESEEN = timedelta(days=400)  # every ordinary change comes within a year
_PROBE = timedelta(days=7)  # no zone changes its clocks twice in a week
_SECOND = timedelta(seconds=1)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HOLIDAY = re.compile(
    r"(?:(?P<year>[0-9]{4})-)?(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    r"(?P<hours>(?: +[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}(?:,[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2})*)?) +(?P<name>\S.*)",
    re.ASCII,
)


State = Literal["open", "closed", "holiday"]


class Holiday(msgspec.Struct, frozen=True):
    """A day of the house's own. No `year`: every year. No `hours`: closed all day."""

    year: int | None
    month: int
    day: int
    hours: str
    name: str

    @property
    def selector(self) -> str:
        """The day in the syntax of opening hours."""
        year = "" if self.year is None else f"{self.year:04} "
        return f"{year}{_MONTHS[self.month - 1]} {self.day:02}"


class Opening(msgspec.Struct, frozen=True):
    """How a calendar stands. `holiday` is the day's name. `until` is in UTC; None: as far as can be foreseen."""

    state: State
    holiday: str | None
    until: datetime | None


def holiday(text: str) -> Holiday:
    """`05-02 Pont`, every year; `2026-12-24 08:00-12:00 Réveillon`, once and with hours of its own.

    Raises InvalidValue.
    """
    found = _HOLIDAY.fullmatch(text.strip())
    if found is None or not found["name"].isprintable() or len(found["name"]) > 80:
        raise InvalidValue(f"{text[:80]!r} is no holiday such as '05-02 Pont' or '2026-12-24 08:00-12:00 Réveillon'")
    year = int(found["year"]) if found["year"] else None
    made = Holiday(year, int(found["month"]), int(found["day"]), found["hours"].strip(), found["name"].rstrip())
    try:
        date(2024 if year is None else year, made.month, made.day)  # 2024 has a 29 February
    except ValueError:
        raise InvalidValue(f"{text[:80]!r}: there is no such day") from None
    if made.hours:
        Rules(made.hours)
    return made


def wrong(calendar: Calendar, site: Site | None) -> Iterator[tuple[str, str]]:
    """What keeps a calendar from being asked: field and message."""
    if calendar.site is None and calendar.time_zone is None:
        yield "time_zone", "a site or a time zone is needed: what time is it there?"
    country = _country(calendar, site)
    if country is not None and not holidays_known(country):
        message = f"the public holidays of {country} are not known here: name another country, or public_holidays: no"
        yield "country", message
    days = [holiday(text) for text in calendar.holidays]
    for day, times in Counter(day.selector for day in days).items():
        if times > 1:
            yield "holidays", f"{day} is named {times} times"


def opening(calendar: Calendar, site: Site | None, at: datetime) -> Opening:
    """How the calendar stands at this instant. `site` is the calendar's. Neither may be `wrong`."""
    timetable = _timetable(calendar, site)
    state, name = timetable.at(at)
    moment = at
    while moment < at + FORESEEN:
        moment = timetable.next_look(moment)
        if timetable.at(moment)[0] != state:
            return Opening(state, name, moment)
    return Opening(state, name, None)


class _Timetable:
    """What was made of a calendar: when it is open, and which days are holidays, both by the wall clock."""

    def __init__(self, zone: ZoneInfo, hours: Rules, days: Rules, names: Sequence[str]) -> None:
        self._zone, self._hours, self._days, self._names = zone, hours, days, names

    def at(self, at: datetime) -> tuple[State, str | None]:
        wall = self._wall(at)
        name = self._names[int(self._days.comment(wall))] if self._days.is_open(wall) else None
        if self._hours.is_open(wall):
            return "open", name
        return ("closed", None) if name is None else ("holiday", name)

    def next_look(self, at: datetime) -> datetime:
        """An instant after `at` before which nothing changes: by the rules, or because the clocks do."""
        wall = self._wall(at)
        changes = [found for of in (self._hours, self._days) if (found := of.next_change(wall)) is not None]
        ahead = min(changes, default=wall + FORESEEN) - wall
        return self._clocks_change(at, at + min(ahead, FORESEEN)) or at + min(ahead, FORESEEN)

    def _wall(self, at: datetime) -> datetime:
        return at.astimezone(self._zone).replace(tzinfo=None)

    def _clocks_change(self, since: datetime, until: datetime) -> datetime | None:
        """The first instant between these two from which the clocks are set otherwise, if there is one."""
        before = self._offset(since)
        early = since
        while early < until:
            late = min(early + _PROBE, until)
            if self._offset(late) != before:
                return self._bisected(early, late)
            early = late
        return None

    def _bisected(self, early: datetime, late: datetime) -> datetime:
        before = self._offset(early)
        low, high = 0, int((late - early) / _SECOND) + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._offset(early + middle * _SECOND) == before else (low, middle)
        return early.replace(microsecond=0) + high * _SECOND

    def _offset(self, at: datetime) -> timedelta | None:
        return at.astimezone(self._zone).utcoffset()


def _country(calendar: Calendar, site: Site | None) -> str | None:
    """Whose public holidays close it."""
    here = site.country if site else None
    return (calendar.country or here) if calendar.public_holidays else None


@lru_cache(maxsize=1_000)
def _timetable(calendar: Calendar, site: Site | None) -> _Timetable:
    zone = ZoneInfo(calendar.time_zone or (site.time_zone if site else "UTC"))
    country = _country(calendar, site)
    own = sorted(map(holiday, calendar.holidays), key=lambda day: day.year is not None)  # once is the more exact
    public = days_of(country, site.language if site else "fr") if country else []
    closes = ["PH off"] if public and not names_public_holidays(calendar.hours) else []
    hours = "; ".join([calendar.hours, *closes, *(f"{day.selector} {day.hours or 'off'}" for day in own)])
    named = [*public, *((day.selector, day.name) for day in own)]
    days = "; ".join(["closed", *(f'{day} open "{number}"' for number, (day, _) in enumerate(named))])
    return _Timetable(zone, Rules(hours, country), Rules(days, country), [name for _, name in named])
