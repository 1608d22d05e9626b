"""One real call as others hear of it: the same events in the same order by websocket and by webhook."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import aiohttp.web
import pytest

from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.live

PRIVATE = {"webhooks": {"private_addresses": True}}
STORY = [
    "call.requested", "call.agent_ringing", "call.agent_answered", "call.agent_confirmed", "call.customer_dialled",
    "call.customer_ringing", "call.customer_answered", "call.ended", "call.disposition",
]  # fmt: skip
END, LAST = "call.ended", "call.disposition"


@asynccontextmanager
async def listening(engine: RunningEngine, query: str = "") -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    headers = {"Authorization": f"Bearer {engine.token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{engine.url}/v1/events{query}", headers=headers) as stream,
    ):
        yield stream


async def heard(
    stream: aiohttp.ClientWebSocketResponse, last: Callable[[dict[str, Any]], object]
) -> list[dict[str, Any]]:
    """Messages up to the one that is the last."""
    messages: list[dict[str, Any]] = []
    while not messages or not last(messages[-1]):
        messages.append(await stream.receive_json(timeout=20))
    return messages


def is_event(kind: str) -> Callable[[dict[str, Any]], object]:
    return lambda message: message["kind"] == "event" and message["event"]["type"] == kind


def events(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [message["event"] for message in messages if message["kind"] == "event"]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_call_is_told_by_websocket_and_by_webhook(own_box: Sandbox) -> None:
    (plan,) = crowd.plans([crowd.TALKS_BRIEFLY], 1)
    file = crowd.written(own_box, crowd.directory(own_box.farend, [plan]))
    async with RunningEngine(own_box, file, settings=PRIVATE) as engine, Receiver() as receiver:
        made = await engine.put("/v1/webhooks/crm", {"url": receiver.url})
        assert (made.status, made.body["secret"][:6]) == (200, "whsec_")
        tried = await engine.post("/v1/webhooks/crm/test", {})
        assert (tried.body["taken"], receiver.received.pop().type) == (True, "webhook.test")
        async with listening(engine) as stream:
            call_id = await crowd.place(engine, plan)
            messages = await heard(stream, is_event(END))
            await engine.put(f"/v1/calls/{call_id}/disposition", {"code": "sale"})
            messages += await heard(stream, is_event(LAST))
        told = events(messages)
        assert [event["type"] for event in told] == STORY
        assert {event["call_id"] for event in told} == {call_id}
        assert all(event["data"]["variables"] == {"index": plan.number} for event in told)
        assert told[-2]["data"]["cdr"]["outcome"] == "answered"
        assert told[-1]["data"]["disposition"]["code"] == "sale"
        await receiver.until(lambda: len(receiver.received) == len(STORY))
        assert [json.loads(one.body) for one in receiver.received] == told
        assert [one.id for one in receiver.received] == [event["id"] for event in told]
        await _logged(engine, len(STORY))
        async with listening(engine, f"?after={messages[3]['cursor']}") as stream:
            assert events(await heard(stream, is_event(LAST))) == told[3:]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.faults
async def test_killed_between_an_event_and_its_delivery(own_box: Sandbox) -> None:
    """The receiver took the last event, the engine died before it heard of that: it comes again, under the same id.
    Whoever listened goes on from its cursor and misses nothing of what happened meanwhile."""
    (plan,) = crowd.plans([crowd.TALKS], 1)
    file = crowd.written(own_box, crowd.directory(own_box.farend, [plan]))
    async with RunningEngine(own_box, file, settings=PRIVATE) as engine, Receiver() as receiver:
        await engine.put("/v1/webhooks/crm", {"url": receiver.url})

        async def held(_: object) -> aiohttp.web.StreamResponse:
            await engine.kill()
            return aiohttp.web.Response(status=204)

        plain = receiver.answer
        receiver.answer = lambda one: held(one) if one.type == "call.customer_answered" else plain(one)
        async with listening(engine) as stream:
            call_id = await crowd.place(engine, plan)
            messages = await heard(stream, is_event("call.customer_dialled"))
        await receiver.until(lambda: receiver.received and receiver.received[-1].type == "call.customer_answered")
        await engine.process.stop()  # returns once it is gone
        receiver.answer = plain
        await engine.start()
        await engine.delete(f"/v1/calls/{call_id}")
        async with listening(engine, f"?after={messages[-1]['cursor']}") as stream:
            told = events(messages) + events(await heard(stream, is_event(END)))
        await receiver.until(lambda: receiver.received[-1].type == END)
    assert [event["type"] for event in told] == STORY[:-1]
    ids = [one.id for one in receiver.received]
    answered = next(event["id"] for event in told if event["type"] == "call.customer_answered")
    assert ids.count(answered) == 2
    assert list(dict.fromkeys(ids)) == [event["id"] for event in told]


async def _logged(engine: RunningEngine, count: int) -> None:
    async def all_delivered() -> bool:
        items = (await engine.get("/v1/webhooks/crm/deliveries")).body["items"]
        return len(items) == count and all(one["state"] == "delivered" for one in items)

    await crowd.until(all_delivered)
