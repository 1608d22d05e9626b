"""The shape of the one route table: it serves, and it writes `openapi.json`.

A route says everything the outside may know of it: method, path, scope, what it takes, what it answers, what it may
refuse. `asked.py` does the common work around each handler (authentication, pace, typed query and body).
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import msgspec
from aiohttp import web

from engine.calls.contract import Actor, Calls, Feed, Limits
from engine.http.auth import Pace
from engine.http.callback_port import Callbacks
from engine.http.contact_port import Contacts
from engine.http.incident_port import Incidents
from engine.http.ports import CallLinks, Cdrs, DirectoryBook, Health, Scope, Tokens, Unmatched
from engine.http.prompt_port import Prompts
from engine.http.scenario_port import Scenarios
from engine.http.voicemail_port import Voicemails
from engine.http.webhook_port import Webhooks
from engine.observe.metrics import Metrics
from engine.settings import HttpSettings

T = TypeVar("T")
_NAME = re.compile(r"\{([a-z_]+)\}")
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Tag = Literal[
    "calls",
    "records",
    "directory",
    "contacts",
    "limits",
    "incidents",
    "scenarios",
    "prompts",
    "callbacks",
    "voicemails",
    "events",
    "state",
    "description",
]  # in the order of the page at /docs


class Later(Protocol):
    """Orders whose answer is not waited for: `deferred.Deferred`."""

    def begin(self, route: "Route", asked: "Asked") -> web.Response: ...
    def state(self, name: str, token_id: str) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the handlers may use; built once."""

    calls: Calls
    cdrs: Cdrs
    tokens: Tokens
    health: Health
    metrics: Metrics
    limits: HttpSettings
    pace: Pace
    deferred: Later
    directory: DirectoryBook | None = None  # None: a node without one
    feed: Feed | None = None
    webhooks: Webhooks | None = None
    contacts: Contacts | None = None
    callbacks: Callbacks | None = None
    voicemails: Voicemails | None = None
    incidents: Incidents | None = None
    scenarios: Scenarios | None = None
    prompts: Prompts | None = None
    unmatched: Unmatched | None = None
    call_limits: Limits | None = None
    call_links: CallLinks | None = None  # None: switched off
    openapi: bytes = b"{}"


SERVICES: web.AppKey[Services] = web.AppKey("services", Services)


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A route that takes no query parameters."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request, authenticated, with its parts already typed."""

    request: web.Request
    services: Services
    actor: Actor | None
    query: Any
    body: Any

    @property
    def who(self) -> Actor:
        """The actor of a route that has a scope."""
        assert self.actor is not None, "a route without scope has no actor"  # noqa: S101 - our own invariant
        return self.actor

    @property
    def call_id(self) -> str:
        """The `{call_id}` of the path, in its canonical lower-case form."""
        return self.request.match_info["call_id"].lower()

    def query_as(self, kind: type[T]) -> T:
        """The query, which the route declared as this type."""
        return _exactly(self.query, kind)

    def body_as(self, kind: type[T]) -> T:
        """The body, which the route declared as this type."""
        return _exactly(self.body, kind)


def _exactly(value: Any, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"the route declares {type(value).__name__}, its handler wants {kind.__name__}")
    return value


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One good answer: its status, the type of its JSON or the media types of its text, its headers."""

    status: int
    what: str
    body: Any = None  # a type msgspec can describe
    media: tuple[str, ...] = ()  # besides JSON
    headers: dict[str, str] = field(default_factory=dict)  # name -> what it says


@dataclass(frozen=True)
class Header:
    """A request header a route understands: what it says, and the form it must have."""

    what: str
    pattern: str


Handler = Callable[[Asked], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One line of the table. `scope` None: open to whoever reaches the port. `problems`: codes besides the common."""

    method: Method
    path: str
    operation: str
    summary: str
    summary_fr: str
    handle: Handler
    tag: Tag
    description: str = ""
    description_fr: str = ""
    scope: Scope | None = None
    query: type[msgspec.Struct] = NoQuery
    body: type[msgspec.Struct] | None = None
    upload: str | None = None  # instead of a JSON body, a file: its media types, such as audio/*
    body_limit: int | None = None  # bytes, where the common limit is too small
    body_time_s: float | None = None  # where the common time is too short
    frames: type[msgspec.Struct] | None = None  # of a websocket: what its text frames hold
    headers: dict[str, Header] = field(default_factory=dict)  # request headers it understands
    answers: tuple[Answer, ...]
    problems: tuple[str, ...] = ()
    defers: bool = False  # `Prefer: respond-async` is heeded
    streams: bool = False  # its answer may take longer than the time limit

    @property
    def path_names(self) -> Iterator[str]:
        """Names of the parameters in the path."""
        return iter(_NAME.findall(self.path))

    def every_problem(self) -> list[str]:
        """Codes of all problems this route may answer: its own and those its shape brings."""
        codes = [
            "bad-request",
            "expectation",
            "internal",
            "unavailable",
            "answer-late",
            "connections-full",
            "invalid-query",
        ]
        if self.scope is not None:
            codes += ["unauthenticated", "scope-missing", "rate-limited"]
        if self.query is not NoQuery:
            codes.append("invalid-text")
        if any(self.path_names):
            codes += ["unknown", "unknown-call"]
        if self.body is not None:
            codes += ["bad-json", "body-too-slow", "body-too-large", "not-json", "invalid-body", "invalid-text"]
        if self.upload is not None:
            codes += ["body-too-slow", "body-too-large", "not-the-media"]
        if self.defers:
            codes.append("changes-under-way")
        return sorted({*codes, *self.problems})


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A typed value as a JSON answer. Datetimes become RFC 3339 with offset."""
    return web.Response(
        body=msgspec.json.encode(value), status=status, content_type="application/json", headers=headers
    )
