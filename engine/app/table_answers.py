"""What a scenario looks up: contacts by their number, and rows of the declared tables by their key.

Nothing here waits longer than the scenario says, and while PostgreSQL is away nobody waits at all.
"""

import asyncio

import structlog

from engine.app.declared_tables import DeclaredTables
from engine.calls.ports import Answer
from engine.domain.call import Call
from engine.domain.contacts import TABLE, Contact
from engine.domain.numbers import parse_dialled
from engine.domain.scenario.graph import Value
from engine.domain.scenario.talk import AskTable
from engine.domain.values import E164
from engine.errors import InvalidValue
from engine.store import contacts
from engine.store.pool import Database
from engine.store.tables import ENOUGH

HOME = "FR"  # of a caller whose site says no country

log = structlog.get_logger(__name__)


class TableAnswers:
    """`db` is the engine's own PostgreSQL, `declared` the tables of the business."""

    def __init__(self, db: Database, declared: DeclaredTables) -> None:
        self._db, self._declared = db, declared

    async def answer(self, call: Call, asked: AskTable) -> Answer:
        """found, none, many, or error when it is not known in time. Raises DatabaseAway, or what else is wrong."""
        try:
            async with asyncio.timeout(asked.timeout_s):
                found = await self._found(call, asked)
        except TimeoutError:
            log.warning("scenario.lookup_late", table=asked.table, within_s=asked.timeout_s)
            return Answer("error")
        match found:
            case []:
                return Answer("none")
            case [row]:
                return Answer("found", row)
            case _:
                return Answer("many")

    async def _found(self, call: Call, asked: AskTable) -> list[dict[str, Value]]:
        if asked.table != TABLE:
            return await self._declared.find(asked.table, asked.key, asked.columns, within_s=asked.timeout_s)
        number = _number(asked.key, call.request.country or HOME)
        if number is None:
            return []
        wanted = contacts.ContactFilter(number=number)
        async with self._db.connection(asked.timeout_s) as connection:
            found, _ = await contacts.page(connection, wanted, after=None, limit=ENOUGH)
        return [_columns(contact, asked.columns) for contact in found]


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
