"""SIP as the standards allow it and telephones rarely say it: each oddity has its right outcome, and one call record.

The odd party is SIPp (sipping.py), behind a trunk of its own, as an agent's telephone, or as a caller. All rows are
played at once, each with its own site, trunk, agent and numbers.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
import pytest_asyncio

from engine.domain.directory import Agent, Directory, Number, Site, ToAgent, Trunk
from engine.domain.values import E164, Extension, Slug
from engine.sandbox.behaviours import coded, mobile
from engine.sandbox.parties import Invite
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.tools import SIPP, find_or_fetch
from tests import crowd
from tests.live.house import LIMITS
from tests.live.sipping import AS_WRITTEN, STAYS, Party, Towards

pytestmark = pytest.mark.live

PATIENCE_S = 30.0
SLOW_PATIENCE_S = 90.0
RINGS_S = 0.3
ELSEWHERE = "+33899701234"  # where the redirecting party of sipp/moved.xml sends us: it would be answered

Ends = tuple[str, str, int | None, int | None]  # outcome, who hung up, Q.850 cause, SIP code
LEFT: Ends = ("answered", "customer", 16, None)
ENDED_BY_API: Ends = ("answered", "api", 16, None)
SIGNS_IN: Mapping[str, Any] = {"kind": "register", "username": "us", "secret": "what-they-gave-us"}
ENCRYPTED: Mapping[str, Any] = {"media_encryption": "sdes"}
TIMED: Mapping[str, Any] = {"session_timers": "always", "session_expires_s": 90}
UNTIMED: Mapping[str, Any] = {"session_timers": "no"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """Who says something odd, and what must come of it."""

    scenario: str
    odd: Literal["customer", "agent", "caller"] = "customer"
    trunk: Mapping[str, Any] = field(default_factory=dict)  # fields of its trunk
    delete_in: str | None = None  # the stage in which an application ends it
    slow: bool = False  # no session is refreshed within 45 s, no missing ACK noticed within 8
    confirm: bool = False  # the agent is asked for 1
    variant: str = ""  # tells rows of one scenario apart
    ends: Ends | None  # None: never was a call

    @property
    def name(self) -> str:
        return f"{self.odd} {self.scenario} {self.variant}".strip()


ROWS = (
    Row(scenario="moved", ends=("congestion", "network", 23, 302)),
    Row(scenario="moved_later", ends=("customer_no_answer", "network", 23, 302)),
    Row(scenario="challenged", ends=("congestion", "network", 21, 407)),
    Row(scenario="challenged_twice", trunk=SIGNS_IN, ends=("congestion", "network", 21, 407)),
    Row(scenario="challenged_stale", trunk=SIGNS_IN, ends=LEFT),
    Row(scenario="progress_busy", ends=("customer_busy", "customer", 17, 486)),
    Row(scenario="forked", ends=LEFT),
    Row(scenario="forked_busy", ends=("customer_busy", "customer", 17, 486)),
    Row(scenario="crossing", delete_in="reaching-customer", ends=("customer_cancelled", "api", 16, None)),
    Row(scenario="holds", ends=LEFT),
    Row(scenario="asks_for_offer", ends=LEFT),
    Row(scenario="updates", ends=LEFT),
    Row(scenario="overlaps", ends=LEFT),
    Row(scenario="too_brief", ends=LEFT),
    Row(scenario="no_timers", trunk={"session_timers": "required"}, ends=("congestion", "network", 3, 420)),
    Row(scenario="answers_in_the_clear", trunk=ENCRYPTED, ends=("congestion", "network", 58, 488)),
    Row(scenario="reason_refused", ends=("customer_no_answer", "network", 19, 480)),
    Row(scenario="reason_busy", ends=("customer_rejected", "customer", 21, 603)),
    Row(scenario="reason_cut", ends=("answered", "network", 102, None)),
    Row(scenario="reason_sip", ends=LEFT),
    Row(scenario="glare", slow=True, ends=LEFT),
    Row(scenario="refreshed", slow=True, ends=LEFT),
    Row(scenario="never_refreshed", slow=True, ends=("answered", "network", 18, 408)),
    Row(scenario="never_refreshed", slow=True, variant="always", trunk=TIMED, ends=("answered", "network", 18, 408)),
    Row(scenario="refreshed_alone", slow=True, trunk=TIMED, ends=LEFT),
    Row(scenario="deaf_to_refresh", slow=True, trunk=TIMED, ends=("answered", "network", 18, 408)),
    Row(scenario="untimed", slow=True, trunk=UNTIMED, ends=LEFT),
    Row(scenario="moved", odd="agent", ends=("agent_unreachable", "network", 23, 302)),
    Row(scenario="challenged", odd="agent", ends=("agent_unreachable", "network", 21, 407)),
    Row(scenario="progress_busy", odd="agent", ends=("agent_busy", "agent", 17, 486)),
    Row(scenario="forked_busy", odd="agent", ends=("agent_busy", "agent", 17, 486)),
    Row(scenario="holds", odd="agent", delete_in="talking", ends=ENDED_BY_API),
    Row(scenario="asks_for_offer", odd="agent", delete_in="talking", ends=ENDED_BY_API),
    Row(scenario="overlaps", odd="agent", delete_in="talking", ends=ENDED_BY_API),
    Row(scenario="presses_by_info", odd="agent", confirm=True, delete_in="talking", ends=ENDED_BY_API),
    Row(scenario="calls", odd="caller", ends=LEFT),
    Row(scenario="calls_late_ack", odd="caller", ends=LEFT),
    Row(scenario="calls_no_ack", odd="caller", slow=True, ends=("answered", "network", 18, None)),
    Row(scenario="calls_without_offer", odd="caller", ends=LEFT),
    Row(scenario="calls_updates", odd="caller", ends=LEFT),
    Row(scenario="calls_holds", odd="caller", ends=LEFT),
    Row(scenario="calls_refreshes", odd="caller", ends=LEFT),
    Row(scenario="calls_untimed", odd="caller", trunk=UNTIMED, ends=LEFT),
    Row(scenario="calls_in_the_clear", odd="caller", trunk=ENCRYPTED, ends=None),
)


class Line:
    """A row with its agent, its trunk, its numbers, and the odd party."""

    def __init__(self, index: int, row: Row, box: Sandbox, sipp: Path, media_port: int) -> None:
        self.row, self._box, self._sipp, self._media_port = row, box, sipp, media_port
        self._index = index
        self.id = Slug(f"row-{index:02d}")
        self.ours = E164(f"+3318000{index:04d}")
        self.theirs = mobile("10", ring_s=RINGS_S, tone_hz=1000, serial=index)
        self.address = f"127.0.{4 if row.odd == 'agent' else 3}.{index + 1}"  # of the trunk
        self.site = Site(id=self.id, name=row.scenario, confirm=row.confirm, notice="tone")
        self.trunk = Trunk(
            id=self.id,
            site=self.id,
            host=self.address,
            port=box.farend.sip_port,
            caller_ids=(self.ours,),
            **{"kind": "peer", "qualify_s": 3600, **row.trunk},
        )
        self.agent = Agent(
            id=self.id,
            name=row.scenario,
            site=self.id,
            extension=Extension(str(2000 + index)),
            secret=f"a-long-secret-{index:04d}",
            sip_user=f"{self.id}-sip",
        )
        self.number = Number(id=self.ours, trunk=self.id, target=ToAgent(self.id))

    @property
    def telephone(self) -> tuple[str, str, str]:
        """The agent's, when there is nothing odd about it."""
        digits = coded("10", ring_s=RINGS_S, tone_hz=600, serial=self._index)
        return self.agent.sip_user, self.agent.secret, digits

    def party(self, scenario: str, towards: Towards | None = None) -> Party:
        return Party(
            self._sipp,
            scenario,
            self._box.dir / f"{scenario}-{self._index}",
            at=(f"127.0.3.{self._index + 1}", self._box.farend.sip_port),
            media_port=self._media_port,
            towards=towards,
            stays=self.row.odd == "agent",
        )

    def towards(self, user: str, **more: str) -> Towards:
        return Towards("127.0.0.1", self._box.asterisk_settings.sip_port, user, **more)

    @property
    def calling(self) -> Towards:
        """How the odd caller reaches us."""
        return self.towards(self.ours, caller=f"+33612{self.ours[-6:]}")

    async def registers(self) -> None:
        """The odd telephone's account, from where it is then called."""
        account = self.towards(self.agent.sip_user, secret=self.agent.secret)
        async with self.party("registers", account) as registering:
            await registering.plays(timeout_s=PATIENCE_S)


