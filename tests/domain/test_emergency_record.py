"""The row of a call that the dialplan made by itself."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from engine.domain.directory import Agent, Directory
from engine.domain.emergency_record import EmergencyCall, record
from engine.domain.values import Extension, Slug

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CALL = EmergencyCall(
    channel="1795201746.5",
    endpoint="anne-1",
    number="112",
    trunk="paris-1",
    shown="+33140000001",
    began=NOON,
    ended=NOON + timedelta(seconds=60),
    cause=16,
    hung_up_by_caller=True,
)
ANNE = Agent(
    id=Slug("anne"), name="Anne", site=Slug("paris"), extension=Extension("2001"), secret="s", sip_user="anne-1"
)
HOUSE = Directory(revision=1, sites={}, trunks={}, agents={ANNE.id: ANNE})


def test_an_answered_call() -> None:
    row = record(CALL.answered_at(NOON + timedelta(seconds=5)), HOUSE, "node")
    assert (row.kind, row.handled_by, row.agent_id, row.site, row.trunk) == (
        *("emergency", "understudy", "anne", "paris", "paris-1"),
    )
    assert (row.outcome, row.hangup_by, row.wait_s, row.talk_s) == ("answered", "agent", 5.0, 55.0)
    assert (row.caller, row.callee, row.callee_dialled) == ("+33140000001", "112", "112")


@pytest.mark.parametrize(
    ("changes", "outcome", "hangup_by"),
    [
        ({"dialstatus": "CANCEL"}, "abandoned", "agent"),
        ({"dialstatus": "BUSY", "hung_up_by_caller": False}, "customer_busy", "network"),
        ({"dialstatus": "NOANSWER", "hung_up_by_caller": False}, "customer_no_answer", "network"),
        ({"dialstatus": "CHANUNAVAIL", "hung_up_by_caller": False}, "congestion", "network"),
        ({"answered": NOON, "hung_up_by_caller": False}, "answered", "customer"),
    ],
)
def test_each_end_has_its_outcome(changes: dict[str, Any], outcome: str, hangup_by: str) -> None:
    row = record(msgspec.structs.replace(CALL, **changes), HOUSE, "node")
    assert (row.outcome, row.hangup_by) == (outcome, hangup_by)


def test_a_call_from_a_browser_is_its_agents() -> None:
    house = msgspec.structs.replace(HOUSE, agents={ANNE.id: msgspec.structs.replace(ANNE, webrtc=True)})
    assert record(msgspec.structs.replace(CALL, endpoint="anne-1.web"), house, "node").agent_id == "anne"


def test_an_agent_who_left_is_not_named_and_the_id_stays_the_same() -> None:
    row = record(CALL, msgspec.structs.replace(HOUSE, agents={}), "node")
    assert (row.agent_id, row.agent_name, row.agent_number, row.site) == (None, None, None, None)
    assert row.call_id == record(CALL, HOUSE, "node").call_id
    assert row.call_id != record(msgspec.structs.replace(CALL, channel="1795201746.6"), HOUSE, "node").call_id


def test_an_answer_is_never_after_the_end() -> None:
    assert record(CALL.answered_at(NOON + timedelta(hours=1)), HOUSE, "node").talk_s == 0.0
