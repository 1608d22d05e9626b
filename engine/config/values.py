"""Values that may stand in one of Asterisk's files: each is checked once, here, and is a `ConfigValue` from then on.

The templates refuse anything else (see `render.py`), so a name somebody typed can never become a line, a section, a
comment or an include of Asterisk's configuration. Asterisk's ini grammar has four dangers: the end of the line, `;`
(a comment unless escaped), blanks at either end (dropped), and `[` or `#` at the start of a line (never reached,
because a value always stands behind `key =`).
"""

import ipaddress
import re
from pathlib import Path

from engine.errors import InvalidValue

MAX_LENGTH = 1024  # Asterisk reads lines up to 8192 bytes; nothing of ours comes near

_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}", re.ASCII)
_HOST_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,20}", re.ASCII)
_NUMBER_PREFIX = re.compile(r"\+?[0-9]{1,12}", re.ASCII)
_E164 = re.compile(r"\+[1-9][0-9]{5,14}", re.ASCII)
_DISPLAY_PUNCTUATION = frozenset(" .'-")


class ConfigValue(str):
    """Text that is safe on the right of `key =`; made by the functions of this module only."""

    __slots__ = ()


NOTHING = ConfigValue("")
"""No value, where a value may be missing."""

EXTENDS = ConfigValue("+")
"""The flag of a section that goes on what a section of that name began: `[general](+)`."""

EXTENDS_GLOBAL = ConfigValue("+type=global")
"""The same in pjsip.conf, where objects of several types may share a name."""

NOTICE = ConfigValue("Written by standardiste from its templates and its directory, and overwritten by it.")
"""The first line of every file."""


def word(text: str) -> ConfigValue:
    """An identifier: letters, digits, `_`, `.` and `-`, at most 80 characters."""
    if not _WORD.fullmatch(text):
        raise InvalidValue(f"{text!r} cannot name anything in Asterisk's files: letters, digits, '_', '.' and '-' only")
    return ConfigValue(text)


def words(*texts: str) -> ConfigValue:
    """Several identifiers, separated by commas."""
    return ConfigValue(",".join(word(text) for text in texts))


def number(value: int) -> ConfigValue:
    """A whole number, not negative."""
    if value < 0:
        raise InvalidValue(f"{value} is negative")
    return ConfigValue(value)


def digits(text: str) -> ConfigValue:
    """ASCII digits, 1 to 20 of them."""
    if not _DIGITS.fullmatch(text):
        raise InvalidValue(f"{text!r} is not made of 1 to 20 digits")
    return ConfigValue(text)


def telephone_number(text: str) -> ConfigValue:
    """E.164 with its plus sign."""
    if not _E164.fullmatch(text):
        raise InvalidValue(f"{text!r} is not a telephone number in E.164 form")
    return ConfigValue(text)


def number_prefix(text: str) -> ConfigValue:
    """What is put before a number: up to 12 digits, maybe behind a plus sign."""
    if not _NUMBER_PREFIX.fullmatch(text):
        raise InvalidValue(f"{text!r} is not a prefix of up to 12 digits")
    return ConfigValue(text)


def yes_no(value: bool) -> ConfigValue:
    """Asterisk's `yes` or `no`."""
    return ConfigValue("yes" if value else "no")


def secret(text: str) -> ConfigValue:
    """A password: printable ASCII without blanks, at most 128 characters (`;` is escaped when written)."""
    if len(text) > 128 or not _PRINTABLE.fullmatch(text):
        raise InvalidValue("a secret is made of printable ASCII characters without blanks, at most 128 of them")
    return ConfigValue(text)


def host(text: str) -> ConfigValue:
    """An IPv4 or IPv6 address, or a DNS name."""
    return ConfigValue(text) if is_host(text) else _refuse_host(text)


def _refuse_host(text: str) -> ConfigValue:
    raise InvalidValue(f"{text!r} is neither an IP address nor a DNS name")


def is_host(text: str) -> bool:
    """Whether `text` is an IP address or a DNS name (RFC 1123 labels, 253 characters)."""
    if _is_address(text):
        return True
    labels = text.removesuffix(".").split(".")
    numeric_end = labels[-1].isdigit()  # "10.0.0.300" is a mistyped address, never a name
    return len(text) <= 253 and not numeric_end and all(_HOST_LABEL.fullmatch(label) for label in labels)


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return getattr(address, "scope_id", None) is None  # a scope id is free text


def network(text: str) -> ConfigValue:
    """An IP network in CIDR form."""
    try:
        return ConfigValue(ipaddress.ip_network(text))
    except ValueError as error:
        raise InvalidValue(f"{text!r} is not a network such as 192.168.0.0/16") from error


def bind(address: str, port: int) -> ConfigValue:
    """`address:port` of this machine; IPv6 in brackets."""
    if not _is_address(address):
        raise InvalidValue(f"{address!r} is not an IP address to listen on")
    return ConfigValue(f"{_bracketed(address)}:{_port(port)}")


def sip_uri(host_name: str, port: int, *, user: str | None = None, transport: str | None = None) -> ConfigValue:
    """`sip:user@host:port;transport=tcp`; user and transport are left out when None."""
    at = f"{word(user)}@" if user is not None else ""
    return ConfigValue(f"sip:{at}{address(host_name, port, transport)}")


def address(host_name: str, port: int, transport: str | None = None) -> ConfigValue:
    """`host:port;transport=tcp`, what follows the `@` of a SIP address; IPv6 in brackets."""
    via = f";transport={word(transport)}" if transport is not None else ""
    return ConfigValue(f"{_bracketed(host(host_name))}:{_port(port)}{via}")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _port(port: int) -> int:
    if not 1 <= port <= 65535:
        raise InvalidValue(f"{port} is not a port: 1 to 65535")
    return port


def caller_id(name: str, extension: str) -> ConfigValue:
    """`"Name" <2001>`; what the display name cannot carry is dropped, since a name is for people, not for routing."""
    if not re.fullmatch(r"[0-9]{2,6}", extension, re.ASCII):
        raise InvalidValue(f"{extension!r} is not an extension")
    kept = "".join(c for c in name if c.isalnum() or c in _DISPLAY_PUNCTUATION)
    shown = " ".join(kept.split())[:80]
    return ConfigValue(f'"{shown}" <{extension}>')


def telephones(account: str) -> ConfigValue:
    """All telephones of an account, as a queue's member."""
    return ConfigValue(f"PJSIP/{word(account)}")


def path(value: Path) -> ConfigValue:
    """An absolute path; blanks inside are fine, control characters and `;` are not."""
    text = str(value)
    bad = not value.is_absolute() or ";" in text or text != text.strip() or not text.isprintable()
    if bad or len(text) > MAX_LENGTH:
        raise InvalidValue(f"{text!r} cannot stand in Asterisk's files: absolute, printable, without ';'")
    return ConfigValue(text)


def escaped(value: ConfigValue) -> str:
    """The value as it is written in a file: Asterisk reads `;` as a comment unless a backslash stands before it."""
    return value.replace(";", "\\;")


def assignment(name: str, value: str) -> ConfigValue:
    """`NAME=value`, for `set_var`; an identifier, unless the value was checked already."""
    return ConfigValue(f"{word(name)}={value if isinstance(value, ConfigValue) else word(value)}")
