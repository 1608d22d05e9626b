"""Every route against every refusal it shares with others, and bodies of every kind."""

import asyncio
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import Refused
from engine.http.deferred import ChangeState
from engine.http.routes import ROUTES
from engine.http.routing import SERVICES, Route
from engine.settings import HttpSettings
from tests.http.conftest import Api
from tests.http.fakes import BOBS, CALLBACK, LIVE, NOON, VOICEMAIL

CHANGE = "01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e01"
GUARDED = [route for route in ROUTES if route.scope is not None]
TAKES_BODY = [route for route in ROUTES if route.body is not None]
OF_ONE_CALL = [route for route in ROUTES if "{call_id}" in route.path]
GOOD: dict[str, Any] = {
    "startCall": {"agent": "alice", "to": "+33187654321"},
    "setDisposition": {"code": "sale"},
    "finishCall": {},
    "putSite": {"name": "Paris", "extensions": "2000-2099"},
    "putTrunk": {"site": "paris", "kind": "peer", "host": "192.0.2.10"},
    "putAgent": {"name": "Alice", "site": "paris", "mobile": "06 12 34 56 78"},
    "putGroup": {"name": "Sales", "site": "paris", "members": ["alice"]},
    "putApplication": {"name": "Hotline", "site": "paris", "scenario": "standard", "test_callers": ["+33612345678"]},
    "putNumber": {"trunk": "paris-1", "target": {"group": "sales"}, "valid_from": "2026-11-30"},
    "putDispositionCode": {"label_fr": "Vente", "label_en": "Sale"},
    "putCalendar": {"name": "Week", "site": "paris", "hours": "Mo-Fr 08:00-18:00; PH off", "holidays": ["05-02 Pont"]},
    "putContact": {"name": "Ada", "numbers": [{"label": "mobile", "number": "+33612345678"}]},
    "upsertContacts": {"contacts": [{"id": "c-1", "name": "Ada"}, {"name": "Bo", "source": "crm", "external_id": "7"}]},
    "enrolAgent": {"id": "zoe", "name": "Zoé", "site": "paris"},
    "rollbackDirectory": {"revision": 1},
    "setIncident": {"message_fr": "Panne", "expires_at": "2030-01-01T00:00:00Z"},
    "tryScenario": {"at": "2026-05-04T10:00:00+02:00", "lines": ["1", "h"], "answers": {"hours office": "open"}},
    "checkScenario": {"files": {"standard/scenario.yaml": "scenario: standard"}},
    "publishScenario": {"files": {"standard/scenario.yaml": "scenario: standard"}, "alias": "test"},
    "changeCallback": {"status": "done"},
    "markVoicemail": {"heard": True},
    "putWebhook": {"url": "https://crm.example/hook"},
}
NAMES = {
    "/v1/webhooks": "crm",
    "/v1/sites": "paris",
    "/v1/trunks": "paris-1",
    "/v1/agents": "alice",
    "/v1/groups": "sales",
    "/v1/applications": "hotline",
    "/v1/numbers": "+33140000001",
    "/v1/dispositions": "sale",
    "/v1/calendars": "week",
    "/v1/contacts": "c-1",
    "/v1/incidents": "it-down",
    "/v1/scenarios": "standard",
    "/v1/prompts": "welcome",
}  # one that exists of each kind


UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip


def path_of(route: Route, call_id: str = LIVE) -> str:
    path = route.path.replace("{call_id}", call_id).replace("{scope}", "agent:alice")
    path = path.replace("{user}&{extension}&{dialled}", "alice&2001&0187654321").replace("{change}", CHANGE)
    path = path.replace("{callback}", CALLBACK.id).replace("{voicemail}", VOICEMAIL.id)
    path = (
        path.replace("{language}", "fr")
        .replace("{user}&{extension}&{dialled}", "alice&2001&0187654321")
        .replace("{change}", CHANGE)
    )
    return re.sub(r"\{(name|number|code|contact)\}", NAMES.get(path.partition("/{")[0], ""), path)


async def ask(api: Api, route: Route, **more: Any) -> Any:
    """Ask a route something good, but for what `more` says."""
    if route.operation in GOOD and not {"json", "data"} & set(more):
        more["json"] = GOOD[route.operation]
    if route.upload is not None and "data" not in more:
        more["data"] = b"RIFF"
        more["headers"] = {"Content-Type": "audio/wav"} | more.get("headers", {})
    if route.scope == "admin":
        more.setdefault("token", "std_admin")
    if route.operation == "getChange" and (actor := api.tokens.actors.get(more.get("token", "std_all"))):
        held = api.app[SERVICES].deferred._held  # type: ignore[attr-defined]
        held[CHANGE] = (actor.token_id, ChangeState(id=CHANGE, operation="putSite", asked_at=NOON))
    if route.operation == "streamEvents":
        more.setdefault("headers", UPGRADE)
    return await api.ask(route.method, more.pop("path", path_of(route)), **more)


