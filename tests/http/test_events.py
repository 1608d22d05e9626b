"""The stream of events: what is told, from where on, to whom, and how it ends."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from engine.errors import JournalDamaged
from engine.http.routes import events
from tests.http.conftest import Api

JOURNAL = "0123456789ab"


@asynccontextmanager
async def listening(api: Api, query: str = "", token: str = "std_all") -> AsyncIterator[ClientWebSocketResponse]:
    headers = {"Authorization": f"Bearer {token}"}
    async with api.client.ws_connect(f"/v1/events{query}", headers=headers) as stream:
        yield stream


async def heard(stream: ClientWebSocketResponse, count: int) -> list[dict[str, Any]]:
    return [await stream.receive_json(timeout=30) for _ in range(count)]


def cursors(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["kind"], one["cursor"]) for one in messages]


async def test_only_what_happens_from_now_on(api: Api) -> None:
    api.feed.tell()
    async with listening(api) as stream:
        (hello,) = await heard(stream, 1)
        assert hello == {"kind": "hello", "cursor": f"{JOURNAL}.1"}
        told = api.feed.tell("call.agent_ringing")
        (message,) = await heard(stream, 1)
        assert cursors([message]) == [("event", f"{JOURNAL}.2")]
        assert message["event"]["id"] == told.id
        assert message["event"]["type"] == "call.agent_ringing"


async def test_resumed_behind_the_cursor_without_loss_or_repetition(api: Api) -> None:
    for _ in range(250):
        api.feed.tell()
    async with listening(api, f"?after={JOURNAL}.40") as stream:
        messages = await heard(stream, 211)
    assert [one["cursor"] for one in messages[1:]] == [f"{JOURNAL}.{number}" for number in range(41, 251)]


async def test_only_the_types_asked_for(api: Api) -> None:
    async with listening(api, "?types=call.ended,call.requested") as stream:
        await heard(stream, 1)
        for kind in ("call.agent_ringing", "call.ended", "call.agent_answered", "call.requested"):
            api.feed.tell(kind)
        assert [one["event"]["type"] for one in await heard(stream, 2)] == ["call.ended", "call.requested"]


async def test_an_agents_own_token_hears_of_own_calls_only(api: Api) -> None:
    async with listening(api, token="std_alice") as stream:
        await heard(stream, 1)
        api.feed.tell(agent="bob")
        api.feed.tell(agent="alice")
        assert cursors(await heard(stream, 1)) == [("event", f"{JOURNAL}.2")]


@pytest.mark.parametrize(
    ("after", "first"), [(f"{JOURNAL}.1", 4), (f"{JOURNAL}.99", 4), ("ba9876543210.5", 4), (f"{JOURNAL}.0", 4)]
)
async def test_what_cannot_be_had_is_told(api: Api, after: str, first: int) -> None:
    for _ in range(5):
        api.feed.tell()
    api.feed.forget(3)
    async with listening(api, f"?after={after}") as stream:
        hello, gap, *rest = await heard(stream, 4)
    assert (hello["kind"], gap["kind"], gap["cursor"]) == ("hello", "gap", f"{JOURNAL}.3")
    assert gap["why"]
    assert cursors(rest) == [("event", f"{JOURNAL}.{number}") for number in (first, first + 1)]


async def test_the_cursor_just_before_the_oldest_misses_nothing(api: Api) -> None:
    for _ in range(5):
        api.feed.tell()
    api.feed.forget(3)
    async with listening(api, f"?after={JOURNAL}.3") as stream:
        assert [one["kind"] for one in await heard(stream, 3)] == ["hello", "event", "event"]


async def test_events_pruned_under_a_reader_are_told_as_a_gap(api: Api) -> None:
    async with listening(api) as stream:
        await heard(stream, 1)
        api.feed.newest += 5
        api.feed.tell()
        assert cursors(await heard(stream, 2)) == [("gap", f"{JOURNAL}.5"), ("event", f"{JOURNAL}.6")]


async def test_silence_is_told_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BEAT_S", 0.02)
    async with listening(api, "?types=call.ended") as stream:
        await heard(stream, 1)
        api.feed.tell()
        beats = await heard(stream, 3)
    assert cursors(beats)[-1] == ("beat", f"{JOURNAL}.1")


async def test_a_token_that_dies_ends_the_stream(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BEAT_S", 0.02)
    async with listening(api) as stream:
        await heard(stream, 1)
        del api.tokens.actors["std_all"]
        assert await ending(stream) == events.REVOKED


async def test_a_journal_that_cannot_be_read_ends_it_clearly(api: Api) -> None:
    async with listening(api) as stream:
        await heard(stream, 1)
        api.feed.fail = lambda: JournalDamaged("scratched")
        api.feed.tell()
        assert await ending(stream) == 1013


async def test_an_error_of_ours_ends_it_without_a_word_about_it(api: Api) -> None:
    async with listening(api) as stream:
        await heard(stream, 1)
        api.feed.fail = lambda: RuntimeError("a secret")
        api.feed.tell()
        assert await ending(stream) == 1011


async def test_when_the_engine_stops_listeners_are_told(api: Api) -> None:
    async with listening(api) as stream:
        await heard(stream, 1)
        stopping = asyncio.create_task(events.leave(api.app))
        assert await ending(stream) == 1001
        await stopping


async def test_a_slow_reader_is_dropped_and_told_why(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "SEND_S", 0.2)
    monkeypatch.setattr(events, "GOODBYE_S", 2.0)
    reader, writer = await handshaken(api)
    transport: Any = writer.transport
    transport.pause_reading()
    for _ in range(200):
        api.feed.tell(padding=100_000)
    async with asyncio.timeout(30):
        while len(api.app[events.LISTENING]) == 0:  # noqa: ASYNC110 - the server's own state
            await asyncio.sleep(0.01)
        while any(task.get_name() == "event-listener" for task in asyncio.all_tasks()):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)
        transport.resume_reading()
        told = await reader.read(-1)
    assert (0x88, events.SLOW.to_bytes(2, "big")) == (told_close(told)[0], told_close(told)[1])
    assert len(told) < 8_000_000  # not what it did not read: some socket buffers
    assert not api.app[events.LISTENING]
    writer.close()


def told_close(told: bytes) -> tuple[int, bytes]:
    """The last frame, when it is a close: opcode byte and code."""
    at = told.rindex(b"too slow") - 4
    return told[at], told[at + 2 : at + 4]


async def handshaken(api: Api) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A websocket by hand, whose reading can be stopped, with small buffers."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", api.port))
    reader, writer = await asyncio.open_connection(sock=raw, limit=1 << 16)
    lines = [
        "GET /v1/events HTTP/1.1", "Host: x", "Authorization: Bearer std_all", "Connection: Upgrade",
        "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "",
    ]  # fmt: skip
    writer.write("\r\n".join(lines).encode())
    async with asyncio.timeout(30):
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2)
    return reader, writer


async def test_more_listeners_than_there_may_be(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LISTENERS", 1)
    async with listening(api) as stream:
        await heard(stream, 1)
        with pytest.raises(WSServerHandshakeError) as refused:
            async with listening(api):
                pass
        assert refused.value.status == 503


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_whoever_speaks_no_websocket_is_told_so(api: Api, method: str) -> None:
    answer = await api.ask(method, "/v1/events")
    assert (answer.status, answer.headers["Upgrade"]) == (426, "websocket")


@pytest.mark.parametrize("query", ["after=1", "after=x.1", "after=", "types=", "types=call.lost", "types=call.ended,"])
async def test_a_query_that_means_nothing(api: Api, query: str) -> None:
    answer = await api.ask("GET", f"/v1/events?{query}")
    assert (answer.status, (await answer.json())["code"]) == (422, "invalid-query")


async def ending(stream: ClientWebSocketResponse) -> int | None:
    """The close code, whatever is told before it."""
    async with asyncio.timeout(30):
        while (await stream.receive()).type not in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING):
            pass
    return stream.close_code
