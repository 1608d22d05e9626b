"""What calls need from the world, as Protocols; the composition root plugs the real things in."""

from datetime import datetime
from typing import Protocol

from engine.domain.dialstring import Phone
from engine.domain.directory import Agent, Directory
from engine.domain.effects import Effect
from engine.domain.events import Event
from engine.domain.moment import Moment
from engine.domain.recovery import Ending
from engine.domain.request import ConnectRequest
from engine.domain.values import CallId, ChannelId, PlaybackId, Slug

Past = tuple[dict[ChannelId, Moment], dict[ChannelId, Ending]]
"""When channels answered, and how they ended."""


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


class DirectorySource(Protocol):
    @property
    def directory(self) -> Directory: ...


class Credit(Protocol):
    """An outside program that may refuse calls or bound their length (feature G13)."""

    async def ask(self, call_id: CallId, request: ConnectRequest) -> int | None:
        """The seconds its parties may talk, None for no bound of its own; raises Refused. Bounded in time."""
        ...


class TrunkWatch(Protocol):
    """Which trunks answer; a trunk nobody knows anything about counts as up."""

    def is_down(self, trunk: Slug) -> bool: ...
