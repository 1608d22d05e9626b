"""One question to a web service: an address that a scenario's author chose, an answer in JSON, all of it bounded.

What is asked and answered is a caller's business: the log has the host, and never the address, the body or the answer.
"""

import asyncio
from collections.abc import Collection
from typing import Any, Literal

import aiohttp
import msgspec
from yarl import URL

from engine.errors import Unavailable
from engine.webhooks.addresses import check_host, check_url
from engine.webhooks.session import GuardedClient, refusal

LONGEST_S = 60.0  # more patience than any scenario may have
ANSWER_BYTES = 64 * 1024
_JSON = "application/json"


class FetchFailed(Unavailable):
    """There is no answer that can be used."""

    code = "fetch-failed"


class Fetcher(GuardedClient):
    """`async with Fetcher(private=False) as fetcher: await fetcher.fetch(...)`; `hosts`: the only ones that may be
    asked; empty: any."""

    def __init__(self, *, private: bool, hosts: Collection[str] = ()) -> None:
        super().__init__(private=private, within_s=LONGEST_S)
        self._hosts = frozenset(hosts)

    async def fetch(self, url: str, *, method: Literal["GET", "POST"], body: object, key: str, within_s: float) -> Any:
        """The JSON that a 2xx answer holds, None when it is empty. A POST sends `body`, under an Idempotency-Key.

        Raises InvalidValue for an address nobody may ask, FetchFailed for whatever else goes wrong.
        """
        check_url(url, private=self._private)
        address = URL(url, encoded=url.isascii())  # as it was written: %2F in a value is no slash
        if self._hosts and (address.host or "").lower() not in self._hosts:
            raise FetchFailed(f"{address.host} is not among [scenarios] web_hosts")
        try:
            async with asyncio.timeout(within_s):
                return await self._ask(address, method, body, key)
        except TimeoutError as late:
            raise FetchFailed(f"{address.host} did not answer within {within_s:g} s") from late
        except (aiohttp.ClientError, msgspec.MsgspecError, OSError, ValueError, RecursionError) as failed:
            raise FetchFailed(f"{address.host}: {refusal(failed) or type(failed).__name__}") from failed

    async def _ask(self, url: URL, method: str, body: object, key: str) -> Any:
        check_host(url.host, private=self._private)
        headers = {"Accept": _JSON, "Accept-Encoding": "identity"}
        sent: bytes | None = None
        if method == "POST":
            headers |= {"Content-Type": _JSON, "Idempotency-Key": key}
            sent = msgspec.json.encode(body)
        async with self.session.request(method, url, data=sent, headers=headers, allow_redirects=False) as answer:
            if not 200 <= answer.status < 300:
                raise FetchFailed(f"{url.host} answered {answer.status}")
            said = await _whole(answer)
            return _document(answer, said) if said else None


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    said = bytearray()
    async for piece in answer.content.iter_any():
        said += piece
        if len(said) > ANSWER_BYTES:
            raise FetchFailed(f"{answer.url.host} answered more than {ANSWER_BYTES} bytes")
    return bytes(said)


def _document(answer: aiohttp.ClientResponse, said: bytes) -> Any:
    json = answer.content_type == _JSON or answer.content_type.endswith("+json")
    if not json or (answer.charset or "utf-8").lower() not in ("utf-8", "utf8") or "Content-Encoding" in answer.headers:
        raise FetchFailed(f"{answer.url.host} did not answer in plain JSON")
    return msgspec.json.decode(said)
