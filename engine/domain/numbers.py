"""Telephone numbers as people type them, turned into what the network dials and what the rules need to know.

One function knows the numbering plans (through `phonenumbers`, Google's metadata): `parse_dialled`. It accepts what is
found on visiting cards and web pages: blanks, hyphens, dots, brackets, slashes, a plus sign or the country's own
prefix abroad. It refuses everything else by name, so nothing that is not a digit comes out.
"""

import re
from typing import Literal

import msgspec
import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, ShortNumberCost, ValidationResult, shortnumberinfo

from engine.domain.values import E164, e164
from engine.errors import InvalidValue

NumberClass = Literal[
    "emergency",  # never refused, never through the engine's own rules
    "internal",  # an extension of the house
    "service",  # a short number of the country, such as directory enquiries
    "local",  # fixed lines and Internet telephony of the site's country
    "mobile",
    "international",  # any ordinary number of another country
    "premium",
    "shared_cost",
    "toll_free",
    "satellite",
    "personal",  # personal numbers, pagers, voicemail access: priced as their owner likes
    "unknown",  # dialable by length, in no range that is known to be in use
]

MAX_TYPED = 40  # the longest number with all its decoration
_TYPED = re.compile(r"\+?[0-9 ()./-]+", re.ASCII)
_SPACES = dict.fromkeys(
    map(ord, "\u00a0\u2007\u2009\u202f"), " "
)  # what web pages and office programs put between digits
_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013"), "-")
_PRETTY = _SPACES | _HYPHENS

_BY_TYPE: dict[int, NumberClass] = {
    PhoneNumberType.FIXED_LINE: "local",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "local",
    PhoneNumberType.VOIP: "local",
    PhoneNumberType.UAN: "local",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "personal",
    PhoneNumberType.VOICEMAIL: "personal",
}
_ORDINARY: frozenset[NumberClass] = frozenset({"local", "mobile"})
_BY_CODE: dict[int, NumberClass] = {
    **dict.fromkeys((870, 881, 882, 883), "satellite"),
    878: "personal",
}
"""ITU-T E.164 codes of satellite and global networks, and of universal personal numbers."""
_OVERSEAS = {
    **dict.fromkeys(("590", "690", "691"), 590),  # Guadeloupe, Saint-Martin, Saint-Barthélemy
    **dict.fromkeys(("594", "694"), 594),  # French Guiana
    **dict.fromkeys(("596", "696", "697"), 596),  # Martinique
    **dict.fromkeys(("262", "692", "693", "269", "639"), 262),  # Réunion, Mayotte
}
"""Ten digits from 0 mean the same in all of France (ARCEP), but overseas has country codes: 0690... is +590 690..."""
_FRENCH_PLAN = frozenset({"FR", "GP", "GF", "MQ", "RE", "YT", "MF", "BL"})
_FRENCH_NATIONAL = re.compile(r"0[1-9][0-9]{8}", re.ASCII)
_MAINLAND = 33
_EXTENSION = re.compile(r"[1-9][0-9]{1,5}", re.ASCII)
_NO_COUNTRY = "001"  # what phonenumbers calls a number that belongs to no country
_TOO_LONG_OR_SHORT = {
    ValidationResult.INVALID_COUNTRY_CODE: "no country has this code",
    ValidationResult.TOO_SHORT: "too short",
    ValidationResult.TOO_LONG: "too long",
    ValidationResult.INVALID_LENGTH: "no number of that country has this length",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "the area code is missing",
}


class Dialled(msgspec.Struct, frozen=True, kw_only=True):
    """A number somebody wants called: `digits` alone for extensions, and for short numbers of one country."""

    klass: NumberClass
    country: str | None  # ISO 3166; None for numbers that belong to no country
    e164: E164 | None  # None for extensions, emergency and service numbers
    digits: str  # ASCII digits only: without the plus for E.164, as it stands for short numbers


