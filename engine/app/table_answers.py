"""What a scenario looks up: contacts by their number.

Nothing here waits longer than the scenario says, and while PostgreSQL is away nobody waits at all.
"""

import asyncio

import structlog

from engine.calls.ports import Answer
from engine.domain.call import Call
from engine.domain.contacts import Contact
from engine.domain.numbers import parse_dialled
from engine.domain.scenario.graph import Value
from engine.domain.scenario.talk import AskTable
from engine.domain.values import E164
from engine.errors import InvalidValue
from engine.store import contacts
from engine.store.pool import Database

CONTACTS = "contacts"
HOME = "FR"  # of a caller whose site says no country

log = structlog.get_logger(__name__)


class TableAnswers:
    """`db` is the engine's own PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def answer(self, call: Call, asked: AskTable) -> Answer:
        """found, none, many, or error when it cannot be known in time; raises DatabaseAway."""
        try:
            async with asyncio.timeout(asked.timeout_s):
                return await self._found(call, asked)
        except TimeoutError:
            log.warning("scenario.lookup_late", table=asked.table, within_s=asked.timeout_s)
            return Answer("error")

    async def _found(self, call: Call, asked: AskTable) -> Answer:
        if asked.table != CONTACTS:
            log.error("scenario.table_missing", table=asked.table)
            return Answer("error")
        number = _number(asked.key, call.request.country or HOME)
        if number is None:
            return Answer("none")
        wanted = contacts.ContactFilter(number=number)
        async with self._db.connection(asked.timeout_s) as connection:
            found, more = await contacts.page(connection, wanted, after=None, limit=1)
        if more:
            return Answer("many")
        return Answer("found", _columns(found[0], asked.columns)) if found else Answer("none")


def _number(text: str, country: str) -> E164 | None:
    """None for what nobody can have: nothing, as of a caller who hides, or what is no number."""
    try:
        return parse_dialled(text, country).e164
    except InvalidValue:
        return None


def _columns(contact: Contact, wanted: tuple[str, ...]) -> dict[str, Value]:
    """Those of the wanted it has; an attribute goes by its name, unless that is a column's."""
    told = {
        "id": contact.id,
        "name": contact.name,
        "numbers": ", ".join(one.number for one in contact.numbers),
        "source": contact.source,
        "external_id": contact.external_id,
    }
    known = contact.attributes | {name: value for name, value in told.items() if value is not None}
    return {name: known[name] for name in wanted if name in known}
