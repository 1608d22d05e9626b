"""`/v1/calls/{call_id}/events` and `/ladder.svg`: what happened in a call, as a list and as a picture."""

import msgspec
from aiohttp import web

from engine.calls.contract import EventView
from engine.http.routes.common import viewed
from engine.http.routing import Answer, Asked, Route, json_answer

# The picture quotes what others sent: should it ever hold a script, no browser runs it.
_PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


class CallEvents(msgspec.Struct, frozen=True):
    """The call's journal in order: each step with what was ordered because of it."""

    items: list[EventView]


async def events(asked: Asked) -> web.Response:
    await viewed(asked)
    return json_answer(CallEvents(await asked.services.calls.events(asked.call_id)))


async def ladder(asked: Asked) -> web.Response:
    await viewed(asked)
    return web.Response(
        text=await asked.services.calls.ladder(asked.call_id),
        content_type="image/svg+xml",
        headers={"Content-Security-Policy": _PICTURE_POLICY},
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/calls/{call_id}/events",
        operation="listCallEvents",
        tag="calls",
        scope="calls:read",
        summary="The journal of a call",
        summary_fr="Le journal d'un appel",
        handle=events,
        answers=(Answer(status=200, what="Every step, in order", body=CallEvents),),
        problems=("own-calls-only", "database-away"),
    ),
    Route(
        method="GET",
        path="/v1/calls/{call_id}/ladder.svg",
        operation="drawCall",
        tag="calls",
        scope="calls:read",
        summary="A call as a picture: legs as columns, time downwards",
        summary_fr="Un appel en image : une colonne par branche, le temps vers le bas",
        handle=ladder,
        answers=(Answer(status=200, what="The picture", media=("image/svg+xml",)),),
        problems=("own-calls-only", "database-away"),
    ),
)
