"""The small parts every typed request is made of: quoting, query, variables, and the object that sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote

import msgspec

from engine.ari.errors import NotFound, ServerFailed
from engine.ari.pools import URGENT_LIMIT_S, Request, Retry, Transport
from engine.errors import InvalidValue

T = TypeVar("T")


class Reported(msgspec.Struct, frozen=True):
    """A variable that Asterisk repeats in every event and listing of the channel or bridge that has it."""

    value: str
    report_events: bool = True


Variables = Mapping[str, str | Reported]


class Sender:
    """Base of the request groups: holds the transport and the application's name."""

    def __init__(self, transport: Transport, app: str) -> None:
        self._transport = transport
        self._app = app

    @property
    def app(self) -> str:
        """The Stasis application these requests are made for."""
        return self._app

    async def _send(self, request: Request) -> bytes:
        return await self._transport.send(request)

    async def _send_if_there(self, request: Request) -> bool:
        """For orders to end something: False if it was gone already, which is what was wanted."""
        try:
            await self._transport.send(request)
        except NotFound:
            return False
        return True

    async def _read(self, request: Request, shape: type[T]) -> T:
        body = await self._transport.send(request)
        try:
            return msgspec.json.decode(body, type=shape)
        except msgspec.DecodeError as strange:
            raise ServerFailed(str(request), f"its answer is not understood: {strange}") from strange


def get(path: str, **query: str) -> Request:
    """A reading request: urgent pool, outside the lanes, repeated freely."""
    return Request(
        method="GET", path=path, query=tuple(query.items()), urgent=True, retry=Retry.ALWAYS, limit_s=URGENT_LIMIT_S
    )


def segment(text: str) -> str:
    """One path segment, with everything that could be read as something else quoted."""
    return quote(text, safe="")


def listed(items: Sequence[str]) -> str:
    """Several values in one parameter. Asterisk splits at commas, so no value may hold one."""
    for item in items:
        if "," in item:
            raise InvalidValue(f"{item!r} holds a comma; Asterisk would read it as two values")
    return ",".join(items)


def given(**query: str | int | bool | None) -> tuple[tuple[str, str], ...]:
    """Query parameters, without those that are None; true and false as Asterisk spells them."""
    return tuple(
        (name, str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in query.items()
        if value is not None
    )


def variables_body(variables: Variables | None) -> dict[str, Variables] | None:
    """The JSON body that sets variables, or no body."""
    return {"variables": variables} if variables else None
