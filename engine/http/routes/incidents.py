"""`/v1/incidents`: the flags of the house, set with a message and a time, and cleared."""

from datetime import datetime
from typing import Annotated

import msgspec
from aiohttp import web

from engine.http.incident_port import IncidentEntry, Incidents, IncidentWish
from engine.http.routes.common import for_applications
from engine.http.routing import Answer, Asked, Route, json_answer

Message = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class IncidentBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What callers are told, for scenarios that say it, and when it ends by itself (RFC 3339, with its offset)."""

    message_fr: Message | None = None
    message_en: Message | None = None
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class IncidentList(msgspec.Struct, frozen=True):
    """Every flag there is, in the order of the settings."""

    items: list[IncidentEntry]


def _incidents(asked: Asked) -> Incidents:
    return for_applications(asked, asked.services.incidents, "incidents")


def _list(incidents: Incidents) -> web.Response:
    return json_answer(IncidentList(incidents.entries()))


async def show(asked: Asked) -> web.Response:
    return _list(_incidents(asked))


async def put(asked: Asked) -> web.Response:
    body = asked.body_as(IncidentBody)
    wish = IncidentWish(message_fr=body.message_fr, message_en=body.message_en, expires_at=body.expires_at)
    incidents = _incidents(asked)
    await incidents.set(asked.request.match_info["name"], wish, asked.who)
    return _list(incidents)


async def clear(asked: Asked) -> web.Response:
    incidents = _incidents(asked)
    await incidents.clear(asked.request.match_info["name"], asked.who)
    return _list(incidents)


_NOW = Answer(status=200, what="Every flag, and how it stands now", body=IncidentList)
_REFUSED = ("not-for-agents", "unknown", "database-away", "invalid-value")

ROUTES = (
    Route(
        method="GET", path="/v1/incidents", operation="listIncidents", tag="incidents", scope="directory:read",
        summary="The flags of the house", summary_fr="Les indicateurs d'incident", handle=show, answers=(_NOW,),
        problems=("not-for-agents",),
    ),
    Route(
        method="PUT", path="/v1/incidents/{name}", operation="setIncident", tag="incidents",
        scope="directory:write", summary="Set a flag", summary_fr="Activer un indicateur", handle=put,
        description="In the place of the one that is set, unless several may be: setting `incidents.several`.",
        description_fr="À la place de l'indicateur actif, sauf si plusieurs sont permis : réglage `incidents.several`.",
        body=IncidentBody, answers=(_NOW,), problems=_REFUSED,
    ),
    Route(
        method="DELETE", path="/v1/incidents/{name}", operation="clearIncident", tag="incidents",
        scope="directory:write", summary="Clear a flag", summary_fr="Désactiver un indicateur", handle=clear,
        answers=(_NOW,), problems=_REFUSED,
    ),
)  # fmt: skip
