"""Every row of the far end's table, dialled by a real Asterisk: what it answers on the wire and when.

All are dialled at once, each in a task of its own; the tests wait for theirs.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from engine.config.render import directory_files
from engine.sandbox.behaviours import TABLE, Behaviour, mobile
from engine.sandbox.example import example_directory
from engine.sandbox.sandbox import Sandbox

APP = "behaviours"
RINGING_S = 0.75
"""Of those told to ring for 0.8 s. No bound from below counts from an event of ours: it may be late."""


@dataclass
class Result:
    """What the calling side saw of one call, seconds after dialling."""

    said: list[tuple[float, str]]
    cause: int | None = None
    tech_cause: int | None = None
    ended_s: float | None = None
    digits: str = ""

    def first(self, what: str) -> float | None:
        return next((at for at, said in self.said if said == what), None)


class Caller:
    """The engine's Asterisk driven by plain ARI, so that what is seen depends on nothing of the engine."""

    def __init__(self, box: Sandbox, http: aiohttp.ClientSession) -> None:
        self.box = box
        self._http = http
        self.results: dict[str, Result] = {}
        self._dialled: dict[str, float] = {}

    async def dial(self, number: str) -> Result:
        channel = f"b{number.strip('+')}"
        self.results[channel] = Result([])
        params = {"endpoint": f"PJSIP/{number}@trunk-paris-1", "app": APP, "channelId": channel, "timeout": "60"}
        async with self._http.post("/ari/channels/create", params=params) as answer:
            assert answer.status == 200, await answer.text()
        await self._until(lambda: self.results[channel].first("start") is not None)
        self._dialled[channel] = time.time()
        async with self._http.post(f"/ari/channels/{channel}/dial", params={"timeout": "60"}) as answer:
            assert answer.status == 204, await answer.text()
        return self.results[channel]

    async def order(self, number: str, path: str, **params: str) -> None:
        async with self._http.post(f"/ari/channels/b{number.strip('+')}/{path}", params=params) as answer:
            assert answer.status < 300, await answer.text()

    async def until(self, result: Result, what: str, timeout_s: float = 30) -> float:
        await self._until(lambda: result.first(what) is not None, timeout_s)
        found = result.first(what)
        assert found is not None
        return found

    async def _until(self, condition: Callable[[], bool], timeout_s: float = 30) -> None:
        await self.box.farend.until(condition, timeout_s=timeout_s)

    def hear(self, event: dict[str, object]) -> None:
        channel = event.get("channel") or event.get("peer") or {}
        assert isinstance(channel, dict)
        result = self.results.get(str(channel.get("id")))
        if result is None:
            return
        told = datetime.fromisoformat(str(event["timestamp"])).timestamp()  # by Asterisk, not when we came to read it
        at = told - self._dialled.get(str(channel["id"]), told)
        match event["type"]:
            case "StasisStart":
                result.said.append((at, "start"))
            case "Dial":
                said = str(event["dialstatus"]).lower()
                if not result.said or result.said[-1][1] != said:  # a busy machine sends its 18x again
                    result.said.append((at, said))
            case "ChannelDtmfReceived":
                result.digits += str(event["digit"])
                result.said.append((at, f"key {event['digit']}"))
            case "ChannelDestroyed":
                result.cause = int(str(event["cause"]))
                tech = event.get("tech_cause")
                result.tech_cause = None if tech is None else int(str(tech))
                result.ended_s = at
                result.said.append((at, "ended"))


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def caller(box: Sandbox) -> AsyncIterator[Caller]:
    """Trunks of the example, and a bare ARI application."""
    box.asterisk.write(directory_files(example_directory(box.farend), box.asterisk_settings))
    await box.asterisk.cli("module reload res_pjsip.so")
    settings = box.asterisk_settings
    auth = {"Authorization": aiohttp.encode_basic_auth(settings.ari_user, settings.ari_secret)}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{settings.ari_port}", headers=auth) as http:
        caller = Caller(box, http)
        async with http.ws_connect("/ari/events", params={"app": APP}) as socket:

            async def read() -> None:
                async for message in socket:
                    caller.hear(message.json())

            reading = asyncio.create_task(read())
            yield caller
            await box.asterisk.cli("channel request hangup all")
            await box.farend.until(lambda: not any(call.live for call in box.farend.calls()))
            reading.cancel()


async def refused_at_once(caller: Caller, number: str, sip: int, cause: int) -> None:
    result = await caller.dial(number)
    assert await caller.until(result, "ended") < 5
    assert (result.tech_cause, result.cause) == (sip, cause)
    assert result.first("ringing") is None


async def rings_then_refuses(caller: Caller, number: str, sip: int) -> None:
    result = await caller.dial(number)
    ringing = await caller.until(result, "ringing")
    assert RINGING_S < await caller.until(result, "ended") < ringing + 5
    assert result.tech_cause == sip


async def answers_after_the_ringing_time(caller: Caller, number: str, said: str | None) -> None:
    result = await caller.dial(number)
    assert RINGING_S < await caller.until(result, "answer") < 5  # other tests may be on the same two cores
    assert [word for _, word in result.said if word in {"ringing", "progress"}] == ([said] if said else [])


