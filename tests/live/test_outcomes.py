"""Every outcome of a connect call, live: what the parties do -> what the agent hears, the record, the times.

The whole table is played at once; each row is then a test of its own.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime

import pytest
import pytest_asyncio

from engine.calls.replay import replay
from engine.sandbox import audio
from engine.sandbox.parties import FarCall
from tests.crowd import Manner
from tests.live import hearing
from tests.live.house import House
from tests.live.playing import (
    AGENT_RANG,
    AGENT_UP,
    DIALLED,
    LEAVES,
    MILESTONES,
    NOTHING,
    RANG,
    RINGS,
    SILENT,
    TALKED,
    Act,
    Played,
    Row,
    Table,
)

pytestmark = [pytest.mark.live]

# All these bounds are for a machine of one's own; they grow with how many others want its cores (house.crowding).
NEAR_S = 1.0  # how far our time of an event may be from the far end's (typically 20 ms)
WRITTEN_WITHIN_S = 1.0
SILENCE_S = 2.0  # nobody is left in silence longer
SILENCE_CROWDED_S = 0.2  # of these, for each other task that wants a core

SHORT = {"ring_agent_s": 5, "ring_customer_s": 5}
NOT_ASKED = {"confirm": False}

# fmt: off
ROWS = (
    # -- the agent cannot be had
    Row(name="agent no answer", agent=RINGS, order=SHORT, takes_s=(5, 7),
        ends=("agent_no_answer", "engine", 19, None), times=AGENT_RANG, hears="", invites=(1, 0)),
    Row(name="agent busy", agent=Manner("50", 0.2), takes_s=(0.2, 2),
        ends=("agent_busy", "agent", 17, 486), times=NOTHING, hears="", invites=(1, 0)),
    Row(name="agent busy after ringing", agent=Manner("70", 1.0), takes_s=(1, 3),
        ends=("agent_busy", "agent", 17, 486), times=AGENT_RANG, hears="", invites=(1, 0)),
    Row(name="agent declines", agent=Manner("71", 1.0), takes_s=(1, 3),
        ends=("agent_declined", "agent", 21, 603), times=AGENT_RANG, hears="", invites=(1, 0)),
    Row(name="agent unreachable", agent=Manner("52", 0.2), takes_s=(0.2, 2),
        ends=("agent_unreachable", "network", 19, 480), times=NOTHING, hears="", invites=(1, 0)),
    Row(name="agent's number does not exist", agent=Manner("53", 0.2), takes_s=(0.2, 2),
        ends=("agent_unreachable", "network", 1, 404), times=NOTHING, hears="", invites=(1, 0)),
    Row(name="agent: the network gives up", agent=Manner("72", 1.0), takes_s=(1, 3),
        ends=("agent_no_answer", "network", 19, 480), times=AGENT_RANG, hears="", invites=(1, 0)),
    Row(name="agent: the network says nothing", agent=Manner("80"), order=SHORT, takes_s=(5, 7),
        ends=("agent_no_answer", "engine", 19, None), times=NOTHING, hears="", invites=(1, 0)),
    Row(name="agent: every trunk refuses", site="alone",
        ends=("congestion", "network", 34, 503), times=NOTHING, hears="", invites=(1, 0), takes_s=(0, 2)),
    # -- nobody is there
    Row(name="agent's voicemail answers", agent=Manner("40", 0.3), takes_s=(16, 21), invites=(1, 0),
        ends=("agent_voicemail", "engine", 16, None), times=AGENT_UP, hears="press-one press-one press-one"),
    Row(name="nobody presses 1", agent=SILENT, takes_s=(16, 21), invites=(1, 0),
        ends=("agent_voicemail", "engine", 16, None), times=AGENT_UP, hears="press-one press-one press-one"),
    Row(name="the wrong key", agent=Manner("23", 0.3), takes_s=(16, 21), invites=(1, 0),
        ends=("agent_voicemail", "engine", 16, None), times=AGENT_UP, hears="press-one press-one press-one"),
    Row(name="1 at the second prompt", agent=Manner("21", 0.3), customer=LEAVES,
        ends=("answered", "customer", 16, None), times=TALKED, hears="press-one connecting ringing customer"),
    Row(name="1 at the third prompt", agent=Manner("22", 0.3), customer=LEAVES,
        ends=("answered", "customer", 16, None), times=TALKED, hears="press-one press-one connecting ringing customer"),
    Row(name="the wrong key, then 1", agent=Manner("24", 0.3), customer=LEAVES,
        ends=("answered", "customer", 16, None), times=TALKED, hears="press-one connecting ringing customer"),
    Row(name="agent hangs up instead of pressing 1", agent=Manner("31", 1.5), invites=(1, 0),
        ends=("agent_declined", "agent", 16, None), times=AGENT_UP, hears=""),
    # -- a trunk that answers before the mobile does: asked again and again until the ring limit
    Row(name="gsm: 1 after a while", site="gsm", agent=Manner("15", 6.0), customer=LEAVES, order=NOT_ASKED,
        ends=("answered", "customer", 16, None), times=TALKED - AGENT_RANG,
        hears="press-one connecting ringing customer"),
    Row(name="gsm: never 1", site="gsm", agent=Manner("14", 9.8), order={"ring_agent_s": 25}, takes_s=(25, 27),
        ends=("agent_no_answer", "engine", 19, None), times=NOTHING, invites=(1, 0),
        hears="press-one press-one press-one press-one"),
    Row(name="gsm: hung up", site="gsm", agent=Manner("14", 9.8), act=Act("agent", "confirming"), invites=(1, 0),
        ends=("agent_no_answer", "network", 16, None), times=NOTHING, hears=""),
    # -- not asked for a key
    Row(name="not asked, says the request", agent=Manner("10", 0.3), customer=LEAVES, order=NOT_ASKED,
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting ringing customer"),
    Row(name="not asked, says the agent's profile", agent=Manner("10", 0.3), customer=LEAVES, member=NOT_ASKED,
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting ringing customer"),
    Row(name="not asked, says the site", site="open", agent=Manner("10", 0.3), customer=LEAVES,
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting ringing customer"),
    Row(name="asked, says the request, not the profile", agent=SILENT, member=NOT_ASKED, order={"confirm": True},
        ends=("agent_voicemail", "engine", 16, None), times=AGENT_UP, hears="press-one press-one press-one",
        invites=(1, 0)),
    Row(name="asked, says the profile, not the site", site="open", agent=SILENT, member={"confirm": True},
        ends=("agent_voicemail", "engine", 16, None), times=AGENT_UP, hears="press-one press-one press-one",
        invites=(1, 0)),
    # -- in their language, with what they want to hear
    Row(name="an agent of Lyon is spoken to in English", site="lyon", customer=Manner("70", 1.5), language="en",
        ends=("customer_busy", "customer", 17, 486), times=RANG, hears="connecting ringing customer-busy"),
    Row(name="a French agent of Lyon in French", site="lyon", customer=Manner("70", 1.5), member={"language": "fr"},
        ends=("customer_busy", "customer", 17, 486), times=RANG, hears="connecting ringing customer-busy"),
    Row(name="an English agent of Paris in English", agent=SILENT, member={"language": "en"}, language="en",
        ends=("agent_voicemail", "engine", 16, None), times=AGENT_UP, hears="press-one press-one press-one",
        invites=(1, 0)),
    Row(name="a tone instead of words", customer=Manner("11", 3.0), member={"notice": "tone"},
        act=Act("customer", "talking"),
        ends=("answered", "customer", 16, None), times=TALKED - {"customer_ringing_at"}, hears="comfort customer"),
    Row(name="music instead of words", customer=Manner("10", 1.0), member={"notice": "music"},
        act=Act("customer", "talking"),
        ends=("answered", "customer", 16, None), times=TALKED, hears="ringing customer"),
    # -- the customer is had
    Row(name="they talk, the customer hangs up", customer=LEAVES, via=("paris-1", "paris-1"),
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting ringing customer"),
    Row(name="they talk, the agent hangs up", act=Act("agent", "talking"),
        ends=("answered", "agent", 16, None), times=TALKED, hears="connecting ringing customer"),
    Row(name="customer hangs up after 50 ms", customer=Manner("30", 1.0),
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting ringing"),
    Row(name="a slow network without a word", customer=Manner("11", 4.0), act=Act("customer", "talking"),
        ends=("answered", "customer", 16, None), times=TALKED - {"customer_ringing_at"},
        hears="connecting comfort customer"),
    Row(name="the network's own ringing tone", customer=Manner("12", 2.0), act=Act("customer", "talking"),
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting ringing customer"),
    Row(name="early media, then an answer", customer=Manner("13", 3.0), act=Act("customer", "talking"),
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting customer"),
    # -- the customer is not had
    Row(name="customer busy", customer=Manner("50", 0.3),
        ends=("customer_busy", "customer", 17, 486), times=DIALLED, hears="connecting customer-busy"),
    Row(name="customer busy after ringing", customer=Manner("70", 1.5),
        ends=("customer_busy", "customer", 17, 486), times=RANG, hears="connecting ringing customer-busy"),
    Row(name="customer no answer", customer=RINGS, order=SHORT,
        ends=("customer_no_answer", "engine", 19, None), times=RANG, hears="connecting ringing customer-no-answer"),
    Row(name="customer: the network gives up", customer=Manner("72", 1.5),
        ends=("customer_no_answer", "network", 19, 480), times=RANG, hears="connecting ringing customer-no-answer"),
    Row(name="customer: the network says nothing", customer=Manner("80"), order=SHORT,
        ends=("customer_no_answer", "engine", 19, None), times=DIALLED, hears="connecting comfort customer-no-answer"),
    Row(name="customer unreachable", customer=Manner("52", 0.3),
        ends=("customer_no_answer", "network", 19, 480), times=DIALLED, hears="connecting customer-unreachable"),
    Row(name="customer rejects", customer=Manner("71", 1.5),
        ends=("customer_rejected", "customer", 21, 603), times=RANG, hears="connecting ringing customer-rejected"),
    Row(name="customer rejects at once", customer=Manner("51", 0.3),
        ends=("customer_rejected", "customer", 21, 603), times=DIALLED, hears="connecting customer-rejected"),
    Row(name="customer's number does not exist", customer=Manner("53", 0.3),
        ends=("customer_invalid", "network", 1, 404), times=DIALLED, hears="connecting customer-invalid"),
    Row(name="customer's number is incomplete", customer=Manner("60", 0.3),
        ends=("customer_invalid", "network", 28, 484), times=DIALLED, hears="connecting customer-invalid"),
    Row(name="customer's number has changed", customer=Manner("58", 0.3),
        ends=("customer_invalid", "network", 22, 410), times=DIALLED, hears="connecting customer-invalid"),
    Row(name="announcement, then 404", customer=Manner("41"),
        ends=("customer_invalid", "network", 1, 404), times=RANG, hears="connecting cannot-complete customer-invalid"),
    Row(name="announcement, then 486", customer=Manner("42"),
        ends=("customer_busy", "customer", 17, 486), times=RANG, hears="connecting not-in-service customer-busy"),
    Row(name="announcement without end", customer=Manner("43"), order={"ring_customer_s": 8},
        ends=("customer_no_answer", "engine", 19, None), times=RANG,
        hears="connecting cannot-complete cannot-complete customer-no-answer"),
    Row(name="agent hangs up while the customer rings", customer=RINGS, act=Act("agent", "reaching-customer", 1.5),
        ends=("customer_cancelled", "agent", 16, None), times=RANG, hears="connecting ringing"),
    Row(name="agent hangs up while told of the connection", act=Act("agent", "informing"), invites=(1, 0),
        ends=("abandoned", "agent", 16, None), times=AGENT_UP, hears=""),
    Row(name="agent hangs up while told why", customer=Manner("50", 0.3), act=Act("agent", "explaining"),
        ends=("customer_busy", "customer", 17, 486), times=DIALLED, hears="connecting"),
    # -- trunks
    Row(name="trunks refuse by 503, 403, 500: the fourth carries both", site="refused", customer=LEAVES,
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting ringing customer", invites=(4, 4),
        via=("refused-1", "refused-2", "refused-3", "refused-4") * 2),
    Row(name="three trunks refuse, at the fourth the customer is busy", site="refused", customer=Manner("50", 0.3),
        ends=("customer_busy", "customer", 17, 486), times=DIALLED, hears="connecting customer-busy", invites=(4, 4)),
    Row(name="every trunk refuses the customer", site="refused", customer=Manner("54", 0.0),
        ends=("congestion", "network", 34, 503), times=DIALLED, hears="connecting congestion", invites=(4, 4)),
    Row(name="the only trunk refuses the customer by 403", customer=Manner("55", 0.3),
        ends=("congestion", "network", 21, 403), times=DIALLED, hears="connecting congestion"),
    Row(name="the only trunk refuses the customer by 500", customer=Manner("56", 0.3),
        ends=("congestion", "network", 38, 500), times=DIALLED, hears="connecting congestion"),
    Row(name="503 after ringing", customer=Manner("73", 1.5),
        ends=("congestion", "network", 34, 503), times=RANG, hears="connecting ringing congestion"),
    Row(name="the only trunk refuses, another site's may be used", site="borrow", customer=LEAVES,
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting ringing customer", invites=(2, 2),
        via=("borrow-1", "paris-1") * 2),
    Row(name="the first trunk is full with the agent: the second", site="full", customer=LEAVES,
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting ringing customer",
        via=("full-1", "full-2")),
    Row(name="the only trunk is full with the agent: another site's", site="small", customer=LEAVES,
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting ringing customer",
        via=("small-1", "paris-1")),
    Row(name="a trunk known to be dead is passed over", site="dead", customer=LEAVES, takes_s=(4, 11),
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting ringing customer", trunk="dead-2"),
    Row(name="a trunk dies: the next one", site="dying", customer=LEAVES, takes_s=(15, 30),
        ends=("answered", "customer", 16, None), times=TALKED, hears="connecting comfort ringing customer",
        via=("dying-1", "dying-2") * 2, dead_first=True),
    # -- ended by an application, in each stage
    Row(name="DELETE while the agent rings", agent=RINGS, act=Act("api", "reaching-agent"), invites=(1, 0),
        ends=("abandoned", "api", 16, None), times=AGENT_RANG, hears=""),
    Row(name="DELETE while the agent is asked for 1", agent=SILENT, act=Act("api", "confirming"), invites=(1, 0),
        ends=("abandoned", "api", 16, None), times=AGENT_UP, hears=""),
    Row(name="DELETE while the agent is told of the connection", act=Act("api", "informing"), invites=(1, 0),
        ends=("abandoned", "api", 16, None), times=AGENT_UP, hears=""),
    Row(name="DELETE while the customer rings", customer=RINGS, act=Act("api", "reaching-customer", 1.5),
        ends=("customer_cancelled", "api", 16, None), times=RANG, hears="connecting ringing"),
    Row(name="DELETE while they talk", act=Act("api", "talking"),
        ends=("answered", "api", 16, None), times=TALKED, hears="connecting ringing customer"),
    Row(name="DELETE while the agent is told why", customer=Manner("50", 0.3), act=Act("api", "explaining"),
        ends=("customer_busy", "customer", 17, 486), times=DIALLED, hears="connecting"),
)
# fmt: on

TABLE = Table(ROWS)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played() -> AsyncIterator[Mapping[str, Played | BaseException]]:
    async with House(TABLE.members) as house:
        results = await TABLE.play(house)
        print(f"{house.crowding:.1f} tasks wanted each core")
        yield results


@pytest.mark.timeout(180)  # the first test waits for all rows
@pytest.mark.parametrize("name", [row.name for row in ROWS])
async def test_outcome(played: Mapping[str, Played | BaseException], name: str) -> None:
    seen = played[name]
    if isinstance(seen, BaseException):
        raise seen
    check_record(seen)
    check_times(seen)
    check_heard(seen)
    check_rung(seen)
    assert replay(seen.steps).same  # the machine makes the same of what happened, again


def check_record(seen: Played) -> None:
    """Outcome, cause and who ended it; exactly one row, soon after the end."""
    row, record = seen.row, seen.record
    assert row.ends == (record["outcome"], record["hangup_by"], record["cause"], record["sip_code"]), record
    assert {"row": row.name} == record["variables"]
    assert seen.rows == 1
    late_s = (seen.written.at - record["ended_at"]).total_seconds()
    assert late_s < WRITTEN_WITHIN_S * seen.crowding, f"in PostgreSQL {late_s:.3f} s after the end"


def check_times(seen: Played) -> None:
    """The milestones reached, and each where the far end saw it."""
    row, record = seen.row, seen.record
    assert row.times == {name for name in MILESTONES if record[name] is not None}
    took_s = (record["ended_at"] - record["requested_at"]).total_seconds()
    assert row.takes_s[0] <= took_s <= row.takes_s[1] * seen.crowding, f"took {took_s:.3f} s"
    ends = [call.ended_at for call in (*seen.agent, *seen.customer) if call.ended_at is not None]
    if ends:
        near(record["ended_at"], max(ends), "the end", seen)
    if "agent_answered_at" in row.times and "gsm" not in row.site:
        near(record["agent_answered_at"], seen.agent[-1].answered_at, "the agent's answer", seen)
    if "customer_dialled_at" in row.times and not row.dead_first:
        near(record["customer_dialled_at"], seen.invites[1][0].at, "the customer's INVITE", seen)
    if "agent_answered_at" in row.times and row.site != "gsm":
        check_waiting(seen)
    if "customer_answered_at" in row.times:
        check_conversation(seen, seen.customer[-1])
    else:
        assert record["talk_s"] == record["billable_s"] == 0


def check_waiting(seen: Played) -> None:
    """The agent waits until the customer answers, or to the end."""
    agent = seen.agent[-1]
    until = next((call.answered_at for call in seen.customer if call.answered_at), agent.ended_at)
    assert until is not None
    assert agent.answered_at is not None
    waited_s = until - agent.answered_at
    assert abs(seen.record["wait_s"] - waited_s) < NEAR_S * seen.crowding, f"waited {waited_s:.3f} s"


def check_conversation(seen: Played, customer: FarCall) -> None:
    record = seen.record
    assert customer.answered_at is not None
    assert customer.ended_at is not None
    near(record["customer_answered_at"], customer.answered_at, "the customer's answer", seen)
    assert record["bridged_at"] == record["customer_answered_at"]
    talked_s = customer.ended_at - customer.answered_at
    assert abs(record["talk_s"] - talked_s) < NEAR_S * seen.crowding, (
        f"talked {talked_s:.3f} s, recorded {record['talk_s']} s"
    )


def near(ours: datetime, theirs: float | None, what: str, seen: Played) -> None:
    assert theirs is not None, f"{what}: the far end did not see it"
    off_s = ours.timestamp() - theirs
    assert abs(off_s) < NEAR_S * seen.crowding, f"{what}: {off_s:+.3f} s from what the far end saw"


def check_heard(seen: Played) -> None:
    """What the agent heard, in order; waiting music counts where it is all there is to hear for a while."""
    expected, sounds = seen.row.heard_words, seen.sounds()
    if seen.recording is not None:
        bound_s = SILENCE_S + SILENCE_CROWDED_S * (seen.crowding - 1)
        assert audio.longest_silence_s(seen.recording) <= bound_s
    assert expected == hearing.words(sounds, without=() if "comfort" in expected else ("comfort",)), sounds


def check_rung(seen: Played) -> None:
    """How often each party was rung, and by which trunks."""
    assert seen.row.invites == tuple(len(invites) for invites in seen.invites)
    if seen.row.trunk:
        assert seen.row.trunk == seen.record["trunk"]
    if seen.row.via:
        assert seen.row.via == tuple(leg["trunk"] for leg in seen.record["legs"])