def by_name(route: Route) -> str:
    return route.operation


async def code_of(answer: Any) -> str:
    assert answer.content_type == "application/problem+json"
    problem = await answer.json()
    assert problem["instance"] == f"urn:uuid:{answer.headers['X-Request-Id']}"
    return str(problem["code"])


NAMED = [route for route in GUARDED if re.search(r"\{\w+\}", route.path)]


@pytest.mark.parametrize("route", NAMED, ids=by_name)
async def test_nothing_is_found_by_a_name_no_database_can_hold(api: Api, route: Route) -> None:
    answer = await ask(api, route, path=re.sub(r"\{\w+\}", "%00", route.path))
    assert (answer.status, await code_of(answer)) == (404, "unknown")


@pytest.mark.parametrize("route", ROUTES, ids=by_name)
async def test_every_route_answers_well_when_asked_well(api: Api, route: Route) -> None:
    answer = await ask(api, route, token="std_admin")
    assert answer.status < 300
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("route", GUARDED, ids=by_name)
@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer nope", "Basic YTpi", "Bearer a b", "Bearer é"]
)
async def test_without_a_valid_token_nothing_is_told(api: Api, route: Route, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await ask(api, route, token=None, headers=headers)
    assert (answer.status, await code_of(answer)) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="standardiste"')


@pytest.mark.parametrize("route", GUARDED, ids=by_name)
async def test_the_missing_scope_is_named(api: Api, route: Route) -> None:
    answer = await ask(api, route, token="std_none")
    assert (answer.status, await code_of(answer)) == (403, "scope-missing")
    assert route.scope is not None
    assert route.scope in (await answer.json())["detail"]
    assert f'scope="{route.scope}"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("route", OF_ONE_CALL, ids=by_name)
async def test_an_agents_own_token_leaves_other_agents_calls_alone(api: Api, route: Route) -> None:
    answer = await ask(api, route, path=path_of(route, BOBS), token="std_alice")
    assert (answer.status, await code_of(answer)) == (403, "own-calls-only")
    assert (await ask(api, route, token="std_alice")).status < 300
    assert api.calls.finished in ([], [LIVE])


async def test_an_agents_own_token_calls_and_lists_for_that_agent_only(api: Api) -> None:
    answer = await api.ask("POST", "/v1/calls", token="std_alice", json={"agent": "bob", "to": "+33187654321"})
    assert (answer.status, await code_of(answer)) == (403, "own-calls-only")
    items = (await (await api.ask("GET", "/v1/calls", token="std_alice")).json())["items"]
    assert [one["id"] for one in items] == [LIVE]


@pytest.mark.parametrize("route", OF_ONE_CALL, ids=by_name)
@pytest.mark.parametrize("call_id", ["019aa0c2-7b1c-7000-8000-00000000ffff", "7", "%00", "LIVE"])
async def test_a_call_that_does_not_exist(api: Api, route: Route, call_id: str) -> None:
    answer = await ask(api, route, path=path_of(route, call_id))
    assert (answer.status, await code_of(answer)) == (404, "unknown")


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/calls", "/v1/calls/", "/etc/passwd", "/v1/calls/a/b/c", "/%2e%2e/x"])
async def test_an_address_that_does_not_exist(api: Api, path: str) -> None:
    answer = await api.ask("GET", path)
    assert (answer.status, await code_of(answer)) == (404, "not-found")


@pytest.mark.parametrize("method", ["PATCH", "OPTIONS", "TRACE"])
async def test_a_method_that_is_not_possible_names_those_that_are(api: Api, method: str) -> None:
    answer = await api.ask(method, "/v1/calls")
    assert (answer.status, await code_of(answer)) == (405, "method-not-allowed")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("route", ROUTES, ids=by_name)
async def test_an_unknown_query_parameter_is_refused(api: Api, route: Route) -> None:
    answer = await ask(api, route, path=f"{path_of(route)}?surprise=1")
    assert (answer.status, await code_of(answer)) == (422, "invalid-query")


BROKEN = {
    b"": "bad-json", b"{": "bad-json", b"nul": "bad-json", b"{} {}": "bad-json", b"\xff": "bad-json",
    b"\xef\xbb\xbf{}": "bad-json", b'{"a":NaN}': "bad-json", b'{"a":-Infinity}': "bad-json", b'{"a":1e999}': "bad-json",
    b'{"a":1,"a":2}': "bad-json", b'{"a":123456789012345678901}': "bad-json", b'{"a":' + b"9" * 5000 + b"}": "bad-json",
    b"[" * 60000: "bad-json", "{}".encode("utf-16"): "bad-json", b'{"a":"\\ud800\\ud800","a":1}': "bad-json",
    b'{"a":"\\u0000"}': "invalid-text", b'{"a":["\\ud800"]}': "invalid-text", b'{"\\u0000":1}': "invalid-text",
    b"{}": "invalid-body", b"[]": "invalid-body", b"null": "invalid-body", b"7": "invalid-body",
    b'{"surprise":1}': "invalid-body",
}  # fmt: skip
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("route", TAKES_BODY, ids=by_name)
@pytest.mark.parametrize("body", BROKEN, ids=lambda body: repr(body[:20]))
async def test_a_broken_body_is_refused(api: Api, route: Route, body: bytes) -> None:
    answer = await ask(api, route, data=body, headers=JSON)
    if body == b"{}" and route.operation in ("finishCall", "setIncident"):
        return  # all there is to say
    assert await code_of(answer) == BROKEN[body]
    assert api.calls.orders == []
    assert api.calls.disposed == []
    assert api.directory.asked == []
    assert api.contacts.asked == []


@pytest.mark.parametrize("route", TAKES_BODY, ids=by_name)
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
async def test_a_body_must_say_that_it_is_json(api: Api, route: Route, kind: str) -> None:
    answer = await ask(api, route, data=json.dumps(GOOD[route.operation]), headers={"Content-Type": kind})
    assert (answer.status, await code_of(answer)) == (415, "not-json")


@pytest.mark.parametrize("route", TAKES_BODY, ids=by_name)
async def test_a_body_beyond_the_limit(api: Api, route: Route) -> None:
    answer = await ask(api, route, data=b" " * ((route.body_limit or 65_536) + 34_464), headers=JSON)  # 100 kB
    assert (answer.status, await code_of(answer)) == (413, "body-too-large")


@pytest.mark.parametrize("route", TAKES_BODY, ids=by_name)
async def test_a_body_that_never_ends_is_not_waited_for(api: Api, route: Route) -> None:
    parts = [
        f"{route.method} {path_of(route)} HTTP/1.1", "Host: x", "Authorization: Bearer std_admin",
        "Content-Type: application/json", "Content-Length: 100", "", "{",
    ]  # fmt: skip
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write("\r\n".join(parts).encode())
    async with asyncio.timeout(30):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 408 " in head.split(b"\r\n")[0]
        assert b"body-too-slow" in await reader.read()  # to the end: the connection is closed
    writer.close()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"agent": 7}, "/agent"), ({"mode": "telepathy"}, "/mode"), ({"ring_agent_s": "20"}, "/ring_agent_s"),
        ({"variables": []}, "/variables"), ({"record": 1}, "/record"), ({"surprise": 1}, ""),
    ],
)  # fmt: skip
async def test_the_pointer_names_the_wrong_field(api: Api, change: dict[str, Any], pointer: str) -> None:
    answer = await api.ask("POST", "/v1/calls", json={**GOOD["startCall"], **change})
    problem = await answer.json()
    assert (answer.status, problem["code"], problem["pointer"]) == (422, "invalid-body", pointer)


