"""The outside credit check, against a real HTTP server on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web

from engine.app.credit_side import CreditHook
from engine.domain.values import CallId
from engine.errors import InvalidValue, Refused
from engine.fraud_settings import CreditSettings
from engine.sections import Secret, WrongSettings, made
from engine.webhooks import signing
from engine.webhooks.poster import Poster
from tests.domain.calls import CALL, CUSTOMER, asked
from tests.webhooks.receiver import Received, Receiver

SECRET = signing.new_secret()


@pytest.fixture
async def bank() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


def settings(url: str, **more: Any) -> CreditSettings:
    return CreditSettings(url=url, secret=Secret(SECRET), **{"private_addresses": True, "time_s": 5.0, **more})


async def ask(url: str, **more: Any) -> int | None:
    chosen = settings(url, **more)
    async with Poster(private=chosen.private_addresses) as poster:
        return await CreditHook(chosen, poster).ask(CallId(CALL), asked())


def says(body: object, status: int = 200) -> Callable[[Received], web.StreamResponse]:
    return lambda _: web.json_response(body, status=status)


async def test_what_is_asked_is_signed(bank: Receiver) -> None:
    bank.answer = says({"allowed": True, "max_s": 90})
    assert await ask(bank.url) == 90
    (received,) = bank.received
    question = msgspec.json.decode(received.body)
    assert (question["type"], question["call_id"], question["to"]) == ("credit.check", CALL, CUSTOMER)
    assert (question["agent"], question["site"], question["variables"]) == ("alice", "paris", asked().variables)
    at, event = received.headers["webhook-timestamp"], received.headers["webhook-id"]
    assert received.headers["webhook-signature"] == f"v1,{signing._signature(SECRET, event, at, received.body)}"


async def test_no_bound_of_its_own(bank: Receiver) -> None:
    bank.answer = says({"allowed": True, "and": "more"})
    assert await ask(bank.url) is None


async def test_a_refusal_says_why(bank: Receiver) -> None:
    bank.answer = says({"allowed": False, "reason": "no money\nleft" + "!" * 300})
    with pytest.raises(Refused) as refused:
        await ask(bank.url, when_away="allow")
    assert (refused.value.rule, refused.value.status) == ("credit-refused", 403)
    assert refused.value.message.startswith("the credit check refused the call: no moneyleft!")
    assert len(refused.value.message) < 260


UNUSABLE: dict[str, Callable[[Received], web.StreamResponse]] = {
    "an error": says({"allowed": True}, 500),
    "nothing": lambda _: web.Response(status=204),
    "no JSON": lambda _: web.Response(text="yes"),
    "no words": lambda _: web.Response(body=b"\xff\xfe"),
    "no verdict": says({}),
    "another kind of verdict": says({"allowed": "yes"}),
    "no time at all": says({"allowed": True, "max_s": 0}),
    "less than that": says({"allowed": True, "max_s": -1}),
    "too much to read": lambda _: web.Response(body=b'{"allowed":true,"x":"' + b"x" * 9000 + b'"}'),
    "somewhere else": lambda _: web.Response(status=307, headers={"Location": "/other"}),
}


@pytest.mark.parametrize("case", UNUSABLE)
async def test_an_answer_that_is_none_refuses_or_not_as_set(bank: Receiver, case: str) -> None:
    bank.answer = UNUSABLE[case]
    with pytest.raises(Refused) as refused:
        await ask(bank.url)
    assert (refused.value.rule, refused.value.status, refused.value.retry_after_s) == ("credit-away", 503, 5)
    assert await ask(bank.url, when_away="allow") is None


async def test_silence_is_not_waited_for(bank: Receiver) -> None:
    left = asyncio.Event()

    async def silent(_: Received) -> web.StreamResponse:
        await left.wait()
        return web.json_response({"allowed": True})

    bank.answer = silent
    with pytest.raises(Refused, match="does not answer"):
        await ask(bank.url, time_s=0.05)
    left.set()


async def test_nobody_there(bank: Receiver) -> None:
    url = bank.url
    await bank.__aexit__()
    assert await ask(url, when_away="allow") is None


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/credit", "https://127.0.0.1/credit", "http://bank.example/", "ftp://x"]
)
async def test_no_private_address_unless_allowed(url: str) -> None:
    with pytest.raises(InvalidValue):
        await ask(url, private_addresses=False)


@pytest.mark.parametrize("given", [{"url": "https://bank.example"}, {"secret": SECRET}, {"url": "x", "secret": "easy"}])
def test_address_and_secret_belong_together(given: dict[str, str]) -> None:
    with pytest.raises(WrongSettings):
        made(CreditSettings, given)


def test_a_hook_without_an_address_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="address and a secret"):
        CreditHook(CreditSettings(), Poster(private=False))
