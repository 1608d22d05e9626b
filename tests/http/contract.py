"""Holding answers against `openapi.json`: status declared, media type declared, JSON as its schema says."""

import json
import re
from functools import cache
from typing import Any

from aiohttp import ClientResponse
from jsonschema import Draft202012Validator

from engine.http.openapi import document
from engine.http.routes import ROUTES

DOCUMENT = json.loads(json.dumps(document(ROUTES)))


@cache
def _validator(reference: str) -> Draft202012Validator:
    return Draft202012Validator({**DOCUMENT, "$ref": reference})


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """The operation a path without query belongs to, or None."""
    for template, verbs in DOCUMENT["paths"].items():
        wanted = re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(template))
        if re.fullmatch(wanted, path) and method.lower() in verbs:
            operation: dict[str, Any] = verbs[method.lower()]
            return operation
    return None


async def check(method: str, path: str, answer: ClientResponse) -> None:
    """Assert that the answer is one the description promises."""
    operation = operation_of("GET" if method == "HEAD" else method, path)
    if operation is None:
        assert answer.status in (404, 405), f"{method} {path} is not described, yet answered {answer.status}"
        schema = {"$ref": "#/components/schemas/Problem"}
    else:
        assert str(answer.status) in operation["responses"], f"{method} {path}: {answer.status} is not described"
        content = operation["responses"][str(answer.status)]["content"]
        if not content:
            assert await answer.read() == b""
            return
        assert answer.content_type in content, f"{method} {path}: {answer.content_type} is not described"
        schema = content[answer.content_type]["schema"]
    body = await answer.read()
    if answer.content_type.endswith("json") and body:
        validator = _validator(schema["$ref"]) if "$ref" in schema else Draft202012Validator(schema)
        validator.validate(json.loads(body))
