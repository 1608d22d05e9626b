"""A thin way to ask a real Asterisk, for tests that come before the ARI client."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import aiohttp

from engine.config.asterisk import AsteriskSettings

Events = AsyncIterator[dict[str, Any]]


class Asking:
    """`AsteriskControl` over plain HTTP."""

    def __init__(self, settings: AsteriskSettings, session: aiohttp.ClientSession) -> None:
        self._base = f"http://127.0.0.1:{settings.ari_port}/ari"
        self._headers = {"Authorization": aiohttp.encode_basic_auth(settings.ari_user, settings.ari_secret)}
        self._session = session

    async def reload_module(self, name: str) -> None:
        async with self._session.put(f"{self._base}/asterisk/modules/{name}", headers=self._headers) as answer:
            answer.raise_for_status()

    async def get_global(self, name: str) -> str:
        told = await self._get("/asterisk/variable", variable=name)
        return str(told["value"])

    async def set_global(self, name: str, value: str) -> None:
        query = {"variable": name, "value": value}
        async with self._session.post(f"{self._base}/asterisk/variable", params=query, headers=self._headers) as answer:
            answer.raise_for_status()

    async def beat(self) -> None:
        """Callers of the next five seconds are handed over, as while an engine runs."""
        await self.set_global("ENGINE_BEAT", str(int(time.time()) + 2))  # 3 s early or late is a beat

    async def absent_steps(self, steps: Sequence[str]) -> list[str]:
        query = {
            "endpoint": "Local/wait@standardiste-probe",
            "channelId": "asks",
            "context": "default",
            "extension": "s",
        }
        async with self._session.post(f"{self._base}/channels", params=query, headers=self._headers) as answer:
            answer.raise_for_status()
        asked = [(step, f"DIALPLAN_EXISTS({step})") for step in steps]
        told = [(step, await self._get("/channels/asks/variable", variable=function)) for step, function in asked]
        await self.hang_up("asks")
        return [step for step, said in told if said is None or said["value"] != "1"]

    async def object_fields(self, kind: str, name: str) -> Mapping[str, str] | None:
        told = await self._get(f"/asterisk/config/dynamic/res_pjsip/{kind}/{name}")
        return None if told is None else {field["attribute"]: field["value"] for field in told}

    async def queue_members(self, queue: str) -> list[str] | None:
        """By a channel that is made for the question: Asterisk evaluates functions on channels only."""
        probe = f"probe-{uuid4().hex}"
        async with self.app("probing"):
            query = {"endpoint": "Local/probe@standardiste-probe", "app": "probing", "channelId": probe}
            path = f"{self._base}/channels/create"
            async with self._session.post(path, params=query, headers=self._headers) as answer:
                answer.raise_for_status()
            told = [
                await self._get(f"/channels/{probe}/variable", variable=f"{function}({queue})")
                for function in ("QUEUE_EXISTS", "QUEUE_MEMBER_LIST")
            ]
            await self.hang_up(probe)
        exists, listed = (one["value"] for one in told)
        return (listed.split(",") if listed else []) if exists == "1" else None

    @asynccontextmanager
    async def app(self, name: str) -> AsyncIterator[Events]:
        """The events of an application, which is there as long as this is open."""
        async with self._session.ws_connect(f"{self._base}/events?app={name}", headers=self._headers) as socket:
            yield (message.json() async for message in socket)

    async def originate(self, endpoint: str, channel: str, **more: str) -> None:
        query = {"endpoint": endpoint, "channelId": channel, "context": "default", "extension": "s", **more}
        async with self._session.post(f"{self._base}/channels", params=query, headers=self._headers) as answer:
            answer.raise_for_status()

    async def ring(self, channel: str) -> None:
        async with self._session.post(f"{self._base}/channels/{channel}/ring", headers=self._headers) as answer:
            answer.raise_for_status()

    async def answer(self, channel: str) -> None:
        async with self._session.post(f"{self._base}/channels/{channel}/answer", headers=self._headers) as answer:
            answer.raise_for_status()

    async def variable(self, channel: str, name: str) -> str:
        return str((await self._get(f"/channels/{channel}/variable", variable=name))["value"])

    async def channel(self, channel: str) -> dict[str, Any] | None:
        told: dict[str, Any] | None = await self._get(f"/channels/{channel}")
        return told

    async def hang_up(self, channel: str) -> None:
        async with self._session.delete(f"{self._base}/channels/{channel}", headers=self._headers) as answer:
            answer.raise_for_status()

    async def _get(self, path: str, **query: str) -> Any:
        async with self._session.get(self._base + path, params=query, headers=self._headers) as answer:
            if answer.status == 404:
                return None
            answer.raise_for_status()
            return await answer.json()
