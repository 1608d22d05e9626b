"""`/v1/scenarios/{name}/try`: a telephone for whoever tries a scenario."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from engine.http.routes.scenarios import BODY_BYTES, FilesBody, Sounds, bundle_of, name_of, scenarios_of
from engine.http.routing import Answer, Asked, Route, json_answer
from engine.scenarios.bundles import MOST_FILES
from engine.scenarios.simulator import Caller
from engine.scenarios.trying import Attempt, Tried

MOST_LINES = 500
Line = Annotated[str, msgspec.Meta(max_length=200)]


class TryBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who calls when, and what they do, as `engine scenario try` takes it: keys, `.` for nothing, `s 10` to speak,
    `w 5` to wait, `h` to hang up, and answers where one is asked for. Without `files`, the version under `alias`."""

    files: Annotated[dict[str, str], msgspec.Meta(max_length=MOST_FILES)] = {}
    recordings: Sounds = {}
    alias: Literal["live", "previous", "test"] = "live"
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    caller: Line = "+33612345678"
    called: Line = "+33140000001"
    language: Literal["fr", "en"] = "fr"
    answers: Annotated[dict[str, Line], msgspec.Meta(max_length=MOST_LINES)] = {}
    lines: Annotated[list[Line], msgspec.Meta(max_length=MOST_LINES)] = []


async def attempt(asked: Asked) -> web.Response:
    body = asked.body_as(TryBody)
    caller = Caller(at=body.at, caller=body.caller, called=body.called, language=body.language)
    wish = Attempt(caller=caller, answers=body.answers, lines=tuple(body.lines))
    given = FilesBody(files=body.files, recordings=body.recordings)
    what = await bundle_of(given) if body.files else body.alias
    return json_answer(await scenarios_of(asked).attempt(name_of(asked), what, wish))


ROUTES = (
    Route(
        method="POST", path="/v1/scenarios/{name}/try", operation="tryScenario", tag="scenarios",
        scope="directory:read", summary="Call a scenario on a virtual clock",
        summary_fr="Appeler un scénario sur une horloge virtuelle",
        description="Nothing is rung and nothing kept: send every line again with the next one.",
        description_fr="Rien ne sonne et rien n'est gardé : renvoyez toutes les lignes avec la suivante.",
        handle=attempt, body=TryBody, body_limit=BODY_BYTES,
        answers=(Answer(status=200, what="What is heard, and what is waited for", body=Tried),),
        problems=("not-for-agents", "invalid-value", "unknown", "scenario-faulty", "database-away"),
    ),
)  # fmt: skip
