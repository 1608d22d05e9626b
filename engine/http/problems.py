"""Refusals as RFC 9457 problem documents: what happened, by which rule, and what to do next.

`KINDS` is the closed list of what this room refuses by itself; refusals of the service (rights, limits, numbers) carry
their own rule and status. `code` is stable and made for programs; texts are made for people and may change.
"""

from typing import NamedTuple

import msgspec
from aiohttp import web

from engine.errors import InvalidValue, Refused, StandardisteError

MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    status: int
    title: str
    what_next: str


KINDS: dict[str, Kind] = {
    "bad-json": Kind(
        400, "The body is not JSON", "Send one JSON value in UTF-8, without duplicate names, NaN or Infinity."
    ),
    "bad-request": Kind(400, "The request cannot be read", "Send a valid HTTP/1.1 request."),
    "unauthenticated": Kind(
        401, "No valid token", "Send Authorization: Bearer and a token made by engine token create."
    ),
    "scope-missing": Kind(
        403, "The token lacks a scope", "Use a token with the scope named, made by engine token create."
    ),
    "own-calls-only": Kind(
        403, "Not this agent's call", "An agent's own token acts for that agent only; use the application's."
    ),
    "not-for-agents": Kind(
        403, "An agent's own token does not reach the directory", "Use a token that is no single agent's."
    ),
    "link-not-followed": Kind(403, "Only a link that a person follows places a call", "Open the link itself."),
    "not-found": Kind(404, "No such address", "See /docs for the addresses there are."),
    "unknown": Kind(404, "No such thing", "Check the identifier."),
    "method-not-allowed": Kind(405, "No such method here", "The Allow header names the methods there are."),
    "not-acceptable": Kind(406, "No such representation", "Ask for one of the types named."),
    "body-too-slow": Kind(408, "The body did not arrive in time", "Send it again."),
    "body-too-large": Kind(413, "The body is too large", "Send less."),
    "not-the-media": Kind(415, "The body is no file of this kind", "Send the file with its own Content-Type."),
    "recording-empty": Kind(422, "The recording is empty", "Send the file as the body."),
    "recording-not-audio": Kind(422, "No recording that can be read", "Send WAV, FLAC, OGG, Opus or MP3."),
    "recording-silent": Kind(422, "Nothing is heard in the recording", "Record it again, nearer to the microphone."),
    "recording-too-large": Kind(413, "The recording is too large", "Send it as FLAC, Opus or MP3."),
    "recording-too-long": Kind(422, "The recording is too long", "Callers listen to a minute at most: shorten it."),
    "not-json": Kind(415, "The body is not declared as JSON", "Send Content-Type: application/json."),
    "webhook-address": Kind(422, "No event is sent to this address", "Give a public https address."),
    "websocket-needed": Kind(426, "This is a stream", "Connect with a websocket client."),
    "expectation": Kind(417, "The expectation cannot be met", "Leave the Expect header out."),
    "invalid-body": Kind(
        422, "The body is not what this order needs", "Correct the field the pointer names; see /docs."
    ),
    "invalid-query": Kind(422, "A query parameter is not valid", "Correct the parameter named; see /docs."),
    "invalid-if-match": Kind(422, "The If-Match header is not valid", 'Send the ETag you were given, such as "7".'),
    "invalid-value": Kind(422, "A value is not valid", "Correct the value named."),
    "invalid-rows": Kind(422, "Rows are not valid", "Correct the rows that `errors` names; none was taken."),
    "invalid-text": Kind(422, "A text holds a character that cannot be kept", "Leave out U+0000 and lone surrogates."),
    "variables-too-large": Kind(
        422, "Too many business variables", "Keep large things at home and send their identifier."
    ),
    "invalid-idempotency-key": Kind(422, "The Idempotency-Key is not valid", "Send 1 to 255 visible ASCII characters."),
    "rate-limited": Kind(429, "Too many requests", "Wait for the seconds Retry-After names."),
    "internal": Kind(500, "An error of the engine", "It was logged; give the incident to whoever runs the engine."),
    "answer-late": Kind(
        503,
        "The answer did not come in time",
        "Look whether the order was carried out, or repeat it with its Idempotency-Key.",
    ),
    "changes-under-way": Kind(503, "Too many changes at once", "Send the next when one of them has ended."),
    "connections-full": Kind(
        503, "Too many connections", "Use one connection for many requests, and close the others."
    ),
    "listeners-full": Kind(503, "Too many listeners", "Share one connection among those who listen."),
    "unavailable": Kind(503, "Not available now", "Try again after the seconds Retry-After names."),
}

