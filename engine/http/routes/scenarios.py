"""`/v1/scenarios`: what callers are led through, published and rolled back, checked and drawn."""

import asyncio
import base64
import binascii
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from engine.domain.values import Slug, slug
from engine.errors import InvalidValue
from engine.http.routes.common import for_applications
from engine.http.routing import Answer, Asked, Route, json_answer
from engine.http.scenario_port import Published, ScenarioEntry, ScenarioMove, ScenarioPicture, Scenarios
from engine.scenarios.bundles import MOST_FILES, Bundle
from engine.scenarios.findings import Finding

BODY_BYTES = 24 * 2**20
"""A body's limit: an hour of recordings at 8 kHz is 58 MB, and nobody listens to ten minutes of prompts."""
Texts = Annotated[dict[str, str], msgspec.Meta(min_length=1, max_length=MOST_FILES)]
Base64 = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9+/]*={0,2}$")]
Sounds = Annotated[dict[str, Base64], msgspec.Meta(max_length=MOST_FILES)]


class FilesBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scenario with all it leads to. `files`: texts by path, such as `standard/scenario.yaml`,
    `standard/standard.test.yaml`; `recordings`: WAV in base64, such as `standard/prompts/fr/welcome.wav`."""

    files: Texts
    recordings: Sounds = {}


class PublishBody(FilesBody, frozen=True, kw_only=True):
    """`alias`: what leads to it from now on; `test` is for the test callers of applications."""

    alias: Literal["live", "test"] = "live"


class ScenarioList(msgspec.Struct, frozen=True):
    """Every published scenario, by name."""

    items: list[ScenarioEntry]


class ScenarioHistory(msgspec.Struct, frozen=True):
    """Who published what and when, newest first."""

    items: list[ScenarioMove]


class ScenarioCheck(msgspec.Struct, frozen=True, kw_only=True):
    """`good`: it could be published. `failures`: conversations that go another way than written. `proof`: how long any
    caller can be on the way."""

    good: bool
    findings: list[Finding]
    failures: list[str]
    proof: list[str]


class PictureQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`heat`: an edge is as thick and red as callers went along it since this engine began."""

    alias: Literal["live", "previous", "test"] = "live"
    heat: Literal["none", "calls"] = "none"


def scenarios_of(asked: Asked) -> Scenarios:
    """The published scenarios, for whoever may reach them."""
    return for_applications(asked, asked.services.scenarios, "scenarios")


def name_of(asked: Asked) -> Slug:
    """The scenario of the address; raises InvalidValue."""
    return slug(asked.request.match_info["name"])


async def bundle_of(body: FilesBody) -> Bundle:
    """Beside the loop, which is the calls': it may be megabytes."""
    return await asyncio.to_thread(lambda: Bundle(body.files, dict(map(_decoded, body.recordings.items()))))


def _decoded(item: tuple[str, str]) -> tuple[str, bytes]:
    path, text = item
    try:
        return path, base64.b64decode(text, validate=True)
    except binascii.Error as wrong:
        raise InvalidValue(f"{path[:80]}: not base64: {wrong}", pointer="/recordings") from wrong


async def entries(asked: Asked) -> web.Response:
    return json_answer(ScenarioList(scenarios_of(asked).entries()))


async def history(asked: Asked) -> web.Response:
    return json_answer(ScenarioHistory(await scenarios_of(asked).history(name_of(asked))))


async def check(asked: Asked) -> web.Response:
    judged = await scenarios_of(asked).check(name_of(asked), await bundle_of(asked.body_as(FilesBody)))
    return json_answer(
        ScenarioCheck(
            good=judged.program is not None and not judged.failures,
            findings=list(judged.findings),
            failures=list(judged.failures),
            proof=[str(proof) for proof in judged.proof],
        )
    )


async def publish(asked: Asked) -> web.Response:
    body = asked.body_as(PublishBody)
    return json_answer(await scenarios_of(asked).publish(name_of(asked), await bundle_of(body), body.alias, asked.who))


async def rollback(asked: Asked) -> web.Response:
    return json_answer(await scenarios_of(asked).rollback(name_of(asked), asked.who))


async def picture(asked: Asked) -> web.Response:
    query = asked.query_as(PictureQuery)
    return json_answer(await scenarios_of(asked).picture(name_of(asked), query.alias, heat=query.heat == "calls"))


_ONE = "/v1/scenarios/{name}"
_FILES = ("not-for-agents", "invalid-value")

ROUTES = (
    Route(
        method="GET", path="/v1/scenarios", operation="listScenarios", tag="scenarios", scope="directory:read",
        summary="The published scenarios", summary_fr="Les scénarios publiés", handle=entries,
        answers=(Answer(status=200, what="By name", body=ScenarioList),), problems=("not-for-agents",),
    ),
    Route(
        method="GET", path=_ONE, operation="getScenario", tag="scenarios", scope="directory:read",
        summary="Who published what of a scenario", summary_fr="Qui a publié quoi d'un scénario", handle=history,
        answers=(Answer(status=200, what="Newest first", body=ScenarioHistory),),
        problems=("not-for-agents", "unknown", "invalid-value", "database-away"),
    ),
    Route(
        method="POST", path=f"{_ONE}/check", operation="checkScenario", tag="scenarios", scope="directory:read",
        summary="What is wrong with a scenario", summary_fr="Ce qui ne va pas dans un scénario", handle=check,
        description="As before it is published, with this deployment's directory; nothing is kept.",
        description_fr="Comme avant la publication, avec l'annuaire de ce déploiement ; rien n'est gardé.",
        body=FilesBody, body_limit=BODY_BYTES,
        answers=(Answer(status=200, what="Every finding, and the proof", body=ScenarioCheck),),
        problems=(*_FILES, "database-away"),
    ),
    Route(
        method="POST", path=f"{_ONE}/publish", operation="publishScenario", tag="scenarios", scope="directory:write",
        summary="Publish a scenario", summary_fr="Publier un scénario", handle=publish,
        description="In force for the next caller, on this node at once and on others within a second; calls keep the "
        "version they began with. Refused while there is a finding, or a conversation goes another way than written.",
        description_fr="Vaut dès le prochain appelant, ici aussitôt et sur les autres nœuds en une seconde ; un appel "
        "garde sa version. Refusé tant qu'il reste une faute, ou qu'une conversation prend un autre chemin.",
        body=PublishBody, body_limit=BODY_BYTES, answers=(Answer(status=200, what="In force", body=Published),),
        problems=(*_FILES, "scenario-faulty", "database-away"),
    ),
    Route(
        method="POST", path=f"{_ONE}/rollback", operation="rollbackScenario", tag="scenarios", scope="directory:write",
        summary="Go back to the version before", summary_fr="Revenir à la version précédente", handle=rollback,
        description="`live` and `previous` change places: done twice, nothing has changed.",
        description_fr="`live` et `previous` échangent leurs places : deux fois de suite, rien n'a changé.",
        answers=(Answer(status=200, what="In force", body=ScenarioEntry),),
        problems=("not-for-agents", "invalid-value", "no-previous-version", "database-away"),
    ),
    Route(
        method="GET", path=f"{_ONE}/drawing", operation="drawScenario", tag="scenarios", scope="directory:read",
        summary="A published scenario drawn", summary_fr="Un scénario publié, dessiné", handle=picture,
        query=PictureQuery, answers=(Answer(status=200, what="For Mermaid and Graphviz", body=ScenarioPicture),),
        problems=("not-for-agents", "invalid-value", "unknown"),
    ),
)  # fmt: skip
