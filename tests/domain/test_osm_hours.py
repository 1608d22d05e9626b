"""Opening hours as they are read, and what is told of those that cannot be."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.osm_hours import LONGEST, Rules, holidays_known, hours, names_public_holidays, parts
from engine.errors import InvalidValue

MONDAY = datetime(2026, 11, 23, 10)  # noqa: DTZ001 - wall time


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "something is missing at the end"),
        ("Mo-Fr 8-18", "'8-18', at character 7, is not understood"),
        ("lun 08:00-12:00", "'lun 08:00-12:00', at character 1, is not understood"),
        ("Mo-Fr 08:00-18:00; SH off", "'SH' is not known here"),
        ("sunrise-18:00", "'sunrise' is not known here"),
        ("Mo-Fr 08:00-18:00; Feb 30 off", "'Feb 30': there is no such day"),
        ("Mo 08:00-18:00;" * 100, f"hours of 1500 characters: {LONGEST} at most"),
    ],
)
def test_what_are_no_hours(text: str, why: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        hours(text)
    assert why in refused.value.message


def test_hours_are_kept_on_one_line_as_they_were_written() -> None:
    assert hours(' Mo-Fr\n 08:00-18:00;  PH off "SH" ') == 'Mo-Fr 08:00-18:00; PH off "SH"'


def test_rules_are_told_apart_where_one_replaces_another() -> None:
    assert parts('Mo-Fr 08:00-12:00, Sa 09:00-10:00; PH off "a;b";; Su off') == [
        "Mo-Fr 08:00-12:00, Sa 09:00-10:00",
        'PH off "a;b"',
        "Su off",
    ]


@pytest.mark.parametrize(("text", "named"), [("Mo; PH off", True), ("Mo-Fr", False), ('Mo "no PH"', False)])
def test_whether_hours_name_public_holidays(text: str, named: bool) -> None:
    assert names_public_holidays(text) is named


def test_countries() -> None:
    assert [holidays_known(country) for country in ("FR", "DE", "RE", "")] == [True, True, False, False]


def test_what_is_unknown_is_closed() -> None:
    rules = Rules("Mo-Fr 08:00-18:00 unknown")
    assert not rules.is_open(MONDAY)
    assert rules.doubtful(MONDAY, MONDAY.replace(hour=12))
    assert not Rules("24/7").doubtful(MONDAY, MONDAY.replace(hour=12))


def test_hours_that_never_change_are_answered_at_once() -> None:
    assert Rules("00:00-24:00").next_change(MONDAY) is None
    assert Rules("2020 Jan 1 10:00-12:00").next_change(MONDAY) is None


WORDS = st.sampled_from(
    ["Mo", "Fr", "PH", "off", "24/7", "Jan", "Feb 29", "2026", "week 53", "easter", "+1 day", "08:00", "26:00", "-",
     ",", ";", "||", '"x"', "[1]", "+", "/2", "unknown", "é", " "]
)  # fmt: skip


@settings(max_examples=300, deadline=2_000)
@given(st.lists(WORDS, max_size=8).map(" ".join) | st.lists(WORDS, max_size=8).map("".join) | st.text(max_size=30))
def test_any_text_is_hours_or_is_refused(text: str) -> None:
    try:
        rules = Rules(hours(text), "FR")
    except InvalidValue:
        return
    rules.next_change(MONDAY)
    rules.is_open(MONDAY)
