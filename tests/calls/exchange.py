"""Everything outside the calls room, small: an Asterisk that obliges, and far ends that do what a test says.

It implements `calls.ports.World`, `Asterisk` and `TrunkWatch`, and holds the room to its first promise: an order whose
step is not in the journal by then is refused with an AssertionError. Its facts are those the live tests show.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from engine.calls.ports import Past
from engine.calls.reconcile import Picture
from engine.calls.registry import Registry
from engine.domain import effects as fx
from engine.domain import events as ev
from engine.domain import ids
from engine.domain.dialstring import Phone, accounts
from engine.domain.directory import Agent
from engine.domain.moment import Moment
from engine.domain.recovery import ChannelState, Ending
from engine.domain.values import BridgeId, ChannelId, PlaybackId, RecordingId, Slug
from engine.journal import Journal

ORDERED_AGAIN = (fx.StopPlayback, fx.StartComfort, fx.StopComfort)
"""What recovery may order although no step ordered it."""


class Exchange:
    """Lives on while engines come and go; each one `attach`es."""

    def __init__(self) -> None:
        self.channels: dict[ChannelId, ChannelState] = {}
        self.bridges: dict[BridgeId, set[ChannelId]] = {}
        self.playbacks: dict[PlaybackId, ChannelId] = {}
        self.recordings: dict[RecordingId, ChannelId] = {}
        self.orders: list[fx.Effect] = []
        self.unwritten: list[fx.Effect] = []
        """Orders given before the journal had them: must stay empty."""
        self.dials: Counter[ChannelId] = Counter()
        self.orphans: list[str] = []
        self.phones: dict[str, list[str]] = {"alice-k7": ["sip:alice-k7@127.0.0.9:5070"]}
        self.cel: dict[ChannelId, Ending] = {}
        self.answered: dict[ChannelId, Moment] = {}
        self.down: set[Slug] = set()
        self.others: Counter[Slug] = Counter()  # channels of emergency calls
        self.ignores: set[type[fx.Effect]] = set()
        """Kinds of orders that are neither carried out nor answered."""
        self.raises: dict[type[fx.Effect], Exception] = {}
        self.strict = True
        """Off: for a journal that cannot be written."""
        self.deaf = False
        """The socket is down: what happens is told to nobody."""
        self.asks: asyncio.Event | None = None
        """Set: whoever asks for phones or playbacks waits for it."""
        self.happened = asyncio.Condition()
        self._owners: dict[str, str] = {}

    def attach(self, registry: Registry, journal: Journal, now: Callable[[], Moment]) -> None:
        self._registry, self._journal, self._now = registry, journal, now

    # -- World -------------------------------------------------------------------------------------------------------

    async def carry_out(self, effect: fx.Effect) -> ev.Event | None:
        if self.strict and not isinstance(effect, ORDERED_AGAIN) and not await self._written(effect):
            self.unwritten.append(effect)
        self.orders.append(effect)
        if isinstance(effect, fx.DialChannel):
            self.dials[effect.channel] += 1
        if type(effect) in self.raises:
            raise self.raises[type(effect)]
        return None if type(effect) in self.ignores else self._oblige(effect)

    async def hang_up_orphan(self, channel: str) -> None:
        self.orphans.append(channel)
        self.ends(ChannelId(channel), 16)

    async def destroy_orphan_bridge(self, bridge: str) -> None:
        self.orphans.append(bridge)
        self.bridges.pop(BridgeId(bridge), None)

    # -- Asterisk and TrunkWatch -------------------------------------------------------------------------------------

    async def registered_phones(self, agent: Agent) -> list[Phone]:
        if self.asks is not None:
            await self.asks.wait()
        named = accounts(agent)
        return [Phone(account, contact) for account in named for contact in self.phones.get(account, [])]

    async def living_playbacks(self, playbacks: list[PlaybackId]) -> frozenset[PlaybackId]:
        if self.asks is not None:
            await self.asks.wait()
        return frozenset(playbacks) & self.playbacks.keys()

    def past(self, channels: frozenset[ChannelId], since: Any = None) -> Past:
        answers = {channel: at for channel, at in self.answered.items() if channel in channels}
        return answers, {channel: ending for channel, ending in self.cel.items() if channel in channels}

    def is_down(self, trunk: Slug) -> bool:
        return trunk in self.down

    def held_by_others(self, trunk: Slug) -> int:
        return self.others[trunk]

    # -- far ends ----------------------------------------------------------------------------------------------------

    def rings(self, channel: ChannelId) -> None:
        self.channels[channel] = "ringing"
        self.tell(channel, ev.ChannelRinging(at=self._now(), channel=channel))

    def answers(self, channel: ChannelId) -> None:
        self.channels[channel] = "up"
        self.tell(channel, ev.ChannelAnswered(at=self._now(), channel=channel))

    def ends(self, channel: ChannelId, cause: int, sip: int | None = None) -> None:
        if self.channels.pop(channel, None) is not None:
            for members in self.bridges.values():
                members.discard(channel)
            self.tell(channel, ev.ChannelEnded(at=self._now(), channel=channel, cause=cause, sip_code=sip))

    def presses(self, channel: ChannelId, digit: str) -> None:
        self.tell(channel, ev.DigitPressed(at=self._now(), channel=channel, digit=digit))

    def prompt_ends(self, playback: PlaybackId) -> None:
        if self.playbacks.pop(playback, None) is not None:
            self.tell(playback, ev.PlaybackEnded(at=self._now(), playback=playback, heard=True))

    def recording_ends(self, recording: RecordingId, seconds: float = 7.0) -> None:
        if self.recordings.pop(recording, None) is not None:
            self.tell(recording, ev.RecordingEnded(at=self._now(), recording=recording, seconds=seconds))

    def tell(self, thing: str, event: ev.Event) -> None:
        """An event on the socket, to the owner of what it is about."""
        if not self.deaf:
            self._registry.deliver(thing, event)

    # -- what the tests ask ------------------------------------------------------------------------------------------

    @property
    def picture(self) -> Picture:
        members = {str(bridge): frozenset(map(str, members)) for bridge, members in self.bridges.items()}
        return Picture({str(channel): state for channel, state in self.channels.items()}, members)

    def given(self, *kinds: type[fx.Effect]) -> list[fx.Effect]:
        """The orders of these kinds, as they came."""
        return [order for order in self.orders if isinstance(order, kinds)]

    async def _written(self, effect: fx.Effect) -> bool:
        thing = _about(effect)
        task = self._registry.owner_of(thing)
        if task is not None:
            self._owners[thing] = task.id  # a channel that came has a name that says nothing
        owner = ids.owner(thing) or self._owners.get(thing)
        assert owner is not None, effect
        journalled: Iterable[fx.Effect] = (
            order
            for row in await self._journal.steps(owner)
            for order in msgspec.json.decode(row.effects, type=list[fx.Effect])
        )
        return effect in journalled

    def _oblige(self, effect: fx.Effect) -> ev.Event | None:
        now = self._now()
        match effect:
            case fx.CreateChannel(channel=channel):
                self.channels.setdefault(channel, "down")
                self.tell(channel, ev.ChannelReady(at=now, channel=channel))
            case fx.DialChannel(channel=channel):
                return ev.DialSent(at=now, channel=channel)
            case fx.HangUp(channel=channel, cause=cause):
                if channel not in self.channels:
                    return ev.ChannelEnded(at=now, channel=channel, missed=True)
                self.ends(channel, cause or 16)
            case fx.Answer(channel=channel) if channel in self.channels:
                self.answers(channel)
            case fx.JoinBridge(bridge=bridge, channel=channel):
                self.bridges.setdefault(bridge, set()).add(channel)
                self.tell(channel, ev.ChannelJoined(at=now, channel=channel, bridge=bridge))
            case fx.OpenBridge(bridge=bridge):
                self.bridges.setdefault(bridge, set())
            case fx.CloseBridge(bridge=bridge):
                self.bridges.pop(bridge, None)
            case fx.Play(playback=playback, channel=channel) | fx.Utter(playback=playback, channel=channel):
                self.playbacks[playback] = channel
            case fx.StopPlayback(playback=playback):
                self.prompt_ends(playback)
            case fx.StartRecording(recording=recording, channel=channel):
                self.recordings[recording] = channel
            case fx.StopRecording(recording=recording):
                self.recording_ends(recording)
        return None


def _about(effect: fx.Effect) -> str:
    for name in ("playback", "recording", "channel", "bridge"):
        if hasattr(effect, name):
            return str(getattr(effect, name))
    raise AssertionError(f"{effect} is about nothing in Asterisk")
