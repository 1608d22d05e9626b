"""Typed values: parsed once at the edge, trusted inside.

A plain `str` never reaches a dial string, a template or SQL. Each parser either returns the value or raises
`InvalidValue`, whose message names the value and the form expected.
"""

import re
from typing import NewType

from engine.errors import InvalidValue

CallId = NewType("CallId", str)  # UUIDv7, 36 characters
ChannelId = NewType("ChannelId", str)  # chosen by us, see ids.py
BridgeId = NewType("BridgeId", str)
PlaybackId = NewType("PlaybackId", str)
RecordingId = NewType("RecordingId", str)
E164 = NewType("E164", str)  # "+33612345678"
Slug = NewType("Slug", str)  # ids of sites, trunks, agents: a safe word in every file and URL
Extension = NewType("Extension", str)  # internal number, 2 to 6 digits
Code = NewType("Code", str)  # of a disposition, as the business spells it
Dialstring = NewType("Dialstring", str)  # "PJSIP/33612345678@trunk-paris-1": built by `dialstring.py` only

E164_PATTERN = r"\+[1-9][0-9]{5,14}"  # ITU-T E.164: at most 15 digits
_E164 = re.compile(E164_PATTERN, re.ASCII)
SLUG_PATTERN = "[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?"
_SLUG = re.compile(SLUG_PATTERN, re.ASCII)
EXTENSION_PATTERN = "[1-9][0-9]{1,5}"
_EXTENSION = re.compile(EXTENSION_PATTERN, re.ASCII)
CODE_PATTERN = "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_CODE = re.compile(CODE_PATTERN, re.ASCII)


def e164(text: str) -> E164:
    """An E.164 number with its plus sign; raises InvalidValue."""
    if not is_e164(text):
        raise InvalidValue(f"{text!r} is not an E.164 number such as +33612345678")
    return E164(text)


def is_e164(text: str) -> bool:
    """Whether this is a number as the whole world dials it."""
    return _E164.fullmatch(text) is not None


def slug(text: str) -> Slug:
    """A name usable in every file and URL: lower-case letters, digits and inner hyphens, at most 40 characters."""
    if not _SLUG.fullmatch(text):
        raise InvalidValue(f"{text!r} is not an identifier: a-z, 0-9 and inner hyphens, at most 40 characters")
    return Slug(text)


def extension(text: str) -> Extension:
    """An internal number of 2 to 6 digits that does not start with 0."""
    if not _EXTENSION.fullmatch(text):
        raise InvalidValue(f"{text!r} is not an extension: 2 to 6 digits, not starting with 0")
    return Extension(text)


def code(text: str) -> Code:
    """A disposition's code: letters, digits, `_`, `.` and `-`, at most 64 characters; capitals count."""
    if not is_code(text):
        raise InvalidValue(f"{text!r} is not a code: letters, digits, _ . - and at most 64 characters")
    return Code(text)


def is_code(text: str) -> bool:
    """Whether this is an identifier as other systems make them: letters, digits, `_`, `.`, `-`, at most 64."""
    return _CODE.fullmatch(text) is not None
