"""Calendars: open, closed or holiday at an instant, and until when; what the clocks' changes do to it."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.calendar import Opening, holiday, opening
from engine.domain.directory import Calendar
from engine.errors import InvalidValue
from tests.config.directories import LYON, PARIS, WEEK


def stands(calendar: Calendar, at: str) -> Opening:
    return opening(calendar, PARIS, datetime.fromisoformat(at).astimezone(UTC))


def changed(**changes: object) -> Calendar:
    return msgspec.structs.replace(WEEK, **changes)


@pytest.mark.parametrize(
    ("at", "state", "holiday", "until"),
    [
        ("2026-11-26T11:59:59+01:00", "open", None, "2026-11-26T12:00+01:00"),  # a Thursday
        ("2026-11-26T12:00+01:00", "closed", None, "2026-11-26T14:00+01:00"),
        ("2026-11-28T09:00+01:00", "open", None, "2026-11-28T12:00+01:00"),
        ("2026-11-28T12:00+01:00", "closed", None, "2026-11-30T08:00+01:00"),
        ("2026-05-01T10:00+02:00", "holiday", "Fête du Travail", "2026-05-03T00:00+02:00"),  # and the 2nd is ours
        ("2026-05-02T10:00+02:00", "holiday", "Pont", "2026-05-03T00:00+02:00"),
        ("2027-05-02T23:59+02:00", "holiday", "Pont", "2027-05-03T00:00+02:00"),
        ("2026-12-24T09:00+01:00", "open", "Réveillon", "2026-12-24T12:00+01:00"),
        ("2026-12-24T14:00+01:00", "holiday", "Réveillon", "2026-12-26T00:00+01:00"),
        ("2027-12-24T14:00+01:00", "open", None, "2027-12-24T18:00+01:00"),  # that one was for once
        ("2026-04-06T10:00+02:00", "holiday", "Lundi de Pâques", "2026-04-07T00:00+02:00"),
    ],
)
def test_how_it_stands(at: str, state: str, holiday: str | None, until: str) -> None:
    found = stands(WEEK, at)
    assert (found.state, found.holiday) == (state, holiday)
    assert found.until == datetime.fromisoformat(until)


def test_public_holidays_are_its_countrys() -> None:
    labour_day = "2026-05-01T10:00+02:00"
    assert stands(changed(public_holidays=False), labour_day).state == "open"
    assert stands(changed(hours="Mo-Fr 08:00-18:00; PH 10:00-12:00"), labour_day).state == "open"
    assert stands(changed(hours="Mo-Fr 08:00-18:00; PH 11:00-12:00"), labour_day).state == "holiday"
    assert stands(changed(hours="Mo-Fr 08:00-18:00; PH off", country="GB"), labour_day).state == "open"
    assert stands(changed(country="DE"), "2026-10-03T10:00+02:00").holiday == "jour férié"
    assert opening(WEEK, LYON, datetime(2026, 5, 1, 8, tzinfo=UTC)).holiday == "Labour Day"


def test_what_is_once_counts_more_than_what_is_every_year() -> None:
    both = changed(holidays=("2026-05-04 10:00-12:00 Cette fois", "05-04 Toujours"))
    assert stands(both, "2026-05-04T10:00+02:00") == Opening("open", "Cette fois", datetime(2026, 5, 4, 10, tzinfo=UTC))
    assert stands(both, "2027-05-04T10:00+02:00").holiday == "Toujours"


def test_a_holiday_that_changes_no_hours_ends_nothing() -> None:
    always = changed(hours="24/7; PH open", holidays=())
    assert stands(always, "2026-05-01T10:00+02:00") == Opening("open", "Fête du Travail", None)


def test_hours_over_midnight_end_where_a_holiday_begins() -> None:
    night = changed(hours="22:00-06:00", holidays=())
    assert stands(night, "2026-04-30T23:00+02:00").until == datetime(2026, 4, 30, 22, tzinfo=UTC)
    assert stands(night, "2026-05-01T23:00+02:00").state == "holiday"
    assert stands(night, "2026-05-02T05:00+02:00").state == "open"


def test_without_a_site_the_time_zone_is_its_own_and_nobodys_holidays_close_it() -> None:
    tokyo = changed(site=None, time_zone="Asia/Tokyo", holidays=())
    assert opening(tokyo, None, datetime(2026, 5, 1, 0, tzinfo=UTC)).state == "open"


def test_the_night_that_is_an_hour_shorter_and_the_one_that_is_longer() -> None:
    night = changed(hours="Su 02:15-02:45", public_holidays=False, holidays=())
    assert stands(night, "2026-03-29T01:00+01:00").until == datetime(2026, 4, 5, 0, 15, tzinfo=UTC)
    first, between, second = (stands(night, f"2026-10-25T02:{at}") for at in ("20+02:00", "50+02:00", "20+01:00"))
    assert (first.state, first.until) == ("open", datetime(2026, 10, 25, 0, 45, tzinfo=UTC))
    assert (between.state, between.until) == ("closed", datetime(2026, 10, 25, 1, 15, tzinfo=UTC))
    assert (second.state, second.until) == ("open", datetime(2026, 10, 25, 1, 45, tzinfo=UTC))


CLOCKS = st.sampled_from(
    [
        ("Europe/Paris", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Europe/Paris", datetime(2026, 10, 25, 1, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),  # half an hour
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    ]
)
QUARTER = st.integers(0, 23 * 4).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
MINUTE = timedelta(minutes=1)


def by_hand(since: str, until: str, at: datetime, zone: ZoneInfo) -> str:
    """What a clock on the wall there shows, and nothing else."""
    wall = f"{at.astimezone(zone):%H:%M}"
    return "open" if (since <= wall < until if since < until else wall >= since or wall < until) else "closed"


@settings(max_examples=200, deadline=None)
@given(clocks=CLOCKS, since=QUARTER, until=QUARTER, away=st.integers(-36 * 60, 36 * 60))
def test_until_is_the_very_next_change_whatever_the_clocks_do(
    clocks: tuple[str, datetime], since: str, until: str, away: int
) -> None:
    zone, switch = clocks
    calendar = changed(hours=f"{since}-{until}", time_zone=zone, public_holidays=False, holidays=())
    at = switch + away * MINUTE
    told = opening(calendar, PARIS, at)
    looked_at = (at + n * MINUTE for n in range(3 * 24 * 60))
    seen = (moment for moment in looked_at if by_hand(since, until, moment, ZoneInfo(zone)) != told.state)
    assert told.state == by_hand(since, until, at, ZoneInfo(zone))
    assert told.until == next(seen, None)


@pytest.mark.parametrize(
    ("text", "selector", "hours", "name"),
    [
        ("05-02 Pont", "May 02", "", "Pont"),
        ("02-29  Jour bissextile ", "Feb 29", "", "Jour bissextile"),
        ("2026-12-24 08:00-12:00,13:00-14:00 Réveillon", "2026 Dec 24", "08:00-12:00,13:00-14:00", "Réveillon"),
        ("05-02 8:00 am", "May 02", "", "8:00 am"),
    ],
)
def test_a_holiday_is_read(text: str, selector: str, hours: str, name: str) -> None:
    found = holiday(text)
    assert (found.selector, found.hours, found.name) == (selector, hours, name)


@pytest.mark.parametrize(
    "text", ["", "05-02", "5-2 Pont", "2026-02-29 x", "02-30 x", "13-01 x", "0000-01-01 x", "05-02 25:00-26:00 x",
             "05-02 a\nb", "05-02 " + "x" * 81, "٠٥-٠٢ x"],
)  # fmt: skip
def test_what_is_no_holiday(text: str) -> None:
    with pytest.raises(InvalidValue):
        holiday(text)
