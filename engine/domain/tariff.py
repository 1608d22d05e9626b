"""What calls cost, as far as the limits must know: by the longest prefix of a rate table, else by a ceiling.

Money is whole millionths of the currency the rates are written in, so that nothing is lost by rounding. A minute that
has begun counts whole, as most operators bill: what is counted is never less than what is billed.
"""

import re
from typing import NewType

import msgspec

from engine.domain.numbers import NumberClass, parse_dialled
from engine.domain.values import E164
from engine.errors import InvalidValue

Money = NewType("Money", int)
UNIT = 1_000_000

_RATE = re.compile(r"\+?([1-9][0-9]{0,14}) *= *([0-9]{1,6}(?:\.[0-9]{1,6})?)", re.ASCII)
_HOME: frozenset[NumberClass] = frozenset({"local", "mobile", "toll_free"})
_LONGEST_PREFIX = 15


class Price(msgspec.Struct, frozen=True):
    """Of each minute begun. `zone` is the table's prefix (`+44`), `other` for what it does not know; at home None."""

    per_minute: Money
    zone: str | None


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """`rates`: digits of a prefix -> price. `home`: ordinary numbers of the site's country. `other`: the rest."""

    rates: dict[str, Money] = {}
    home: Money = Money(0)
    other: Money = Money(UNIT)


def money(amount: float) -> Money:
    """An amount as people write it, in millionths."""
    return Money(round(amount * UNIT))


def rate(text: str) -> tuple[str, Money]:
    """`+44=0.02`: a prefix and the price of a minute. Raises InvalidValue."""
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise InvalidValue(f"{text!r} is not a rate such as +44=0.02: a prefix, and the price of a minute")
    whole, _, part = found[2].partition(".")
    return found[1], Money(int(whole) * UNIT + int(part.ljust(6, "0") or 0))


def price(tariff: Tariff, number: E164, country: str) -> Price:
    """What a minute to `number` costs a site in `country` (ISO 3166)."""
    at_home = _at_home(number, country)
    prefixes = (number[1 : 1 + length] for length in range(_LONGEST_PREFIX, 0, -1))
    known = next((prefix for prefix in prefixes if prefix in tariff.rates), None)
    if known is None:
        return Price(tariff.home, None) if at_home else Price(tariff.other, "other")
    return Price(tariff.rates[known], None if at_home else f"+{known}")


def minutes_begun(seconds: float) -> int:
    """How many minutes a leg that was up this long began: 1 from its answer, 2 once it is past its first minute."""
    whole, rest = divmod(max(0.0, seconds), 60.0)
    return max(1, int(whole) + (rest > 0))


def _at_home(number: E164, country: str) -> bool:
    try:
        found = parse_dialled(number, country)
    except InvalidValue:
        return False
    return found.country == country and found.klass in _HOME
