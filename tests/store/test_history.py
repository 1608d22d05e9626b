"""`call_history`: what is written is what is read, once, whatever the order of arrival."""

from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.domain.cdr import Disposition
from engine.errors import InvalidValue
from engine.store.history import (
    CdrCursor,
    CdrFilter,
    apply_disposition,
    get_record,
    query_cdrs,
    upsert_records,
)
from engine.store.pool import Connection, Database
from tests.store.records import NOON, SECOND, call_id, record

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    # jsonb writes numbers out: 1e20 comes back as 100000000000000000000, the same number and not the same float.
    | st.floats(-1e15, 1e15)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé 'ß", max_size=5), inner, max_size=4),
    max_leaves=12,
)


async def test_a_record_comes_back_as_it_was_written(connection: Connection) -> None:
    written = record()
    await upsert_records(connection, [written])
    assert await get_record(connection, call_id()) == written
    assert await get_record(connection, call_id(2)) is None
    assert await get_record(connection, "'; --") is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    variables=st.dictionaries(st.text("abc-_é", min_size=1, max_size=9), JSON, max_size=5),
    talk_ms=st.integers(0, 10**8),
)
async def test_business_variables_come_back_unchanged(db: Database, variables: dict[str, Any], talk_ms: int) -> None:
    written = record(variables=variables, talk_s=talk_ms / 1000)
    async with db.connection() as connection:
        await connection.execute("DELETE FROM call_history")
        await upsert_records(connection, [written])
        assert await get_record(connection, call_id()) == written


async def test_writing_twice_is_writing_once_and_an_older_revision_never_wins(connection: Connection) -> None:
    newer, older = record(revision=3, outcome="answered", talk_s=1.0), record(revision=2)
    await upsert_records(connection, [record(), newer, older, newer])
    await upsert_records(connection, [older])
    assert await get_record(connection, call_id()) == newer
    assert await connection.fetchval("SELECT count(*) FROM call_history") == 1


async def test_a_disposition_before_its_call_waits_for_the_row(connection: Connection) -> None:
    await apply_disposition(connection, call_id(), Disposition(code="sold", fields={"n": 1}), NOON)
    assert await get_record(connection, call_id()) is None
    await upsert_records(connection, [record()])
    stored = await get_record(connection, call_id())
    assert stored is not None
    assert (stored.disposition, stored.disposition_fields) == ("sold", {"n": 1})


async def test_the_newest_disposition_counts_and_is_not_blanked(connection: Connection) -> None:
    await upsert_records(connection, [record()])
    await apply_disposition(connection, call_id(), Disposition(code="later", note="n"), NOON + 2 * SECOND)
    await apply_disposition(connection, call_id(), Disposition(code="earlier"), NOON + SECOND)
    await upsert_records(connection, [record(revision=2)])
    stored = await get_record(connection, call_id())
    assert stored is not None
    assert (stored.disposition, stored.disposition_note) == ("later", "n")


async def test_a_record_with_a_disposition_knows_of_those_before_it(connection: Connection) -> None:
    await upsert_records(connection, [record()])
    await apply_disposition(connection, call_id(), Disposition(code="first"), NOON)
    corrected = record(revision=2, disposition="second")
    await upsert_records(connection, [corrected])
    await apply_disposition(connection, call_id(), Disposition(code="first"), NOON)  # delivered again
    assert await get_record(connection, call_id()) == corrected
    await apply_disposition(connection, call_id(), Disposition(code="third"), NOON + SECOND)
    stored = await get_record(connection, call_id())
    assert stored is not None
    assert stored.disposition == "third"


@pytest.mark.parametrize(
    "changes",
    [
        {"talk_s": -0.001},
        {"cause": 128},
        {"sip_code": 99},
        {"outcome": "fine"},
        {"direction": "up"},
        {"hangup_by": "x"},
    ],
)
async def test_postgresql_refuses_what_cannot_be(connection: Connection, changes: dict[str, Any]) -> None:
    with pytest.raises(asyncpg.exceptions.CheckViolationError):
        await upsert_records(connection, [record(**changes)])


async def test_pages_cover_everything_once_while_calls_are_added(connection: Connection) -> None:
    same_moment = [record(n, requested_at=NOON) for n in range(1, 8)]
    others = [record(n, requested_at=NOON + n * SECOND) for n in range(8, 12)]
    await upsert_records(connection, [*same_moment, *others])
    seen, cursor = [], None
    while True:
        page = await query_cdrs(connection, CdrFilter(), cursor=cursor, limit=3)
        seen += [found.call_id for found in page.items]
        await upsert_records(connection, [record(99, requested_at=NOON + 99 * SECOND)])
        if (cursor := page.following) is None:
            break
    assert seen == [call_id(n) for n in range(11, 0, -1)]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (CdrFilter(), [3, 2, 1]),
        (CdrFilter(after=NOON + 2 * SECOND), [3, 2]),
        (CdrFilter(before=NOON + 2 * SECOND), [1]),
        (CdrFilter(agent="bob"), [2]),
        (CdrFilter(campaign="spring"), [3, 1]),
        (CdrFilter(direction="inbound"), [3]),
        (CdrFilter(outcome="answered"), [2]),
        (CdrFilter(number="+33987654321"), [3, 1]),
        (CdrFilter(number="+33155"), [3]),
        (CdrFilter(agent="' OR true --"), []),
        (CdrFilter(agent="claire", direction="outbound", outcome="agent_no_answer", number="+33140000000"), [1]),
    ],
)
async def test_each_filter(connection: Connection, wanted: CdrFilter, numbers: list[int]) -> None:
    await upsert_records(
        connection,
        [
            record(1, requested_at=NOON + SECOND),
            record(
                2, requested_at=NOON + 2 * SECOND, agent_id="bob", campaign_id=None, outcome="answered", callee="+1"
            ),
            record(3, requested_at=NOON + 3 * SECOND, direction="inbound", did="+33155", caller="+2"),
        ],
    )
    page = await query_cdrs(connection, wanted)
    assert [found.call_id for found in page.items] == [call_id(n) for n in numbers]
    assert page.following is None


async def test_a_made_up_cursor_is_refused(connection: Connection) -> None:
    with pytest.raises(InvalidValue, match="call id"):
        await query_cdrs(connection, CdrFilter(), cursor=CdrCursor(NOON, "x"))


@pytest.mark.parametrize("limit", [0, -1, 1001])
async def test_a_page_has_a_bound(connection: Connection, limit: int) -> None:
    with pytest.raises(InvalidValue, match="limit"):
        await query_cdrs(connection, CdrFilter(), limit=limit)


def test_a_filter_with_a_nul_is_refused() -> None:
    with pytest.raises(InvalidValue, match="agent"):
        CdrFilter(agent="a\x00")
