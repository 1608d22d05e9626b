"""`/v1/prompts`: recordings of the whole house, uploaded in any usual format, for all scenarios."""

from typing import Annotated

import msgspec
from aiohttp import web

from engine.http.prompt_port import PromptEntry, Prompts
from engine.http.routes.common import for_applications
from engine.http.routing import Answer, Asked, Route, json_answer
from engine.sounds import MOST_UPLOAD_BYTES

UPLOAD_S = 180.0
"""The largest in this time: 1.4 Mbit/s."""
WAV = "audio/wav"


class PromptList(msgspec.Struct, frozen=True):
    """Every recording of the house, by name and language."""

    items: list[PromptEntry]


class PromptQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people should know of it: who speaks, and when it was recorded."""

    comment: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None


def _prompts(asked: Asked) -> Prompts:
    return for_applications(asked, asked.services.prompts, "recordings")


def _named(asked: Asked) -> tuple[str, str]:
    return asked.request.match_info["name"], asked.request.match_info["language"]


async def every(asked: Asked) -> web.Response:
    return json_answer(PromptList(await _prompts(asked).entries()))


async def show(asked: Asked) -> web.Response:
    return json_answer(await _prompts(asked).one(*_named(asked)))


async def audio(asked: Asked) -> web.Response:
    return web.Response(body=await _prompts(asked).audio(*_named(asked)), content_type=WAV)


async def put(asked: Asked) -> web.Response:
    comment = asked.query_as(PromptQuery).comment
    upload = asked.body_as(bytes)
    return json_answer(await _prompts(asked).put(*_named(asked), upload, comment, asked.who))


async def remove(asked: Asked) -> web.Response:
    await _prompts(asked).remove(*_named(asked), asked.who)
    return web.Response(status=204)


_ENTRY = Answer(status=200, what="The recording", body=PromptEntry)
_REFUSED = ("not-for-agents", "database-away", "unknown")
_PATH = "/v1/prompts/{name}/{language}"

ROUTES = (
    Route(
        method="GET", path="/v1/prompts", operation="listPrompts", tag="prompts", scope="directory:read",
        summary="The recordings of the house", summary_fr="Les enregistrements de la maison", handle=every,
        answers=(Answer(status=200, what="All of them", body=PromptList),), problems=_REFUSED,
    ),
    Route(
        method="GET", path=_PATH, operation="getPrompt", tag="prompts", scope="directory:read",
        summary="One recording", summary_fr="Un enregistrement", handle=show, answers=(_ENTRY,), problems=_REFUSED,
    ),
    Route(
        method="GET", path=f"{_PATH}/audio", operation="getPromptAudio", tag="prompts", scope="directory:read",
        summary="The sound of a recording", summary_fr="Le son d'un enregistrement", handle=audio,
        description="As it is played: trimmed, levelled, at 16 kHz.",
        description_fr="Tel qu'il est diffusé : sans les silences du début et de la fin, à niveau, à 16 kHz.",
        answers=(Answer(status=200, what="WAV, 16 bit, mono", media=(WAV,)),), problems=_REFUSED,
    ),
    Route(
        method="PUT", path=_PATH, operation="putPrompt", tag="prompts", scope="directory:write",
        summary="Upload a recording", summary_fr="Déposer un enregistrement", handle=put,
        description="WAV, FLAC, OGG, Opus or MP3, at any rate, of at most 5 minutes. It is trimmed and levelled. "
        "Scenarios that are live keep the one they were published with.",
        description_fr="WAV, FLAC, OGG, Opus ou MP3, à toute fréquence, 5 minutes au plus. Les silences du début et de "
        "la fin sont ôtés et le niveau réglé. Les scénarios en service gardent celui de leur publication.",
        query=PromptQuery, upload="audio/*", body_limit=MOST_UPLOAD_BYTES, body_time_s=UPLOAD_S, streams=True,
        answers=(_ENTRY,),
        problems=(
            *_REFUSED, "invalid-value", "recording-empty", "recording-not-audio", "recording-silent",
            "recording-too-long",
        ),
    ),
    Route(
        method="DELETE", path=_PATH, operation="deletePrompt", tag="prompts", scope="directory:write",
        summary="Remove a recording", summary_fr="Supprimer un enregistrement", handle=remove,
        answers=(Answer(status=204, what="It is gone"),), problems=_REFUSED,
    ),
)  # fmt: skip