class Played(NamedTuple):
    """What was seen of a row: its call records, and what its party complained of."""

    records: list[dict[str, Any]]
    complaint: str


class Torture:
    """Rows in one box with one engine."""

    def __init__(self, box: Sandbox, engine: RunningEngine, lines: list[Line]) -> None:
        self._box, self._engine, self._lines = box, engine, lines

    async def play(self, patience_s: float) -> dict[str, Played | BaseException]:
        """All at once; what went wrong with a row is kept for its own test.

        Odd telephones one by one, before: three seconds after one has registered, Asterisk takes it for gone if it does
        not listen yet, and so many SIPps may take longer to begin.
        """
        odd_telephones = [line for line in self._lines if line.row.odd == "agent"]
        others = [line for line in self._lines if line.row.odd != "agent"]
        played: dict[str, Played | BaseException] = {}
        for lines in [*([line] for line in odd_telephones), others]:
            playing = (self._play(line, patience_s) for line in lines)
            results = await asyncio.gather(*playing, return_exceptions=True)
            played |= {line.row.name: result for line, result in zip(lines, results, strict=True)}
        return played

    async def recorded(self) -> int:
        return len(await crowd.rows(self._box))

    def redirected(self) -> list[Invite]:
        """Calls to the number that a 302 names."""
        return self._box.farend.invites(ELSEWHERE)

    async def channels(self) -> str:
        """What is left in Asterisk, but for what looks after it."""
        concise = (await self._box.asterisk.cli("core show channels concise")).splitlines()
        return "\n".join(line for line in concise if "standardiste-probe" not in line)

    async def _play(self, line: Line, patience_s: float) -> Played:
        async with await self._party(line) as party:
            if line.row.odd != "caller":
                await self._place(line, party)
            complaint = await _complaint(party, patience_s)
        return Played(await self._records(line), complaint)

    async def _party(self, line: Line) -> Party:
        """The odd one, where the others are going to look for it: not sooner, for SIPp is never idle."""
        if line.row.odd == "agent":
            await line.registers()
        else:
            await self._box.farend.close_trunk(line.address)
        return line.party(line.row.scenario, line.calling if line.row.odd == "caller" else None)

    async def _place(self, line: Line, party: Party) -> None:
        answer = await self._engine.post("/v1/calls", {"agent": line.id, "to": line.theirs})
        assert answer.status == 202, answer.body
        if line.row.delete_in is None:
            return
        if line.row.odd == "agent":
            await party.plays(STAYS, timeout_s=PATIENCE_S)
        path = f"/v1/calls/{answer.body['id']}"

        async def there() -> bool:
            view = (await self._engine.get(path)).body
            return view["stage"] == line.row.delete_in and all(
                leg["state"] in ("up", "ringing") for leg in view["legs"]
            )

        await crowd.until(there, timeout_s=PATIENCE_S)
        assert (await self._engine.delete(path)).status == 204

    async def _records(self, line: Line) -> list[dict[str, Any]]:
        if line.row.ends is None:
            return []  # that there is none is seen in the sum of all

        async def written() -> list[dict[str, Any]]:
            return [record for record in (await crowd.rows(self._box)).values() if record["agent_id"] == line.id]

        try:
            return list(await crowd.until(written, timeout_s=PATIENCE_S, every_s=0.2))
        except TimeoutError:
            return []