# What the service refuses by its own rules; a rule that is not here is answered all the same, with a plainer title.
RULES: dict[str, Kind] = {
    "unknown-agent": Kind(404, "No such agent", "Check the agent's identifier against the directory."),
    "unknown-call": Kind(404, "No such call", "Check the call's identifier; very old calls are call records only."),
    "agent-disabled": Kind(403, "The agent's account is disabled", "Enable the agent in the directory."),
    "destination": Kind(403, "This destination is not permitted", "Have the country or kind of number allowed."),
    "destination-emergency": Kind(403, "Emergency numbers are dialled directly", "Dial it on a phone, not by the API."),
    "destination-internal": Kind(403, "Extensions cannot be called this way", "Dial it on a phone."),
    "destination-short-number": Kind(403, "Short numbers cannot be called this way", "Dial it on a phone."),
    "mobile-not-permitted": Kind(403, "This agent may not work by mobile", "A supervisor permits it; or use mode sip."),
    "mobile-not-dialable": Kind(403, "The agent's mobile may not be dialled", "Give a number the site may call."),
    "mobile-number-missing": Kind(403, "The agent has no mobile number", "Give the agent one; or use mode sip."),
    "unknown-number": Kind(404, "Nobody has this number", "Declare it in the directory, or dial another."),
    "scenario-faulty": Kind(
        422, "The scenario has faults", "Mend what `errors` names; engine scenario check tells it before."
    ),
    "unknown-version": Kind(404, "No such version of a scenario", "GET /v1/scenarios/{name} tells which there were."),
    "scenario-lost": Kind(503, "This node has the call's scenario no more", "Whoever runs the engine: see its log."),
    "no-previous-version": Kind(409, "There is no version before", "Publish another version."),
    "scenario-not-published": Kind(
        503, "The scenario is not published", "Publish it, or name another in the application."
    ),
    "number-not-in-use": Kind(404, "The number is not in use", "See its dates and `active` in the directory."),
    "unknown-endpoint": Kind(403, "No telephone or trunk of ours", "Whoever runs the engine: see Asterisk's files."),
    "group-not-rung": Kind(501, "Groups are not rung yet", "Let the number lead to an agent."),
    "agent-busy": Kind(409, "The agent is in a call", "Wait for the call to end, or end it."),
    "no-phone-registered": Kind(409, "No phone of the agent is registered", "Open the softphone, or use mode mobile."),
    "idempotency-in-progress": Kind(409, "The first request with this key still runs", "Look at the call in call_id."),
    "idempotency-key-reused": Kind(422, "This key stands for another body", "Take a new key for a new order."),
    "number-not-dialable": Kind(422, "The number cannot be dialled", "Correct it; E.164 (+33...) is understood."),
    "caller-id": Kind(422, "The caller id is not a number", "Correct it, or leave it out."),
    "caller-id-mobile": Kind(422, "A French mobile number is no caller id here", "Use a fixed number of the trunk."),
    "caller-id-not-owned": Kind(422, "No trunk owns this caller id", "Use a number of the trunk, or leave it out."),
    "recording-unavailable": Kind(422, "Recording is not there yet", "Leave record out."),
    "calls-per-minute": Kind(429, "Too many calls by this agent", "Wait for the seconds Retry-After names."),
    "incidents-not-permitted": Kind(403, "This agent may not set incidents", "Give the agent the right `incidents`."),
    "credit-refused": Kind(403, "The credit check refused the call", "Whoever keeps the credit can tell why."),
    "credit-away": Kind(503, "The credit check does not answer", "Try again after the seconds Retry-After names."),
    "limit": Kind(403, "A limit that stops fraud was reached", "Find out who called; then a person re-arms it."),
    "limit-locked": Kind(403, "A limit was reached before", "Find out who called; then a person re-arms it."),
    "limit-not-locked": Kind(404, "Nothing is locked there", "GET /v1/limits names what is."),
    "no-trunk": Kind(503, "The agent's site has no trunk", "Give the site a trunk in the directory."),
    "trunk-full": Kind(503, "No trunk has a free channel", "Try again after the seconds Retry-After names."),
    "not-ready": Kind(503, "Asterisk is not connected", "Try again after the seconds Retry-After names."),
    "engine-full": Kind(503, "The engine carries all the calls it may", "Try again in a moment."),
    "disk-full": Kind(503, "The engine's disk is full", "Free some space on the engine's disk."),
    "engine-behind": Kind(503, "The engine is late with its work", "Try again in a moment."),
    "engine-pace": Kind(503, "Too many new calls at once", "Try again in a moment."),
    "agent-exists": Kind(409, "There is such an agent already", "Take another id, or PUT the agent."),
    "site-in-use": Kind(409, "The site is in use", "Move or remove what the detail names."),
    "trunk-in-use": Kind(409, "The trunk is in use", "Move or remove what the detail names."),
    "agent-in-use": Kind(409, "The agent is in use", "Change the groups and numbers that the detail names."),
    "application-in-use": Kind(409, "The application is in use", "Change the numbers that the detail names."),
    "group-in-use": Kind(409, "The group is in use", "Change the numbers that the detail names."),
    "unknown-disposition": Kind(422, "No such disposition", "Use a code of the directory: GET /v1/dispositions."),
    "contact-changed": Kind(409, "Somebody else changed the contact", "Look at it again, then repeat the change."),
    "contact-exists": Kind(409, "Another contact has this identifier", "Change that one, which the detail names."),
    "asterisk-unreachable": Kind(503, "Asterisk does not answer", "Try again after the seconds Retry-After names."),
    "seats-taken": Kind(409, "All seats are taken", "Remove or disable an agent, or raise the limit."),
    "config-rejected": Kind(409, "Asterisk did not take it", "Nothing was changed; correct what the detail names."),
    "config-busy": Kind(503, "Another change is under way", "Try again in a moment."),
    "directory-changed": Kind(409, "Somebody else changed the directory", "Look at it again, then repeat the change."),
    "idempotency-conflict": Kind(409, "This key stands for another request", "Take a new key for a new order."),
    "database-mismatch": Kind(503, "PostgreSQL is not as the engine needs it", "Whoever runs the engine: see its log."),
    "journal-damaged": Kind(503, "The journal cannot be read", "Whoever runs the engine: see its log."),
    "database-away": Kind(503, "PostgreSQL does not answer", "Try again after the seconds Retry-After names."),
    "journal-unwritable": Kind(503, "The journal cannot be written", "Whoever runs the engine: see its disk."),
}  # fmt: skip

