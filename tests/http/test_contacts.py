"""`/v1/contacts` over a double: pages, versions, many at once, and who may."""

import msgspec
import pytest

from engine.domain.contacts import GivenNumber
from engine.errors import DatabaseAway, InvalidRows, Refused, RowFault
from engine.http.contact_port import ContactSearch
from engine.http.routes import ROUTES
from engine.http.routes.contacts import BATCH
from engine.http.routing import Route
from engine.settings import HttpSettings
from tests.http.conftest import Api
from tests.http.test_problems import GOOD, ask, by_name

MINE = [route for route in ROUTES if route.tag == "contacts"]
ADA = GOOD["putContact"]


async def test_pages_follow_one_another_to_the_end(api: Api) -> None:
    first = await (await api.ask("GET", "/v1/contacts?limit=2")).json()
    assert ([one["id"] for one in first["items"]], first["next"]) == (["c-1", "c-2"], "c-2")
    last = await (await api.ask("GET", f"/v1/contacts?limit=2&cursor={first['next']}")).json()
    assert ([one["id"] for one in last["items"]], last["next"]) == (["c-3"], None)


@pytest.mark.parametrize("number", ["+33612345678", "%2B33612345678"])
async def test_found_by_number_and_by_what_others_know_it_by(api: Api, number: str) -> None:
    await api.ask("GET", f"/v1/contacts?number={number}&source=crm&external_id=7")
    wanted = ContactSearch(number="+33612345678", source="crm", external_id="7")
    assert api.contacts.asked == [("page", wanted, None, 100)]
    wrong = await api.ask("GET", "/v1/contacts?number=0612345678")
    assert (wrong.status, (await wrong.json())["code"]) == (422, "invalid-value")


async def test_one_is_read_changed_and_sent_back_by_its_version(api: Api) -> None:
    seen = await api.ask("GET", "/v1/contacts/c-2")
    assert seen.headers["ETag"] == '"2"'
    body = {**await seen.json(), "name": "Ada L.", "numbers": ADA["numbers"], "country": "FR"}
    kept = await api.ask("PUT", "/v1/contacts/c-2", json=body, headers={"If-Match": seen.headers["ETag"]})
    assert (kept.status, kept.headers["ETag"], (await kept.json())["name"]) == (200, '"3"', "Ada L.")
    _, name, given, base = api.contacts.asked[-1]
    assert (name, base, given.country) == ("c-2", 2, "FR")
    assert given.numbers == (GivenNumber(label="mobile", number="+33612345678"),)


async def test_removing_one(api: Api) -> None:
    assert (await api.ask("DELETE", "/v1/contacts/c-1", headers={"If-Match": '"1"'})).status == 204
    assert api.contacts.asked == [("remove", "c-1", 1)]
    assert (await api.ask("DELETE", "/v1/contacts/c-1")).status == 404
    assert (await api.ask("GET", "/v1/contacts/c-1")).status == 404


async def test_an_id_must_be_the_one_of_the_address(api: Api) -> None:
    problem = await (await api.ask("PUT", "/v1/contacts/c-1", json={**ADA, "id": "c-2"})).json()
    assert (problem["status"], problem["pointer"], api.contacts.asked) == (422, "/id", [])


@pytest.mark.parametrize("limits", [HttpSettings(port=0)])
async def test_as_many_as_a_batch_may_have_arrive_and_one_more_does_not(api: Api) -> None:
    rows = [{**ADA, "id": f"c-{n}", "attributes": {"note": "x" * 300}} for n in range(BATCH)]
    answer = await api.ask("POST", "/v1/contacts/bulk", json={"contacts": rows})
    assert (answer.status, (await answer.json())["created"]) == (200, BATCH)
    assert len(api.contacts.asked[0][1]) == BATCH
    for wrong in ([*rows, rows[0]], []):
        problem = await (await api.ask("POST", "/v1/contacts/bulk", json={"contacts": wrong})).json()
        assert (problem["code"], problem["pointer"]) == ("invalid-body", "/contacts")
    assert len(api.contacts.asked) == 1


async def test_each_row_that_is_wrong_is_told(api: Api) -> None:
    faults = [RowFault(f"/contacts/{n}/name", "too long") for n in range(150)]
    api.contacts.fail = lambda: InvalidRows(faults)
    answer = await api.ask("POST", "/v1/contacts/bulk", json=GOOD["upsertContacts"])
    problem = await answer.json()
    assert (answer.status, problem["code"], problem["pointer"]) == (422, "invalid-rows", "/contacts/0/name")
    assert problem["detail"].startswith("150 rows")
    assert problem["errors"][1] == {"pointer": "/contacts/1/name", "detail": "too long"}
    assert len(problem["errors"]) == 100


async def test_every_row_of_another_form_is_pointed_at(api: Api) -> None:
    body = {
        "contacts": [{"name": "A", "id": "a"}, {"name": "B", "id": "b", "numbers": [{"label": "fax", "number": "1"}]}]
    }
    problem = await (await api.ask("POST", "/v1/contacts/bulk", json=body)).json()
    assert (problem["code"], problem["pointer"]) == ("invalid-rows", "/contacts/1/numbers/0/label")
    body["contacts"] += [{"id": "c d", "name": "C"}, {"id": "d"}, {"id": "e", "name": "E", "nom": "E"}]
    problem = await (await api.ask("POST", "/v1/contacts/bulk", json=body)).json()
    places = [fault["pointer"] for fault in problem["errors"]]
    assert places == ["/contacts/1/numbers/0/label", "/contacts/2/id", "/contacts/3", "/contacts/4"]
    assert api.contacts.asked == []


@pytest.mark.parametrize("rule", ["contact-changed", "contact-exists"])
async def test_refusals_of_a_change(api: Api, rule: str) -> None:
    api.contacts.fail = lambda: Refused("no", rule=rule, status=409)
    problem = await (await api.ask("PUT", "/v1/contacts/c-1", json=ADA)).json()
    assert (problem["status"], problem["code"]) == (409, rule)


@pytest.mark.parametrize("route", MINE, ids=by_name)
async def test_an_agents_own_token_sees_no_contacts(api: Api, route: Route) -> None:
    answer = await ask(api, route, token="std_alice")
    assert (answer.status, (await answer.json())["code"], api.contacts.asked) == (403, "not-for-agents", [])


@pytest.mark.parametrize("route", MINE, ids=by_name)
def test_each_route_has_a_scope_of_its_kind(route: Route) -> None:
    assert route.scope == ("contacts:read" if route.method == "GET" else "contacts:write")


@pytest.mark.parametrize("route", [route for route in MINE if route.operation != "getContact"], ids=by_name)
async def test_without_postgresql(api: Api, route: Route) -> None:
    api.contacts.fail = lambda: DatabaseAway("away")
    answer = await ask(api, route)
    assert (answer.status, "Retry-After" in answer.headers) == (503, True)


def test_the_bodies_name_what_a_contact_has() -> None:
    schema = msgspec.json.schema(next(route.body for route in MINE if route.operation == "putContact"))
    named = set(schema["$defs"]["ContactBody"]["properties"])
    assert named == {"id", "name", "numbers", "source", "external_id", "attributes", "country"}
