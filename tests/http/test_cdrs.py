"""`/v1/cdrs`: pages, filters and CSV."""

import csv
import io

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DatabaseAway
from engine.http import csv_text
from tests.http.conftest import Api
from tests.http.fakes import call_record

CSV = {"Accept": "text/csv"}


async def test_pages_follow_each_other_until_the_last(api: Api) -> None:
    seen: list[str] = []
    path = "/v1/cdrs?limit=2"
    for _ in range(3):
        page = await (await api.ask("GET", path)).json()
        seen += [row["call_id"] for row in page["items"]]
        path = f"/v1/cdrs?limit=2&cursor={page['next']}"
    assert page["next"] is None
    assert seen == sorted((one.call_id for one in api.cdrs.records), reverse=True)


async def test_filters_reach_the_store_typed(api: Api) -> None:
    query = "from=2026-11-20T00:00:00+01:00&to=2026-11-21T00:00:00Z&agent=alice&outcome=answered&number=+33187654321"
    assert (await api.ask("GET", f"/v1/cdrs?{query}&direction=outbound&campaign=spring")).status == 200
    wanted, cursor, limit = api.cdrs.asked[0]
    assert wanted.start is not None
    assert wanted.start.isoformat() == "2026-11-19T23:00:00+00:00"
    assert (wanted.agent, wanted.outcome, wanted.number) == ("alice", "answered", "+33187654321")
    assert (cursor, limit) == (None, 100)


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday", "from=2026-11-20T00:00:00", "limit=0", "limit=1001", "limit=x", "outcome=happy", "colour=red",
        "agent=a&agent=b", "cursor=%00", "number=abc", "number=%2B", "agent=%00",
        "direction=", "exact=maybe", "to=99999999999999999999", "from=0.5", "from=0001-01-01T00:00:00%2B10:00",
    ],
)  # fmt: skip
async def test_a_wrong_query_is_refused(api: Api, query: str) -> None:
    answer = await api.ask("GET", f"/v1/cdrs?{query}")
    assert answer.status == 422
    assert (await answer.json())["code"] in {"invalid-query", "invalid-value", "invalid-text"}
    assert api.cdrs.asked == []


async def test_a_cursor_the_store_never_gave_is_refused(api: Api) -> None:
    answer = await api.ask("GET", "/v1/cdrs?cursor=zzz")
    assert (answer.status, (await answer.json())["code"]) == (422, "invalid-value")


async def test_an_agents_own_token_sees_that_agents_records_only(api: Api) -> None:
    await api.ask("GET", "/v1/cdrs", token="std_alice")
    assert api.cdrs.asked[0][0].agent == "alice"
    answer = await api.ask("GET", "/v1/cdrs?agent=bob", token="std_alice")
    assert (answer.status, (await answer.json())["rule"]) == (403, "own-calls-only")


async def test_csv_is_one_stream_of_every_row(api: Api) -> None:
    api.cdrs.records = [call_record(number, disposition_note='said "no",\nlater') for number in range(450)]
    answer = await api.ask("GET", "/v1/cdrs", headers=CSV)
    text = await answer.text()
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert len(lines) == len({line["call_id"] for line in lines}) == 450
    assert lines[0]["disposition_note"] == 'said "no",\nlater'
    assert (lines[0]["caller"], lines[0]["variables"], lines[0]["talk_s"]) == ("+33612345678", '{"crm":7}', "61.125")
    assert text.count("\r\n") == 451


async def test_csv_respects_a_limit(api: Api) -> None:
    text = await (await api.ask("GET", "/v1/cdrs?limit=3", headers=CSV)).text()
    assert text.count("\r\n") == 4


async def test_formulas_are_made_harmless_unless_the_asker_wants_them_exact(api: Api) -> None:
    api.cdrs.records = [call_record(1, disposition_note="=HYPERLINK(1)")]
    harmless = await (await api.ask("GET", "/v1/cdrs", headers=CSV)).text()
    exact = await (await api.ask("GET", "/v1/cdrs?exact=true", headers=CSV)).text()
    assert "'=HYPERLINK(1)" in harmless
    assert "'=HYPERLINK(1)" not in exact


@given(st.text())
def test_no_cell_begins_a_formula_and_no_text_is_lost(text: str) -> None:
    harmless = csv_text.harmless(text)
    assert harmless in (text, f"'{text}")
    if harmless[:1] in {"=", "@", "\t", "\r"}:
        pytest.fail(harmless)
    if harmless[:1] in {"+", "-"}:
        float(harmless)


async def test_a_database_that_is_away_before_the_first_row_is_a_problem(api: Api) -> None:
    api.cdrs.fail_after, api.cdrs.error = 0, lambda: DatabaseAway("PostgreSQL does not answer")
    for headers in ({}, CSV):
        answer = await api.ask("GET", "/v1/cdrs", headers=headers)
        assert (answer.status, (await answer.json())["code"]) == (503, "database-away")
        assert answer.headers["Retry-After"] == "2"


async def test_a_database_that_dies_half_way_never_leaves_half_a_file_for_the_whole(api: Api) -> None:
    api.cdrs.records = [call_record(number) for number in range(450)]
    api.cdrs.fail_after, api.cdrs.error = 1, lambda: DatabaseAway("PostgreSQL does not answer")
    with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
        await api.ask("GET", "/v1/cdrs", headers=CSV)


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("*/*", "application/json"), ("text/csv, application/json;q=0.5", "text/csv"), ("text/*", "text/csv"),
        ("application/json, text/csv;q=0", "application/json"), ("text/csv;q=x, */*;q=0.1", "application/json"),
        ("text/csv;q=0.9, */*", "application/json"), ("image/png", "application/problem+json"),
    ],
)  # fmt: skip
async def test_the_accept_header_chooses(api: Api, accept: str, media: str) -> None:
    answer = await api.ask("GET", "/v1/cdrs", headers={"Accept": accept})
    assert answer.content_type == media


async def test_head_answers_without_a_body(api: Api) -> None:
    for headers in ({}, CSV):
        answer = await api.ask("HEAD", "/v1/cdrs", headers=headers)
        assert (answer.status, await answer.read()) == (200, b"")
