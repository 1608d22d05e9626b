"""One try: one POST, bounded in time and size, to a public address only, following nobody."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from engine import __version__
from engine.webhooks import signing
from engine.webhooks.addresses import AddressRefused, GuardedResolver, check_host
from engine.webhooks.ports import Endpoint, Reply

TRY_S = 10.0  # resolving, connecting, sending and the answer together
ANSWER_BYTES = 4096  # read so that the connection can be used again; for an event nothing in it matters


class Poster:
    """`async with Poster(private=False) as poster: await poster.post(endpoint, event_id, body)`"""

    def __init__(
        self,
        *,
        private: bool,
        resolver: GuardedResolver | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._private, self._now = private, now
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self._resolver or GuardedResolver(private=self._private),
                use_dns_cache=False,  # each connection is to an address that was looked at
                limit=0,  # each receiver has its own bound: one must not take the connections of another
            ),
            timeout=aiohttp.ClientTimeout(total=TRY_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # a small answer must not become a large one
            trust_env=False,  # a proxy would connect for us, past the guard
            headers={"User-Agent": f"standardiste/{__version__}", "Content-Type": "application/json"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, endpoint: Endpoint, event_id: str, body: bytes) -> Reply:
        """Never raises for what a receiver or a network does."""
        reply, _ = await self.ask(endpoint, event_id, body)
        return reply

    async def ask(
        self, endpoint: Endpoint, event_id: str, body: bytes, *, within_s: float = TRY_S
    ) -> tuple[Reply, bytes]:
        """As `post`, with the beginning of what was answered."""
        began = time.monotonic()
        status: int | None = None
        error: str | None = None
        said = b""
        try:
            async with asyncio.timeout(within_s):
                status, said = await self._post(endpoint, event_id, body)
            if not 200 <= status < 300:
                error = f"answered {status}" + (", and redirections are not followed" if 300 <= status < 400 else "")
        except TimeoutError:
            error = f"no answer within {within_s:g} s"
        except (aiohttp.ClientError, OSError, ValueError) as failed:
            error = _said(failed)
        return Reply(status=status, error=error, took_s=round(time.monotonic() - began, 3)), said

    async def _post(self, endpoint: Endpoint, event_id: str, body: bytes) -> tuple[int, bytes]:
        assert self._session is not None, "posting outside the context"  # noqa: S101 - our own invariant
        url = URL(endpoint.url)
        check_host(url.host, private=self._private)
        signed = signing.headers(endpoint.secret, event_id, self._now(), body)
        async with self._session.post(url, data=body, headers=signed, allow_redirects=False) as answer:
            return answer.status, await answer.content.read(ANSWER_BYTES)


def _said(failed: BaseException) -> str:
    refused = failed if isinstance(failed, AddressRefused) else failed.__cause__
    if isinstance(refused, AddressRefused):
        return str(refused)
    return f"{type(failed).__name__}: {failed}"[:500]
