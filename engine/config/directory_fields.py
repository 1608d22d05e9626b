"""Each field of a directory file: how the text that was written becomes the value the model holds.

A parser gets one text and the country whose numbering plan applies, and returns the value or raises InvalidValue.
The tables name every field of the model but `id`, which is the entry's key.
"""

import re
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, get_args

import msgspec
import phonenumbers

from engine.config import values
from engine.domain.calendar import holiday
from engine.domain.dialstring import sip_user
from engine.domain.directory import ToAgent, ToApplication, ToGroup
from engine.domain.directory_kinds import Kind
from engine.domain.numbers import NumberClass, parse_dialled
from engine.domain.opening import window
from engine.domain.osm_hours import hours
from engine.domain.routing import COSTLY
from engine.domain.values import E164, EXTENSION_PATTERN, Slug, extension, slug
from engine.errors import InvalidValue

Parser = Callable[[str, str], Any]

CODECS = ("alaw", "ulaw", "g722", "gsm")
MIN_AGENT_SECRET = 12  # characters; generated ones have 20
_YES = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_RANGE = re.compile(r"([0-9]{2,6}) *(?:-|\.\.) *([0-9]{2,6})", re.ASCII)


class Several(msgspec.Struct, frozen=True):
    """A field that holds a list: the parser of one item."""

    one: Parser


class OneOf(msgspec.Struct, frozen=True):
    """A field that holds one `word: value` pair: the words there are, and the parser of each one's value."""

    words: Mapping[str, Parser]


Field = Parser | Several | OneOf


def _text(text: str, _country: str) -> str:
    kept = text.strip()
    if not kept or len(kept) > 80 or not kept.isprintable():
        raise InvalidValue(f"{text[:80]!r} is not a name: 1 to 80 printable characters")
    return kept


def _yes_no(text: str, _country: str) -> bool:
    if text.lower() not in _YES:
        raise InvalidValue(f"{text!r} is neither yes nor no")
    return _YES[text.lower()]


