"""The limits through the API."""

from tests.http.conftest import Api


async def test_where_they_stand(api: Api) -> None:
    answer = await api.ask("GET", "/v1/limits", token="std_admin")
    told = await answer.json()
    assert answer.status == 200
    assert [lock["limit"]["scope"] for lock in told["locked"]] == ["agent:alice"]
    assert told["items"][0]["level"] == "critical"


async def test_a_scope_is_rearmed_by_its_name(api: Api) -> None:
    for scope in ("agent:alice", "prefix:+44", "prefix:%2B44"):
        assert (await api.ask("POST", f"/v1/limits/{scope}/rearm", token="std_admin")).status == 200
    assert api.limits.rearmed == [("agent:alice", "ops"), ("prefix:+44", "ops"), ("prefix:+44", "ops")]


async def test_what_is_not_locked_is_not_rearmed(api: Api) -> None:
    answer = await api.ask("POST", "/v1/limits/agent:zoe/rearm", token="std_admin")
    assert (answer.status, (await answer.json())["code"]) == (404, "limit-not-locked")


async def test_nobody_but_an_administrator(api: Api) -> None:
    for method, path in (("GET", "/v1/limits"), ("POST", "/v1/limits/house/rearm")):
        assert (await api.ask(method, path)).status == 403
    assert api.limits.rearmed == []
