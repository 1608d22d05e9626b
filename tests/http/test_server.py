"""The listener: where it listens, how it stops, what it logs."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession, web
from structlog.testing import capture_logs

from engine.calls.contract import CallView
from engine.errors import NotListening
from engine.http.server import ApiServer, build_app
from engine.observe.metrics import Metrics
from engine.settings import HttpSettings
from tests.http.conftest import Api
from tests.http.fakes import LIVE, FakeCalls, FakeCdrs, FakeHealth, FakeTokens, call_view

AUTHORIZED = {"Authorization": "Bearer std_all"}


class SlowCalls(FakeCalls):
    """`view` answers when it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.released = asyncio.Event(), asyncio.Event()

    async def view(self, call_id: str) -> CallView:
        self.asked.set()
        await self.released.wait()
        return call_view(call_id)


def app_over(calls: FakeCalls, limits: HttpSettings) -> web.Application:
    return build_app(
        calls=calls, cdrs=FakeCdrs(), tokens=FakeTokens(), health=FakeHealth(), metrics=Metrics(), limits=limits
    )


async def _in_flight(
    drain_s: float, meanwhile: Callable[[SlowCalls], Coroutine[Any, Any, None]]
) -> "asyncio.Task[int]":
    """A request is being answered while the server stops."""
    calls, limits = SlowCalls(), HttpSettings(port=0, drain_s=drain_s)

    async def ask(url: str) -> int:
        async with ClientSession(headers=AUTHORIZED) as client, client.get(f"{url}/v1/calls/{LIVE}") as answer:
            return answer.status

    async with asyncio.timeout(10):
        async with ApiServer(app_over(calls, limits), limits) as server:
            request = asyncio.create_task(ask(server.url))
            await calls.asked.wait()
            release = asyncio.create_task(meanwhile(calls))
        await release
        with pytest.raises(ClientConnectionError):
            await ask(server.url)
        await asyncio.wait([request])
    return request


async def test_a_request_in_flight_is_answered_before_the_end() -> None:
    async def soon(calls: SlowCalls) -> None:
        calls.released.set()

    assert (await _in_flight(5, soon)).result() == 200


async def test_a_request_that_does_not_end_is_cut() -> None:
    async def never(_: SlowCalls) -> None:
        return

    request = await _in_flight(0.2, never)
    assert isinstance(request.exception(), ClientConnectionError)


async def test_a_port_that_is_taken_is_said_in_words(api: Api) -> None:
    limits = HttpSettings(port=api.port)
    with pytest.raises(NotListening, match=f"cannot listen on 127.0.0.1:{api.port}"):
        async with ApiServer(app_over(FakeCalls(), limits), limits):
            pass


async def test_each_request_is_one_line_with_its_call_and_its_asker(api: Api) -> None:
    with capture_logs() as lines:
        answer = await api.ask("GET", f"/v1/calls/{LIVE}")
    (line,) = (line for line in lines if line["event"] == "http")
    assert (line["status"], line["route"], line["log_level"]) == (200, "/v1/calls/{call_id}", "info")
    assert answer.headers["X-Request-Id"]


async def test_an_incident_is_logged_with_its_trace_and_the_asker_gets_its_number(api: Api) -> None:
    api.calls.fail = lambda: RuntimeError("the reason")
    with capture_logs() as lines:
        await api.ask("GET", f"/v1/calls/{LIVE}")
    (line,) = (line for line in lines if line["event"] == "http incident")
    assert "the reason" in repr(line["exc_info"])


async def test_pipelined_and_repeated_requests_on_one_connection(api: Api) -> None:
    one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(one * 20)
    async with asyncio.timeout(30):
        for _ in range(20):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            await reader.readexactly(len(b'{"alive":true}'))
    writer.close()


async def test_whoever_never_ends_a_request_keeps_nobody_else_waiting(api: Api) -> None:
    """aiohttp closes such a connection when the time for an idle one is over."""
    beginnings = [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: ", b"POST /v1/calls HTTP/1.1\r\n"]
    held = [await asyncio.open_connection("127.0.0.1", api.port) for _ in range(200)]
    try:
        for number, (_, writer) in enumerate(held):
            writer.write(beginnings[number % len(beginnings)])
        async with asyncio.timeout(30):
            answers = await asyncio.gather(*(api.ask("GET", "/v1/calls") for _ in range(20)))
        assert {200} == {answer.status for answer in answers}
    finally:
        for _, writer in held:
            writer.transport.abort()
