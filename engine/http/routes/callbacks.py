"""`/v1/callbacks`: who wants to be called back, and what became of it."""

from typing import Annotated

import msgspec
from aiohttp import web

from engine.domain.callbacks import Callback, CallbackStatus
from engine.http.callback_port import CallbackPage, Callbacks
from engine.http.ports import NAME_PATTERN
from engine.http.routes.common import for_applications
from engine.http.routing import Answer, Asked, Route, json_answer


class CallbackQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`queue` and `status` choose; `after` is the `next` of the page before."""

    queue: Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)] | None = None
    status: CallbackStatus | None = None
    after: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class CallbackBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of it; `waiting` takes that back."""

    status: CallbackStatus


def _callbacks(asked: Asked) -> Callbacks:
    return for_applications(asked, asked.services.callbacks, "callbacks")


async def every(asked: Asked) -> web.Response:
    query = asked.query_as(CallbackQuery)
    return json_answer(await _callbacks(asked).page(query.queue, query.status, query.after, query.limit))


async def change(asked: Asked) -> web.Response:
    status = asked.body_as(CallbackBody).status
    return json_answer(await _callbacks(asked).change(asked.request.match_info["callback"], status, asked.who))


_COMMON = ("database-away", "not-for-agents")

ROUTES = (
    Route(
        method="GET", path="/v1/callbacks", operation="listCallbacks", tag="callbacks", scope="calls:read",
        summary="Who wants to be called back", summary_fr="Qui souhaite être rappelé",
        handle=every, query=CallbackQuery,
        answers=(Answer(status=200, what="The oldest first", body=CallbackPage),), problems=_COMMON,
    ),
    Route(
        method="PUT", path="/v1/callbacks/{callback}", operation="changeCallback", tag="callbacks",
        scope="calls:control", summary="Say what became of a request", summary_fr="Dire ce qu'une demande est devenue",
        handle=change, body=CallbackBody,
        answers=(Answer(status=200, what="As it is now", body=Callback),), problems=_COMMON,
    ),
)  # fmt: skip