def parse_dialled(text: str, country: str, extensions: tuple[int, int] | None = None) -> Dialled:
    """What `text` means when it is typed in `country` (ISO 3166, upper case), at a site with these `extensions`.

    An extension hides a service number of the same digits, never an emergency number.

    Raises InvalidValue, which says why, when no telephone network could take it. A number that is possible but in no
    known range is not refused here: it is of class `unknown`, and whether that may be dialled is a rule's business.
    """
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidValue(f"{country!r} is not a country with a numbering plan (ISO 3166, such as FR)")
    plain = _plain(text)
    if _is_extension(plain, country, extensions):
        return Dialled(klass="internal", country=country, e164=None, digits=plain)
    try:
        number = _parsed(plain, country)
    except phonenumbers.NumberParseException as error:
        raise InvalidValue(f"{text!r} is not a telephone number: {error}") from error
    if short := _short(plain, number, country):
        return short
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != ValidationResult.IS_POSSIBLE:
        raise InvalidValue(f"{text!r} cannot be dialled: {_TOO_LONG_OR_SHORT[reason]}")
    canonical = e164(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    place = _country_of(number)
    return Dialled(klass=_class_of(number, place, country), country=place, e164=canonical, digits=canonical[1:])


def as_dialled_in(number: E164, country: str) -> str:
    """The digits a telephone in `country` dials for `number`: national there, else with the prefix for abroad.

    A country that offers several prefixes for abroad (it depends on the operator) keeps the plus sign.
    """
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidValue(f"{country!r} is not a country with a numbering plan (ISO 3166, such as FR)")
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException as error:
        raise InvalidValue(f"{number!r} cannot be written in national form: {error}") from error
    shown = phonenumbers.format_out_of_country_calling_number(parsed, country)
    plus = "+" if shown.startswith("+") else ""
    return plus + re.sub(r"[^0-9]", "", shown)


def _plain(text: str) -> str:
    """The digits, behind a plus sign if there was one; hostile and merely mistyped text are refused alike."""
    if len(text) > MAX_TYPED:
        raise InvalidValue(f"{len(text)} characters are no telephone number: {MAX_TYPED} are the most")
    plain = text.translate(_PRETTY).strip()
    if not _TYPED.fullmatch(plain) or not re.search("[0-9]", plain):
        raise InvalidValue(f"{text!r} is not a telephone number: digits, blanks and + ( ) . / - only")
    return "+" * plain.startswith("+") + re.sub(r"[^0-9]", "", plain)


def _is_extension(digits: str, country: str, extensions: tuple[int, int] | None) -> bool:
    if extensions is None or not _EXTENSION.fullmatch(digits):
        return False
    first, last = extensions
    return first <= int(digits) <= last and not shortnumberinfo.is_emergency_number(digits, country)


def _parsed(plain: str, country: str) -> PhoneNumber:
    if country in _FRENCH_PLAN and _FRENCH_NATIONAL.fullmatch(plain):
        code = _OVERSEAS.get(plain[1:4], _MAINLAND)
        return phonenumbers.parse(f"+{code}{plain[1:]}")
    return phonenumbers.parse(plain, country)


def _short(digits: str, number: PhoneNumber, country: str) -> Dialled | None:
    """Emergency and service numbers: they have no E.164 form, and mean something in their own country only."""
    if digits.startswith("+"):
        return None
    if shortnumberinfo.is_emergency_number(digits, country):
        return Dialled(klass="emergency", country=country, e164=None, digits=digits)
    if not shortnumberinfo.is_valid_short_number_for_region(number, country):
        return None
    premium = shortnumberinfo.expected_cost_for_region(number, country) == ShortNumberCost.PREMIUM_RATE
    return Dialled(klass="premium" if premium else "service", country=country, e164=None, digits=digits)


def _country_of(number: PhoneNumber) -> str | None:
    place = phonenumbers.region_code_for_number(number)
    return None if place == _NO_COUNTRY else place


def _class_of(number: PhoneNumber, place: str | None, here: str) -> NumberClass:
    if number.country_code in _BY_CODE:
        return _BY_CODE[number.country_code]
    if number.country_code == _MAINLAND and str(number.national_number)[:3] in _OVERSEAS:
        return "unknown"  # +33 690...: no such number in E.164, and overseas at whatever price if it is routed
    klass = _BY_TYPE.get(phonenumbers.number_type(number), "unknown")
    return "international" if klass in _ORDINARY and place != here else klass
