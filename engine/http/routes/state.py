"""`/healthz`, `/readyz`, `/metrics`: for load balancers, supervisors and Prometheus. No token: they hold no secret."""

import msgspec
from aiohttp import web

from engine.http.ports import PartState
from engine.http.routing import Answer, Asked, Route, json_answer


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    alive: bool = True


class Readiness(msgspec.Struct, frozen=True):
    """Whether the engine should be given work, and each part it stands on with its reason."""

    ready: bool
    parts: dict[str, PartState]


async def healthz(asked: Asked) -> web.Response:
    return json_answer(Alive())


async def readyz(asked: Asked) -> web.Response:
    parts = asked.services.health.ready()
    ready = all(part.ok for part in parts.values() if part.needed)
    return json_answer(Readiness(ready, parts), 200 if ready else 503)


async def metrics(asked: Asked) -> web.Response:
    return web.Response(
        body=asked.services.metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )


ROUTES = (
    Route(
        method="GET",
        path="/healthz",
        operation="isAlive",
        tag="state",
        summary="Whether the process answers",
        summary_fr="Le processus répond-il",
        handle=healthz,
        answers=(Answer(status=200, what="It does", body=Alive),),
    ),
    Route(
        method="GET",
        path="/readyz",
        operation="isReady",
        tag="state",
        summary="Whether the engine can take calls, part by part",
        summary_fr="Le moteur peut-il prendre des appels, partie par partie",
        handle=readyz,
        answers=(
            Answer(status=200, what="Ready", body=Readiness),
            Answer(status=503, what="Not ready: the parts say why", body=Readiness),
        ),
    ),
    Route(
        method="GET",
        path="/metrics",
        operation="readMetrics",
        tag="state",
        summary="Figures for Prometheus",
        summary_fr="Les mesures pour Prometheus",
        handle=metrics,
        answers=(Answer(status=200, what="Text exposition format 0.0.4", media=("text/plain",)),),
    ),
)
