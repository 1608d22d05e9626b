"""What Asterisk tells, brought to the calls: events to their owner, each connection to the reconciler."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from engine.app.door import Door
from engine.ari import translate
from engine.ari.errors import AriError
from engine.ari.events import AriEvent, ChannelHangupRequest, ChannelStateChange, Dial, StasisEnd, StasisStart
from engine.ari.messages import Connected, Disconnected, Message, Received, Replaced, Resnapshot
from engine.ari.requests import AriRequests
from engine.ari.resources import ChannelSnapshot
from engine.ari.snapshot import Snapshot
from engine.calls.clock import Clock
from engine.calls.reconcile import Picture, Reconciler
from engine.calls.registry import Registry
from engine.domain import ids
from engine.domain.events import ChannelAnswered, ChannelEnded, DigitPressed, Event
from engine.domain.stages import Confirming, Offering, ReachingAgent, Scripted
from engine.domain.values import ChannelId
from engine.errors import StandardisteError

log = structlog.get_logger(__name__)

STARTED = "asterisk_started"
NORMAL = 16  # Q.850 normal call clearing
EXPLICIT = 32  # no Q.850 at all: Asterisk's own flag for a hang-up that ARI or its command line ordered


class NodeFacts(Protocol):
    async def get(self, name: str) -> bytes | None: ...

    async def put(self, name: str, value: bytes) -> None: ...


async def never(_channel: ChannelSnapshot) -> bool:
    """Everybody's answer counts."""
    return False


