"""`/v1/config/changes/{change}`: what came of an order that was not waited for."""

from aiohttp import web

from engine.http.deferred import ChangeState
from engine.http.routes.common import for_applications
from engine.http.routing import Answer, Asked, Route, json_answer


async def show(asked: Asked) -> web.Response:
    changes = for_applications(asked, asked.services.deferred, "changes")
    return json_answer(changes.state(asked.request.match_info["change"], asked.who.token_id))


ROUTES = (
    Route(
        method="GET",
        path="/v1/config/changes/{change}",
        operation="getChange",
        tag="directory",
        scope="directory:write",
        summary="What came of a change that was not waited for",
        summary_fr="Ce qu'il est advenu d'une modification sans attente",
        description="Of a change that was ordered with `Prefer: respond-async`, by the token that ordered it.",
        description_fr="D'une modification demandée avec `Prefer: respond-async`, par le jeton qui l'a demandée.",
        handle=show,
        answers=(Answer(status=200, what="Pending, done or refused", body=ChangeState),),
        problems=("not-for-agents",),
    ),
)
