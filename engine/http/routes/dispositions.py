"""`/v1/calls/{call_id}/disposition`: how the agent qualified a call, during it or after."""

from aiohttp import web

from engine.http.routes.common import DispositionBody, disposition_of, viewed
from engine.http.routing import Answer, Asked, Route, json_answer


async def put(asked: Asked) -> web.Response:
    body = asked.body_as(DispositionBody)
    disposition = disposition_of(body, "fields", asked)
    await viewed(asked)
    await asked.services.calls.dispose(asked.call_id, disposition, asked.who)
    return json_answer(body)


ROUTES = (
    Route(
        method="PUT",
        path="/v1/calls/{call_id}/disposition",
        operation="setDisposition",
        tag="calls",
        scope="calls:control",
        summary="Qualify a call",
        summary_fr="Qualifier un appel",
        description="During the call or after it; the call record is updated in place. Once the directory declares "
        "dispositions, the code is one of them.",
        description_fr="Pendant l'appel ou après ; l'enregistrement de l'appel est mis à jour. Dès que l'annuaire "
        "déclare des qualifications, le code est l'une d'elles.",
        handle=put,
        body=DispositionBody,
        answers=(Answer(status=200, what="Kept", body=DispositionBody),),
        problems=(
            "own-calls-only",
            "variables-too-large",
            "unknown-disposition",
            "journal-unwritable",
            "database-away",
        ),
    ),
)