def nested(levels: int) -> Any:
    return {"a": nested(levels - 1)} if levels else 1


@pytest.mark.parametrize("variables", [{"a": "x" * 17_000}, nested(9), {"é" * 9000: 1}])
async def test_business_variables_are_bounded(api: Api, variables: Any) -> None:
    for path, method, field, body in (
        ("/v1/calls", "POST", "variables", {**GOOD["startCall"], "variables": variables}),
        (f"/v1/calls/{LIVE}/disposition", "PUT", "fields", {"code": "sale", "fields": variables}),
        (
            f"/v1/calls/{LIVE}/finish", "POST", "disposition/fields",
            {"disposition": {"code": "sale", "fields": variables}},
        ),
    ):  # fmt: skip
        problem = await (await api.ask(method, path, json=body)).json()
        assert (problem["code"], problem["pointer"]) == ("variables-too-large", f"/{field}")


async def test_business_variables_at_the_bound_arrive_unchanged(api: Api) -> None:
    variables = {"deep": nested(7), "long": "é" * 8000, "n": [1, -1.5, True, None, 2**63]}
    assert (await api.ask("POST", "/v1/calls", json={**GOOD["startCall"], "variables": variables})).status == 202
    assert api.calls.orders[0][0].variables == variables


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "a\tb"])
async def test_an_idempotency_key_that_is_none(api: Api, key: str) -> None:
    answer = await api.ask("POST", "/v1/calls", json=GOOD["startCall"], headers={"Idempotency-Key": key})
    assert (answer.status, await code_of(answer)) == (422, "invalid-idempotency-key")