async def _complaint(party: Party, patience_s: float) -> str:
    try:
        await party.plays(AS_WRITTEN, timeout_s=patience_s)
    except AssertionError as failed:
        return str(failed)
    return ""


@asynccontextmanager
async def _opened(rows: list[Row]) -> AsyncIterator[Torture]:
    sipp = await find_or_fetch(SIPP, print)
    async with Sandbox("torture") as box:
        media_port = box.ports.take()
        lines = [Line(index, row, box, sipp, media_port) for index, row in enumerate(rows)]
        for line in lines:
            await box.farend.open_trunk(line.address)
        file = crowd.written(box, _directory(lines))
        async with RunningEngine(box, file, settings=LIMITS) as engine:
            await box.farend.phones(*(line.telephone for line in lines if line.row.odd != "agent"))
            yield Torture(box, engine, lines)


def _directory(lines: list[Line]) -> Directory:
    return Directory(
        revision=1,
        sites={line.id: line.site for line in lines},
        trunks={line.id: line.trunk for line in lines},
        agents={line.id: line.agent for line in lines},
        numbers={line.ours: line.number for line in lines},
    )


Results = Mapping[str, Played | BaseException]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def torture() -> AsyncIterator[Torture]:
    async with _opened([row for row in ROWS if not row.slow]) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(torture: Torture) -> Results:
    return await torture.play(PATIENCE_S)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played_slowly() -> AsyncIterator[Results]:
    async with _opened([row for row in ROWS if row.slow]) as opened:
        yield await opened.play(SLOW_PATIENCE_S)


@pytest.mark.parametrize("row", [row for row in ROWS if not row.slow], ids=lambda row: row.name)
async def test_odd_but_allowed(played: Results, row: Row) -> None:
    _is_right(played, row)


@pytest.mark.soak
@pytest.mark.parametrize("row", [row for row in ROWS if row.slow], ids=lambda row: row.name)
async def test_odd_but_allowed_in_the_long_run(played_slowly: Results, row: Row) -> None:
    _is_right(played_slowly, row)


def _is_right(played: Results, row: Row) -> None:
    seen = played[row.name]
    if isinstance(seen, BaseException):
        raise seen
    ends = [(r["outcome"], r["hangup_by"], r["cause"], r["sip_code"]) for r in seen.records]
    assert ([row.ends] if row.ends else [], "") == (ends, seen.complaint)


async def test_each_call_has_one_record(torture: Torture, played: Results) -> None:
    assert len(played) - sum(row.ends is None for row in ROWS) == await torture.recorded()


async def test_a_redirect_is_never_followed(torture: Torture, played: Results) -> None:
    """Whoever can answer 302 could make us call what costs most."""
    assert torture.redirected() == []


async def test_nothing_is_left(torture: Torture, played: Results) -> None:
    async def nothing() -> bool:
        return await torture.channels() == ""

    await crowd.until(nothing)
