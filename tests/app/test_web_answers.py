"""What a scenario takes out of a web service's answer."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from engine.app.asked_once import Asked
from engine.app.web_answers import WebAnswers
from engine.calls.ports import Answer
from engine.domain.scenario.talk import AskWeb
from engine.errors import InvalidValue
from engine.webhooks.fetcher import Fetcher
from tests.app.test_scenario_answers import CALL
from tests.webhooks.receiver import Receiver

DOCUMENT = {
    "order": {"state": "sent", "paid": True, "items": 3, "total": 7.0, "lines": [{"ref": "A/1"}]},
    "bad": {"fraction": 1.5, "list": [], "long": "x" * 1001, "big": 2**63, "huge": 10**60},
    "nothing": None,
}


@pytest.fixture
async def service() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        receiver.answer = lambda _: web.json_response(DOCUMENT)
        yield receiver


async def ask(service: Receiver, *pointers: str, number: int = 3) -> Answer:
    question = AskWeb(url=service.url, method="POST", body={"n": 1}, pointers=pointers, timeout_s=5)
    async with Fetcher(private=True) as fetcher:
        return await WebAnswers(fetcher).answer(Asked(CALL, number), question)


async def test_texts_numbers_and_flags(service: Receiver) -> None:
    wanted: dict[str, Any] = {
        "/order/state": "sent", "/order/paid": True, "/order/items": 3, "/order/total": 7, "/order/lines/0/ref": "A/1",
    }  # fmt: skip
    found = await ask(service, *wanted, "/nothing", "/order/lost")
    assert (found.outcome, found.values) == ("done", wanted)
    assert type(found.values["/order/total"]) is int


@pytest.mark.parametrize("place", ["/bad", "/bad/list", "/bad/fraction", "/bad/long", "/bad/big", "/bad/huge"])
async def test_anything_else_is_a_fault(service: Receiver, place: str) -> None:
    with pytest.raises(InvalidValue):
        await ask(service, "/order/state", place)


async def test_asked_again_it_goes_under_the_same_key(service: Receiver) -> None:
    for number in (3, 3, 4):
        await ask(service, number=number)
    keys = [received.headers["idempotency-key"] for received in service.received]
    assert keys == [f"{CALL.id}/3", f"{CALL.id}/3", f"{CALL.id}/4"]


async def test_callers_wait_for_their_own_service_alone(service: Receiver) -> None:
    async def silent(_: object) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with Receiver() as slow, Fetcher(private=True) as fetcher:
        slow.answer = silent
        answers = WebAnswers(fetcher)
        stuck = AskWeb(url=slow.url, method="POST", body={}, pointers=(), timeout_s=30)
        waiting = [asyncio.create_task(answers.answer(Asked(CALL, n), stuck)) for n in range(50)]
        await slow.until(lambda: len(slow.received) == 50)
        async with asyncio.timeout(5):
            assert (await ask(service, "/order/state")).outcome == "done"
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
