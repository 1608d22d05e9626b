"""One row of the table of outcomes, played: what the parties do, and what was seen of it from every side."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from engine.journal import StepRow
from engine.sandbox.behaviours import mobile
from engine.sandbox.parties import FarCall, Invite
from tests.crowd import Manner
from tests.live import hearing
from tests.live.company import Member
from tests.live.house import House, Written

AGENT_HZ, CUSTOMER_HZ = 600, 1400
APART_S = 0.2  # between the beginnings of two rows

NOTHING: frozenset[str] = frozenset()
AGENT_RANG = NOTHING | {"agent_ringing_at"}
AGENT_UP = AGENT_RANG | {"agent_answered_at"}
DIALLED = AGENT_UP | {"customer_dialled_at"}
RANG = DIALLED | {"customer_ringing_at"}
TALKED = RANG | {"customer_answered_at", "bridged_at"}
MILESTONES = TALKED

Who = Literal["api", "agent", "customer"]

PRESSES = Manner("26", 0.3)  # answers, presses 1 after 0.5 s
SILENT = Manner("25", 0.3)
TALKS = Manner("10", 1.0)
LEAVES = Manner("32", 1.0)  # talks for 2 s
RINGS = Manner("81")


class Act(NamedTuple):
    """Who ends the call, in which stage, how long after its beginning was seen."""

    who: Who
    stage: str
    after_s: float = 0.8


@dataclass(frozen=True, kw_only=True)
class Row:
    """What the parties do (above), and what must come of it (below)."""

    name: str
    agent: Manner = PRESSES
    customer: Manner = TALKS
    site: str = "paris"
    member: Mapping[str, Any] = field(default_factory=dict)  # fields of the agent
    order: Mapping[str, Any] = field(default_factory=dict)  # fields of the request
    act: Act | None = None

    ends: tuple[str, str, int | None, int | None]  # outcome, who hung up, Q.850 cause, SIP code
    times: frozenset[str]
    hears: str  # by the agent: words of hearing.py, in order
    language: str = "fr"
    via: tuple[str, ...] = ()  # the trunks of the legs that were tried, the agent's first; empty: not looked at
    trunk: str = ""  # that carried the customer's leg; empty: not looked at
    dead_first: bool = False  # the first trunk says nothing: nobody sees that INVITE
    invites: tuple[int, int] = (1, 1)
    takes_s: tuple[float, float] = (0.0, 60.0)  # from the request to the end

    @property
    def heard_words(self) -> list[str]:
        spoken = {word.split("/")[1] for word in hearing.house_prompts() if "/" in word}
        return [f"{self.language}/{word}" if word in spoken else word for word in self.hears.split()]


@dataclass(frozen=True)
class Played:
    """What was seen of a row: its record, and what the far end knows."""

    row: Row
    call_id: str
    written: Written
    agent: list[FarCall]
    customer: list[FarCall]
    invites: tuple[list[Invite], list[Invite]]
    recording: Path | None  # of what the agent heard
    known: Mapping[str, Path]  # recordings that can be recognised in it
    rows: int
    steps: list[StepRow]  # the call's journal
    crowding: float  # of the machine (house.py)

    @property
    def record(self) -> dict[str, Any]:
        return self.written.row

    def sounds(self) -> list[hearing.Sound]:
        """What the agent heard."""
        if self.recording is None:
            return []
        return hearing.sounds(self.recording, self.known, {"ringing": hearing.RINGING_HZ, "customer": CUSTOMER_HZ})


class Table:
    """Rows with the parties they need: every row its own agent and its own numbers."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)
        assert len({row.name for row in self.rows}) == len(self.rows) <= 100

    def member(self, index: int) -> Member:
        row = self.rows[index]
        return Member(id=f"agent-{index:02d}", site=row.site, number=self.mobile(index), **row.member)

    def mobile(self, index: int) -> str:
        manner = self.rows[index].agent
        return mobile(manner.behaviour, ring_s=manner.ring_s, tone_hz=AGENT_HZ, serial=index)

    def customer(self, index: int) -> str:
        manner = self.rows[index].customer
        return mobile(manner.behaviour, ring_s=manner.ring_s, tone_hz=CUSTOMER_HZ, serial=index)

    @property
    def members(self) -> list[Member]:
        return [self.member(index) for index in range(len(self.rows))]

    async def play(self, house: House) -> dict[str, Played | BaseException]:
        """All rows side by side; what went wrong with a row is kept for its own test."""
        played = await asyncio.gather(
            *(self._play(house, index) for index in range(len(self.rows))), return_exceptions=True
        )
        return {row.name: result for row, result in zip(self.rows, played, strict=True)}

    async def _play(self, house: House, index: int) -> Played:
        row, ours, theirs = self.rows[index], self.mobile(index), self.customer(index)
        await asyncio.sleep(index * APART_S)
        order = {"variables": {"row": row.name}, **row.order}
        await house.trunks_of(row.site)
        call_id = await house.place(self.member(index).id, theirs, **order)
        if row.act is not None:
            await self._act(house, call_id, row.act, ours, theirs)
        written = await house.written(call_id)
        farend = house.farend
        wanted = dict(zip((ours, theirs), row.invites, strict=True))
        await farend.until(lambda: all(len(farend.invites(number)) >= wanted[number] for number in wanted))
        await farend.until(lambda: not any(call.live for number in (ours, theirs) for call in farend.calls(number)))
        return Played(
            row=row,
            call_id=call_id,
            written=written,
            agent=farend.calls(ours),
            customer=farend.calls(theirs),
            invites=(farend.invites(ours), farend.invites(theirs)),
            recording=await farend.heard_whole(ours) if farend.heard(ours) else None,
            known=hearing.house_prompts() | house.announcements,
            rows=await house.row_count(call_id),
            steps=await house.steps(call_id),
            crowding=house.crowding,
        )

    async def _act(self, house: House, call_id: str, act: Act, ours: str, theirs: str) -> None:
        who, stage, after_s = act
        await house.reached(call_id, stage)
        await asyncio.sleep(after_s)  # what the party does, not a wait for anything
        if who == "api":
            assert (await house.engine.delete(f"/v1/calls/{call_id}")).status == 204
        else:
            await house.farend.hang_up(ours if who == "agent" else theirs)
