"""One call from the order to its record, as an application sees it: every view, every order, on a real engine."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from engine.sandbox.behaviours import mobile
from engine.sandbox.running import Answer
from tests.live.company import Member
from tests.live.house import House

pytestmark = [pytest.mark.live]

ANNE = Member("anne", "paris", mobile("26", ring_s=0.5, tone_hz=600, serial=1))
BRUNO = Member("bruno", "paris", mobile("26", ring_s=0.3, tone_hz=640, serial=2), notice="tone")
CLAIRE = Member("claire", "paris", mobile("81", tone_hz=680, serial=3))
RINGS = mobile("10", ring_s=2.0, tone_hz=1000, serial=4)
TALKS = mobile("10", ring_s=0.3, tone_hz=1040, serial=5)
BUSY = mobile("50", ring_s=0.2, tone_hz=1080, serial=6)
VARIABLES = {"order": 4711, "name": "Zoé ☎", "nested": {"list": [1, 2.5, None, True]}, "quote": "'; DROP TABLE x; --"}
STAGES = ["reaching-agent", "confirming", "informing", "reaching-customer", "talking", "finishing", "ended"]
SOON_S = 20.0  # on a machine that others use too


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house() -> AsyncIterator[House]:
    async with House((ANNE, BRUNO, CLAIRE)) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def life(house: House) -> dict[str, Any]:
    """A whole call, looked at in each of its stages; the views by stage, and the id."""
    call_id = await house.place(ANNE.id, RINGS, variables=VARIABLES, campaign="autumn", contact="c-17")
    views = {stage: await house.reached(call_id, stage) for stage in STAGES[:5]}
    given = {"code": "promise", "note": "rappeler jeudi", "fields": {"day": 4}}
    during = await house.engine.put(f"/v1/calls/{call_id}/disposition", given)
    views["disposed"] = await _until_disposed(house, call_id, "promise")
    deleted = await house.engine.delete(f"/v1/calls/{call_id}")
    record = (await house.written(call_id)).row
    views["ended"] = await house.view(call_id)
    return {"id": call_id, "views": views, "during": during, "deleted": deleted, "record": record}


async def _until_disposed(house: House, call_id: str, code: str) -> dict[str, Any]:
    async with asyncio.timeout(SOON_S):
        while ((view := await house.view(call_id))["disposition"] or {}).get("code") != code:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.02)
    return view


async def _row(house: House, call_id: str, **wanted: object) -> dict[str, Any]:
    """The row as it is now, once these columns are so."""
    connection = await asyncpg.connect(house.box.postgres.dsn)
    try:
        async with asyncio.timeout(SOON_S):
            while True:
                row = dict(await connection.fetchrow("SELECT * FROM call_history WHERE call_id = $1", call_id) or {})
                if all(row[name] == value for name, value in wanted.items()):
                    return row
                await asyncio.sleep(0.02)
    finally:
        await connection.close()


# -- the life of a call ------------------------------------------------------------------------------------------------


async def test_the_view_follows_the_call(life: dict[str, Any]) -> None:
    views = life["views"]
    for stage in STAGES[:5]:
        view = views[stage]
        assert (stage, True, None, None) == (view["stage"], view["live"], view["outcome"], view["ended_at"])
        assert (["agent", "customer"] if stage == "talking" else []) == view["talking"]
        assert view["variables"] == VARIABLES
    assert [leg["role"] for leg in views["confirming"]["legs"]] == ["agent"]
    agent, customer = views["talking"]["legs"]
    assert (agent["state"], customer["state"]) == ("up", "up")
    assert (ANNE.number, RINGS) == (agent["number"], customer["number"])
    assert (agent["trunk"], customer["trunk"]) == ("paris-1", "paris-1")


async def test_the_view_stays_after_the_end(life: dict[str, Any]) -> None:
    view = life["views"]["ended"]
    assert (view["stage"], view["live"], view["outcome"], view["hangup_by"]) == ("ended", False, "answered", "api")
    assert view["ended_at"] is not None
    assert [leg["state"] for leg in view["legs"]] == ["answered", "answered"]
    assert {"autumn", "c-17"} == {view["campaign"], view["contact"]}


async def test_the_record_has_what_was_given(life: dict[str, Any]) -> None:
    record = life["record"]
    assert record["variables"] == VARIABLES
    assert (record["campaign_id"], record["contact_id"], record["agent_id"]) == ("autumn", "c-17", "anne")
    assert life["during"].status == 200
    assert (record["disposition"], record["disposition_note"]) == ("promise", "rappeler jeudi")
    assert record["disposition_fields"] == {"day": 4}
    assert life["deleted"].status == 204


async def test_the_events_tell_the_whole_story(house: House, life: dict[str, Any]) -> None:
    items = (await house.engine.get(f"/v1/calls/{life['id']}/events")).body["items"]
    assert sorted(items, key=lambda item: item["seq"]) == items
    stages = list(dict.fromkeys(item["stage"] for item in items))
    assert stages == STAGES
    kinds = [item["event"]["type"] for item in items]
    assert (kinds[0], kinds[-1]) == ("CallRequested", "ChannelEnded")
    assert {"DigitPressed", "ChannelAnswered", "Disposed", "FinishOrdered"} <= set(kinds)
    ordered = [effect["type"] for item in items for effect in item["effects"]]
    assert 2 == ordered.count("DialChannel") == ordered.count("CreateChannel")


async def test_the_picture_is_well_formed(house: House, life: dict[str, Any]) -> None:
    answer = await house.engine.get(f"/v1/calls/{life['id']}/ladder.svg")
    assert answer.headers["Content-Type"].startswith("image/svg+xml")
    root = ElementTree.fromstring(answer.body)  # noqa: S314 - our own engine drew it
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert RINGS in "".join(root.itertext())


async def test_a_living_call_has_a_picture_too(house: House) -> None:
    call_id = await house.place(CLAIRE.id, TALKS)
    await house.farend.invited(str(CLAIRE.number))
    answer = await house.engine.get(f"/v1/calls/{call_id}/ladder.svg")
    assert ElementTree.fromstring(answer.body).tag.endswith("svg")  # noqa: S314 - our own engine drew it
    assert (await house.engine.delete(f"/v1/calls/{call_id}")).status == 204
    await house.written(call_id)


# -- finished and qualified --------------------------------------------------------------------------------------------


async def test_a_disposition_after_the_end_updates_the_one_row(house: House, life: dict[str, Any]) -> None:
    before = await _row(house, life["id"])
    given = {"code": "sold", "note": "deux cartons"}
    assert (await house.engine.put(f"/v1/calls/{life['id']}/disposition", given)).status == 200
    after = await _row(house, life["id"], disposition="sold")
    assert after["disposition_note"] == "deux cartons"
    changed = {name for name in before if before[name] != after[name]}
    assert {"disposition", "disposition_note", "disposition_fields", "disposition_at"} == changed
    assert await house.row_count(life["id"]) == 1


async def test_finish_ends_and_qualifies_in_one_order(house: House) -> None:
    call_id = await house.place(BRUNO.id, TALKS)
    await house.reached(call_id, "talking")
    answer = await house.engine.post(
        f"/v1/calls/{call_id}/finish", {"disposition": {"code": "callback", "note": "17 h"}}
    )
    assert answer.status == 204
    record = (await house.written(call_id)).row
    assert (record["outcome"], record["hangup_by"]) == ("answered", "api")
    assert (record["disposition"], record["disposition_note"]) == ("callback", "17 h")
    finishes = [
        e["event"] for e in await _events(house, call_id) if e["event"]["type"] in ("FinishOrdered", "Disposed")
    ]
    assert [event["type"] for event in finishes] == ["FinishOrdered"]


async def test_finish_again_only_qualifies(house: House) -> None:
    call_id = await house.place(BRUNO.id, BUSY)
    record = (await house.written(call_id)).row
    assert record["outcome"] == "customer_busy"
    body = {"disposition": {"code": "later"}}
    for _ in range(2):
        assert (await house.engine.post(f"/v1/calls/{call_id}/finish", body)).status == 204
    row = await _row(house, call_id, disposition="later")
    assert ("customer_busy", record["ended_at"]) == (row["outcome"], row["ended_at"])


async def test_deleting_a_finished_call_is_no_error(house: House, life: dict[str, Any]) -> None:
    assert (await house.engine.delete(f"/v1/calls/{life['id']}")).status == 204


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_a_call_that_never_was(house: House, method: str) -> None:
    answer = await house.engine.ask(method, "/v1/calls/0190a5d4-0000-7000-8000-000000000000")
    assert (answer.status, answer.body["code"]) == (404, "unknown-call")


# -- orders repeated ---------------------------------------------------------------------------------------------------


async def test_one_key_makes_one_call(house: House) -> None:
    body = {"agent": BRUNO.id, "to": TALKS, "variables": {"n": 1}}
    answers = await asyncio.gather(*(house.engine.post("/v1/calls", body, key="once") for _ in range(8)))
    assert {202} == {answer.status for answer in answers}
    (call_id,) = {answer.body["id"] for answer in answers}
    assert sum(answer.headers.get("Idempotent-Replayed") == "true" for answer in answers) == 7
    other = await house.engine.post("/v1/calls", {**body, "to": BUSY}, key="once")
    assert (other.status, other.body["code"]) == (422, "idempotency-key-reused")
    assert (await house.engine.delete(f"/v1/calls/{call_id}")).status == 204
    await house.written(call_id)


# -- the records, the figures ------------------------------------------------------------------------------------------


async def test_records_are_found_by_what_they_are_about(house: House, life: dict[str, Any]) -> None:
    requested = life["record"]["requested_at"]
    for query, found in (
        ("agent=anne", True),
        ("agent=bruno", False),
        ("campaign=autumn", True),
        ("campaign=winter", False),
        ("outcome=answered&agent=anne", True),
        ("outcome=customer_busy&agent=anne", False),
        (f"number={quote(RINGS)}", True),
        (f"number={quote(BUSY)}", False),
        ("direction=inbound", False),
        (f"from={_rfc3339(requested)}", True),
        (f"to={_rfc3339(requested)}", False),
    ):
        answer = await house.engine.get(f"/v1/cdrs?{query}")
        assert answer.status == 200, (query, answer.body)
        assert found == (life["id"] in {item["call_id"] for item in answer.body["items"]}), query


async def test_records_come_in_pages(house: House, life: dict[str, Any]) -> None:
    del life  # has made one
    seen: list[str] = []
    path = "/v1/cdrs?limit=1"
    while True:
        page = (await house.engine.get(path)).body
        seen += [item["call_id"] for item in page["items"]]
        if page["next"] is None:
            break
        path = f"/v1/cdrs?limit=1&cursor={quote(page['next'])}"
    everything = (await house.engine.get("/v1/cdrs?limit=1000")).body["items"]
    assert [item["call_id"] for item in everything] == seen
    assert len(set(seen)) == len(seen)


async def test_records_as_csv(house: House, life: dict[str, Any]) -> None:
    answer = await house.engine.ask("GET", "/v1/cdrs?agent=anne", headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"].startswith("text/csv")
    header, *lines = answer.body.splitlines()
    assert {"call_id", "outcome", "talk_s", "variables"} <= set(header.split(","))
    assert any(life["id"] in line for line in lines)


async def test_the_figures_count_the_calls(house: House, life: dict[str, Any]) -> None:
    del life  # has made one that was answered
    before = await _figures(house)
    call_id = await house.place(BRUNO.id, BUSY)
    await house.written(call_id)
    refused = await house.engine.post("/v1/calls", {"agent": BRUNO.id, "to": "112"})
    assert refused.status == 403
    after = await _figures(house)
    for name in (
        "standardiste_calls_requested_total",
        'standardiste_calls_ended_total{outcome="customer_busy"}',
        'standardiste_calls_refused_total{rule="destination-emergency"}',
    ):
        assert after.get(name, 0.0) - before.get(name, 0.0) == 1, name
    async with asyncio.timeout(SOON_S):  # looked at every other second
        while (await _figures(house))["standardiste_calls_live"] > 0:  # noqa: ASYNC110 - over HTTP
            await asyncio.sleep(0.1)
    assert 1 == after["standardiste_ari_connected"] == after["standardiste_postgres_up"]


async def test_ready_and_healthy(house: House) -> None:
    assert (await house.engine.get("/healthz")).status == 200
    ready: Answer = await house.engine.get("/readyz")
    assert ready.status == 200


async def test_nothing_without_a_token(house: House) -> None:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SOON_S)) as session,
        session.get(house.engine.url + "/v1/calls") as answer,
    ):
        assert answer.status == 401


async def _events(house: House, call_id: str) -> list[dict[str, Any]]:
    return list((await house.engine.get(f"/v1/calls/{call_id}/events")).body["items"])


async def _figures(house: House) -> dict[str, float]:
    text = str((await house.engine.get("/metrics")).body)
    lines = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in lines}


def _rfc3339(moment: datetime) -> str:
    return quote(moment.astimezone(UTC).isoformat())
