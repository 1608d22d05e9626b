"""The HTTP client for addresses that others choose: it connects to what the guard lets through, and nowhere else."""

from types import TracebackType
from typing import Self

import aiohttp

from engine import __version__
from engine.webhooks.addresses import AddressRefused, GuardedResolver


class GuardedClient:
    """Opened by `async with`. Whoever asks with its `session` checks a host given as an address (`check_host`) and
    follows no redirection. `private`: addresses that are not public are allowed, too."""

    def __init__(self, *, private: bool, within_s: float, resolver: GuardedResolver | None = None) -> None:
        self._private, self._within_s, self._resolver = private, within_s, resolver
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self._resolver or GuardedResolver(private=self._private),
                use_dns_cache=False,  # each connection is to an address that was looked at
                limit=0,  # each receiver has its own bound: one must not take the connections of another
            ),
            timeout=aiohttp.ClientTimeout(total=self._within_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,  # a small answer must not become a large one
            trust_env=False,  # a proxy would connect for us, past the guard
            headers={"User-Agent": f"standardiste/{__version__}"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    @property
    def session(self) -> aiohttp.ClientSession:
        assert self._session is not None, "asking outside the context"  # noqa: S101 - our own invariant
        return self._session


def refusal(failed: BaseException) -> str | None:
    """What the guard said, where it was the guard that refused."""
    refused = failed if isinstance(failed, AddressRefused) else failed.__cause__
    return str(refused) if isinstance(refused, AddressRefused) else None
