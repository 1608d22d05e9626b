"""Many contacts at once: which contact each row is, and what keeps the rows from being written together."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from engine.domain.contacts import Contact, ContactId, GivenContact, contact
from engine.errors import InvalidValue, RowFault

Owners = Mapping[tuple[str, str], ContactId]  # (source, external id) -> whose it is today


class Row(msgspec.Struct, frozen=True):
    """A contact of a batch. `named`: it gave its id; otherwise it is whoever has its outside identifier, or new."""

    contact: Contact
    named: bool


def checked(given: Iterable[GivenContact], new_ids: Iterable[str]) -> tuple[list[Row], list[RowFault]]:
    """The rows that are sound in themselves, and the faults of the others, one each."""
    rows: list[Row] = []
    faults: list[RowFault] = []
    for place, (one, new_id) in enumerate(zip(given, new_ids, strict=False)):
        try:
            if one.id is None and one.external_id is None:
                raise InvalidValue("an id, or source and external_id, are needed", pointer="/id")
            rows.append(Row(contact(one, new_id), one.id is not None))
        except InvalidValue as wrong:
            faults.append(RowFault(f"/contacts/{place}{wrong.pointer}", wrong.message))
    return rows, faults


def resolved(rows: Sequence[Row], owners: Owners) -> tuple[list[Contact], list[RowFault]]:
    """The contacts to write, in the rows' order, and what speaks against writing them together."""
    known = [_as_known(row, owners) for row in rows]
    return known, [*_twice(known), *_taken(known, owners)]


def _as_known(row: Row, owners: Owners) -> Contact:
    owner = owners.get(row.contact.outside) if row.contact.outside and not row.named else None
    return row.contact if owner is None else msgspec.structs.replace(row.contact, id=owner)


def _twice(contacts: Sequence[Contact]) -> Iterable[RowFault]:
    by_id: dict[str, int] = {}
    by_outside: dict[tuple[str, str], int] = {}
    for place, one in enumerate(contacts):
        if (other := by_id.setdefault(one.id, place)) != place:
            yield RowFault(f"/contacts/{place}/id", f"contact {one.id!r} stands in row {other} already")
        elif one.outside and (other := by_outside.setdefault(one.outside, place)) != place:
            yield RowFault(f"/contacts/{place}/external_id", f"{_told(one)} stands in row {other} already")


def _taken(contacts: Sequence[Contact], owners: Owners) -> Iterable[RowFault]:
    """Outside identifiers of contacts that are not in the batch; one that is may give its own up to another."""
    here = {one.id for one in contacts}
    for place, one in enumerate(contacts):
        owner = owners.get(one.outside) if one.outside else None
        if owner is not None and owner not in here:
            yield RowFault(f"/contacts/{place}/external_id", f"{_told(one)} is contact {owner}'s")


def _told(one: Contact) -> str:
    return f"{one.external_id!r} of {one.source!r}"
