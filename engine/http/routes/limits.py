"""`/v1/limits`: where the limits that stop fraud stand, and letting a locked scope call again."""

from aiohttp import web

from engine.calls.contract import Limits, LimitsView
from engine.http.routes.common import for_applications
from engine.http.routing import Answer, Asked, Route, json_answer


def _limits(asked: Asked) -> Limits:
    return for_applications(asked, asked.services.call_limits, "limits")


async def show(asked: Asked) -> web.Response:
    return json_answer(_limits(asked).view())


async def rearm(asked: Asked) -> web.Response:
    limits = _limits(asked)
    await limits.rearm(asked.request.match_info["scope"], asked.who)
    return json_answer(limits.view())


_VIEW = Answer(status=200, what="Locked scopes, and every counter that has a limit", body=LimitsView)

ROUTES = (
    Route(
        method="GET",
        path="/v1/limits",
        operation="listLimits",
        tag="limits",
        scope="admin",
        summary="What was called and spent, against its limits",
        summary_fr="Ce qui a été appelé et dépensé, face à ses limites",
        handle=show,
        answers=(_VIEW,),
        problems=("not-for-agents",),
    ),
    Route(
        method="POST",
        path="/v1/limits/{scope}/rearm",
        operation="rearmLimit",
        tag="limits",
        scope="admin",
        summary="Let a locked scope call again",
        summary_fr="Laisser appeler à nouveau une portée bloquée",
        description="It counts anew from then on. Find out first who called.",
        description_fr="Ses compteurs repartent de zéro. Cherchez d'abord qui a appelé.",
        handle=rearm,
        answers=(_VIEW,),
        problems=("not-for-agents", "limit-not-locked", "journal-unwritable"),
    ),
)
