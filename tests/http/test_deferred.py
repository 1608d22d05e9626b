"""`Prefer: respond-async`: an order is taken at once, and what came of it is told to whoever gave it."""

import asyncio
from typing import Any

import pytest

from engine.errors import Refused
from engine.http import deferred as module
from tests.http.conftest import Api
from tests.http.test_problems import GOOD

ASYNC = {"Prefer": "respond-async"}


async def came(api: Api, link: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            change: dict[str, Any] = await (await api.ask("GET", link)).json()
            if change["state"] != "pending":
                return change


async def ordered(api: Api, **more: Any) -> Any:
    return await api.ask("PUT", "/v1/sites/paris", json=GOOD["putSite"], headers=ASYNC | more)


async def test_an_order_is_taken_and_carried_out(api: Api) -> None:
    answer = await ordered(api)
    taken = await answer.json()
    assert (answer.status, taken["state"], answer.headers["Preference-Applied"]) == (202, "pending", "respond-async")
    assert answer.headers["Location"] == taken["links"]["config"]
    change = await came(api, taken["links"]["config"])
    assert (change["state"], change["operation"], change["answer"]["revision"]) == ("done", "putSite", 2)
    assert [asked[:2] for asked in api.directory.asked] == [("put", "paris")]


@pytest.mark.parametrize("wish", ["wait=5", "respond-async-not", ""])
async def test_other_wishes_are_waited_for(api: Api, wish: str) -> None:
    answer = await api.ask("PUT", "/v1/sites/paris", json=GOOD["putSite"], headers={"Prefer": wish})
    assert answer.status == 200


async def test_one_wish_of_several_counts(api: Api) -> None:
    assert (await ordered(api, Prefer="wait=5, Respond-Async; foo=bar")).status == 202


async def test_a_refusal_is_told_with_its_rule(api: Api) -> None:
    api.directory.fail = lambda: Refused("no", rule="config-rejected", status=409)
    change = await came(api, (await ordered(api)).headers["Location"])
    problem = change["problem"]
    assert (change["state"], problem["code"], problem["status"]) == ("refused", "config-rejected", 409)


async def test_what_is_wrong_with_the_request_itself_is_said_at_once(api: Api) -> None:
    answer = await api.ask("PUT", "/v1/sites/paris", json={"surprise": 1}, headers=ASYNC)
    assert answer.status == 422


async def test_an_error_of_ours_is_an_incident(api: Api) -> None:
    api.directory.fail = lambda: RuntimeError("two owners")
    change = await came(api, (await ordered(api)).headers["Location"])
    assert (change["problem"]["code"], change["problem"]["incident"]) == ("internal", change["id"])
    assert api.metrics.registry.get_sample_value("standardiste_http_incidents_total") == 1


async def test_only_the_token_that_ordered_it_sees_it(api: Api) -> None:
    link = (await ordered(api)).headers["Location"]
    assert (await api.ask("GET", link, token="std_admin")).status == 404
    assert (await api.ask("GET", "/v1/config/changes/01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e01")).status == 404


async def test_an_agent_is_enrolled_while_the_asker_waits(api: Api) -> None:
    """Its answer has a secret, which is told once."""
    answer = await api.ask("POST", "/v1/agents", json=GOOD["enrolAgent"], headers=ASYNC)
    assert answer.status == 201


async def test_what_is_held_and_under_way_is_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD", 1)
    first = (await ordered(api)).headers["Location"]
    await came(api, first)
    await came(api, (await ordered(api)).headers["Location"])
    assert (await api.ask("GET", first)).status == 404
    monkeypatch.setattr(module, "UNDER_WAY", 0)
    answer = await ordered(api)
    assert (answer.status, (await answer.json())["code"]) == (503, "changes-under-way")
