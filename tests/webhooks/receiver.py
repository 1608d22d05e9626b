"""A receiver of webhooks on loopback: what it was sent, and what it answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Self

import msgspec
from aiohttp import web


class Received(NamedTuple):
    """One POST as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def type(self) -> str:
        return str(msgspec.json.decode(self.body)["type"])

    @property
    def call_id(self) -> str:
        return str(msgspec.json.decode(self.body)["call_id"])


Answer = Callable[[Received], web.StreamResponse | Awaitable[web.StreamResponse]]


class Receiver:
    """``async with Receiver() as receiver:`` `answer` decides; `received` is all there was, in order."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answer: Answer = lambda _: web.Response(status=204)
        self._came = asyncio.Condition()
        app = web.Application(client_max_size=10_000_000)
        app.router.add_post("/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def port(self) -> int:
        return int(self._runner.addresses[0][1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def until(self, true: Callable[[], object], bound_s: float = 30.0) -> None:
        """Returns once it holds; looked at whenever something came in."""
        async with asyncio.timeout(bound_s), self._came:
            await self._came.wait_for(lambda: bool(true()))

    async def _take(self, request: web.Request) -> web.StreamResponse:
        received = Received({name.lower(): value for name, value in request.headers.items()}, await request.read())
        self.received.append(received)
        async with self._came:
            self._came.notify_all()
        answer = self.answer(received)
        return answer if isinstance(answer, web.StreamResponse) else await answer