def _number(low: int, high: int) -> Parser:
    def parse(text: str, _country: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) or not low <= int(text) <= high:
            raise InvalidValue(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _one_of(*choices: str) -> Parser:
    def parse(text: str, _country: str) -> str:
        if text not in choices:
            raise InvalidValue(f"{text!r} is not one of {', '.join(choices)}")
        return text

    return parse


def _slug(text: str, _country: str) -> Slug:
    return slug(text)


def _extension(text: str, _country: str) -> str:
    return extension(text)


def _sip_user(text: str, _country: str) -> str:
    return sip_user(text)


def _time_zone(text: str, _country: str) -> str:
    if text not in zoneinfo.available_timezones():
        raise InvalidValue(f"{text!r} is not a time zone such as Europe/Paris")
    return text


def _country(text: str, _here: str) -> str:
    if text not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidValue(f"{text!r} is not a country with a numbering plan (ISO 3166, such as FR)")
    return text


def _range(text: str, _country: str) -> tuple[int, int]:
    found = _RANGE.fullmatch(text.strip())
    if not found:
        raise InvalidValue(f"{text!r} is not a range of extensions such as 2000-2999")
    return int(found[1]), int(found[2])


def _host(text: str, _country: str) -> str:
    return str(values.host(text))


def _trunk_host(text: str, country: str) -> str:
    """An account trunk has none, and is told so; what was told may be sent back."""
    return _host(text, country) if text else ""


def _network(text: str, _country: str) -> str:
    return str(values.network(text))


def _word(text: str, _country: str) -> str:
    return str(values.word(text))


def _secret(text: str, _country: str) -> str:
    return str(values.secret(text))


def _agent_secret(text: str, _country: str) -> str:
    if len(text) < MIN_AGENT_SECRET:
        raise InvalidValue(f"too short: at least {MIN_AGENT_SECRET} characters; leave it out to have one generated")
    return str(values.secret(text))


def _e164(text: str, country: str) -> E164:
    dialled = parse_dialled(text, country)
    if dialled.e164 is None:
        raise InvalidValue(f"{text!r} is a short number, which cannot be reached from everywhere")
    return dialled.e164


def _caller(text: str, country: str) -> str:
    """A number outside, or an extension, which is shorter than any."""
    return extension(text) if re.fullmatch(EXTENSION_PATTERN, text, re.ASCII) else _e164(text, country)


def _prefix(text: str, _country: str) -> str:
    if not re.fullmatch(r"[0-9]{0,8}", text, re.ASCII):
        raise InvalidValue(f"{text!r} is not a prefix of up to 8 digits")
    return text


def _hours(text: str, _country: str) -> str:
    window(text)
    return " ".join(text.lower().split())


def _opening_hours(text: str, _country: str) -> str:
    return hours(text)


def _holiday(text: str, _country: str) -> str:
    holiday(text)
    return " ".join(text.split())


def _day(text: str, _country: str) -> date:
    try:
        if _DAY.fullmatch(text):  # ISO 8601 has more ways to write a day, which people do not expect
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidValue(f"{text!r} is not a day such as 2026-11-30")


RIGHTS = tuple(klass for klass in get_args(NumberClass) if klass != "emergency")  # which nobody is denied


def _did_prefix(text: str, _country: str) -> str:
    return str(values.number_prefix(text)) if text else ""


def _short_number(text: str, _country: str) -> str:
    if not re.fullmatch(r"[0-9]{2,6}", text, re.ASCII):
        raise InvalidValue(f"{text!r} is not a short number of 2 to 6 digits")
    return text


def _outside_prefix(text: str, _country: str) -> str:
    if not re.fullmatch(r"[0-9]{0,3}", text, re.ASCII):
        raise InvalidValue(f"{text!r} is not a prefix of up to 3 digits")
    return text


_LANGUAGE = _one_of("fr", "en")
_NOTICE = _one_of("message", "tone", "music")

SITE: Mapping[str, Field] = {
    "name": _text,
    "country": _country,
    "time_zone": _time_zone,
    "language": _LANGUAGE,
    "notice": _NOTICE,
    "confirm": _yes_no,
    "allow_other_sites": _yes_no,
    "ring_agent_s": _number(5, 300),
    "ring_customer_s": _number(5, 300),
    "extensions": _range,
    "dialable_countries": Several(_country),
    "dialable_classes": Several(_one_of(*sorted(COSTLY))),
    "open_hours": Several(_hours),
    "emergency_numbers": Several(_short_number),
    "outside_prefix": _outside_prefix,
    "switchboard": _extension,
    "external_address": _host,
    "sip_port": _number(1, 65535),
    "local_networks": Several(_network),
}
TRUNK: Mapping[str, Field] = {
    "site": _slug,
    "kind": _one_of("peer", "register", "account"),
    "host": _trunk_host,
    "port": _number(1, 65535),
    "transport": _one_of("udp", "tcp", "tls"),
    "username": _word,
    "secret": _secret,
    "channels": _number(1, 10000),
    "priority": _number(1, 1000),
    "caller_ids": Several(_e164),
    "answers_early": _yes_no,
    "allow_external": _yes_no,
    "receive": _yes_no,
    "codecs": Several(_one_of(*CODECS)),
    "media_encryption": _one_of("none", "sdes"),
    "dtmf": _one_of("rfc4733", "info", "inband"),
    "from_user": _word,
    "from_domain": _host,
    "withhold": _yes_no,
    "pai": _yes_no,
    "dial_strip": _number(0, 5),
    "dial_prefix": _prefix,
    "number_format": _one_of("e164", "digits", "national"),
    "did_strip": _number(0, 12),
    "did_prefix": _did_prefix,
    "qualify_s": _number(5, 3600),
    "rtp_timeout_s": _number(0, 3600),
    "rtp_timeout_hold_s": _number(0, 86400),
    "session_timers": _one_of("no", "yes", "required", "always"),
    "session_expires_s": _number(90, 86400),
    "enabled": _yes_no,
}
AGENT: Mapping[str, Field] = {
    "name": _text,
    "site": _slug,
    "extension": _extension,
    "secret": _agent_secret,
    "sip_user": _sip_user,
    "mode": _one_of("sip", "mobile"),
    "mobile": _e164,
    "mobile_permitted": _yes_no,
    "language": _LANGUAGE,
    "confirm": _yes_no,
    "notice": _NOTICE,
    "rights": Several(_one_of(*RIGHTS)),
    "devices": _number(1, 10),
    "incidents": _yes_no,
    "webrtc": _yes_no,
    "enabled": _yes_no,
}
GROUP: Mapping[str, Field] = {
    "name": _text,
    "site": _slug,
    "extension": _extension,
    "strategy": _one_of("ring_all", "one_by_one"),
    "members": Several(_slug),
    "ring_s": _number(5, 300),
    "language": _LANGUAGE,
}
APPLICATION: Mapping[str, Field] = {
    "name": _text,
    "site": _slug,
    "scenario": _slug,
    "alias": _one_of("live", "previous", "test"),
    "extension": _extension,
    "active": _yes_no,
    "valid_from": _day,
    "valid_until": _day,
    "language": _LANGUAGE,
    "test_callers": Several(_caller),
    "any_number_of": Several(_slug),
}
NUMBER: Mapping[str, Field] = {
    "trunk": _slug,
    "target": OneOf(
        {
            "agent": lambda text, _: ToAgent(slug(text)),
            "group": lambda text, _: ToGroup(slug(text)),
            "application": lambda text, _: ToApplication(slug(text)),
        }
    ),
    "active": _yes_no,
    "valid_from": _day,
    "valid_until": _day,
    "campaign": _text,
    "service": _text,
    "language": _LANGUAGE,
}
DISPOSITION: Mapping[str, Field] = {
    "label_fr": _text,
    "label_en": _text,
    "active": _yes_no,
    "campaigns": Several(_text),
}
CALENDAR: Mapping[str, Field] = {
    "name": _text,
    "site": _slug,
    "time_zone": _time_zone,
    "hours": _opening_hours,
    "country": _country,
    "public_holidays": _yes_no,
    "holidays": Several(_holiday),
}
FIELDS: Mapping[Kind, Mapping[str, Field]] = {
    "site": SITE,
    "trunk": TRUNK,
    "agent": AGENT,
    "group": GROUP,
    "application": APPLICATION,
    "number": NUMBER,
    "disposition": DISPOSITION,
    "calendar": CALENDAR,
}
GENERATED = frozenset({"secret", "sip_user", "extension"})  # of an agent, when the file leaves them out
