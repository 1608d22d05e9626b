"""`/v1/contacts`: the people the business calls, one by one or thousands at a time."""

import asyncio
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from engine.domain import contacts as model
from engine.domain.contacts import Contact, GivenContact, GivenNumber, NumberLabel
from engine.domain.values import CODE_PATTERN, e164
from engine.errors import InvalidRows, RowFault
from engine.http import json_text
from engine.http.contact_port import Contacts, ContactSearch, KeptContact, Upserted
from engine.http.problems import HttpRefusal
from engine.http.routes.common import IF_MATCH_PATTERN, base_of, check_id, etag, for_applications
from engine.http.routing import Answer, Asked, Header, Route, json_answer

BATCH = 5000
BATCH_BYTES = 4 * 1024 * 1024  # 5,000 contacts of 800 bytes
_LIMIT = 100

_CONTACT_SCHEMA = "#/components/schemas/ContactBody"
Identifier = Annotated[str, msgspec.Meta(pattern=f"^{CODE_PATTERN}$", examples=["crm-4711"])]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=model.MAX_TEXT)]


class ContactNumberBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number as people type it: with a plus sign, or in the form of the contact's `country`."""

    label: NumberLabel
    number: Annotated[str, msgspec.Meta(max_length=40)]


class ContactBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contact, whole: what is left out is empty afterwards. `source` and `external_id` are what another system knows
    it by. `country` (ISO 3166) reads numbers without a plus sign and is not kept."""

    id: Identifier | UnsetType = UNSET
    name: Short
    numbers: Annotated[list[ContactNumberBody], msgspec.Meta(max_length=model.MAX_NUMBERS)] = []
    source: Short | None = None
    external_id: Short | None = None
    attributes: Annotated[dict[str, str], msgspec.Meta(max_length=model.MAX_ATTRIBUTES)] = {}
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] | None = None


_Row = Annotated[dict[str, Any], msgspec.Meta(extra_json_schema={"$ref": _CONTACT_SCHEMA})]


class BulkBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Contacts to create or replace, all or none. One without `id` is whoever has its `external_id`, or new.

    Rows are typed one by one, so that all that are wrong are told at once.
    """

    contacts: Annotated[list[_Row], msgspec.Meta(min_length=1, max_length=BATCH)]


class ContactQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`number` is E.164. `cursor` is the `next` of the page before."""

    number: str | None = None
    source: str | None = None
    external_id: str | None = None
    cursor: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = _LIMIT


class ContactList(msgspec.Struct, frozen=True):
    """By id; `next` is the cursor of the page that follows, null on the last."""

    items: list[Contact]
    next: str | None


def _book(asked: Asked) -> Contacts:
    return for_applications(asked, asked.services.contacts, "contacts")


def _name(asked: Asked) -> str:
    return asked.request.match_info["contact"]


def _given(body: ContactBody) -> GivenContact:
    return GivenContact(
        id=None if body.id is UNSET else body.id,
        name=body.name,
        numbers=tuple(GivenNumber(label=one.label, number=one.number) for one in body.numbers),
        source=body.source,
        external_id=body.external_id,
        attributes=body.attributes,
        country=body.country,
    )


def _kept(kept: KeptContact) -> web.Response:
    return json_answer(kept.contact, headers=etag(kept.version))


async def listing(asked: Asked) -> web.Response:
    query = asked.query_as(ContactQuery)
    number = None if query.number is None else e164(query.number)
    wanted = ContactSearch(number=number, source=query.source, external_id=query.external_id)
    page = await _book(asked).page(wanted, query.cursor, query.limit)
    return json_answer(ContactList(page.contacts, page.cursor))


async def one(asked: Asked) -> web.Response:
    return _kept(await _book(asked).one(_name(asked)))


async def put(asked: Asked) -> web.Response:
    body = asked.body_as(ContactBody)
    check_id(body.id, _name(asked))
    return _kept(await _book(asked).put(_name(asked), _given(body), asked.who, base_of(asked)))


async def remove(asked: Asked) -> web.Response:
    await _book(asked).remove(_name(asked), asked.who, base_of(asked))
    return web.Response(status=204)


async def bulk(asked: Asked) -> web.Response:
    book, body = _book(asked), asked.body_as(BulkBody)
    given = await asyncio.to_thread(_rows, body.contacts)
    return json_answer(await book.upsert(given, asked.who))


def _rows(rows: list[dict[str, Any]]) -> list[GivenContact]:
    """Each row as its type; raises InvalidRows with all that are of another."""
    given: list[GivenContact] = []
    faults: list[RowFault] = []
    for place, row in enumerate(rows):
        try:
            given.append(_given(json_text.typed(row, ContactBody)))
        except HttpRefusal as wrong:
            faults.append(RowFault(f"/contacts/{place}{wrong.pointer}", wrong.message))
    if faults:
        raise InvalidRows(faults)
    return given


_MANY, _ONE = "/v1/contacts", "/v1/contacts/{contact}"
_COMMON = ("database-away", "not-for-agents")
_IF_MATCH = {
    "If-Match": Header("The ETag you were given: refused if anybody changed the contact since.", IF_MATCH_PATTERN)
}
_SEEN = {"ETag": "The contact's version, for If-Match"}

ROUTES = (
    Route(
        method="GET", path=_MANY, operation="listContacts", tag="contacts", scope="contacts:read",
        summary="Contacts, by id, number or outside identifier",
        summary_fr="Les contacts, par identifiant, numéro ou identifiant externe", handle=listing, query=ContactQuery,
        answers=(Answer(status=200, what="By id", body=ContactList),), problems=(*_COMMON, "invalid-value"),
    ),
    Route(
        method="GET", path=_ONE, operation="getContact", tag="contacts", scope="contacts:read",
        summary="One contact", summary_fr="Un contact", handle=one,
        answers=(Answer(status=200, what="The contact", body=Contact, headers=_SEEN),), problems=_COMMON,
    ),
    Route(
        method="PUT", path=_ONE, operation="putContact", tag="contacts", scope="contacts:write",
        summary="Create or replace a contact", summary_fr="Créer ou remplacer un contact", handle=put, body=ContactBody,
        headers=_IF_MATCH, answers=(Answer(status=200, what="Kept", body=Contact, headers=_SEEN),),
        problems=(*_COMMON, "invalid-value", "invalid-if-match", "contact-changed", "contact-exists"),
    ),
    Route(
        method="DELETE", path=_ONE, operation="deleteContact", tag="contacts", scope="contacts:write",
        summary="Remove a contact", summary_fr="Supprimer un contact", handle=remove, headers=_IF_MATCH,
        answers=(Answer(status=204, what="Removed"),), problems=(*_COMMON, "invalid-if-match", "contact-changed"),
    ),
    Route(
        method="POST", path=f"{_MANY}/bulk", operation="upsertContacts", tag="contacts", scope="contacts:write",
        summary="Create or replace many contacts", summary_fr="Créer ou remplacer de nombreux contacts",
        description="All or none, at most 5,000. What is wrong with which row is in `errors` of the refusal.",
        description_fr="Tous ou aucun, 5 000 au plus. Les lignes en défaut sont dans `errors` du refus.",
        handle=bulk, body=BulkBody, body_limit=BATCH_BYTES,
        answers=(Answer(status=200, what="All of them are kept", body=Upserted),),
        problems=(*_COMMON, "invalid-rows", "invalid-value"),
    ),
)  # fmt: skip