async def test_a_repeated_answer_says_so_and_a_running_one_names_its_call(api: Api) -> None:
    first = await api.ask("POST", "/v1/calls", json=GOOD["startCall"], headers={"Idempotency-Key": "k" * 255})
    assert "Idempotent-Replayed" not in first.headers
    api.calls.accepted = type(api.calls.accepted)(id=api.calls.accepted.id, state="requested", replayed=True)
    again = await api.ask("POST", "/v1/calls", json=GOOD["startCall"], headers={"Idempotency-Key": "k" * 255})
    assert again.headers["Idempotent-Replayed"] == "true"
    api.calls.fail = lambda: Refused("still running", rule="idempotency-in-progress", status=409, call_id=LIVE)
    running = await api.ask("POST", "/v1/calls", json=GOOD["startCall"])
    assert (running.status, (await running.json())["call_id"]) == (409, LIVE)


@pytest.mark.parametrize("limits", [HttpSettings(port=0, rate_burst=3, rate_per_s=0.01)])
async def test_each_token_has_its_own_pace(api: Api, limits: HttpSettings) -> None:
    statuses = [(await api.ask("GET", "/v1/calls")).status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    answer = await api.ask("GET", "/v1/calls")
    assert await code_of(answer) == "rate-limited"
    assert 95 <= int(answer.headers["Retry-After"]) <= 100
    assert (await api.ask("GET", "/v1/calls", token="std_alice")).status == 200


@pytest.mark.parametrize("limits", [HttpSettings(port=0, answer_time_s=0.05)])
async def test_an_order_that_takes_too_long_is_answered_all_the_same(api: Api, limits: HttpSettings) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    api.calls.view = never  # type: ignore[method-assign, assignment]
    answer = await api.ask("GET", f"/v1/calls/{LIVE}")
    assert (answer.status, await code_of(answer)) == (503, "answer-late")


async def test_an_expectation_that_cannot_be_met(api: Api) -> None:
    answer = await api.ask("POST", "/v1/calls", json=GOOD["startCall"], headers={"Expect": "miracles"})
    assert (answer.status, await code_of(answer)) == (417, "expectation")
    answer = await api.ask("POST", "/v1/calls", json=GOOD["startCall"], expect100=True)
    assert answer.status == 202


@pytest.mark.parametrize(
    "head",
    [
        b"GET\r\n\r\n",
        b"BREW /v1/calls HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"GET /v1/calls HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nA:\x00\r\n\r\n",
    ],
)
async def test_what_is_no_http_shows_no_trace(api: Api, head: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(head + b"\r\n\r\n")
    async with asyncio.timeout(30):
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400") or answer.startswith(b"HTTP/1.0 400")
    assert b"Traceback" not in answer
    writer.close()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
_order = st.fixed_dictionaries(
    {"agent": _json | st.just("alice"), "to": _json | st.just("+33187654321")},
    optional={"variables": st.dictionaries(st.text(max_size=5), _json, max_size=4), "mode": _json, "surprise": _json},
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(body=st.binary(max_size=200) | (_json | _order).map(lambda value: json.dumps(value).encode()), data=st.data())
async def test_no_body_ever_makes_an_error_of_ours(api: Api, body: bytes, data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(TAKES_BODY))
    answer = await ask(api, route, data=body, headers=JSON)
    assert answer.status in (200, 201, 202, 204, 400, 422)


_names = st.sampled_from(
    ["from", "to", "agent", "campaign", "direction", "outcome", "number", "cursor", "limit", "exact"]
)
_values = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["1", "true", "2026-11-20T00:00:00Z", "outbound", "answered", "+33187654321", "0001-01-01T00:00:00+23:59"]
)
_headers = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40).map(
    str.strip
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150, deadline=None)
@given(query=st.lists(st.tuples(_names | st.text(max_size=5), _values), max_size=4), accept=_headers, key=_headers)
async def test_no_query_or_header_ever_makes_an_error_of_ours(
    api: Api, query: list[tuple[str, str]], accept: str, key: str
) -> None:
    path = "/v1/cdrs?" + urlencode([(name.encode("utf-8", "replace"), value) for name, value in query])
    answer = await api.ask("GET", path, headers={"Accept": accept, "Accept-Language": accept})
    assert answer.status in (200, 400, 406, 422)
    headers = {"Idempotency-Key": key, "Accept": accept}
    answer = await api.ask("POST", "/v1/calls", json=GOOD["startCall"], headers=headers)
    assert answer.status in (202, 400, 422)
