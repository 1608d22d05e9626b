"""Too many connections: who has room is served, who has none is told so, and nothing runs out."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType
from msgspec.structs import replace

from engine.http import connections
from engine.http.connections import Connections
from engine.http.server import BACKLOG
from engine.observe.metrics import Metrics
from engine.settings import HttpSettings
from tests.http.conftest import Api

CROWD = """\
import resource, socket, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
held = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
print("there", flush=True)
sys.stdin.read()
"""
BOUND_S = 30.0

Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def idle(api: Api, count: int) -> AsyncIterator[list[Wire]]:
    """So many who connect and say nothing, and are let in."""
    wires = [await asyncio.open_connection("127.0.0.1", api.port) for _ in range(count)]
    await until(lambda: there(api) == count)
    yield wires
    for _, writer in wires:
        writer.transport.abort()


def there(api: Api) -> int:
    """How many connections are open, as the metrics tell."""
    return int(api.metrics.registry.get_sample_value("standardiste_http_connections") or 0)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(BOUND_S):
        while not true():  # noqa: ASYNC110 - connections come and go in another process
            await asyncio.sleep(0.01)


async def asked(wire: Wire) -> tuple[str, dict[str, str], dict[str, Any]]:
    """Ask on a connection of one's own, and read to its end: status line, headers, body."""
    reader, writer = wire
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(BOUND_S):
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    return status, dict(line.split(": ", 1) for line in lines), json.loads(body)


@asynccontextmanager
async def crowd(api: Api, count: int) -> AsyncIterator[None]:
    """Another process that holds so many connections."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CROWD, str(api.port), str(count), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(BOUND_S):
            assert await process.stdout.readline() == b"there\n"
        yield
    finally:
        process.kill()
        await process.communicate()


class TestFull:
    """Three are there, and no more may be."""

    @pytest.fixture
    def limits(self, limits: HttpSettings) -> HttpSettings:
        return replace(limits, connections=3)

    async def test_one_too_many_is_told_why_and_for_how_long(self, api: Api) -> None:
        async with idle(api, 3):
            status, headers, problem = await asked(await asyncio.open_connection("127.0.0.1", api.port))
        assert status == "HTTP/1.1 503 Service Unavailable"
        assert (problem["code"], headers["Retry-After"], headers["Connection"]) == ("connections-full", "2", "close")
        assert b"standardiste_http_connections_refused_total 1.0" in api.metrics.text()

    async def test_whoever_leaves_makes_room(self, api: Api) -> None:
        async with idle(api, 3) as ((_, writer), *_):
            writer.transport.abort()
            await until(lambda: there(api) == 2)
            assert (await api.ask("GET", "/v1/calls")).status == 200

    async def test_a_client_library_reads_the_refusal(self, api: Api) -> None:
        async with idle(api, 3):
            answer = await api.ask("POST", "/v1/calls", json={"agent": "alice", "to": "0140000002"})
        assert (answer.status, (await answer.json())["code"]) == (503, "connections-full")

    async def test_websockets_count(self, api: Api) -> None:
        headers = {"Authorization": "Bearer std_all"}
        async with ClientSession(f"http://127.0.0.1:{api.port}", headers=headers) as client:
            streams = [await client.ws_connect("/v1/events") for _ in range(3)]
            assert [(await stream.receive()).type for stream in streams] == [WSMsgType.TEXT] * 3
            status, _, _ = await asked(await asyncio.open_connection("127.0.0.1", api.port))
            assert status == "HTTP/1.1 503 Service Unavailable"

    async def test_whoever_says_nothing_is_gone_a_second_later(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connections, "TELL_S", 0.05)
        async with idle(api, 3), asyncio.timeout(BOUND_S):
            reader, _writer = await asyncio.open_connection("127.0.0.1", api.port)
            assert await reader.read() == b""

    async def test_only_so_many_are_told(self, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connections, "TOLD_AT_ONCE", 2)
        monkeypatch.setattr(connections, "TELL_S", BOUND_S)
        async with idle(api, 3), asyncio.timeout(BOUND_S):
            waiting = [await asyncio.open_connection("127.0.0.1", api.port) for _ in range(2)]
            cut, _writer = await asyncio.open_connection("127.0.0.1", api.port)
            assert await cut.read() == b""
            assert [(await asked(wire))[2]["code"] for wire in waiting] == ["connections-full"] * 2


async def test_five_hundred_idle_connections_stop_nobody(api: Api) -> None:
    async with crowd(api, 500):
        await until(lambda: there(api) == 500)
        answers = [await api.ask("GET", "/v1/calls") for _ in range(20)]
        assert {200} == {answer.status for answer in answers}
    await until(lambda: there(api) <= 1)


@pytest.mark.parametrize("limits", [HttpSettings(port=0, connections=100)])
async def test_more_connections_cost_no_more_than_there_may_be(api: Api) -> None:
    """Those who were there first are served; the rest cost a bounded number of file descriptors."""
    assert (await api.ask("GET", "/v1/calls")).status == 200  # kept for the next one
    before = len(os.listdir("/proc/self/fd"))
    async with crowd(api, 600):
        assert len(os.listdir("/proc/self/fd")) <= before + 100 + connections.TOLD_AT_ONCE + 2 * BACKLOG
        assert (await api.ask("GET", "/v1/calls")).status == 200
    await until(lambda: there(api) <= 1)
    assert (await api.ask("GET", "/v1/calls")).status == 200


class TestSlow:
    @pytest.fixture
    def limits(self, limits: HttpSettings) -> HttpSettings:
        return replace(limits, idle_s=0.5)

    @pytest.mark.parametrize("drop", [b"", b"x", b"GET /healthz HTTP/1.1\r\nA: b\r\n"])
    async def test_whoever_dribbles_a_request_is_closed_in_time(self, api: Api, drop: bytes) -> None:
        """However often they send a little more of it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
        writer.write(drop)
        reading = asyncio.create_task(reader.read())
        async with asyncio.timeout(BOUND_S):
            while not reading.done():
                writer.write(b"" if not drop else b"y")
                await asyncio.wait([reading], timeout=0.05)
        with suppress(ConnectionResetError):  # what was sent after it was closed is answered so
            await reading
        writer.close()


class Crowd:
    """A server's connections by where they come from."""

    def __init__(self, addresses: list[str]) -> None:
        self.connections = [SimpleNamespace(peername=(address, 40_000)) for address in addresses]


def room(here: list[str], address: str, *, share: int) -> bool:
    limits = HttpSettings(connections=5, connections_per_address=share)
    server: Any = Crowd(here)
    return Connections(server, limits, Metrics().http).refusal(address) is None


@pytest.mark.parametrize(
    ("here", "address", "has_room"),
    [
        (["192.0.2.1"] * 2, "192.0.2.1", False),
        (["192.0.2.1"] * 2, "192.0.2.2", True),
        (["192.0.2.1", "192.0.2.2"], "192.0.2.1", True),
        (["127.0.0.1"] * 4, "127.0.0.1", True),
        (["::1"] * 4, "::1", True),
        (["192.0.2.1"] * 2, "", True),
        (["127.0.0.1"] * 5, "127.0.0.1", False),
    ],
)
def test_one_address_takes_no_more_than_its_share(here: list[str], address: str, has_room: bool) -> None:
    assert room(here, address, share=2) == has_room


def test_no_share_is_no_limit_but_the_whole() -> None:
    assert room(["192.0.2.1"] * 4, "192.0.2.1", share=0)
    assert not room(["192.0.2.1"] * 5, "192.0.2.1", share=0)
