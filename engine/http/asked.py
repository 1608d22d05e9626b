"""The common work around each handler: authenticate, count, read query and body into their types, bound the time."""

import asyncio
import re
from fnmatch import fnmatch
from typing import Any

import msgspec
import structlog
from aiohttp import web

from engine.errors import UnknownThing
from engine.http import json_text
from engine.http.auth import actor_of, require_scope
from engine.http.deferred import preferred
from engine.http.problems import HttpRefusal
from engine.http.routing import SERVICES, Asked, Route, Services

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_COMPRESSED = "Content-Encoding"
_PLUS_LOST = {"from", "to", "number"}  # values that begin with or hold a plus sign, which many clients do not escape


def serve(route: Route) -> Any:
    """The aiohttp handler of one route of the table."""

    async def handler(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        if route.streams:
            return await route.handle(await _asked(route, request, services))
        try:
            async with asyncio.timeout(services.limits.answer_time_s):
                asked = await _asked(route, request, services)
                if route.defers and preferred(request):
                    return services.deferred.begin(route, asked)
                return await route.handle(asked)
        except TimeoutError as late:
            raise HttpRefusal("answer-late", "The engine did not answer in time") from late

    return handler


async def _asked(route: Route, request: web.Request, services: Services) -> Asked:
    actor = None
    if route.scope is not None:
        actor = await actor_of(request, services.tokens)
        structlog.contextvars.bind_contextvars(token=actor.token_id)
        services.pace.take(actor.token_id)
        require_scope(actor, route.scope)
    _check_path(route, request)
    query = _query(route, request)
    body: msgspec.Struct | bytes | None = None
    if route.body is not None:
        body = await _body(route, route.body, request, services)
    elif route.upload is not None:
        body = await _upload(route, route.upload, request, services)
    return Asked(request=request, services=services, actor=actor, query=query, body=body)


def _check_path(route: Route, request: web.Request) -> None:
    if route.scope is not None and any("\0" in part for part in request.match_info.values()):
        raise UnknownThing("Nothing has U+0000 in its name")
    call_id = request.match_info.get("call_id")
    if call_id is None:
        return
    if not _UUID.fullmatch(call_id):
        raise UnknownThing("No such call: a call's identifier is a UUID")
    structlog.contextvars.bind_contextvars(call_id=call_id.lower())


def _query(route: Route, request: web.Request) -> msgspec.Struct:
    values: dict[str, str] = {}
    for name, text in request.query.items():
        if name in values:
            raise HttpRefusal("invalid-query", f"The parameter {json_text.shown(name)} is given twice")
        values[name] = text.replace(" ", "+") if name in _PLUS_LOST else text
    json_text.check_texts(values)
    try:
        return msgspec.convert(values, route.query, strict=False)
    except msgspec.ValidationError as wrong:
        raise HttpRefusal("invalid-query", str(wrong).replace("$.", "").replace("Object", "Query")) from wrong


async def _body(route: Route, kind: type[msgspec.Struct], request: web.Request, services: Services) -> msgspec.Struct:
    """The body as its type. A route that takes megabytes has them read beside the loop, which is the calls'."""
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise HttpRefusal("not-json", "The body must be application/json in UTF-8")
    if _COMPRESSED in request.headers:
        raise HttpRefusal("not-json", "The body must not be compressed")
    raw = await _raw(route, request, services)
    if route.body_limit is None:
        return json_text.typed(json_text.parse(raw), kind)
    return await asyncio.to_thread(lambda: json_text.typed(json_text.parse(raw), kind))


async def _upload(route: Route, wanted: str, request: web.Request, services: Services) -> bytes:
    """A file as the body: what it really is, its reader finds out."""
    if not fnmatch(request.content_type, wanted) or _COMPRESSED in request.headers:
        raise HttpRefusal("not-the-media", f"The body must be {wanted}, and not compressed")
    return await _raw(route, request, services)


async def _raw(route: Route, request: web.Request, services: Services) -> bytes:
    most = route.body_limit or services.limits.body_limit_bytes
    within_s = route.body_time_s or services.limits.body_time_s
    try:
        async with asyncio.timeout(within_s):
            return await request.clone(client_max_size=most).read()
    except web.HTTPRequestEntityTooLarge as large:
        raise HttpRefusal("body-too-large", f"The body is larger than {most} bytes") from large
    except TimeoutError as slow:
        raise HttpRefusal("body-too-slow", f"The body did not arrive within {within_s:g} s") from slow
