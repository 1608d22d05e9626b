"""What the HTTP API needs of the requests to be called back."""

from typing import Protocol

import msgspec

from engine.calls.contract import Actor
from engine.domain.callbacks import Callback, CallbackStatus


class CallbackPage(msgspec.Struct, frozen=True):
    """Requests, the oldest first; `next` is the `after` of the page that follows, null on the last."""

    items: list[Callback]
    next: int | None


class Callbacks(Protocol):
    """Both raise DatabaseAway while PostgreSQL does not answer, `change` UnknownThing when there is none."""

    async def page(self, queue: str | None, status: CallbackStatus | None, after: int, limit: int) -> CallbackPage: ...

    async def change(self, name: str, status: CallbackStatus, actor: Actor) -> Callback: ...
