"""What the HTTP API needs of contacts: pages, one, and changes of one or of many."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from engine.calls.contract import Actor
from engine.domain.contacts import Contact, GivenContact


class ContactSearch(msgspec.Struct, frozen=True, kw_only=True):
    """Which contacts are wanted; None excludes nothing. `number` is E.164."""

    number: str | None = None
    source: str | None = None
    external_id: str | None = None


class ContactPage(msgspec.Struct, frozen=True, kw_only=True):
    """Contacts by id; `cursor` asks for the page behind this one and is None on the last."""

    contacts: list[Contact]
    cursor: str | None


class KeptContact(msgspec.Struct, frozen=True, kw_only=True):
    """A contact, and its version, which grows with each change."""

    contact: Contact
    version: int


class Upserted(msgspec.Struct, frozen=True, kw_only=True):
    """What became of many contacts; `ids` are theirs, in the order they were given in."""

    created: int
    changed: int
    unchanged: int
    ids: list[str]


class Contacts(Protocol):
    """The contacts. Everything raises DatabaseAway while PostgreSQL does not answer."""

    async def page(self, wanted: ContactSearch, cursor: str | None, limit: int) -> ContactPage: ...
    async def one(self, name: str) -> KeptContact: ...
    async def put(self, name: str, given: GivenContact, actor: Actor, base: int | None = None) -> KeptContact:
        """`base`: the version the asker looked at; refused (`contact-changed`) if it is not today's."""

    async def remove(self, name: str, actor: Actor, base: int | None = None) -> None: ...
    async def upsert(self, given: Sequence[GivenContact], actor: Actor) -> Upserted:
        """All or none: raises InvalidRows."""
