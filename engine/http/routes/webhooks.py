"""`/v1/webhooks`: who is told of events by HTTP, a try, and what became of each delivery."""

from typing import Annotated

import msgspec
from aiohttp import web

from engine.domain.public_events import EventType
from engine.domain.values import slug
from engine.http.routes.common import for_applications
from engine.http.routing import Answer, Asked, Route, json_answer
from engine.http.webhook_port import DeliveryEntry, DeliveryState, WebhookEntry, Webhooks, WebhookWish, WrittenWebhook


class WebhookBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url`: https, a public address. `types`: the events wanted; left out or empty, all."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    types: Annotated[list[EventType], msgspec.Meta(max_length=50)] = []
    enabled: bool = True


class WebhookList(msgspec.Struct, frozen=True):
    """By name."""

    items: list[WebhookEntry]


class TryResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the receiver answered to a test event; `status` null when it did not, and why in `error`."""

    taken: bool
    status: int | None
    error: str | None
    took_s: float


class DeliveryList(msgspec.Struct, frozen=True):
    """Newest first; `next` is the `before` of the page that follows, null on the last."""

    items: list[DeliveryEntry]
    next: int | None


class DeliveryQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`state` chooses one; `before` is the `next` of the page before."""

    state: DeliveryState | None = None
    before: Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


def _book(asked: Asked) -> Webhooks:
    return for_applications(asked, asked.services.webhooks, "webhooks")


def _name(asked: Asked) -> str:
    return asked.request.match_info["name"]


async def every(asked: Asked) -> web.Response:
    return json_answer(WebhookList(await _book(asked).entries()))


async def one(asked: Asked) -> web.Response:
    return json_answer(await _book(asked).entry(_name(asked)))


async def put(asked: Asked) -> web.Response:
    body = asked.body_as(WebhookBody)
    wish = WebhookWish(url=body.url, types=body.types, enabled=body.enabled)
    return json_answer(await _book(asked).put(slug(_name(asked)), wish, asked.who))


async def remove(asked: Asked) -> web.Response:
    await _book(asked).remove(_name(asked), asked.who)
    return web.Response(status=204)


async def test(asked: Asked) -> web.Response:
    reply = await _book(asked).test(_name(asked))
    return json_answer(TryResult(taken=reply.taken, status=reply.status, error=reply.error, took_s=reply.took_s))


async def deliveries(asked: Asked) -> web.Response:
    query = asked.query_as(DeliveryQuery)
    items = await _book(asked).deliveries(_name(asked), query.state, query.before, query.limit)
    return json_answer(DeliveryList(items, items[-1].number if len(items) == query.limit else None))


_ONE = "/v1/webhooks/{name}"
_COMMON = ("database-away", "not-for-agents")

ROUTES = (
    Route(
        method="GET", path="/v1/webhooks", operation="listWebhooks", tag="events", scope="admin",
        summary="Who is told of events by HTTP", summary_fr="Qui est averti des évènements par HTTP",
        handle=every, answers=(Answer(status=200, what="By name", body=WebhookList),), problems=_COMMON,
    ),
    Route(
        method="GET", path=_ONE, operation="getWebhook", tag="events", scope="admin",
        summary="One webhook", summary_fr="Un webhook", handle=one,
        answers=(Answer(status=200, what="Without its secret", body=WebhookEntry),), problems=_COMMON,
    ),
    Route(
        method="PUT", path=_ONE, operation="putWebhook", tag="events", scope="admin",
        summary="Create or replace a webhook", summary_fr="Créer ou remplacer un webhook",
        description="Events arrive signed (Standard Webhooks), in order for each call, at least once; what is not "
        "taken with a 2xx is tried ten times over three days. A new one's secret is in this answer and nowhere else. "
        "It is told of events from now on.",
        description_fr="Les évènements arrivent signés (Standard Webhooks), dans l'ordre pour chaque appel, au moins "
        "une fois ; ce qui n'est pas accepté par un 2xx est retenté dix fois en trois jours. Le secret d'un nouveau "
        "webhook est dans cette réponse et nulle part ailleurs. Il est averti des évènements à partir de maintenant.",
        handle=put, body=WebhookBody, answers=(Answer(status=200, what="In force", body=WrittenWebhook),),
        problems=(*_COMMON, "webhook-address", "invalid-value"),
    ),
    Route(
        method="DELETE", path=_ONE, operation="deleteWebhook", tag="events", scope="admin",
        summary="Remove a webhook and its deliveries", summary_fr="Supprimer un webhook et ses envois",
        handle=remove, answers=(Answer(status=204, what="Removed"),), problems=_COMMON,
    ),
    Route(
        method="POST", path=f"{_ONE}/test", operation="testWebhook", tag="events", scope="admin",
        summary="Send a test event now", summary_fr="Envoyer maintenant un évènement d'essai",
        description="One signed event of type `webhook.test`, tried once; the answer says what came of it.",
        description_fr="Un évènement signé de type `webhook.test`, essayé une fois ; la réponse dit ce qu'il en est.",
        handle=test, answers=(Answer(status=200, what="What came of it", body=TryResult),), problems=_COMMON,
    ),
    Route(
        method="GET", path=f"{_ONE}/deliveries", operation="listDeliveries", tag="events", scope="admin",
        summary="What became of each event", summary_fr="Ce qu'il est advenu de chaque évènement",
        handle=deliveries, query=DeliveryQuery,
        answers=(Answer(status=200, what="Newest first", body=DeliveryList),), problems=_COMMON,
    ),
)  # fmt: skip
