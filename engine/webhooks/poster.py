"""One try: one POST, bounded in time and size, to a public address only, following nobody."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import aiohttp
from yarl import URL

from engine.webhooks import signing
from engine.webhooks.addresses import GuardedResolver, check_host
from engine.webhooks.ports import Endpoint, Reply
from engine.webhooks.session import GuardedClient, refusal

TRY_S = 10.0  # resolving, connecting, sending and the answer together
ANSWER_BYTES = 4096  # read so that the connection can be used again; for an event nothing in it matters


class Poster(GuardedClient):
    """`async with Poster(private=False) as poster: await poster.post(endpoint, event_id, body)`"""

    def __init__(
        self,
        *,
        private: bool,
        resolver: GuardedResolver | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(private=private, within_s=TRY_S, resolver=resolver)
        self._now = now

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
        url = URL(endpoint.url)
        check_host(url.host, private=self._private)
        signed = signing.headers(endpoint.secret, event_id, self._now(), body)
        headers = {**signed, "Content-Type": "application/json"}
        async with self.session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            return answer.status, await answer.content.read(ANSWER_BYTES)


def _said(failed: BaseException) -> str:
    return refusal(failed) or f"{type(failed).__name__}: {failed}"[:500]
