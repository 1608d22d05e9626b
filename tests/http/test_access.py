"""Who may do what: every route of the table, with every scope there is, for its owner and for somebody else.

The cases are made from the routes themselves. A route that is added is tried by tokens that lack its scope and by an
agent's own token without anybody writing a line here; one that lets such a token through must be named below.
"""

from typing import Any, get_args

import pytest

from engine.calls.contract import Actor
from engine.http.ports import Scope
from engine.http.routes import ROUTES
from engine.http.routing import Route
from tests.http.conftest import Api
from tests.http.fakes import BOBS, call_record
from tests.http.test_problems import GOOD, GUARDED, ask, by_name, code_of, path_of

SCOPES: tuple[Scope, ...] = get_args(Scope)
OPEN = {"isAlive", "isReady", "readMetrics", "describeApi", "readApi", "callByLink"}
SHOW_OWN_ONLY = {
    "listLiveCalls",
    "listCallRecords",
    "streamEvents",
}  # answered, with what is the agent's own and nothing else
TAKE_OWN_ONLY = {"startCall": {**GOOD["startCall"], "agent": "bob"}}


def bearer(api: Api, *scopes: Scope, agent: str | None = None) -> str:
    """A token with just these scopes; an agent's own when named."""
    api.tokens.actors["std_made"] = Actor(token_id="t9", name="made", scopes=frozenset(scopes), agent=agent)
    return "std_made"


def touched(api: Api) -> list[Any]:
    """Everything that was changed, or asked for in somebody's name."""
    webhooks = sorted(api.webhooks.kept)
    calls = [*api.calls.orders, *api.calls.finished, *api.calls.disposed]
    return [*calls, *api.directory.asked, *api.contacts.asked, *api.limits.rearmed, webhooks]


def test_only_these_addresses_need_no_token() -> None:
    assert {route.operation for route in ROUTES if route.scope is None} == OPEN


@pytest.mark.parametrize("route", GUARDED, ids=by_name)
async def test_a_scope_opens_its_own_routes_and_no_other(api: Api, route: Route) -> None:
    before = touched(api)
    others = [scope for scope in SCOPES if scope not in (route.scope, "admin")]
    for scopes in (*((scope,) for scope in others), others):
        answer = await ask(api, route, token=bearer(api, *scopes))
        assert (scopes, answer.status, await code_of(answer)) == (scopes, 403, "scope-missing")
    assert touched(api) == before
    assert route.scope is not None
    assert (await ask(api, route, token=bearer(api, route.scope))).status < 300


@pytest.mark.parametrize("route", [r for r in GUARDED if r.operation not in SHOW_OWN_ONLY], ids=by_name)
async def test_an_agents_own_token_reaches_nothing_of_anybody_else(api: Api, route: Route) -> None:
    """Not even with the scope `admin`: whose token it is binds more than what it may do."""
    before = touched(api)
    assert route.scope is not None
    body = {"json": TAKE_OWN_ONLY[route.operation]} if route.operation in TAKE_OWN_ONLY else {}
    for scope in (route.scope, "admin"):
        token = bearer(api, scope, agent="alice")
        answer = await ask(api, route, path=path_of(route, BOBS), token=token, **body)
        assert answer.status == 403
        assert await code_of(answer) in ("own-calls-only", "not-for-agents")
    assert touched(api) == before


async def test_an_agents_own_token_is_shown_that_agents_calls_alone(api: Api) -> None:
    api.cdrs.records += [call_record(7, agent_id="bob")]
    token = bearer(api, "calls:read", "cdr:read", agent="alice")
    for path, whose in (("/v1/calls", "agent"), ("/v1/cdrs", "agent_id")):
        items = (await (await api.ask("GET", path, token=token)).json())["items"]
        assert {"alice"} == {item[whose] for item in items}
    refused = await api.ask("GET", "/v1/cdrs?agent=bob", token=token)
    assert (refused.status, await code_of(refused)) == (403, "own-calls-only")
