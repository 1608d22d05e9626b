"""`/v1/cdrs`: the call records, in pages of JSON or as one stream of CSV."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import structlog
from aiohttp import web

from engine.domain.cdr import CallRecord, Outcome
from engine.domain.values import e164, extension
from engine.errors import InvalidValue, StandardisteError
from engine.http import csv_text
from engine.http.accept import chosen
from engine.http.auth import require_own
from engine.http.ports import CdrFilter, CdrPage, Direction
from engine.http.problems import HttpRefusal
from engine.http.routing import Answer, Asked, Route, json_answer

log = structlog.get_logger("engine.http")

Moment = Annotated[str, msgspec.Meta(extra_json_schema={"format": "date-time"})]  # read by `_moment`
_CSV_PAGE = 200  # rows per query and per write: the loop is never busy for more than some milliseconds
_CSV_WRITE_S = 30.0  # a reader that takes nothing for this long is gone


class CdrQuery(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"start": "from", "end": "to"},
):
    """`from` <= requested_at < `to`, RFC 3339 with offset. `number` is the caller's or the called, E.164 or extension.
    `cursor` is the `next` of the page before. `exact` leaves CSV cells as they are (see the CSV's own words)."""

    start: Moment | None = None
    end: Moment | None = None
    agent: str | None = None
    campaign: str | None = None
    direction: Direction | None = None
    outcome: Outcome | None = None
    number: str | None = None
    cursor: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None
    exact: bool = False


class CdrList(msgspec.Struct, frozen=True):
    """Records, newest first; `next` is the cursor of the page that follows, null on the last."""

    items: list[CallRecord]
    next: str | None


async def query(asked: Asked) -> web.StreamResponse:
    wanted = asked.query_as(CdrQuery)
    media = chosen(asked.request, ("application/json", "text/csv"))
    criteria = _filter(wanted, asked)
    if media == "text/csv":
        return await _csv(asked, wanted, criteria)
    page = await asked.services.cdrs.query(criteria, wanted.cursor, wanted.limit or 100)
    return json_answer(CdrList(page.records, page.cursor), headers={"Vary": "Accept"})


def _filter(wanted: CdrQuery, asked: Asked) -> CdrFilter:
    """What the query asks for; an agent's own token sees that agent's calls only."""
    agent = wanted.agent
    if asked.who.agent is not None:
        agent = asked.who.agent if agent is None else agent
        require_own(asked.who, agent)
    return CdrFilter(
        start=_moment("from", wanted.start),
        end=_moment("to", wanted.end),
        agent=agent,
        campaign=wanted.campaign,
        direction=wanted.direction,
        outcome=wanted.outcome,
        number=None if wanted.number is None else _number(wanted.number),
    )


def _moment(name: str, text: str | None) -> datetime | None:
    """The moment in UTC; its year must be one there, too. Read here, for queries are read leniently: seconds since 1970
    would do."""
    if text is None:
        return None
    try:
        moment: datetime = msgspec.convert(text, Annotated[datetime, msgspec.Meta(tz=True)])
        return moment.astimezone(UTC)
    except msgspec.ValidationError as wrong:
        raise HttpRefusal("invalid-query", f"{name} is no time such as 2026-11-20T00:00:00Z (RFC 3339)") from wrong
    except OverflowError as wrong:
        raise InvalidValue(f"{name} must lie between the years 1 and 9999 in UTC") from wrong


def _number(text: str) -> str:
    try:
        return extension(text)
    except InvalidValue:
        return e164(text)


async def _csv(asked: Asked, wanted: CdrQuery, criteria: CdrFilter) -> web.StreamResponse:
    """All matching records (or `limit`) as CSV. The first page is fetched before the first byte is sent, so that a
    database that is away is a problem document; when it goes away later, the connection is cut instead: a client
    must never take half a file for the whole."""
    left = wanted.limit
    page = await asked.services.cdrs.query(criteria, wanted.cursor, _rows(left))
    response = web.StreamResponse(
        headers={
            "Content-Type": "text/csv; charset=utf-8; header=present",
            "Content-Disposition": 'attachment; filename="cdrs.csv"',
            "Vary": "Accept",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
    )
    await response.prepare(asked.request)
    if asked.request.method == "HEAD":
        return response
    try:
        await _send(response, csv_text.header())
        await _pages(asked, response, wanted, criteria, page)
    except (StandardisteError, TimeoutError) as error:
        log.warning("csv cut short", reason=str(error) or "the reader took nothing for too long")
        if asked.request.transport is not None:
            asked.request.transport.abort()
    return response


async def _pages(
    asked: Asked, response: web.StreamResponse, wanted: CdrQuery, criteria: CdrFilter, page: CdrPage
) -> None:
    left = wanted.limit
    while True:
        await _send(response, csv_text.rows(page.records, exact=wanted.exact))
        left = None if left is None else left - len(page.records)
        if page.cursor is None or left == 0:
            return
        page = await asked.services.cdrs.query(criteria, page.cursor, _rows(left))


def _rows(left: int | None) -> int:
    return _CSV_PAGE if left is None else min(left, _CSV_PAGE)


async def _send(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(_CSV_WRITE_S):
        await response.write(text.encode())


ROUTES = (
    Route(
        method="GET",
        path="/v1/cdrs",
        operation="listCallRecords",
        tag="records",
        scope="cdr:read",
        summary="Call records, as JSON pages or as one CSV",
        summary_fr="Les enregistrements d'appels, en pages JSON ou en un seul CSV",
        description=f"Ask with `Accept: text/csv` for CSV (RFC 4180, UTF-8, streamed, all rows). {csv_text.WORDS}",
        description_fr="Demander `Accept: text/csv` pour le CSV (RFC 4180, UTF-8, en flux, toutes les lignes). "
        + csv_text.WORDS_FR,
        handle=query,
        query=CdrQuery,
        answers=(Answer(status=200, what="Call records", body=CdrList, media=("text/csv",)),),
        problems=("not-acceptable", "invalid-value", "own-calls-only", "invalid-text", "database-away"),
        streams=True,
    ),
)
