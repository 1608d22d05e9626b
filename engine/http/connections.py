"""How many connections there may be at once; beyond it a client is told so, and beyond that closed without a word.

Everything counts as long as it lasts: requests, connections kept for the next one, websockets, and those who connect
and say nothing. Who has no room costs nothing but a file descriptor for a second, and only so many of those.
"""

import asyncio
import uuid
from collections.abc import Callable
from ipaddress import ip_address

import msgspec
import structlog
from aiohttp import web

from engine.http import problems
from engine.http.problems import HttpRefusal
from engine.observe.metrics import HttpMetrics
from engine.settings import HttpSettings

log = structlog.get_logger("engine.http")

TOLD_AT_ONCE = 50
"""Who are being told that there is no room. Whoever comes on top of them is cut off."""
TELL_S = 1.0
"""Time to ask, hear the answer and go: a socket closed with unread bytes would take the answer with it."""


class Connections:
    """Makes the protocol of each new connection: aiohttp's while there is room."""

    def __init__(self, server: web.Server, limits: HttpSettings, metrics: HttpMetrics) -> None:
        self.server, self._limits, self._metrics = server, limits, metrics
        self._told: set[_Turned] = set()
        metrics.connections.set_function(lambda: len(server.connections))

    def __call__(self) -> asyncio.Protocol:
        return _Newcomer(self)

    def refusal(self, address: str) -> HttpRefusal | None:
        """Why there is no room for one more from this address, or None."""
        there = self.server.connections
        if len(there) >= self._limits.connections:
            return HttpRefusal("connections-full", f"{len(there)} connections are open, as many as may be")
        most = self._limits.connections_per_address
        if not most or len(there) < most or _is_loopback(address):
            return None
        if sum(_host(one.peername) == address for one in there) < most:
            return None
        return HttpRefusal("connections-full", f"{most} connections are open from {address}, as many as may be")

    def turn_away(self, transport: asyncio.Transport, why: HttpRefusal) -> None:
        """Tell who came why they are not heard, unless too many are being told."""
        self._metrics.turned_away.inc()
        if len(self._told) >= TOLD_AT_ONCE:
            transport.abort()
            return
        if not self._told:
            log.warning("http connections full", why=why.message)
        turned = _Turned(transport, why, self._told.discard)
        self._told.add(turned)
        transport.set_protocol(turned)


class _Newcomer(asyncio.Protocol):
    """Until it is known where they come from."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what asyncio makes for TCP
        why = self._connections.refusal(_host(transport.get_extra_info("peername")))
        if why is not None:
            self._connections.turn_away(transport, why)
            return
        handler = self._connections.server()
        transport.set_protocol(handler)
        handler.connection_made(transport)


class _Turned(asyncio.Protocol):
    """Somebody there is no room for: answered when they ask, and gone a second after they came."""

    def __init__(self, transport: asyncio.Transport, why: HttpRefusal, gone: "Callable[[_Turned], None]") -> None:
        self._transport, self._why, self._gone = transport, why, gone
        self._answered = False
        self._end = asyncio.get_running_loop().call_later(TELL_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        if not self._answered:
            self._answered = True
            self._transport.write(_answer(self._why))
            self._transport.write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end.cancel()
        self._gone(self)


def _answer(why: HttpRefusal) -> bytes:
    """The problem as bytes: no request was read that aiohttp could answer."""
    problem, headers = problems.problem_of(why, str(uuid.uuid4()))
    body = msgspec.json.encode(problem)
    headers |= {"Content-Type": problems.MEDIA_TYPE, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"HTTP/1.1 {problem.status} Service Unavailable", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _host(peername: object) -> str:
    return str(peername[0]) if isinstance(peername, tuple) and peername else ""


def _is_loopback(address: str) -> bool:
    """A proxy there speaks for everybody."""
    try:
        return ip_address(address).is_loopback
    except ValueError:  # gone already
        return True
