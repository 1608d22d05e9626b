"""Contacts: people the business calls, with their numbers and what other systems know them by.

They are business data: not part of the directory's revisions, never held in memory, and no call depends on one.
"""

import unicodedata
from collections.abc import Mapping
from typing import Literal, NewType

import msgspec

from engine.domain.numbers import parse_dialled
from engine.domain.values import CODE_PATTERN, E164, is_code
from engine.errors import InvalidValue

ContactId = NewType("ContactId", str)
NumberLabel = Literal["mobile", "work", "home", "other"]

TABLE = "contacts"
"""What scenarios call them, among the tables they look into."""
ID_PATTERN = CODE_PATTERN
_NO_CHARACTERS = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, half characters, ends of lines
MAX_TEXT = 200  # characters of a name, a source, an outside identifier
MAX_NUMBERS = 20
MAX_ATTRIBUTES = 50
MAX_ATTRIBUTE_NAME = 64
MAX_ATTRIBUTE = 500


class ContactNumber(msgspec.Struct, frozen=True, kw_only=True):
    """One of a contact's numbers."""

    label: NumberLabel
    number: E164


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """A contact. `source` and `external_id` are given together: whose identifier, and which; no two contacts share."""

    id: ContactId
    name: str
    numbers: tuple[ContactNumber, ...] = ()
    source: str | None = None
    external_id: str | None = None
    attributes: dict[str, str] = {}

    @property
    def outside(self) -> tuple[str, str] | None:
        """What another system knows it by."""
        return None if self.source is None or self.external_id is None else (self.source, self.external_id)


class GivenNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number as somebody typed it."""

    label: NumberLabel
    number: str


class GivenContact(msgspec.Struct, frozen=True, kw_only=True):
    """A contact as an application gives it. `country` (ISO 3166) reads the numbers that have no plus sign."""

    id: str | None = None
    name: str
    numbers: tuple[GivenNumber, ...] = ()
    source: str | None = None
    external_id: str | None = None
    attributes: Mapping[str, str] = {}
    country: str | None = None


def contact(given: GivenContact, otherwise: str) -> Contact:
    """The contact, under the id `otherwise` when it names none; raises InvalidValue, pointing at the field."""
    if (given.source is None) != (given.external_id is None):
        missing = "source" if given.source is None else "external_id"
        raise InvalidValue("source and external_id are given together, or neither", pointer=f"/{missing}")
    return Contact(
        id=contact_id(given.id if given.id is not None else otherwise),
        name=_text(given.name, "/name"),
        numbers=_numbers(given),
        source=None if given.source is None else _text(given.source, "/source"),
        external_id=None if given.external_id is None else _text(given.external_id, "/external_id"),
        attributes=_attributes(given.attributes),
    )


def contact_id(text: str) -> ContactId:
    """A contact's id; raises InvalidValue."""
    if not is_code(text):
        message = f"{text!r} is not a contact's id: letters, digits, _ . - and at most 64 characters"
        raise InvalidValue(message, pointer="/id")
    return ContactId(text)


def _text(text: str, pointer: str, most: int = MAX_TEXT) -> str:
    kept = text.strip()
    if not kept or len(kept) > most or not is_line(kept):
        raise InvalidValue(f"{text[:80]!r}: 1 to {most} characters of one line are needed", pointer=pointer)
    return kept


def is_line(text: str) -> bool:
    """Whether people could write this on one line. The joiners some scripts and emojis need are characters, too."""
    return not any(unicodedata.category(character) in _NO_CHARACTERS for character in text)


def _numbers(given: GivenContact) -> tuple[ContactNumber, ...]:
    if len(given.numbers) > MAX_NUMBERS:
        raise InvalidValue(f"{len(given.numbers)} numbers: {MAX_NUMBERS} are the most", pointer="/numbers")
    found: dict[E164, ContactNumber] = {}
    for position, one in enumerate(given.numbers):
        pointer = f"/numbers/{position}/number"
        number = _e164(one.number, given.country, pointer)
        if number in found:
            raise InvalidValue(f"{number} is named twice", pointer=pointer)
        found[number] = ContactNumber(label=one.label, number=number)
    return tuple(found.values())


def _e164(text: str, country: str | None, pointer: str) -> E164:
    if country is None and not text.strip().startswith("+"):
        raise InvalidValue(f"{text!r} has no plus sign: begin with +, or say of which `country` it is", pointer=pointer)
    try:
        number = parse_dialled(text, country or "FR").e164  # with a plus sign the country does not matter
    except InvalidValue as wrong:
        raise InvalidValue(wrong.message, pointer=pointer) from wrong
    if number is None:
        raise InvalidValue(f"{text!r} is a short number, which exists in one country only", pointer=pointer)
    return number


def _attributes(given: Mapping[str, str]) -> dict[str, str]:
    if len(given) > MAX_ATTRIBUTES:
        raise InvalidValue(f"{len(given)} attributes: {MAX_ATTRIBUTES} are the most", pointer="/attributes")
    for name, value in given.items():
        if not 1 <= len(name) <= MAX_ATTRIBUTE_NAME or not is_line(name) or len(value) > MAX_ATTRIBUTE:
            most = f"names of 1 to {MAX_ATTRIBUTE_NAME} characters of one line, texts of at most {MAX_ATTRIBUTE}"
            raise InvalidValue(f"attribute {name[:80]!r}: {most}", pointer="/attributes")
    return dict(given)
