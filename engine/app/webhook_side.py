"""Webhooks between their rooms: rows in PostgreSQL for the deliverer, and the receivers as the API manages them."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import structlog

from engine.app.auditing import Audit, note
from engine.calls.contract import Actor, Told
from engine.http.webhook_port import DeliveryEntry, WebhookEntry, WebhookWish, WrittenWebhook
from engine.store import forgetting, webhooks
from engine.store.pool import Database
from engine.webhooks import signing
from engine.webhooks.addresses import check_url
from engine.webhooks.ports import Due, Endpoint, Reply
from engine.webhooks.poster import Poster

KEEP_LOG = timedelta(days=30)

log = structlog.get_logger(__name__)


class Rows:
    """`webhooks.ports.Ledger` from PostgreSQL, for the events of one node."""

    def __init__(self, db: Database, node: str) -> None:
        self._db, self._node = db, node

    async def position(self, journal_id: str) -> int:
        async with self._db.connection() as connection:
            return await webhooks.position(connection, journal_id)

    async def write_down(self, journal_id: str, after: int, events: Sequence[Told]) -> None:
        async with self._db.connection() as connection:
            await webhooks.write_down(connection, journal_id, self._node, after, events)

    async def waiting(self) -> list[Endpoint]:
        async with self._db.connection() as connection:
            found = await webhooks.with_work(connection, self._node)
        return [Endpoint(name=webhook.name, url=webhook.url, secret=secret) for webhook, secret in found]

    async def due(self, endpoint: str, limit: int) -> list[Due]:
        async with self._db.connection() as connection:
            rows = await webhooks.due(connection, self._node, endpoint, limit)
        return [Due(number=number, event_id=event, body=body, tries=tries) for number, event, body, tries in rows]

    async def delivered(self, number: int, reply: Reply) -> None:
        async with self._db.connection() as connection:
            await webhooks.settle(connection, number, "delivered", reply)

    async def failed(self, number: int, reply: Reply, again_in_s: float | None) -> None:
        state: webhooks.DeliveryState = "failed" if again_in_s is None else "waiting"
        async with self._db.connection() as connection:
            await webhooks.settle(connection, number, state, reply, timedelta(seconds=again_in_s or 0))

    async def gone(self, endpoint: str, number: int, reply: Reply) -> None:
        async with self._db.connection() as connection:
            await webhooks.settle(connection, number, "dropped", reply)
            await webhooks.switch_off(connection, endpoint, "it answered 410 Gone")

    async def forget_old(self) -> None:
        await forgetting.forget_all(self._db, webhooks.forget, KEEP_LOG)


class WebhookBook:
    """Implements `http.webhook_port.Webhooks`."""

    def __init__(self, db: Database, poster: Poster, journal: Audit, *, private: bool) -> None:
        self._db, self._poster, self._journal, self._private = db, poster, journal, private

    async def entries(self) -> list[WebhookEntry]:
        async with self._db.connection() as connection:
            return [_entry(webhook) for webhook in await webhooks.every(connection)]

    async def entry(self, name: str) -> WebhookEntry:
        async with self._db.connection() as connection:
            return _entry((await webhooks.one(connection, name))[0])

    async def put(self, name: str, wish: WebhookWish, actor: Actor) -> WrittenWebhook:
        check_url(wish.url, private=self._private)
        secret = signing.new_secret()
        async with self._db.connection() as connection:
            webhook, is_new = await webhooks.put(
                connection, name, url=wish.url, types=set(wish.types), enabled=wish.enabled, secret=secret
            )
        await self._note(actor, "put", name, msgspec.to_builtins(wish))
        return WrittenWebhook(webhook=_entry(webhook), secret=secret if is_new else None)

    async def remove(self, name: str, actor: Actor) -> None:
        async with self._db.connection() as connection:
            await webhooks.remove(connection, name)
        await self._note(actor, "delete", name, {})

    async def test(self, name: str) -> Reply:
        async with self._db.connection() as connection:
            webhook, secret = await webhooks.one(connection, name)
        event_id = f"test.{uuid.uuid4()}"
        event = {"id": event_id, "type": "webhook.test", "at": datetime.now(UTC), "call_id": None, "data": {}}
        endpoint = Endpoint(name=name, url=webhook.url, secret=secret)
        return await self._poster.post(endpoint, event_id, msgspec.json.encode(event))

    async def deliveries(
        self, name: str, state: webhooks.DeliveryState | None, before: int | None, limit: int
    ) -> list[DeliveryEntry]:
        async with self._db.connection() as connection:
            found = await webhooks.log(connection, name, state=state, before=before, limit=limit)
        return [msgspec.convert(one, DeliveryEntry, from_attributes=True) for one in found]

    async def _note(self, actor: Actor, action: str, name: str, request: Mapping[str, Any]) -> None:
        told = f"{action} webhook {name}"
        await note(self._journal, actor, f"webhook.{action}", told, request={"name": name, **request})


def _entry(webhook: webhooks.Webhook) -> WebhookEntry:
    return msgspec.convert(webhook, WebhookEntry, from_attributes=True)
