"""Flags of the house: which stand, and which one counts."""

from datetime import UTC, datetime, timedelta

from engine.domain.incidents import Incident, first_of, label, standing, with_one, without
from engine.domain.values import Slug

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
CLOSED = Incident(code=Slug("company-closed"), author="ops", set_at=NOON)
DOWN = Incident(code=Slug("it-down"), author="ops", set_at=NOON, expires_at=NOON + SECOND)


def test_one_stands_until_its_time_is_over() -> None:
    assert standing((CLOSED, DOWN), NOON) == (CLOSED, DOWN)
    assert standing((CLOSED, DOWN), NOON + SECOND) == (CLOSED,)


def test_one_takes_the_place_of_another_unless_several_may_be_set() -> None:
    again = Incident(code=DOWN.code, author="boss", set_at=NOON)
    assert with_one((CLOSED,), DOWN, several=False) == (DOWN,)
    assert with_one((CLOSED, DOWN), again, several=True) == (CLOSED, again)
    assert without((CLOSED, DOWN), DOWN.code) == (CLOSED,)


def test_the_first_of_the_flags_asked_for_counts_not_the_first_that_was_set() -> None:
    asked = (DOWN.code, CLOSED.code)
    assert first_of(asked, (CLOSED, DOWN), NOON) == DOWN
    assert first_of(asked, (CLOSED, DOWN), NOON + SECOND) == CLOSED
    assert first_of((Slug("flood"),), (CLOSED, DOWN), NOON) is None


def test_what_people_call_it() -> None:
    assert (label(DOWN.code, "fr"), label(DOWN.code, "en")) == ("Panne informatique", "IT down")
    assert label(Slug("flood"), "fr") == "flood"
