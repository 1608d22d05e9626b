"""`/v1/voicemails`: the messages callers left for agents and groups."""

from typing import Annotated

import msgspec
from aiohttp import web

from engine.domain.voicemails import Voicemail
from engine.http.ports import NAME_PATTERN
from engine.http.routes.common import for_applications
from engine.http.routing import Answer, Asked, Header, Route, json_answer
from engine.http.voicemail_port import VoicemailPage, Voicemails

WAV = "audio/wav"


class VoicemailQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`mailbox` and `heard` choose; `after` is the `next` of the page before."""

    mailbox: Annotated[str, msgspec.Meta(pattern=NAME_PATTERN)] | None = None
    heard: bool | None = None
    after: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class VoicemailBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether somebody heard it."""

    heard: bool


def _box(asked: Asked) -> Voicemails:
    return for_applications(asked, asked.services.voicemails, "voicemails")


def _name(asked: Asked) -> str:
    return asked.request.match_info["voicemail"]


async def every(asked: Asked) -> web.Response:
    query = asked.query_as(VoicemailQuery)
    return json_answer(await _box(asked).page(query.mailbox, query.heard, query.after, query.limit))


async def sound(asked: Asked) -> web.StreamResponse:
    path = await _box(asked).sound(_name(asked))
    return web.FileResponse(path, headers={"Content-Type": WAV, "Cache-Control": "private, no-store"})


async def hear(asked: Asked) -> web.Response:
    return json_answer(await _box(asked).hear(_name(asked), asked.body_as(VoicemailBody).heard, asked.who))


async def delete(asked: Asked) -> web.Response:
    await _box(asked).delete(_name(asked), asked.who)
    return web.Response(status=204)


_ONE = "/v1/voicemails/{voicemail}"
_COMMON = ("database-away", "not-for-agents")

ROUTES = (
    Route(
        method="GET", path="/v1/voicemails", operation="listVoicemails", tag="voicemails", scope="recordings:read",
        summary="The messages callers left", summary_fr="Les messages laissés par les appelants",
        handle=every, query=VoicemailQuery,
        answers=(Answer(status=200, what="The oldest first", body=VoicemailPage),), problems=_COMMON,
    ),
    Route(
        method="GET", path=f"{_ONE}/audio", operation="hearVoicemail", tag="voicemails", scope="recordings:read",
        summary="The sound of a message", summary_fr="Le son d'un message", handle=sound, streams=True,
        headers={"Range": Header("A part of it, in bytes (RFC 9110)", r"^bytes=[0-9]+-[0-9]*$")},
        answers=(
            Answer(status=200, what="WAV, 8 kHz, 16 bit, mono", media=(WAV,)),
            Answer(status=206, what="The part asked for", media=(WAV,)),
            Answer(status=416, what="There is no such part"),
        ),
        problems=_COMMON,
    ),
    Route(
        method="PUT", path=_ONE, operation="markVoicemail", tag="voicemails", scope="recordings:write",
        summary="Say whether a message was heard", summary_fr="Dire si un message a été écouté",
        handle=hear, body=VoicemailBody,
        answers=(Answer(status=200, what="As it is now", body=Voicemail),), problems=_COMMON,
    ),
    Route(
        method="DELETE", path=_ONE, operation="deleteVoicemail", tag="voicemails", scope="recordings:write",
        summary="Delete a message for ever", summary_fr="Supprimer définitivement un message",
        handle=delete, answers=(Answer(status=204, what="Deleted"),), problems=_COMMON,
    ),
)  # fmt: skip
