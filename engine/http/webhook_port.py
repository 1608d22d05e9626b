"""What the HTTP API needs of webhooks: receivers to manage, a try, the log of deliveries."""

from datetime import datetime
from typing import Literal, Protocol

import msgspec

from engine.calls.contract import Actor
from engine.domain.public_events import EventType

DeliveryState = Literal["waiting", "delivered", "failed", "dropped"]


class WebhookWish(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver as somebody wants it. No `types`: all of them."""

    url: str
    types: list[EventType] = []
    enabled: bool = True


class WebhookEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver as it is; `disabled_why` when the engine switched it off. Its secret is never shown again."""

    name: str
    url: str
    types: list[EventType]
    enabled: bool
    disabled_why: str | None
    created_at: datetime


class WrittenWebhook(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver that was written; `secret` only when it is new, told this once."""

    webhook: WebhookEntry
    secret: str | None


class DeliveryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to a receiver; `status` (HTTP), `error` and `took_s` are those of the last try. `failed`:
    given up after the last try. `dropped`: the receiver was switched off."""

    number: int
    event_id: str
    type: EventType
    call_id: str
    state: DeliveryState
    tries: int
    created_at: datetime
    due_at: datetime
    tried_at: datetime | None
    status: int | None
    error: str | None
    took_s: float | None


class TestReply(Protocol):
    """What came of a try."""

    @property
    def status(self) -> int | None: ...
    @property
    def error(self) -> str | None: ...
    @property
    def took_s(self) -> float: ...
    @property
    def taken(self) -> bool: ...


class Webhooks(Protocol):
    """Receivers of events. Every method raises DatabaseAway while PostgreSQL does not answer, and UnknownThing for a
    name there is not; `put` raises InvalidValue `webhook-address`."""

    async def entries(self) -> list[WebhookEntry]: ...
    async def entry(self, name: str) -> WebhookEntry: ...
    async def put(self, name: str, wish: WebhookWish, actor: Actor) -> WrittenWebhook: ...
    async def remove(self, name: str, actor: Actor) -> None: ...
    async def test(self, name: str) -> TestReply: ...
    async def deliveries(
        self, name: str, state: DeliveryState | None, before: int | None, limit: int
    ) -> list[DeliveryEntry]: ...
