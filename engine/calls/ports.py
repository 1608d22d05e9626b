"""What calls need from the world, as Protocols; the composition root plugs the real things in."""

from datetime import datetime
from typing import Protocol

import msgspec

from engine.domain.call import Call
from engine.domain.dialstring import Phone
from engine.domain.directory import Agent, Alias, Directory
from engine.domain.effects import Effect
from engine.domain.events import Event
from engine.domain.moment import Moment
from engine.domain.recovery import Ending
from engine.domain.request import ConnectRequest, GroupCall, Route
from engine.domain.scenario.graph import Program, Value
from engine.domain.scenario.talk import AnyQuestion, AnyWhom
from engine.domain.values import CallId, ChannelId, PlaybackId, Slug

Past = tuple[dict[ChannelId, Moment], dict[ChannelId, Ending]]
"""When channels answered, and how they ended."""


class Answer(msgspec.Struct, frozen=True):
    """To a scenario's question: one of the outcomes of its node."""

    outcome: str
    values: dict[str, Value] = {}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """To whom a call in a scenario is offered, by which routes, and how long each of them rings (seconds).

    `max_talk_s`: what the credit check allows; None: no bound of its own.
    """

    group: GroupCall
    routes: tuple[Route, ...]
    ring_s: int
    max_talk_s: int | None = None


class World(Protocol):
    """Carries out orders in Asterisk. Orders on one channel keep their order; each is bounded in time."""

    async def carry_out(self, effect: Effect) -> Event | None:
        """Give one order; the event says how it went where a call must know. Raises nothing a call could mend."""
        ...

    async def hang_up_orphan(self, channel: str) -> None: ...

    async def destroy_orphan_bridge(self, bridge: str) -> None: ...


class Asterisk(Protocol):
    """What is asked of Asterisk outside any call."""

    async def registered_phones(self, agent: Agent) -> list[Phone]:
        """Those of all the agent's accounts; empty when none is."""
        ...

    async def living_playbacks(self, playbacks: list[PlaybackId]) -> frozenset[PlaybackId]: ...

    def past(self, channels: frozenset[ChannelId], since: datetime) -> Past:
        """When channels answered and how they ended, from Asterisk's own event log (CEL); nothing of before `since`.
        Blocking: call it in a thread."""
        ...


class Programs(Protocol):
    """The scenarios as they were published."""

    def of_version(self, version: str) -> Program | None:
        """The one a call began with, however long ago; None when this node has it no more."""
        ...

    def published(self, name: Slug, alias: Alias = "live") -> Program | None:
        """The one whom callers who come now are led by; None when there is none. From memory: nobody waits for it."""
        ...


class Answering(Protocol):
    """Answers what a scenario asks. Bounded in time; raises nothing a call could mend."""

    async def answer(self, call: Call, number: int, question: AnyQuestion) -> Answer:
        """The outcome and its values. Whoever is asked the same twice (call and number) does it once."""
        ...


class Planner(Protocol):
    async def plan(self, call: Call, whom: AnyWhom) -> Plan:
        """How somebody is reached for the caller, now; raises Refused or UnknownThing when nobody may or can be."""
        ...


class DirectorySource(Protocol):
    @property
    def directory(self) -> Directory: ...


class Credit(Protocol):
    """An outside program that may refuse calls or bound their length (feature G13)."""

    async def ask(self, call_id: CallId, request: ConnectRequest) -> int | None:
        """The seconds its parties may talk, None for no bound of its own; raises Refused. Bounded in time."""
        ...


class TrunkWatch(Protocol):
    """What becomes of the trunks outside our calls; one that nobody knows anything about counts as up and empty."""

    def is_down(self, trunk: Slug) -> bool:
        """Whether it does not answer."""
        ...

    def held_by_others(self, trunk: Slug) -> int:
        """Its channels that are in none of our calls: emergency calls, which the dialplan makes by itself."""
        ...
