"""`openapi.json` (3.1), written from the route table that serves, so that the two cannot differ.

Types come from msgspec's JSON Schema. What OpenAPI has no word for is in `x-` fields: the French words of each
operation (`x-fr`) and the table of problem codes (`x-problems`).
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, get_args

import msgspec

from engine import __version__
from engine.domain.values import CODE_PATTERN
from engine.http.ports import E164_PATTERN, NAME_PATTERN, Scope
from engine.http.problems import KINDS, MEDIA_TYPE, RULES, Kind, Problem
from engine.http.routing import Answer, Route

_REF = "#/components/schemas/{name}"
_PROBLEMS: dict[str, Kind] = {**KINDS, **RULES}
_PATH_TYPES = {
    "call_id": {"type": "string", "format": "uuid"},
    "change": {"type": "string", "format": "uuid"},
    "callback": {"type": "string", "format": "uuid"},
    "voicemail": {"type": "string", "format": "uuid"},
    "scope": {
        "type": "string",
        "pattern": "^(house|(agent|token|trunk|prefix):.{1,200})$",
        "examples": ["agent:alice"],
    },
    "user": {"type": "string", "pattern": NAME_PATTERN, "maxLength": 40},
    "extension": {"type": "string", "pattern": "^[0-9]{1,10}$"},
    "dialled": {"type": "string", "minLength": 1, "maxLength": 40},
    "name": {"type": "string", "pattern": NAME_PATTERN, "maxLength": 40},
    "language": {"type": "string", "enum": ["fr", "en"]},
    "number": {"type": "string", "pattern": E164_PATTERN, "maxLength": 16},
    "contact": {"type": "string", "pattern": f"^{CODE_PATTERN}$", "maxLength": 64},
    "code": {"type": "string", "pattern": f"^{CODE_PATTERN}$", "maxLength": 64},
}
_INTRODUCTION = (
    "Calls between an agent on any phone and a customer, and their records. Times are RFC 3339 with offset, durations "
    "seconds, numbers E.164. Refusals are RFC 9457 problem documents: `code` is stable and made for programs."
)
_INTRODUCTION_FR = (
    "Les appels entre un agent, sur n'importe quel téléphone, et un client, et leurs enregistrements. Dates RFC 3339 "
    "avec décalage, durées en secondes, numéros E.164. Les refus sont des documents RFC 9457 (en anglais) : `code` est "
    "stable et fait pour les programmes."
)


def encoded(routes: Sequence[Route]) -> bytes:
    """The description as JSON."""
    return msgspec.json.encode(document(routes))


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The description as plain Python values."""
    schemas = _Schemas(routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    scopes = ", ".join(f"`{scope}`" for scope in get_args(Scope))
    bearer = {
        "type": "http",
        "scheme": "bearer",
        "description": f"A token made by `engine token create`. Scopes: {scopes}; `admin` includes all others.",
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "standardiste",
            "version": __version__,
            "description": _INTRODUCTION,
            "x-fr": {"description": _INTRODUCTION_FR},
        },
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": {"token": bearer}},
        "x-problems": {
            code: {"status": kind.status, "title": kind.title, "what_next": kind.what_next}
            for code, kind in sorted(_PROBLEMS.items())
        },
    }


class _Schemas:
    """JSON Schemas of every type the table names, each under its name once."""

    def __init__(self, routes: Sequence[Route]) -> None:
        types = [Problem]
        for route in routes:
            named = (route.body, route.frames, *(answer.body for answer in route.answers))
            types += [kind for kind in named if kind is not None]
        self._types = list(dict.fromkeys(types))
        found, self.components = msgspec.json.schema_components(self._types, ref_template=_REF)
        self._found = dict(zip(self._types, found, strict=True))

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema, nearly always a reference."""
        return self._found[kind]


def _operation(route: Route, schemas: _Schemas) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "description": route.description,
        "x-fr": {"summary": route.summary_fr, "description": route.description_fr},
        "tags": [route.tag],
        "parameters": _parameters(route),
        "responses": _responses(route, schemas),
    }
    if route.scope is not None:
        operation["security"] = [{"token": [route.scope]}]  # 3.1 allows naming scopes for any scheme
    if route.frames is not None:
        operation["x-frames"] = schemas.of(route.frames)  # OpenAPI has no word for what a websocket carries
    if route.body is not None:
        content = {"application/json": {"schema": schemas.of(route.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.upload is not None:
        content = {route.upload: {"schema": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": True, "content": content}
    return {name: value for name, value in operation.items() if value not in ("", [])}


def _parameters(route: Route) -> list[dict[str, Any]]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": _PATH_TYPES[name]} for name in route.path_names
    ]
    for name, header in route.headers.items():
        text = {"type": "string", "pattern": header.pattern, "maxLength": 255}
        parameters.append({"name": name, "in": "header", "description": header.what, "schema": text})
    described = msgspec.json.schema(route.query)["$defs"][route.query.__name__]
    for name, schema in described["properties"].items():
        required = name in described.get("required", [])
        parameters.append({"name": name, "in": "query", "required": required, "schema": schema})
    return parameters


def _responses(route: Route, schemas: _Schemas) -> dict[str, Any]:
    responses = {str(answer.status): _good(answer, schemas) for answer in route.answers}
    codes = sorted(route.every_problem(), key=lambda code: _PROBLEMS[code].status)
    for status, group in groupby(codes, key=lambda code: _PROBLEMS[code].status):
        words = "Problem: " + ", ".join(f"`{code}`" for code in sorted(group))
        response = responses.setdefault(str(status), {"description": words, "content": {}})
        response["content"][MEDIA_TYPE] = {"schema": schemas.of(Problem)}
        if status in (429, 503):
            response.setdefault("headers", {})["Retry-After"] = _header("Whole seconds to wait")
    return dict(sorted(responses.items()))


def _good(answer: Answer, schemas: _Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {media: {"schema": {"type": "string"}} for media in answer.media}
    if answer.body is not None:
        content["application/json"] = {"schema": schemas.of(answer.body)}
    good: dict[str, Any] = {"description": answer.what, "content": content}
    if answer.headers:
        good["headers"] = {name: _header(words) for name, words in answer.headers.items()}
    return good


def _header(words: str) -> dict[str, Any]:
    return {"description": words, "schema": {"type": "string"}}