class Listener:
    """The consumer of the ARI connection.

    `in_the_clear` is asked of each channel that is answered; where it says yes, it has hung the channel up.
    """

    def __init__(
        self,
        clock: Clock,
        facts: NodeFacts,
        *,
        on_connected: Callable[[int, bool], None] = lambda epoch, new: None,
        in_the_clear: Callable[[ChannelSnapshot], Awaitable[bool]] = never,
    ) -> None:
        self.replaced = asyncio.Event()
        self._in_the_clear = in_the_clear
        self._hung_up_on: set[str] = set()  # for their answer; until their end is told
        self._clock, self._facts, self._on_connected = clock, facts, on_connected
        self._audit: asyncio.Task[None] | None = None
        self._started: bytes | None = None  # when the Asterisk of the last epoch started
        self._hanging_up: dict[str, ChannelHangupRequest] = {}  # callers, on channels that Asterisk named

    def attach(self, registry: Registry, reconciler: Reconciler, ari: AriRequests, door: Door) -> None:
        """Before the connection runs."""
        self._registry, self._reconciler, self._ari, self._door = registry, reconciler, ari, door

    async def take(self, message: Message) -> None:
        match message:
            case Received(event=event):
                await self._event(event)
            case Connected(epoch=epoch, snapshot=snapshot):
                await self._connected(epoch, snapshot)
            case Resnapshot(snapshot=snapshot):
                self._audit_beside(snapshot)
            case Disconnected(reason=reason):
                log.warning("ari.disconnected", why=reason)
            case Replaced():
                self.replaced.set()

    async def _connected(self, epoch: int, snapshot: Snapshot) -> None:
        """Whether Asterisk restarted is remembered in the journal: the engine may have been away too."""
        started = snapshot.startup_time.encode()
        known = await self._known_start()
        restarted = known is not None and known != started
        self._on_connected(epoch, restarted)
        if restarted:
            log.error("asterisk.restarted", since=snapshot.startup_time)
            self._reconciler.asterisk_restarted()
        self._hanging_up.clear()
        await self._reconciler.connected(picture_of(snapshot, self._ari.app))
        await self._who_waits(snapshot)
        if known != started:  # only now: whoever dies before every call knows it must find it out again
            await self._remember_start(started)

    async def _who_waits(self, snapshot: Snapshot) -> None:
        """Callers who came in when the last engine was about to die: they have no call, and hear nothing.

        Those who have one are followed: Asterisk forgets to tell a new connection of their end.
        """
        for channel in snapshot.channels.values():
            app, *args = channel.stasis_args or ("",)
            if app != self._ari.app or ids.owner(channel.id) is not None:
                continue
            if self._registry.owner_of(channel.id) is not None:
                await self._follow(channel.id)
            elif not channel.is_up:
                await self._follow(channel.id)
                self._door.enter(channel, tuple(args))
            elif args[:1] in (["inbound"], ["agent"]):  # their call is over, and an order to hang up went astray
                await self._hang_up(channel.id)

    async def _known_start(self) -> bytes | None:
        if self._started is None:
            try:
                self._started = await self._facts.get(STARTED)
            except StandardisteError as unread:  # then every channel that is gone is told by itself
                log.error("asterisk.start_unknown", why=unread.message)
        return self._started

    async def _remember_start(self, started: bytes) -> None:
        self._started = started
        try:
            await self._facts.put(STARTED, started)
        except StandardisteError as unwritten:  # a full disk must not cost the living calls their engine
            log.error("asterisk.start_not_kept", why=unwritten.message)

    async def _event(self, event: AriEvent) -> None:
        told = translate.translate(event, self._clock.now())
        if told is not None and isinstance(told[1], DigitPressed) and not self._keys_matter(told[0]):
            return
        if told is not None and await self._unheard(told[1], event):
            return
        if told is not None and self._registry.deliver(*told):
            return
        match event:
            case StasisStart():
                await self._stranger(event)
            case ChannelHangupRequest(channel=channel) if ids.owner(channel.id) is None:
                self._hanging_up[channel.id] = event
            case StasisEnd(channel=channel) if asked := self._hanging_up.pop(channel.id, None):
                self._registry.deliver(channel.id, self._end_of_caller(asked))

    async def _unheard(self, told: Event, event: AriEvent) -> bool:
        """Whether who answered was hung up on, not taken for somebody to talk to; an answer is told twice."""
        match told, event:
            case ChannelAnswered(), Dial(peer=channel) | ChannelStateChange(channel=channel):
                if channel.id not in self._hung_up_on and await self._in_the_clear(channel):
                    self._hung_up_on.add(channel.id)
                return channel.id in self._hung_up_on
            case ChannelEnded(channel=ended), _:
                self._hung_up_on.discard(ended)
        return False

    def _end_of_caller(self, asked: ChannelHangupRequest) -> ChannelEnded:
        """Who left our application because of a hang-up has hung up: no `ChannelDestroyed` tells of callers."""
        return ChannelEnded(
            at=self._clock.now(),
            channel=ChannelId(asked.channel.id),
            cause=NORMAL if asked.soft and asked.cause == EXPLICIT else asked.cause or NORMAL,
            sip_code=asked.tech_cause,
        )

    def _keys_matter(self, channel: str) -> bool:
        """Keys of a conversation are nobody's business (a customer may be typing a card number), and a hostile phone
        sends thousands: they are neither journalled nor shown."""
        task = self._registry.owner_of(channel)
        return task is not None and isinstance(task.call.stage, ReachingAgent | Offering | Confirming | Scripted)

    async def _stranger(self, event: StasisStart) -> None:
        """A channel nobody owns: ours by name is an orphan; a caller comes in by the door."""
        if ids.owner(event.channel.id) is not None:
            await self._hang_up(event.channel.id)
        else:
            self._door.enter(event.channel, tuple(event.args))

    async def _follow(self, channel: str) -> None:
        try:
            await self._ari.subscribe(f"channel:{channel}")
        except AriError as failed:  # an audit tells of the end
            log.warning("ari.caller_not_followed", channel=channel, why=failed.message)

    async def _hang_up(self, channel: str) -> None:
        try:
            await self._ari.hang_up(channel)
        except AriError as failed:
            log.warning("ari.stranger_stays", channel=channel, why=failed.message)

    def _audit_beside(self, snapshot: Snapshot) -> None:
        """Audits wait for late events, so they run beside the delivery; one at a time."""
        if self._audit is None or self._audit.done():
            self._audit = asyncio.create_task(self._audited(snapshot), name="ari-audit")

    async def _audited(self, snapshot: Snapshot) -> None:
        try:
            await self._reconciler.audit(picture_of(snapshot, self._ari.app))
        except Exception:  # nobody awaits it: say so here; the next one looks again
            log.exception("asterisk.audit_failed")


def picture_of(snapshot: Snapshot, app: str) -> Picture:
    """The snapshot in the words of calls. What is not surely of our application is not ours to end: two engines may
    share an Asterisk, each with an application of its own."""
    channels, bridges = snapshot.channels.values(), snapshot.bridges.values()
    return Picture(
        channels={channel.id: translate.state(channel) for channel in channels},
        bridges={bridge.id: frozenset(bridge.channels) for bridge in bridges},
        foreign=frozenset(
            [
                *(channel.id for channel in channels if channel.stasis_args[:1] != (app,)),
                *(bridge.id for bridge in bridges if bridge.name != app),
            ]
        ),
    )
