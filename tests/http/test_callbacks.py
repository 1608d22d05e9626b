"""Requests to be called back, through the API."""

import pytest

from tests.http.conftest import Api
from tests.http.fakes import CALLBACK


async def test_they_are_listed_and_one_is_done(api: Api) -> None:
    page = await (await api.ask("GET", "/v1/callbacks?queue=sales&status=waiting&after=3&limit=1")).json()
    assert (page["next"], [one["number"] for one in page["items"]]) == (7, ["+33612345678"])
    answer = await api.ask("PUT", f"/v1/callbacks/{CALLBACK.id}", json={"status": "done"})
    assert (answer.status, (await answer.json())["changed_by"]) == (200, "crm")
    assert api.callbacks.asked == [("sales", "waiting", 3, 1), (CALLBACK.id, "done", "crm")]


@pytest.mark.parametrize(
    ("path", "body", "refused"),
    [
        (CALLBACK.id, {"status": "forgotten"}, (422, "invalid-body")),
        (CALLBACK.id, {}, (422, "invalid-body")),
        ("019aa0c2-7b1c-5000-8000-00000000ffff", {"status": "done"}, (404, "unknown")),
        ("7", {"status": "done"}, (404, "unknown")),
    ],
)
async def test_what_is_refused(api: Api, path: str, body: dict[str, str], refused: tuple[int, str]) -> None:
    answer = await api.ask("PUT", f"/v1/callbacks/{path}", json=body)
    assert (answer.status, (await answer.json())["code"]) == refused
    assert api.callbacks.asked == []


@pytest.mark.parametrize("query", ["status=lost", "after=-1", "after=x", "limit=0", "limit=1001", "queue=A", "x=1"])
async def test_queries_that_mean_nothing(api: Api, query: str) -> None:
    assert (await api.ask("GET", f"/v1/callbacks?{query}")).status == 422


async def test_an_agents_own_token_does_not_see_them(api: Api) -> None:
    answer = await api.ask("GET", "/v1/callbacks", token="std_alice")
    assert (answer.status, (await answer.json())["code"]) == (403, "not-for-agents")