_TITLES = {
    403: "Not permitted",
    404: "No such thing",
    409: "Not now",
    422: "Not valid",
    429: "Too many",
    501: "Not there yet",
    503: "Not available now",
}
_RETRY_AFTER_S = 2  # for what is away and does not say for how long


class RowFault(msgspec.Struct, frozen=True):
    """One row's fault; `pointer` (RFC 6901) is where in the body."""

    pointer: str
    detail: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An RFC 9457 problem document, with the fields this API adds."""

    type: str  # a page that explains it, at this engine
    title: str
    status: int
    detail: str
    code: str  # stable, for programs
    rule: str  # the rule that refused
    what_next: str
    instance: str  # this very request, as in the X-Request-Id header and the log
    pointer: str | None = None  # RFC 6901: where in the body
    call_id: str | None = None  # the call the refusal is about
    incident: str | None = None  # where to look in the log, for status 500
    errors: list[RowFault] = []  # of many rows: what is wrong with which, the first hundred


class HttpRefusal(StandardisteError):
    """Refused before anything was ordered. `code` is one of `KINDS`."""

    def __init__(
        self, code: str, detail: str, *, pointer: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail, what_next=KINDS[code].what_next, code=code)
        self.pointer = pointer
        self.headers = headers or {}


def kind_of(code: str) -> Kind | None:
    """The words for a code. Classes of destinations share theirs (`destination-premium`...), and so do limits."""
    exact = KINDS.get(code) or RULES.get(code)
    family = code.partition("-")[0]
    return RULES[family] if exact is None and family in ("destination", "limit") and "-" in code else exact


def problem_of(error: StandardisteError, request_id: str) -> tuple[Problem, dict[str, str]]:
    """The document for an error of the tree, and the headers that belong to it."""
    code = error.stable_code
    kind = kind_of(code)
    status = _status(error, kind)
    if status >= 500 and status != 503:
        code, kind, status = "internal", KINDS["internal"], 500  # our fault: the text is for the log only
    advice = (error.what_next if code != "internal" else "") or (kind.what_next if kind else "")
    problem = Problem(
        type=f"/docs#problem-{code}",
        title=kind.title if kind else _TITLES.get(status, "Refused"),
        status=status,
        detail=KINDS["internal"].title if code == "internal" else error.message,
        code=code,
        rule=error.rule if isinstance(error, Refused) else code,
        what_next=advice,
        instance=f"urn:uuid:{request_id}",
        pointer=error.pointer if isinstance(error, HttpRefusal | InvalidValue) else None,
        call_id=getattr(error, "call_id", None),
        incident=request_id if code == "internal" else None,
        errors=[RowFault(pointer, detail) for pointer, detail in getattr(error, "faults", [])],
    )
    return problem, _headers(error, status)


def _status(error: StandardisteError, kind: Kind | None) -> int:
    if isinstance(error, Refused):
        return error.status
    if isinstance(error, HttpRefusal) and kind:
        return kind.status
    return error.http_status


def _headers(error: StandardisteError, status: int) -> dict[str, str]:
    headers = dict(error.headers) if isinstance(error, HttpRefusal) else {}
    seconds = getattr(error, "retry_after_s", None)
    if seconds is None and status in (429, 503):
        seconds = _RETRY_AFTER_S
    if seconds is not None:
        headers.setdefault("Retry-After", str(seconds))
    return headers


def answer(problem: Problem, headers: dict[str, str]) -> web.Response:
    """The problem as an HTTP answer."""
    response = web.Response(
        body=msgspec.json.encode(problem), status=problem.status, content_type=MEDIA_TYPE, headers=headers
    )
    if problem.status in (408, 413):
        response.force_close()  # the rest of the body may still come: this connection carries nothing more
    return response


def internal(request_id: str) -> web.Response:
    """The answer for an error nobody foresaw."""
    return answer(internal_problem(request_id), {})


def internal_problem(request_id: str) -> Problem:
    """It says where to look and nothing else."""
    kind = KINDS["internal"]
    return Problem(
        type="/docs#problem-internal",
        title=kind.title,
        status=500,
        detail=kind.title,
        code="internal",
        rule="internal",
        what_next=kind.what_next,
        instance=f"urn:uuid:{request_id}",
        incident=request_id,
    )
