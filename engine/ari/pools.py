"""Commands to Asterisk over HTTP: two keep-alive pools, bounded waits, errors that say whether it was sent.

Two pools because a command to a channel whose prompt plays waits for the prompt's end: thirty of those would hold up
an unrelated hang-up for seconds. Hang-up, stop-playback and GET have connections of their own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Literal, Protocol
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from yarl import URL

from engine.ari.errors import (
    AllocationFailed,
    AriError,
    CommandRefused,
    Conflict,
    NotAuthorised,
    NotFound,
    NotInStasis,
    OutcomeUnknown,
    ServerFailed,
    Unreachable,
    WrongState,
)
from engine.ari.settings import AriSettings

ORDINARY_LIMIT_S = 5.0
"""For commands Asterisk answers at once (1-3 ms measured) or after its channel thread ran them."""
URGENT_LIMIT_S = 3.0
ATTEMPTS = 3
RETRY_PAUSE_S = 0.05


class Retry(Enum):
    """May the same request be sent again when its outcome is unknown?"""

    NEVER = "never"
    """A dial, a playback: twice is worse than once too few. Sent again only if it certainly never left."""
    ALWAYS = "always"
    """Executing it twice is the same as once."""
    CREATE = "create"
    """It carries our id: a conflict on the second attempt means the first one succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One command, with what the pools and the lanes must know of it."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    """Below `/ari`, its variable parts already quoted."""
    query: tuple[tuple[str, str], ...] = ()
    body: object = None
    retry: Retry = Retry.NEVER
    urgent: bool = False
    limit_s: float = ORDINARY_LIMIT_S
    lanes: tuple[str, ...] = ()
    """Ids of the channels and bridges it acts on: commands sharing one are executed in the order given."""
    needs_thread: str = ""
    """The channel whose own thread must run it: a playback there is stopped first."""
    starts_playback: str = ""
    """The playback id this begins, on the channel of its lane."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class Transport(Protocol):
    """Whatever carries a request to Asterisk: the pools, or the lanes before them."""

    async def send(self, request: Request) -> bytes:
        """The answer's body; raises AriError."""
        ...


class HttpPools:
    """The two pools. Use as `async with`; connections are opened when first needed."""

    def __init__(self, settings: AriSettings) -> None:
        self._settings = settings
        self._ordinary: aiohttp.ClientSession | None = None
        self._urgent: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> HttpPools:
        self._ordinary = self._session(self._settings.ordinary_connections)
        self._urgent = self._session(self._settings.urgent_connections)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        for session in (self._ordinary, self._urgent):
            if session is not None:
                await session.close()

    def _session(self, connections: int) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=10),  # Asterisk closes after 15 s
            headers={"Authorization": self._settings.authorization},
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def send(self, request: Request) -> bytes:
        """The answer's body. Sends again what may be sent again, `ATTEMPTS` times in all."""
        doubtful = False
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._send_once(request)
            except Conflict:
                if doubtful and request.retry is Retry.CREATE:
                    return b""
                raise
            except OutcomeUnknown:
                doubtful = True
                if attempt == ATTEMPTS or request.retry is Retry.NEVER:
                    raise
            except Unreachable:
                if attempt == ATTEMPTS:
                    raise
            await asyncio.sleep(RETRY_PAUSE_S * attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _send_once(self, request: Request) -> bytes:
        session = self._urgent if request.urgent else self._ordinary
        if session is None:
            raise Unreachable(str(request), "the pools are not open")
        try:
            async with session.request(
                request.method,
                URL(f"{self._settings.base_url}/ari{request.path}{_query(request)}", encoded=True),
                data=None if request.body is None else msgspec.json.encode(request.body),
                headers=None if request.body is None else {"Content-Type": "application/json"},
                timeout=self._limits(request),
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as never_sent:
            raise Unreachable(str(request), str(never_sent)) from never_sent
        except (aiohttp.ClientError, TimeoutError) as lost:
            raise OutcomeUnknown(str(request), f"{type(lost).__name__} {lost}".strip()) from lost
        if answer.status >= HTTPStatus.BAD_REQUEST:
            raise refusal(str(request), answer.status, body)
        return body

    def _limits(self, request: Request) -> aiohttp.ClientTimeout:
        connect = self._settings.connect_limit_s
        return aiohttp.ClientTimeout(
            total=connect + request.limit_s, connect=connect, sock_connect=connect, sock_read=request.limit_s
        )


def _query(request: Request) -> str:
    """Everything quoted: a `+` or a `;` of a number or a contact must arrive as itself."""
    return "?" + urlencode(request.query, quote_via=quote, safe="") if request.query else ""


class _Complaint(msgspec.Struct):
    message: str = ""
    error: str = ""


def refusal(request: str, status: int, body: bytes) -> AriError:
    """The error that an answer of 400 or more stands for."""
    try:
        complaint = msgspec.json.decode(body, type=_Complaint)
        detail = complaint.message or complaint.error
    except msgspec.DecodeError:
        detail = body.decode(errors="replace")[:200]
    return _class_of(status, detail)(request, detail or HTTPStatus(status).phrase, status)


def _class_of(status: int, detail: str) -> type[AriError]:
    said = detail.lower()
    for statuses, words, kind in _REFUSALS:
        if status in statuses and words in said:
            return kind
    return ServerFailed if status >= HTTPStatus.INTERNAL_SERVER_ERROR else CommandRefused


_REFUSALS: tuple[tuple[tuple[int, ...], str, type[AriError]], ...] = (
    # first match wins
    ((401, 403), "", NotAuthorised),
    ((404,), "", NotFound),
    ((400,), "channel not found", NotFound),  # so says addChannel
    ((409, 422), "not in stasis", NotInStasis),
    ((409,), "", Conflict),
    ((412,), "", WrongState),
    ((503,), "", Unreachable),  # Asterisk refuses everything until it is fully booted
    ((500,), "allocation failed", AllocationFailed),
)
