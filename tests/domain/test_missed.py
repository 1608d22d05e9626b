"""Customers who called a number of ours and were let in to nobody: what they are told, and their row."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from engine.domain.directory import (
    Agent,
    Application,
    Directory,
    Group,
    Number,
    Target,
    ToAgent,
    ToApplication,
    ToGroup,
)
from engine.domain.missed import CAUSES, MissedCall, record, told
from engine.domain.values import E164, ChannelId, Extension, Slug

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PARIS, LYON = Slug("paris"), Slug("lyon")
ANNE = Agent(id=Slug("anne"), name="Anne", site=LYON, extension=Extension("2001"), secret="s", sip_user="anne-1")
SALES = Group(id=Slug("sales"), name="Sales", site=PARIS, extension=Extension("2500"))
WELCOME = Application(id=Slug("welcome"), name="Welcome", site=PARIS, scenario=Slug("standard"))
HOUSE = Directory(
    revision=1,
    sites={},
    trunks={},
    agents={ANNE.id: ANNE},
    groups={SALES.id: SALES},
    applications={WELCOME.id: WELCOME},
)
OURS = Number(
    id=E164("+33140000020"), trunk=Slug("paris-1"), target=ToAgent(ANNE.id), campaign="spring", service="orders"
)
CALL = MissedCall(
    channel=ChannelId("1795201746.12"),
    at=NOON,
    number=OURS,
    caller="+33612345678",
    dialled="0140000020",
    redirected_from="",
    rule="agent-busy",
)


@pytest.mark.parametrize(
    ("rule", "outcome", "cause"),
    [
        ("agent-busy", "agent_busy", 17),
        ("agent-disabled", "agent_unreachable", 21),
        ("no-phone-registered", "agent_unreachable", 42),
        ("mobile-not-permitted", "agent_unreachable", 42),
        ("limit-reached", "congestion", 21),
        ("calls-per-minute", "congestion", 21),
        ("trunk-full", "congestion", 42),
        ("engine-full", "congestion", 42),
    ],
)
def test_the_row_says_what_the_network_was_told_and_by_which_rule(rule: str, outcome: str, cause: int) -> None:
    row = record(msgspec.structs.replace(CALL, rule=rule), HOUSE, "node")
    assert (row.outcome, row.cause, row.hangup_by, row.rule) == (outcome, cause, "engine", rule)
    assert row.cause == CAUSES[told(rule)]


@pytest.mark.parametrize(
    ("target", "agent", "group", "scenario", "site"),
    [
        (ToAgent(ANNE.id), "anne", None, None, "lyon"),
        (ToGroup(SALES.id), None, "sales", None, "paris"),
        (ToApplication(WELCOME.id), None, None, "standard", "paris"),
    ],
)
def test_whom_they_wanted(
    target: Target, agent: str | None, group: str | None, scenario: str | None, site: str
) -> None:
    row = record(msgspec.structs.replace(CALL, number=msgspec.structs.replace(OURS, target=target)), HOUSE, "node")
    assert (row.agent_id, row.group_id, row.scenario, row.site) == (agent, group, scenario, site)


def test_it_is_one_row_however_often_the_caller_is_refused() -> None:
    """An engine may die before the caller is sent on: the next one finds them at the door."""
    later = msgspec.structs.replace(CALL, at=NOON + timedelta(seconds=3))
    first, again = record(CALL, HOUSE, "node"), record(later, HOUSE, "node")
    assert first.call_id == again.call_id
    another = record(msgspec.structs.replace(CALL, channel=ChannelId("x")), HOUSE, "node")
    assert first.call_id not in {another.call_id, record(CALL, HOUSE, "other node").call_id}


def test_the_rest_is_the_numbers_and_the_callers() -> None:
    row = record(CALL, HOUSE, "node")
    assert (row.direction, row.kind, row.trunk, row.campaign_id, row.service) == (
        *("inbound", "inbound", "paris-1", "spring", "orders"),
    )
    assert (row.caller, row.callee, row.callee_dialled, row.did) == ("+33612345678", OURS.id, "0140000020", OURS.id)
    assert (row.requested_at, row.ended_at, row.talk_s, row.billable_s, row.legs) == (NOON, NOON, 0.0, 0.0, [])
    assert record(msgspec.structs.replace(CALL, caller=""), HOUSE, "node").caller is None
