"""`/v1/calls` over doubles."""

import pytest

from engine.domain.cdr import Disposition
from engine.errors import Refused
from tests.http.conftest import Api
from tests.http.fakes import BOBS, ENDED, LIVE

ORDER = {"agent": "alice", "to": "+33187654321", "variables": {"crm": 7}}
NOBODY = "019aa0c2-7b1c-7000-8000-00000000ffff"


async def test_a_call_is_accepted_and_says_where_to_look(api: Api) -> None:
    answer = await api.ask("POST", "/v1/calls", json=ORDER, headers={"Idempotency-Key": "order-7"})
    body = await answer.json()
    assert answer.status == 202
    assert answer.headers["Location"] == f"/v1/calls/{LIVE}" == body["links"]["self"]
    (order, actor, key), = api.calls.orders  # fmt: skip
    assert (order.agent, order.variables, actor.name, key) == ("alice", {"crm": 7}, "crm", "order-7")


@pytest.mark.parametrize("label", ["campaign", "contact"])
async def test_a_label_the_record_cannot_hold_is_refused_before_the_call(api: Api, label: str) -> None:
    answer = await api.ask("POST", "/v1/calls", json=ORDER | {label: "x" * 256})
    assert (answer.status, (await answer.json())["pointer"]) == (422, f"/{label}")
    assert api.calls.orders == []
    assert (await api.ask("POST", "/v1/calls", json=ORDER | {label: "é" * 255})).status == 202


async def test_live_calls_and_one_call(api: Api) -> None:
    items = (await (await api.ask("GET", "/v1/calls?live=true")).json())["items"]
    assert {one["id"] for one in items} == {LIVE, BOBS}
    one = await (await api.ask("GET", f"/v1/calls/{ENDED}")).json()
    assert (one["live"], one["requested_at"]) == (False, "2026-11-20T12:00:00Z")


async def test_ending_a_call(api: Api) -> None:
    assert (await api.ask("DELETE", f"/v1/calls/{LIVE}")).status == 204
    assert api.calls.finished == [LIVE]
    assert (await api.ask("DELETE", f"/v1/calls/{NOBODY}")).status == 404


async def test_ending_and_qualifying_is_one_order(api: Api) -> None:
    body = {"disposition": {"code": "sale", "note": "vendu \U0001f44d", "fields": {"amount": 12.5}}}
    assert (await api.ask("POST", f"/v1/calls/{LIVE}/finish", json=body)).status == 204
    assert api.calls.finished == [LIVE]
    assert api.calls.disposed == [(LIVE, Disposition(**body["disposition"]))]  # type: ignore[arg-type]


async def test_a_disposition_is_kept_as_given(api: Api) -> None:
    body = {"code": "sale", "note": None, "fields": {"amount": 12.5}}
    answer = await api.ask("PUT", f"/v1/calls/{ENDED}/disposition", json=body)
    assert (answer.status, await answer.json()) == (200, body)
    assert api.calls.disposed == [(ENDED, Disposition(code="sale", fields={"amount": 12.5}))]


async def test_the_journal_and_the_picture(api: Api) -> None:
    events = (await (await api.ask("GET", f"/v1/calls/{LIVE}/events")).json())["items"]
    assert (events[0]["event"]["type"], events[0]["at"]) == ("CallRequested", "2026-11-20T12:00:00Z")
    picture = await api.ask("GET", f"/v1/calls/{LIVE}/ladder.svg")
    assert picture.content_type == "image/svg+xml"
    assert "sandbox" in picture.headers["Content-Security-Policy"]


@pytest.mark.parametrize("call_id", ["7", "..", NOBODY[:-1], NOBODY + "0", "%00", "x" * 4000])
async def test_what_is_no_uuid_is_no_call(api: Api, call_id: str) -> None:
    answer = await api.ask("GET", f"/v1/calls/{call_id}")
    assert answer.status == 404
    assert answer.content_type == "application/problem+json"


async def test_a_refusal_of_the_service_names_its_rule_and_when_to_come_back(api: Api) -> None:
    api.calls.fail = lambda: Refused("All 30 channels are taken", rule="trunk-full", status=503, retry_after_s=7)
    answer = await api.ask("POST", "/v1/calls", json=ORDER)
    problem = await answer.json()
    assert (answer.status, answer.headers["Retry-After"]) == (503, "7")
    assert (problem["code"], problem["rule"], problem["detail"]) == (
        "trunk-full", "trunk-full", "All 30 channels are taken",
    )  # fmt: skip


async def test_an_error_of_ours_shows_an_incident_and_nothing_else(api: Api) -> None:
    api.calls.fail = lambda: RuntimeError("secret detail")
    answer = await api.ask("GET", f"/v1/calls/{LIVE}")
    text = await answer.text()
    assert answer.status == 500
    assert "secret" not in text
    assert "Traceback" not in text
    assert (await answer.json())["incident"] == answer.headers["X-Request-Id"]
