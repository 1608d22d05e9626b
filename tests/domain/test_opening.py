"""When a site works."""

from datetime import datetime

import pytest

from engine.domain.opening import is_open, window
from engine.errors import InvalidValue

WEEK = ("mon-fri 08:00-19:00", "sat 09:00-12:30")
NIGHT = ("fri-mon 22:00-24:00", "sat-tue 00:00-06:00")


@pytest.mark.parametrize(
    ("hours", "local", "works"),
    [
        (WEEK, "2026-11-20 08:00", True),  # a Friday
        (WEEK, "2026-11-20 07:59", False),
        (WEEK, "2026-11-20 18:59", True),
        (WEEK, "2026-11-20 19:00", False),
        (WEEK, "2026-11-21 12:29", True),
        (WEEK, "2026-11-21 12:30", False),
        (WEEK, "2026-11-22 10:00", False),
        (NIGHT, "2026-11-23 23:59", True),
        (NIGHT, "2026-11-24 05:00", True),
        (NIGHT, "2026-11-25 05:00", False),
        ((), "2026-11-22 03:00", True),
    ],
)
def test_open(hours: tuple[str, ...], local: str, works: bool) -> None:
    assert is_open(hours, datetime.fromisoformat(local)) is works


@pytest.mark.parametrize(
    "text", ["", "always", "mon 8:00-19:00", "lun 08:00-19:00", "mon-foo 08:00-19:00", "mon 19:00-08:00",
             "mon 08:60-09:00", "mon 08:00-24:01", "mon 25:00-26:00", "mon 08:00-19:00\n[x]"],
)  # fmt: skip
def test_what_are_no_hours(text: str) -> None:
    with pytest.raises(InvalidValue):
        window(text)
