"""What is doubtful in a calendar that can be used all the same, told to who writes it before a caller meets it."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Literal

import msgspec

from engine.domain.calendar import FORESEEN, holiday
from engine.domain.directory import Calendar, Directory
from engine.domain.osm_hours import Rules, names_public_holidays, parts
from engine.domain.values import Slug

LONG_GAP = timedelta(days=7)
_DAY = timedelta(days=1)
_Span = tuple[datetime, datetime]


class Doubt(msgspec.Struct, frozen=True):
    """Something doubtful in a calendar. `code` is stable; `message` says what was seen and what to do."""

    code: Literal["never-open", "gap", "doubtful", "rule-without-effect", "rule-replaces", "holiday-over"]
    message: str


def doubts(directory: Directory, since: date) -> dict[Slug, tuple[Doubt, ...]]:
    """Those about every calendar of a directory that has any."""
    found = {name: findings(calendar, since) for name, calendar in directory.calendars.items()}
    return {name: about for name, about in found.items() if about}


def findings(calendar: Calendar, since: date) -> tuple[Doubt, ...]:
    """The doubts about a calendar from this day on, for the year to come; public holidays are left out of it."""
    start = datetime.combine(since, time.min)
    spans = _spans(calendar.hours, start)
    if not spans:
        return (Doubt("never-open", f"`{calendar.hours}` is not open once in the coming year"),)
    return (
        *_gaps(spans, start),
        *_doubtful(calendar.hours, start),
        *_rules(parts(calendar.hours), start),
        *_over(calendar, since),
    )


def _spans(hours: str, start: datetime) -> list[_Span]:
    return list(Rules(hours).open_spans(start, start + FORESEEN))


def _gaps(spans: list[_Span], start: datetime) -> Iterator[Doubt]:
    closings, openings = [start, *(end for _, end in spans)], [*(begin for begin, _ in spans), start + FORESEEN]
    for closed, opened in zip(closings, openings, strict=True):
        if opened - closed > LONG_GAP:
            days = (opened - closed) // _DAY
            yield Doubt("gap", f"closed for {days} days from {closed:%Y-%m-%d}; a holiday with a name would say why")


def _doubtful(hours: str, start: datetime) -> Iterator[Doubt]:
    if Rules(hours).doubtful(start, start + FORESEEN):
        yield Doubt("doubtful", "`unknown` counts as closed: a caller is told one or the other")


def _rules(rules: list[str], start: datetime) -> Iterator[Doubt]:
    """Rules that say nothing, and rules that take away more than they seem to: `;` replaces the whole day."""
    whole = _spans("; ".join(rules), start)
    for number, rule in enumerate(rules):
        others = [*rules[:number], *rules[number + 1 :]]
        if others and not names_public_holidays(rule) and _spans("; ".join(others), start) == whole:
            yield Doubt("rule-without-effect", f"`{rule}` changes nothing: another rule says the same, or hides it")
        elif (day := _contradicted(rules[:number], rule, start)) is not None:
            message = f"`{rule}` replaces what was open on {day} and has other hours; to add them write `, {rule}`"
            yield Doubt("rule-replaces", message)


def _contradicted(before: list[str], rule: str, start: datetime) -> date | None:
    """The first day of which a rule takes hours away and gives others; shorter or longer hours are meant so."""
    if not before:
        return None
    earlier, later = (_by_day(_spans("; ".join(rules), start)) for rules in (before, [*before, rule]))
    days = (day for day, spans in earlier.items() if (new := later.get(day)) and not _either_within(spans, new))
    return next(days, None)


def _by_day(spans: list[_Span]) -> dict[date, list[_Span]]:
    return {day: list(found) for day, found in groupby(spans, key=lambda span: span[0].date())}


def _either_within(one: list[_Span], other: list[_Span]) -> bool:
    return _within(one, other) or _within(other, one)


def _within(inner: list[_Span], outer: list[_Span]) -> bool:
    return all(any(since <= begin and end <= until for since, until in outer) for begin, end in inner)


def _over(calendar: Calendar, since: date) -> Iterator[Doubt]:
    for text in calendar.holidays:
        day = holiday(text)
        if day.year is not None and date(day.year, day.month, day.day) < since:
            yield Doubt("holiday-over", f"`{text}` is over: remove it, or leave its year out to have it every year")
