"""The HTTP API as one aiohttp application, and the listener that carries it.

`build_app` puts the route table behind one middleware that gives each request an id, turns every error into a problem
document, counts and logs. Nothing an asker sends may show a stack trace or end in an unlogged error.
"""

import asyncio
import logging
import time
import uuid
from contextlib import suppress
from typing import Self

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler

from engine.calls.contract import Calls, Feed, Limits
from engine.errors import NotListening, ProgrammingError, StandardisteError
from engine.http import openapi, problems
from engine.http.asked import serve
from engine.http.auth import Pace
from engine.http.callback_port import Callbacks
from engine.http.connections import Connections
from engine.http.contact_port import Contacts
from engine.http.deferred import Deferred
from engine.http.incident_port import Incidents
from engine.http.ports import CallLinks, Cdrs, DirectoryBook, Health, Tokens, Unmatched
from engine.http.problems import HttpRefusal
from engine.http.prompt_port import Prompts
from engine.http.routes import ROUTES, events
from engine.http.routing import SERVICES, Services
from engine.http.scenario_port import Scenarios
from engine.http.voicemail_port import Voicemails
from engine.http.webhook_port import Webhooks
from engine.observe.metrics import HttpMetrics, Metrics
from engine.settings import HttpSettings

log = structlog.get_logger("engine.http")

_SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds by machines


def build_app(
    *,
    calls: Calls,
    cdrs: Cdrs,
    tokens: Tokens,
    health: Health,
    metrics: Metrics,
    limits: HttpSettings,
    directory: DirectoryBook | None = None,
    feed: Feed | None = None,
    webhooks: Webhooks | None = None,
    contacts: Contacts | None = None,
    incidents: Incidents | None = None,
    scenarios: Scenarios | None = None,
    unmatched: Unmatched | None = None,
    callbacks: Callbacks | None = None,
    prompts: Prompts | None = None,
    voicemails: Voicemails | None = None,
    call_limits: Limits | None = None,
    call_links: CallLinks | None = None,
) -> web.Application:
    """The API over these parts; it owns no task and no connection of its own."""
    app = web.Application(middlewares=[_around], client_max_size=limits.body_limit_bytes)
    deferred = Deferred()
    app[SERVICES] = Services(
        calls=calls,
        cdrs=cdrs,
        tokens=tokens,
        health=health,
        metrics=metrics,
        limits=limits,
        directory=directory,
        feed=feed,
        webhooks=webhooks,
        contacts=contacts,
        incidents=incidents,
        scenarios=scenarios,
        unmatched=unmatched,
        callbacks=callbacks,
        prompts=prompts,
        voicemails=voicemails,
        call_limits=call_limits,
        call_links=call_links,
        deferred=deferred,
        pace=Pace(limits.rate_per_s, limits.rate_burst),
        openapi=openapi.encoded(ROUTES),
    )
    events.prepare(app)
    app.on_shutdown.append(lambda _: deferred.drain(limits.drain_s))
    _add_routes(app)
    return app


def _add_routes(app: web.Application) -> None:
    for route in ROUTES:
        app.router.add_route(route.method, route.path, serve(route), expect_handler=_expect)
        if route.method == "GET":
            app.router.add_route("HEAD", route.path, serve(route), expect_handler=_expect)


async def _expect(request: web.Request) -> web.StreamResponse | None:
    """RFC 9110 10.1.1; aiohttp asks before any middleware, so the problem is made here."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
        return None
    request_id = str(uuid.uuid4())
    refusal = HttpRefusal("expectation", "The Expect header can only ask for 100-continue")
    return _dressed(problems.answer(*problems.problem_of(refusal, request_id)), request_id)


@web.middleware
async def _around(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A request id, an answer whatever happens, a line in the log, a count."""
    request_id = str(uuid.uuid4())
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    began = time.monotonic()
    response = await _answered(request, handler, request_id)
    _account(request, response.status, time.monotonic() - began)
    return _dressed(response, request_id)


def _dressed(response: web.StreamResponse, request_id: str) -> web.StreamResponse:
    """The headers every answer has; a stream that has begun sent its own."""
    if not response.prepared:
        for name, value in {**_SAFE_HEADERS, "X-Request-Id": request_id}.items():
            response.headers.setdefault(name, value)
    return response


