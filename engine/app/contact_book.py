"""Contacts as the API asks for them; implements `http.contact_port.Contacts`."""

import asyncio
import uuid
from collections.abc import Sequence

import msgspec
import structlog

from engine.app.auditing import Audit, note
from engine.calls.contract import Actor
from engine.domain import contact_batch
from engine.domain.contacts import Contact, GivenContact, contact
from engine.errors import InvalidRows, Refused, StandardisteError, Unavailable
from engine.http.contact_port import ContactPage, ContactSearch, KeptContact, Upserted
from engine.store import contacts
from engine.store.pool import Connection, Database

log = structlog.get_logger(__name__)


class ContactBook:
    """Changes are audit rows, without the names and numbers: those are in the contacts, and only there."""

    def __init__(self, db: Database, journal: Audit) -> None:
        self._db, self._journal = db, journal

    async def page(self, wanted: ContactSearch, cursor: str | None, limit: int) -> ContactPage:
        asked = contacts.ContactFilter(**msgspec.structs.asdict(wanted))
        async with self._db.connection() as connection:
            found, more = await contacts.page(connection, asked, after=cursor, limit=limit)
        return ContactPage(contacts=found, cursor=found[-1].id if more else None)

    async def one(self, name: str) -> KeptContact:
        async with self._db.connection() as connection:
            found, version = await contacts.one(connection, name)
        return KeptContact(contact=found, version=version)

    async def put(self, name: str, given: GivenContact, actor: Actor, base: int | None = None) -> KeptContact:
        """Create or replace; the same again changes nothing, and its version stays."""
        try:
            made = contact(msgspec.structs.replace(given, id=name), name)
            async with self._db.connection() as connection, contacts.changing(connection):
                await _check_base(connection, name, base)
                await _check_outside(connection, made)
                written = await contacts.upsert(connection, [made])
                version = await contacts.version(connection, name)
        except StandardisteError as refused:
            await self._refused(actor, f"put {name}", refused)
            raise
        if written.created or written.changed:
            await note(self._journal, actor, f"contacts: put {name}", "created" if written.created else "changed")
        return KeptContact(contact=made, version=version)

    async def remove(self, name: str, actor: Actor, base: int | None = None) -> None:
        try:
            async with self._db.connection() as connection, contacts.changing(connection):
                await _check_base(connection, name, base)
                await contacts.remove(connection, name)
        except StandardisteError as refused:
            await self._refused(actor, f"remove {name}", refused)
            raise
        await note(self._journal, actor, f"contacts: remove {name}", "removed")

    async def upsert(self, given: Sequence[GivenContact], actor: Actor) -> Upserted:
        """All of them in one transaction. Raises InvalidRows with every row's fault; then none is written."""
        action = f"upsert {len(given)} rows"
        try:
            rows = await asyncio.to_thread(_checked, given)  # some 100 us for each number, and the loop is the calls'
            async with self._db.connection(contacts.BATCH_S) as connection, contacts.changing(connection):
                made = await _resolved(connection, rows)
                written = await contacts.upsert(connection, made)
        except StandardisteError as refused:
            await self._refused(actor, action, refused)
            raise
        unchanged = len(made) - written.created - written.changed
        await note(
            self._journal,
            actor,
            f"contacts: {action}",
            f"{written.created} created, {written.changed} changed, {unchanged} the same",
        )
        return Upserted(
            created=written.created, changed=written.changed, unchanged=unchanged, ids=[one.id for one in made]
        )

    # -- audit ---------------------------------------------------------------------------------------------------------

    async def _refused(self, actor: Actor, action: str, refused: StandardisteError) -> None:
        if not isinstance(refused, Unavailable):
            given = {"pointers": [fault.pointer for fault in getattr(refused, "faults", [])]}
            await note(self._journal, actor, f"contacts: {action}", "refused", rule=refused.stable_code, request=given)


def _checked(given: Sequence[GivenContact]) -> list[contact_batch.Row]:
    rows, faults = contact_batch.checked(given, (str(uuid.uuid4()) for _ in given))
    if faults:
        raise InvalidRows(faults)
    return rows


async def _resolved(connection: Connection, rows: Sequence[contact_batch.Row]) -> list[Contact]:
    outside = [row.contact.outside for row in rows if row.contact.outside]
    made, faults = await asyncio.to_thread(contact_batch.resolved, rows, await contacts.owners(connection, outside))
    if faults:
        raise InvalidRows(faults)
    return made


async def _check_base(connection: Connection, name: str, base: int | None) -> None:
    if base is not None and base != (now := await contacts.version(connection, name)):
        raise Refused(
            f"contact {name} is at version {now} now, this change was made from version {base}",
            rule="contact-changed",
            status=409,
            what_next="Look at it again, then repeat the change.",
        )


async def _check_outside(connection: Connection, made: Contact) -> None:
    owners = await contacts.owners(connection, [made.outside]) if made.outside else {}
    if other := next((owner for owner in owners.values() if owner != made.id), None):
        raise Refused(
            f"{made.external_id!r} of {made.source!r} is contact {other}'s",
            rule="contact-exists",
            status=409,
            what_next="Change that contact, or take the identifier from it first.",
        )
