"""`/openapi.json` and `/docs`: the API described for programs and for people."""

from aiohttp import web

from engine.http import docs
from engine.http.accept import language
from engine.http.routing import Answer, Asked, Route


async def openapi(asked: Asked) -> web.Response:
    return web.Response(body=asked.services.openapi, content_type="application/json")


async def page(asked: Asked) -> web.Response:
    return web.Response(
        text=docs.page(asked.services.openapi.decode(), language(asked.request)),
        content_type="text/html",
        headers={"Content-Security-Policy": docs.POLICY, "Vary": "Accept-Language"},
    )


ROUTES = (
    Route(
        method="GET",
        path="/openapi.json",
        operation="describeApi",
        tag="description",
        summary="This API for programs (OpenAPI 3.1)",
        summary_fr="Cette API pour les programmes (OpenAPI 3.1)",
        handle=openapi,
        answers=(Answer(status=200, what="OpenAPI 3.1", body=dict),),
    ),
    Route(
        method="GET",
        path="/docs",
        operation="readApi",
        tag="description",
        summary="This API for people; needs no network besides the engine",
        summary_fr="Cette API pour les humains ; aucun réseau nécessaire en dehors du moteur",
        handle=page,
        answers=(Answer(status=200, what="A page in French or English", media=("text/html",)),),
    ),
)