async def _answered(request: web.Request, handler: Handler, request_id: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as stopped:
        return problems.answer(*problems.problem_of(_refusal_of(request, stopped), request_id))
    except StandardisteError as error:
        problem, headers = problems.problem_of(error, request_id)
        if problem.code == "internal":
            _incident(request, error)
        return problems.answer(problem, headers)
    except Exception as error:
        _incident(request, error)
        return problems.internal(request_id)


def _incident(request: web.Request, error: Exception) -> None:
    request.app[SERVICES].metrics.http.incidents.inc()
    log.error("http incident", method=request.method, path=request.path, exc_info=error)


def _refusal_of(request: web.Request, stopped: web.HTTPException) -> StandardisteError:
    """aiohttp's own refusals in our words."""
    if isinstance(stopped, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(stopped.allowed_methods))
        return HttpRefusal(
            "method-not-allowed",
            f"{request.method} is not possible here; possible: {allowed}",
            headers={"Allow": allowed},
        )
    if isinstance(stopped, web.HTTPNotFound):
        return HttpRefusal("not-found", "No such address")
    if 400 <= stopped.status < 500:
        return HttpRefusal("bad-request", "The request cannot be read")
    return ProgrammingError(f"aiohttp answered {stopped.status}")


def _account(request: web.Request, status: int, seconds: float) -> None:
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    metrics = request.app[SERVICES].metrics.http
    metrics.requests.labels(_method(request), route, str(status)).inc()
    metrics.request_s.labels(_method(request), route).observe(seconds)
    write = log.debug if route in _QUIET else log.info
    write("http", method=request.method, path=request.path, route=route, status=status, ms=round(seconds * 1000, 1))


def _method(request: web.Request) -> str:
    """The method as a label: what others invent must not make new series."""
    return request.method if request.method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} else "other"


def _protocol_log() -> logging.Logger:
    """aiohttp's log without a trace for each stranger who speaks no HTTP: they get 400, and debug is enough."""
    logger = logging.getLogger("engine.http.protocol")
    if not logger.filters:
        logger.addFilter(lambda record: not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError)))
    return logger


BACKLOG = 128
"""Who may wait to be accepted. asyncio accepts so many in one go, each a file descriptor, before any can be counted."""


class _Site(web.BaseSite):
    """Listens like aiohttp's own TCPSite, and counts who comes."""

    def __init__(self, runner: web.AppRunner, metrics: HttpMetrics, limits: HttpSettings) -> None:
        super().__init__(runner, backlog=BACKLOG)
        self._metrics, self._limits = metrics, limits

    @property
    def name(self) -> str:
        return f"http://{self._limits.host}:{self._limits.port}"

    async def start(self) -> None:
        await super().start()
        server = self._runner.server
        assert server is not None  # noqa: S101 - BaseSite makes sure
        connections = Connections(server, self._limits, self._metrics)
        self._server = await asyncio.get_running_loop().create_server(
            connections, self._limits.host, self._limits.port, backlog=self._backlog
        )


class ApiServer:
    """Listens while it is entered: `async with ApiServer(app, settings.http) as server: server.url`."""

    def __init__(self, app: web.Application, limits: HttpSettings) -> None:
        self._app, self._limits = app, limits
        self._runner = web.AppRunner(
            app,
            access_log=None,  # ours has the request id and the call id
            handle_signals=False,
            shutdown_timeout=limits.drain_s,
            keepalive_timeout=limits.idle_s,
            lingering_time=1.0,  # for the rest of a body that was refused
            logger=_protocol_log(),
        )
        self.port = limits.port

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        try:
            await _Site(self._runner, self._app[SERVICES].metrics.http, self._limits).start()
        except OSError as taken:
            await self._runner.cleanup()
            raise NotListening(
                f"the API cannot listen on {self._limits.host}:{self._limits.port}: {taken.strerror or taken}",
                what_next="Free the port, or choose another in [http]; host is an address of this machine.",
            ) from taken
        self.port = int(self._runner.addresses[0][1])
        log.info("http listening", url=self.url)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening, let requests in flight finish for `drain_s`, then cut them."""
        with suppress(TimeoutError):
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where to ask, without a trailing slash."""
        host = f"[{self._limits.host}]" if ":" in self._limits.host else self._limits.host
        return f"http://{host}:{self.port}"
