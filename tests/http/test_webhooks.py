"""Webhooks through the API: the secret once, pages of the log, whose business it is."""

import pytest

from engine.webhooks.ports import Reply
from tests.http.conftest import Api

PLACES = ["/v1/webhooks", "/v1/webhooks/crm", "/v1/webhooks/crm/deliveries"]


async def test_the_secret_is_shown_once(api: Api) -> None:
    body = {"url": "https://shop.example/hook", "types": ["call.ended"]}
    first = await (await api.ask("PUT", "/v1/webhooks/shop", token="std_admin", json=body)).json()
    again = await (await api.ask("PUT", "/v1/webhooks/shop", token="std_admin", json=body)).json()
    assert first["secret"].startswith("whsec_")
    assert again["secret"] is None
    shown = await (await api.ask("GET", "/v1/webhooks/shop", token="std_admin")).json()
    assert "secret" not in shown
    assert shown["types"] == ["call.ended"]


async def test_one_that_is_not_there(api: Api) -> None:
    for method, place in (("GET", ""), ("DELETE", ""), ("POST", "/test"), ("GET", "/deliveries")):
        answer = await api.ask(method, f"/v1/webhooks/nobody{place}", token="std_admin")
        assert (answer.status, (await answer.json())["code"]) == (404, "unknown")


@pytest.mark.parametrize("name", ["CRM!", "%20", "x" * 41, "-", "my_crm", "%C3%A9"])
async def test_a_name_no_webhook_can_have(api: Api, name: str) -> None:
    body = {"url": "https://shop.example/hook"}
    answer = await api.ask("PUT", f"/v1/webhooks/{name}", token="std_admin", json=body)
    assert (answer.status, (await answer.json())["code"]) == (422, "invalid-value")
    assert list(api.webhooks.kept) == ["crm"]


@pytest.mark.parametrize("types", [["call.lost"], "call.ended", [7], ["call.ended"] * 51])
async def test_types_there_are_not(api: Api, types: object) -> None:
    body = {"url": "https://shop.example/hook", "types": types}
    answer = await api.ask("PUT", "/v1/webhooks/shop", token="std_admin", json=body)
    assert (answer.status, (await answer.json())["code"]) == (422, "invalid-body")


async def test_the_log_in_pages(api: Api) -> None:
    first = await (await api.ask("GET", "/v1/webhooks/crm/deliveries?limit=2", token="std_admin")).json()
    assert ([one["number"] for one in first["items"]], first["next"]) == ([3, 2], 2)
    second = await (await api.ask("GET", "/v1/webhooks/crm/deliveries?limit=2&before=2", token="std_admin")).json()
    assert ([one["number"] for one in second["items"]], second["next"]) == ([1], None)


async def test_a_try_says_what_came_of_it(api: Api) -> None:
    api.webhooks.reply = Reply(status=None, error="no answer within 10 s", took_s=10.0)
    answer = await api.ask("POST", "/v1/webhooks/crm/test", token="std_admin")
    assert await answer.json() == {"taken": False, "status": None, "error": "no answer within 10 s", "took_s": 10.0}


@pytest.mark.parametrize("path", PLACES)
async def test_no_business_of_who_is_not_admin(api: Api, path: str) -> None:
    answer = await api.ask("GET", path)
    assert (answer.status, (await answer.json())["code"]) == (403, "scope-missing")
    actor = api.tokens.actors["std_admin"]
    api.tokens.actors["std_own"] = type(actor)(token_id="t9", name="own", scopes=actor.scopes, agent="alice")
    answer = await api.ask("GET", path, token="std_own")
    assert (answer.status, (await answer.json())["code"]) == (403, "not-for-agents")