async def gateway_answers_early(caller: Caller, number: str, key: str | None) -> None:
    result = await caller.dial(number)
    answered = await caller.until(result, "answer")
    await caller.box.farend.until(lambda: any(call.answered_at for call in caller.box.farend.calls(number)))
    (party,) = caller.box.farend.calls(number)
    assert party.answered_at is not None
    assert party.answered_at - caller.box.farend.invites(number)[0].at < RINGING_S  # by the far end's own clock
    if key:
        assert 1.9 < await caller.until(result, f"key {key}") < answered + 3


async def presses(caller: Caller, number: str, key: str, after_s: float) -> None:
    result = await caller.dial(number)
    answered = await caller.until(result, "answer")
    pressed = await caller.until(result, f"key {key}", after_s + 10)
    assert after_s < pressed < answered + after_s + 3


async def answers_and_leaves(caller: Caller, number: str, talk_s: float, keys: str) -> None:
    result = await caller.dial(number)
    answered = await caller.until(result, "answer")
    assert 0.5 + talk_s - 0.06 < await caller.until(result, "ended") < answered + talk_s + 3
    assert (result.tech_cause, result.digits) == (None, keys)


async def announces_then_refuses(caller: Caller, number: str, sip: int) -> None:
    result = await caller.dial(number)
    await caller.until(result, "progress")
    assert await caller.until(result, "ended", 20) > 1.5
    assert result.tech_cause == sip


async def never_answers(caller: Caller, number: str, said: str | None) -> None:
    result = await caller.dial(number)
    await caller.box.farend.invited(number)
    if said:
        await caller.until(result, said)
    await caller.box.farend.hang_up(number, cause=17)
    await caller.until(result, "ended")
    assert result.first("answer") is None


async def answers_and_listens(caller: Caller, number: str) -> None:
    result = await caller.dial(number)
    await caller.until(result, "answer")
    await caller.box.farend.until(lambda: bool(caller.box.farend.heard(number)))
    assert result.digits == ""


Scenario = Callable[..., Coroutine[Any, Any, None]]
SCENARIOS: dict[str, tuple[Scenario, float, tuple[Any, ...]]] = {  # behaviour -> check, ringing time, what is expected
    "10": (answers_after_the_ringing_time, 0.8, ("ringing",)),
    "11": (answers_after_the_ringing_time, 0.8, (None,)),
    "12": (answers_after_the_ringing_time, 0.8, ("progress",)),
    "13": (answers_after_the_ringing_time, 0.8, ("progress",)),
    "14": (gateway_answers_early, 1, (None,)),
    "15": (gateway_answers_early, 1, ("1",)),
    "20": (presses, 0, ("1", 1.0)),
    "21": (presses, 0, ("1", 7.0)),
    "22": (presses, 0, ("1", 12.5)),
    "23": (presses, 0, ("5", 1.0)),
    "24": (presses, 0, ("1", 4.3)),
    "25": (answers_and_listens, 0, ()),
    "26": (presses, 0, ("1", 0.2)),
    "30": (answers_and_leaves, 0.5, (0.05, "")),
    "31": (answers_and_leaves, 0.5, (0.5, "")),
    "32": (answers_and_leaves, 0.5, (2.0, "")),
    "33": (answers_and_leaves, 0.5, (1.8, "1")),
    "40": (answers_and_listens, 0.3, ()),
    "41": (announces_then_refuses, 0, (404,)),
    "42": (announces_then_refuses, 0, (486,)),
    "43": (never_answers, 0, ("progress",)),
    "50": (refused_at_once, 0, (486, 17)),
    "51": (refused_at_once, 0, (603, 21)),
    "52": (refused_at_once, 0, (480, 19)),
    "53": (refused_at_once, 0, (404, 1)),
    "54": (refused_at_once, 0, (503, 34)),
    "55": (refused_at_once, 0, (403, 21)),
    "56": (refused_at_once, 0, (500, 38)),
    "57": (refused_at_once, 0, (408, 18)),
    "58": (refused_at_once, 0, (410, 22)),
    "59": (refused_at_once, 0, (488, 58)),
    "60": (refused_at_once, 0, (484, 28)),
    "61": (refused_at_once, 0, (502, 27)),
    "62": (refused_at_once, 0, (504, 102)),
    "63": (refused_at_once, 0, (606, 58)),
    "70": (rings_then_refuses, 0.8, (486,)),
    "71": (rings_then_refuses, 0.8, (603,)),
    "72": (rings_then_refuses, 0.8, (480,)),
    "73": (rings_then_refuses, 0.8, (503,)),
    "74": (rings_then_refuses, 0.8, (404,)),
    "80": (never_answers, 0, (None,)),
    "81": (never_answers, 0, ("ringing",)),
}


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def running(caller: Caller) -> AsyncIterator[dict[str, asyncio.Task[None]]]:
    """Every scenario, begun."""
    tasks = {
        code: asyncio.create_task(check(caller, mobile(code, ring_s=ring_s, serial=20), *expected))
        for code, (check, ring_s, expected) in SCENARIOS.items()
    }
    yield tasks
    for task in tasks.values():
        task.cancel()


@pytest.mark.parametrize("behaviour", TABLE, ids=lambda behaviour: f"{behaviour.code} {behaviour.says}")
async def test_behaviour(running: dict[str, asyncio.Task[None]], behaviour: Behaviour) -> None:
    await running[behaviour.code]
