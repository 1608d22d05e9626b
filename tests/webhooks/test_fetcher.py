"""Asking web services: what they may answer, and everything else they do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from engine.errors import InvalidValue
from engine.webhooks.fetcher import ANSWER_BYTES, Fetcher, FetchFailed
from engine.webhooks.pointer import find
from tests.webhooks.receiver import Received, Receiver


@pytest.fixture
async def service() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


async def ask(service: Receiver, *, within_s: float = 5.0, hosts: tuple[str, ...] = (), body: object = None) -> Any:
    async with Fetcher(private=True, hosts=hosts) as fetcher:
        return await fetcher.fetch(service.url, method="POST", body=body, key="call/7", within_s=within_s)


def says(raw: bytes, kind: str = "application/json", status: int = 200, **headers: str) -> Callable[..., web.Response]:
    sent = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return lambda _: web.Response(body=raw, status=status, headers=sent)


async def test_a_post_sends_json_under_its_key(service: Receiver) -> None:
    service.answer = says(b'{"order": {"state": "sent"}}')
    assert await ask(service, body={"number": "7", "vip": True}) == {"order": {"state": "sent"}}
    (received,) = service.received
    assert msgspec.json.decode(received.body) == {"number": "7", "vip": True}
    assert (received.headers["idempotency-key"], received.headers["content-type"]) == ("call/7", "application/json")


async def test_a_get_sends_nothing() -> None:
    asked = list[web.Request]()

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        return web.json_response({"a": 1})

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/orders?number=%2B33%2F7"
    async with Fetcher(private=True) as fetcher:
        assert await fetcher.fetch(url, method="GET", body={"a": 1}, key="k", within_s=5) == {"a": 1}
    await runner.cleanup()
    (request,) = asked
    assert (request.raw_path, "Idempotency-Key" in request.headers) == ("/orders?number=%2B33%2F7", False)
    assert not request.can_read_body


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=UTF-8", "application/hal+json"])
async def test_json_by_any_of_its_names(service: Receiver, kind: str) -> None:
    service.answer = says('"é"'.encode(), kind)
    assert await ask(service) == "é"


async def test_nothing_is_an_answer_where_nothing_is_wanted(service: Receiver) -> None:
    assert await ask(service) is None


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (says(b'{"a":1}', "text/html"), "plain JSON"),
        (says(b'{"a":1}', "application/json; charset=utf-16"), "plain JSON"),
        (says(b'{"a":1}', Content_Encoding="gzip"), "plain JSON"),
        (says(b"<html>"), "DecodeError"),
        (says(b'"\xff"'), "Error"),
        (says(b"[" * 60_000), "RecursionError|DecodeError"),
        (says(b'"' + b"x" * ANSWER_BYTES + b'"'), "more than 65536 bytes"),
        (says(b'{"a":1}', status=500), "answered 500"),
        (says(b'{"a":1}', status=404), "answered 404"),
        (says(b"", status=302, Location="http://127.0.0.1:1/"), "answered 302"),
    ],
)
async def test_what_is_no_answer(service: Receiver, answer: Callable[..., web.Response], why: str) -> None:
    service.answer = answer
    with pytest.raises(FetchFailed, match=why):
        await ask(service)
    assert len(service.received) == 1


async def test_one_that_drips_is_given_up_in_time(service: Receiver) -> None:
    async def drip(_: Received) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    service.answer = drip
    with pytest.raises(FetchFailed, match=r"did not answer within 0\.2 s"):
        async with asyncio.timeout(3):
            await ask(service, within_s=0.2)


async def test_nobody_there() -> None:
    async with Fetcher(private=True) as fetcher:
        with pytest.raises(FetchFailed, match="ClientConnectorError") as failed:
            await fetcher.fetch("http://127.0.0.1:1/pin=4711", method="GET", body={}, key="k", within_s=5)
    assert "4711" not in failed.value.message


@pytest.mark.parametrize(
    "url",
    ["http://example.net/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/", "file:///etc/passwd",
     "https://u:p@example.net/", "https://10.0.0.1/", "gopher://x/"],
)  # fmt: skip
async def test_what_nobody_may_ask(url: str) -> None:
    async with Fetcher(private=False) as fetcher:
        with pytest.raises(InvalidValue):
            await fetcher.fetch(url, method="GET", body={}, key="k", within_s=5)


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f.1"])
async def test_a_name_that_leads_home_is_refused(host: str) -> None:
    async with Fetcher(private=False) as fetcher:
        with pytest.raises(FetchFailed):
            await fetcher.fetch(f"https://{host}/", method="GET", body={}, key="k", within_s=5)


async def test_only_the_hosts_that_are_listed(service: Receiver) -> None:
    service.answer = says(b"1")
    assert await ask(service, hosts=("127.0.0.1",)) == 1
    with pytest.raises(FetchFailed, match="web_hosts"):
        await ask(service, hosts=("api.example.net",))


DOCUMENT = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "m~n": 8, " ": 7, "0": "zero", "n": None}


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("", DOCUMENT), ("/foo", ["bar", "baz"]), ("/foo/0", "bar"), ("/", 0), ("/a~1b", 1), ("/c%d", 2), ("/m~0n", 8),
        ("/ ", 7), ("/0", "zero"), ("/foo/01", None), ("/foo/2", None), ("/foo/-", None), ("/foo/-1", None),
        ("/foo/٠", None), ("/n", None), ("/n/x", None), ("/foo/0/0", None), ("/nothing", None), ("/~01", None),
    ],
)  # fmt: skip
def test_pointers(pointer: str, found: object) -> None:
    assert find(DOCUMENT, pointer) == found
