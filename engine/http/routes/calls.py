"""`/v1/calls`: start a call, look at it, end it."""

import re
from typing import Literal

import msgspec
from aiohttp import web

from engine.calls.contract import CallView, ConnectOrder
from engine.http.auth import require_own
from engine.http.problems import HttpRefusal
from engine.http.routes.common import DispositionBody, check_size, disposition_of, viewed
from engine.http.routing import Answer, Asked, Header, Route, json_answer

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


class Links(msgspec.Struct, frozen=True):
    """Where to look next."""

    self: str
    events: str
    ladder: str


class CallAccepted(msgspec.Struct, frozen=True):
    """The call exists; what becomes of it is told by its links, by events and by its record."""

    id: str
    state: str
    links: Links


class LiveCalls(msgspec.Struct, frozen=True):
    """The calls alive now, oldest first."""

    items: list[CallView]


class LiveQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`live=true`, the only view there is here: finished calls are in /v1/cdrs."""

    live: Literal["true"] = "true"


async def start(asked: Asked) -> web.Response:
    order = asked.body_as(ConnectOrder)
    require_own(asked.who, order.agent)
    check_size(order.variables, "variables", asked)
    accepted = await asked.services.calls.originate(order, asked.who, idempotency_key(asked.request))
    here = f"/v1/calls/{accepted.id}"
    body = CallAccepted(
        id=accepted.id,
        state=accepted.state,
        links=Links(self=here, events=f"{here}/events", ladder=f"{here}/ladder.svg"),
    )
    headers = {"Location": here}
    if accepted.replayed:
        headers["Idempotent-Replayed"] = "true"
    return json_answer(body, 202, headers)


def idempotency_key(request: web.Request) -> str | None:
    """The Idempotency-Key header; raises HttpRefusal `invalid-idempotency-key`."""
    given = request.headers.getall("Idempotency-Key", [])
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise HttpRefusal("invalid-idempotency-key", "The Idempotency-Key must be 1 to 255 visible ASCII characters")
    return given[0]


async def live(asked: Asked) -> web.Response:
    asked.query_as(LiveQuery)
    own = asked.who.agent
    items = [view for view in asked.services.calls.live() if own is None or view.agent == own]
    return json_answer(LiveCalls(items))


async def show(asked: Asked) -> web.Response:
    return json_answer(await viewed(asked))


async def finish(asked: Asked) -> web.Response:
    await viewed(asked)
    await asked.services.calls.finish(asked.call_id, asked.who)
    return web.Response(status=204)


class FinishBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the agent qualified the call, if it is known by now."""

    disposition: DispositionBody | None = None


async def finish_qualified(asked: Asked) -> web.Response:
    await viewed(asked)
    given = asked.body_as(FinishBody).disposition
    kept = None if given is None else disposition_of(given, "disposition/fields", asked)
    await asked.services.calls.finish(asked.call_id, asked.who, kept)
    return web.Response(status=204)


ROUTES = (
    Route(
        method="POST",
        path="/v1/calls",
        operation="startCall",
        tag="calls",
        scope="calls:create",
        summary="Connect an agent to a customer",
        summary_fr="Relier un agent à un client",
        description="Rings the agent (softphone or mobile), then the customer, and lets them talk. Answers once the "
        "order is kept; nothing has rung by then.",
        description_fr="Sonne chez l'agent (poste ou mobile), puis chez le client, et les met en relation. Répond dès "
        "que l'ordre est conservé ; rien n'a encore sonné.",
        handle=start,
        body=ConnectOrder,
        headers={
            "Idempotency-Key": Header(
                "1 to 255 visible ASCII characters, kept 72 h: the same key with the same body gives the first answer "
                "again, and no second call.",
                f"^{_KEY.pattern}$",
            )
        },
        answers=(
            Answer(
                status=202,
                what="The call is accepted and kept",
                body=CallAccepted,
                headers={
                    "Location": "Where to look at the call",
                    "Idempotent-Replayed": "`true` when this answer was given before",
                },
            ),
        ),
        problems=(
            *("invalid-value", "variables-too-large", "invalid-idempotency-key", "own-calls-only", "unknown-agent"),
            *("agent-disabled", "destination", "destination-emergency", "destination-short-number"),
            *("destination-internal", "limit", "limit-locked", "credit-refused", "credit-away"),
            *("mobile-not-permitted", "mobile-number-missing", "agent-busy", "no-phone-registered"),
            *("idempotency-in-progress", "idempotency-key-reused", "number-not-dialable", "caller-id"),
            *(
                "caller-id-not-owned",
                "caller-id-mobile",
                "recording-unavailable",
                "calls-per-minute",
                "no-trunk",
                "trunk-full",
            ),
            *("not-ready", "asterisk-unreachable", "disk-full", "engine-full", "engine-behind", "engine-pace"),
            "journal-unwritable",
        ),
    ),
    Route(
        method="GET",
        path="/v1/calls",
        operation="listLiveCalls",
        tag="calls",
        scope="calls:read",
        summary="The calls alive now",
        summary_fr="Les appels en cours",
        description="With an agent's own token: that agent's calls.",
        description_fr="Avec le jeton propre d'un agent : les appels de cet agent.",
        handle=live,
        query=LiveQuery,
        answers=(Answer(status=200, what="Live calls", body=LiveCalls),),
    ),
    Route(
        method="GET",
        path="/v1/calls/{call_id}",
        operation="getCall",
        tag="calls",
        scope="calls:read",
        summary="One call, live or finished",
        summary_fr="Un appel, en cours ou terminé",
        handle=show,
        answers=(Answer(status=200, what="The call", body=CallView),),
        problems=("own-calls-only", "database-away"),
    ),
    Route(
        method="DELETE",
        path="/v1/calls/{call_id}",
        operation="endCall",
        tag="calls",
        scope="calls:control",
        summary="End a call: both legs down",
        summary_fr="Terminer un appel : raccroche les deux branches",
        description="Answers once the hang-up is ordered. Ending a finished call is no error.",
        description_fr="Répond dès que l'ordre de raccrocher est donné. "
        "Terminer un appel déjà terminé n'est pas une erreur.",
        handle=finish,
        answers=(Answer(status=204, what="Ordered"),),
        problems=("own-calls-only", "database-away"),
    ),
    Route(
        method="POST",
        path="/v1/calls/{call_id}/finish",
        operation="finishCall",
        tag="calls",
        scope="calls:control",
        summary="End a call and qualify it in one order",
        summary_fr="Terminer un appel et le qualifier en un seul ordre",
        description="As ending it, and the disposition is kept in the same step. May be repeated without harm.",
        description_fr="Comme le terminer, et la qualification est conservée du même pas. Peut être répété sans mal.",
        handle=finish_qualified,
        body=FinishBody,
        answers=(Answer(status=204, what="Ordered"),),
        problems=(
            "own-calls-only",
            "variables-too-large",
            "unknown-disposition",
            "database-away",
            "journal-unwritable",
        ),
    ),
)
