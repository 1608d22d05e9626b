"""Where events may be sent: the public internet, by https. Never to what only this machine or its network can reach.

Whoever may set a webhook's address would otherwise make the engine ask its own network (server-side request forgery).
The rule is applied to the address that is connected to, after the name was resolved and for every try: a name that is
public today and private tomorrow (DNS rebinding) helps nobody.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult

from engine.errors import InvalidValue

URL_LIMIT = 2000
LOOKUPS = 32  # names looked up at once; one whose server does not answer takes one of them, however often it is asked
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last 32 bits


class AddressRefused(OSError):
    """The address is one that no event is sent to."""


def check_url(url: str, *, private: bool) -> None:
    """Raises InvalidValue for what can never be a webhook's address. `private`: loopback, own networks and plain http
    are allowed (tests, a sandbox, a receiver on the same machine)."""
    parts = _split(url)
    schemes = ("https", "http") if private else ("https",)
    if parts.scheme not in schemes or not parts.hostname:
        raise _bad(f"the address must begin with {' or '.join(f'{scheme}://' for scheme in schemes)} and name a host")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise _bad("no user, password or fragment in the address")
    literal = _literal(parts.hostname)
    if literal is not None and not private and not is_public(literal):
        raise _bad(f"{literal} is no public address")


def check_host(host: str | None, *, private: bool) -> None:
    """Raises AddressRefused for a host given as an address, which no resolver sees."""
    literal = _literal(host or "")
    if literal is not None and not private and not is_public(literal):
        raise AddressRefused(f"{literal} is no public address")


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether the whole internet can reach it, by itself and by the IPv4 address it may carry."""
    inner = _carried(address)
    if inner is not None and (address in _NAT64 or not is_public(inner)):
        return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


class GuardedResolver(AbstractResolver):
    """Resolves as the system does and refuses a name with any address that is not public."""

    def __init__(self, *, private: bool, inner: AbstractResolver | None = None) -> None:
        self._private, self._inner = private, inner or SystemNames()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for one in found:
            if not self._private and not is_public(ip_address(one["host"].partition("%")[0])):
                raise AddressRefused(f"{host} resolves to {one['host']}, which is no public address")
        return found

    async def close(self) -> None:
        await self._inner.close()


class SystemNames(AbstractResolver):
    """The system's resolver in threads of its own: it cannot be interrupted, and a name whose servers are silent must
    hold up neither other names nor the rest of the engine."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="webhook-names")
        self._running: dict[tuple[str, int], asyncio.Future[list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        key = (host, port)
        if key not in self._running:
            looking = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
            self._running[key] = looking
            looking.add_done_callback(lambda _: self._running.pop(key))
            looking.add_done_callback(_noticed)
        return await asyncio.shield(self._running[key])

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(hostname=host, host=str(place[0]), port=port, family=family, proto=proto, flags=_NUMERIC)
        for family, _, proto, _, place in found
    ]


def _noticed(done: "asyncio.Future[list[ResolveResult]]") -> None:
    if not done.cancelled():
        done.exception()  # whoever asked may have given up meanwhile


def _split(url: str) -> SplitResult:
    if len(url) > URL_LIMIT or any(not character.isprintable() or character.isspace() for character in url):
        raise _bad(f"the address must be printable, without spaces and at most {URL_LIMIT} characters long")
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises when it is none
    except ValueError as wrong:
        raise _bad(f"the address cannot be read: {wrong}") from wrong
    return parts


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _carried(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _bad(why: str) -> InvalidValue:
    return InvalidValue(why, code="webhook-address", pointer="/url")
