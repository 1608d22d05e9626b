"""What a minute costs, and how many were begun."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.tariff import Money, Tariff, minutes_begun, money, price, rate
from engine.domain.values import E164
from engine.errors import InvalidValue

RATES = dict(map(rate, ["+44=0.02", "447=0.15", "+44906 = 2", "33=0.005", "33 6=1".replace(" ", "")]))
TARIFF = Tariff(rates=RATES, home=money(0.01), other=money(1))
BARE = Tariff(home=money(0.01), other=money(1))


@pytest.mark.parametrize(
    ("number", "per_minute", "zone"),
    [
        ("+442079460018", 0.02, "+44"),
        ("+447400123456", 0.15, "+447"),
        ("+449061234567", 2, "+44906"),
        ("+33142685300", 0.005, None),
        ("+33612345678", 1, None),
        ("+33899123456", 0.005, "+33"),
        ("+3225550000", 1, "other"),
    ],
)
def test_the_longest_prefix_counts(number: str, per_minute: float, zone: str | None) -> None:
    found = price(TARIFF, E164(number), "FR")
    assert (found.per_minute, found.zone) == (money(per_minute), zone)


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("+33142685300", None),
        ("+33612345678", None),
        ("+33800123456", None),
        ("+33899123456", "other"),
        ("+33810123456", "other"),
        ("+262692123456", "other"),
        ("+999123456789", "other"),
    ],
)
def test_home_is_the_sites_own_country_and_ordinary(number: str, zone: str | None) -> None:
    found = price(BARE, E164(number), "FR")
    assert (found.per_minute, found.zone) == (money(0.01 if zone is None else 1), zone)


@pytest.mark.parametrize("text", ["", "44", "44=", "+44=-1", "=1", "044=1", "44=1,5", "44=0.1234567", "x=1", "44=nan"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(InvalidValue):
        rate(text)


def test_a_rate_is_exact() -> None:
    assert rate("44=0.000001") == ("44", Money(1))
    assert rate("44=12.5") == ("44", Money(12_500_000))


@pytest.mark.parametrize(
    ("seconds", "minutes"), [(-1, 1), (0, 1), (0.001, 1), (59.9, 1), (60, 1), (60.001, 2), (120, 2), (3600, 60)]
)
def test_minutes_that_were_begun(seconds: float, minutes: int) -> None:
    assert minutes_begun(seconds) == minutes


@given(st.floats(0, 1e6))
def test_never_less_than_by_the_second(seconds: float) -> None:
    assert seconds / 60 <= minutes_begun(seconds) + 1e-9
    assert minutes_begun(seconds) <= seconds / 60 + 1
