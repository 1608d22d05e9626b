"""An Asterisk that misbehaves on order: for faults a real one does not produce when asked. Never for facts."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import WSMsgType, web

from engine.ari.settings import AriSettings

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def channel(channel_id: str, state: str = "Up", **more: Any) -> dict[str, Any]:
    """A channel as Asterisk tells it, as small as may be."""
    return {"id": channel_id, "name": f"PJSIP/x-{channel_id}", "state": state, **more}


def event(kind: str, at: str = "2030-01-01T00:00:00.000+0000", **fields: Any) -> str:
    """One frame. By default its time is after any snapshot."""
    return json.dumps({"type": kind, "timestamp": at, "application": "standardiste", **fields})


class FakeAsterisk:
    """Serves what the connection reads, an event socket per connect, and scripted answers for the rest."""

    def __init__(self) -> None:
        self.settings = AriSettings(username="u", password="p")
        self.startup_time = "2026-11-20T18:50:14.622+0000"
        self.channels: list[dict[str, Any]] = []
        self.bridges: list[dict[str, Any]] = []
        self.seen: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.scripted: dict[str, list[Answer]] = defaultdict(list)
        self.refuse_socket = 0
        self.globals: dict[str, str] = {}
        self.hello: list[str] = []
        """Frames sent the moment a socket opens, before any GET can come."""
        self.changed = asyncio.Condition()

    def next_answer(self, request: str, answer: Answer) -> None:
        """`POST /channels/create` is answered so, once; then in the usual way."""
        self.scripted[request].append(answer)

    async def until(self, true: Callable[[], object], limit_s: float = 5) -> None:
        """Wait for a condition that a request to us brings about."""
        async with asyncio.timeout(limit_s), self.changed:
            await self.changed.wait_for(lambda: bool(true()))

    async def say(self, frame: str) -> None:
        """Send an event on the newest socket."""
        await self.sockets[-1].send_str(frame)

    async def cut(self) -> None:
        """Abort the newest socket's TCP connection."""
        transport = self.sockets[-1]._req.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.abort()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Every request comes here."""
        path = request.path.removeprefix("/ari")
        name = f"{request.method} {path}"
        self.seen.append(name)
        async with self.changed:
            self.changed.notify_all()
        if self.scripted[name]:
            return await self.scripted[name].pop(0)(request)
        if name == "GET /events":
            return await self._socket(request)
        told = self._told(name, request.query)
        return web.Response(status=204) if told is None else web.json_response(told)

    def _told(self, name: str, query: Mapping[str, str]) -> object:
        match name:
            case "GET /channels":
                told: object = self.channels
            case "GET /bridges":
                told = self.bridges
            case "GET /asterisk/info":
                status = {"startup_time": self.startup_time, "last_reload_time": self.startup_time}
                told = {"system": {"version": "22.10.1"}, "status": status}
            case "GET /asterisk/variable":
                told = {"value": self.globals.get(query["variable"], "")}
            case "POST /asterisk/variable":
                self.globals[query["variable"]] = query["value"]
                told = None
            case _:
                told = None
        return told

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        if self.refuse_socket:
            return web.Response(status=self.refuse_socket)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        for frame in self.hello:
            await socket.send_str(frame)
        self.sockets.append(socket)
        async with self.changed:
            self.changed.notify_all()
        async for message in socket:
            if message.type is WSMsgType.ERROR:
                break
        return socket


def answers(status: int, body: object = None) -> Answer:
    """An answer of this status."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status) if body is not None else web.Response(status=status)

    return answer


async def hangs_up(request: web.Request) -> web.StreamResponse:
    """Close the connection without an answer, after the request was read."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def never(release: asyncio.Event) -> Answer:
    """No answer until released."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response(status=204)

    return answer
