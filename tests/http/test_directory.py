"""`/v1/sites`, `/v1/trunks`, `/v1/agents` and the revisions, over a double of the directory."""

from typing import Any

import pytest

from engine.config.errors import ConfigBusy, ConfigRejected
from engine.domain.calendar_findings import Doubt
from engine.errors import DatabaseAway, InvalidValue, Refused
from engine.http.routes import ROUTES
from engine.http.routing import Route
from tests.http.conftest import Api
from tests.http.test_problems import GOOD, ask, by_name

MINE = [route for route in ROUTES if route.tag == "directory"]
PEER = GOOD["putTrunk"]


async def test_lists_and_entries_carry_the_revision(api: Api) -> None:
    listed = await api.ask("GET", "/v1/agents")
    assert (listed.headers["ETag"], await listed.json()) == ('"1"', {"items": [api.directory.entry("agent", "alice")]})
    one = await api.ask("GET", "/v1/trunks/paris-1")
    assert (one.headers["ETag"], (await one.json())["site"]) == ('"1"', "paris")


async def test_only_what_was_given_is_passed_on(api: Api) -> None:
    body = {"id": "paris-1", **PEER, "caller_ids": ["01 40 00 00 00"], "dial_prefix": None}
    answer = await api.ask("PUT", "/v1/trunks/paris-1", json=body)
    assert (answer.status, answer.headers["ETag"], (await answer.json())["revision"]) == (200, '"2"', 2)
    del body["id"]
    assert api.directory.asked == [("put", "paris-1", body, "crm")]


async def test_an_id_must_be_the_one_of_the_address(api: Api) -> None:
    answer = await api.ask("PUT", "/v1/sites/paris", json={"id": "lyon", "name": "Lyon"})
    problem = await answer.json()
    assert (answer.status, problem["code"], problem["pointer"]) == (422, "invalid-body", "/id")


async def test_enrolling_says_where_the_agent_is_and_the_settings(api: Api) -> None:
    answer = await api.ask("POST", "/v1/agents", json=GOOD["enrolAgent"])
    body = await answer.json()
    assert (answer.status, answer.headers["Location"]) == (201, "/v1/agents/zoe")
    assert (body["agent"]["name"], body["settings"]["secret"]) == ("Zoé", "abcdefgh2345")


@pytest.mark.parametrize(("given", "base"), [("7", 7), ('"7"', 7), ("*", None), (None, None)])
async def test_if_match_is_the_revision_that_was_seen(api: Api, given: str | None, base: int | None) -> None:
    headers = {} if given is None else {"If-Match": given}
    await api.ask("PUT", "/v1/trunks/paris-1", json=PEER, headers=headers)
    await api.ask("DELETE", "/v1/trunks/paris-1", headers=headers)
    assert api.directory.bases == [base, base]


@pytest.mark.parametrize("given", ["", "x", '"7', "-1", "9999999999", 'W/"7"'])
async def test_an_if_match_that_is_none(api: Api, given: str) -> None:
    answer = await api.ask("DELETE", "/v1/sites/paris", headers={"If-Match": given})
    assert (answer.status, (await answer.json())["code"], api.directory.asked) == (422, "invalid-if-match", [])


@pytest.mark.parametrize("route", MINE, ids=by_name)
async def test_an_agents_own_token_does_not_reach_the_directory(api: Api, route: Route) -> None:
    answer = await ask(api, route, token="std_alice")
    assert (answer.status, (await answer.json())["code"]) == (403, "not-for-agents")
    assert api.directory.asked == []


@pytest.mark.parametrize("route", MINE, ids=by_name)
def test_each_route_has_a_scope_of_its_kind(route: Route) -> None:
    writes = "agents:write" if route.operation == "enrolAgent" else "directory:write"
    reads = route.method == "GET" and route.operation != "getChange"  # told to whoever ordered the change
    assert route.scope == ("directory:read" if reads else writes)


