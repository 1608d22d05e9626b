"""What is doubtful in a calendar."""

from datetime import date

import msgspec
import pytest

from engine.domain.calendar_findings import doubts, findings
from engine.domain.directory import EMPTY
from engine.domain.values import Slug
from tests.config.directories import WEEK

TODAY = date(2026, 11, 26)

DOUBTS = [
    ("Mo-Fr 08:00-12:00,14:00-18:00; Sa 09:00-12:00", []),
    ("Mo-Fr 08:00-18:00; Fr 08:00-16:00", []),  # shorter on Fridays: meant so
    ("Mo-Fr 08:00-18:00; Th 08:00-20:00", []),
    ("Mo-Fr 08:00-18:00, Th 19:00-21:00", []),
    ("Mo-Fr 08:00-18:00; PH off", []),
    ("off", ["never-open: `off` is not open once in the coming year"]),
    (
        "Mo-Fr 08:00-18:00; Th 17:00-21:00",
        ["rule-replaces: `Th 17:00-21:00` replaces what was open on 2026-11-26 and has other hours; to add them write"
         " `, Th 17:00-21:00`"],
    ),
    (
        "Mo-Fr 08:00-18:00; Su off",
        ["rule-without-effect: `Su off` changes nothing: another rule says the same, or hides it"],
    ),
    (
        "Mo-Fr 09:00-17:00; Mo-Fr 08:00-18:00",
        ["rule-without-effect: `Mo-Fr 09:00-17:00` changes nothing: another rule says the same, or hides it"],
    ),
    (
        "Mo-Fr 08:00-18:00; Aug off",
        ["gap: closed for 32 days from 2027-07-30; a holiday with a name would say why"],
    ),
    (
        "Mo-Fr 08:00-18:00; Sa 09:00-12:00 unknown",
        ["doubtful: `unknown` counts as closed: a caller is told one or the other",
         "rule-without-effect: `Sa 09:00-12:00 unknown` changes nothing: another rule says the same, or hides it"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("hours", "doubts"), DOUBTS, ids=[hours for hours, _ in DOUBTS])
def test_what_is_doubtful(hours: str, doubts: list[str]) -> None:
    calendar = msgspec.structs.replace(WEEK, hours=hours, holidays=())
    assert [f"{found.code}: {found.message}" for found in findings(calendar, TODAY)] == doubts


def test_a_holiday_that_is_over() -> None:
    calendar = msgspec.structs.replace(WEEK, holidays=("05-02 Pont", "2026-11-25 Hier", "2026-11-26 Ce jour"))
    (found,) = findings(calendar, TODAY)
    assert (found.code, found.message) == (
        "holiday-over",
        "`2026-11-25 Hier` is over: remove it, or leave its year out to have it every year",
    )


def test_of_a_directory_those_calendars_are_told_that_are_doubtful() -> None:
    attic = msgspec.structs.replace(WEEK, id=Slug("attic"), hours="off", holidays=())
    told = doubts(msgspec.structs.replace(EMPTY, calendars={WEEK.id: WEEK, attic.id: attic}), TODAY)
    assert {name: [found.code for found in about] for name, about in told.items()} == {attic.id: ["never-open"]}