CHANGES = [route for route in MINE if route.method != "GET"]
REFUSALS: list[tuple[Any, int, str]] = [
    (lambda: ConfigRejected("endpoint zoe: not there"), 409, "config-rejected"),
    (lambda: ConfigBusy("busy"), 503, "config-busy"),
    (lambda: DatabaseAway("away"), 503, "database-away"),
    (lambda: InvalidValue("bad", pointer="/host"), 422, "invalid-value"),
    (lambda: Refused("late", rule="directory-changed", status=409), 409, "directory-changed"),
]


@pytest.mark.parametrize("route", CHANGES, ids=by_name)
@pytest.mark.parametrize(("fail", "status", "code"), REFUSALS, ids=[code for *_, code in REFUSALS])
async def test_refusals_of_a_change(api: Api, route: Route, fail: Any, status: int, code: str) -> None:
    api.directory.fail = fail
    answer = await ask(api, route)
    problem = await answer.json()
    assert (answer.status, problem["code"]) == (status, code)
    assert problem.get("pointer") == ("/host" if code == "invalid-value" else None)
    assert ("Retry-After" in answer.headers) == (status == 503)


async def test_the_call_of_an_agent_who_talks_is_named(api: Api) -> None:
    api.directory.fail = lambda: Refused("alice is in call 7", rule="agent-busy", status=409, call_id="7")
    problem = await (await api.ask("DELETE", "/v1/agents/alice")).json()
    assert (problem["status"], problem["rule"], problem["call_id"]) == (409, "agent-busy", "7")


async def test_what_is_doubtful_in_a_calendar_comes_with_the_answer(api: Api) -> None:
    api.directory.findings = [Doubt("never-open", "`off` is not open once in the coming year")]
    answer = await api.ask("PUT", "/v1/calendars/week", json={**GOOD["putCalendar"], "hours": "off"})
    told = {"code": "never-open", "message": "`off` is not open once in the coming year"}
    assert (answer.status, (await answer.json())["findings"]) == (200, [told])


async def test_a_number_is_addressed_as_it_is_dialled(api: Api) -> None:
    body = {"trunk": "paris-1", "target": {"group": "sales"}, "valid_from": None}
    for path in ("/v1/numbers/+33140000009", "/v1/numbers/%2B33140000009"):
        answer = await api.ask("PUT", path, json={"id": "+33140000009", **body})
        assert (answer.status, api.directory.asked[-1][:3]) == (200, ("put", "+33140000009", body))
    assert (await (await api.ask("GET", "/v1/numbers/+33140000009")).json())["target"] == {"group": "sales"}


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"target": "alice"}, "/target"), ({"target": {"queue": "x"}}, "/target"), ({"active": "yes"}, "/active"),
        ({"valid_from": "tomorrow"}, "/valid_from"), ({"id": "33140000001"}, "/id"), ({"id": "+33140000002"}, "/id"),
        ({"target": {"agent": 7}}, "/target/agent"),
    ],
)  # fmt: skip
async def test_a_number_that_is_wrong(api: Api, change: dict[str, Any], pointer: str) -> None:
    answer = await api.ask("PUT", "/v1/numbers/+33140000001", json={**GOOD["putNumber"], **change})
    problem = await answer.json()
    assert (answer.status, problem["code"]) == (422, "invalid-body")
    assert problem["pointer"].startswith(pointer)
    assert api.directory.asked == []


@pytest.mark.parametrize("rule", ["site-in-use", "trunk-in-use", "agent-in-use", "group-in-use"])
async def test_what_is_in_use(api: Api, rule: str) -> None:
    api.directory.fail = lambda: Refused("used by number +33140000001", rule=rule, status=409)
    problem = await (await api.ask("DELETE", f"/v1/{rule.split('-', maxsplit=1)[0]}s/x")).json()
    assert (problem["status"], problem["code"]) == (409, rule)


async def test_what_does_not_exist(api: Api) -> None:
    for method in ("GET", "DELETE"):
        answer = await api.ask(method, "/v1/agents/nobody")
        assert (answer.status, (await answer.json())["code"]) == (404, "unknown")
