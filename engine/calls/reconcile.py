"""After each (re)connection: every living call hears what it missed, and what nobody owns is ended.

The same for a lost socket, a restart of the engine and a restart of Asterisk.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import structlog

from engine.calls.clock import Clock
from engine.calls.ports import Asterisk, Past, World
from engine.calls.registry import Registry
from engine.calls.runner import Reconcile
from engine.domain import ids
from engine.domain.call import Call
from engine.domain.events import AsteriskLost
from engine.domain.recovery import ChannelState, Seen
from engine.domain.values import BridgeId, ChannelId

log = structlog.get_logger(__name__)

TAKE_TURN_S = 5.0
"""A living call takes its turn by then; one that does not is left to the audit."""
CLOCK_MAY_JUMP = timedelta(hours=2)
"""No channel ended before its call was asked for, whatever became of the wall clock; the log is read no further."""
AUDIT_GRACE_S = 1.5
"""An audit may already show what the next events will say: they get this long to say it."""


class Picture(msgspec.Struct, frozen=True):
    """Asterisk at one moment, in our words. `foreign`: what another application on the same Asterisk made."""

    channels: Mapping[str, ChannelState]
    bridges: Mapping[str, frozenset[str]]
    foreign: frozenset[str] = frozenset()


class Reconciler:
    def __init__(self, registry: Registry, world: World, asterisk: Asterisk, clock: Clock) -> None:
        self._registry, self._world, self._asterisk, self._clock = registry, world, asterisk, clock

    async def connected(self, picture: Picture) -> None:
        """A new epoch: catch up with everything."""
        await self._sweep(picture)
        seen = await self._seen(picture)
        turns = [Reconcile(seen) for _ in self._registry]
        for task, turn in zip(self._registry, turns, strict=True):
            task.post(turn)
        if turns:
            _, late = await asyncio.wait([turn.done for turn in turns], timeout=TAKE_TURN_S)
            log.info("calls.reconciled", calls=len(turns), late=len(late))

    def asterisk_restarted(self) -> None:
        """Every channel of before is gone."""
        for task in self._registry:
            task.post(AsteriskLost(at=self._clock.now()))

    async def audit(self, picture: Picture) -> None:
        """The state read again: mend what no event will ever tell, and leave what the next ones may."""
        known = {
            task.id: frozenset(
                a.channel for leg in task.call.legs.values() for a in leg.live if a.phase not in ("creating", "closing")
            )
            for task in self._registry
        }
        suspects = {i: c for i, c in known.items() if any(_differs(channel, picture) for channel in c)}
        if not suspects and not self._orphans(picture):
            return
        await asyncio.sleep(AUDIT_GRACE_S)
        await self._sweep(picture)
        seen = await self._seen(picture)
        for call_id, channels in suspects.items():
            task = self._registry.get(call_id)
            if task is not None:
                task.post(Reconcile(seen, only=channels))

    async def _seen(self, picture: Picture) -> Seen:
        mine = [task.call for task in self._registry]
        answers, endings = await self._past(mine, picture)
        playbacks = await self._asterisk.living_playbacks([p for call in mine for p in call.playbacks])
        return Seen(
            at=self._clock.now(),
            channels={ChannelId(c): state for c, state in picture.channels.items()},
            bridges={BridgeId(b): frozenset(map(ChannelId, members)) for b, members in picture.bridges.items()},
            playbacks=playbacks,
            endings=endings,
            answers=answers,
        )

    async def _past(self, calls: list[Call], picture: Picture) -> Past:
        """What CEL tells of channels that are gone, and of those that may have answered meanwhile."""
        asked: dict[ChannelId, datetime] = {
            attempt.channel: call.requested.utc
            for call in calls
            for leg in call.legs.values()
            for attempt in leg.live
            if attempt.channel not in picture.channels or attempt.phase in ("ordered", "dialling", "ringing")
        }
        if not asked:
            return {}, {}
        since = min(asked.values()) - CLOCK_MAY_JUMP
        return await asyncio.to_thread(self._asterisk.past, frozenset(asked), since)

    def _orphans(self, picture: Picture) -> list[tuple[Literal["channel", "bridge"], str]]:
        """Things that bear our name and that no living call owns; never those of a second engine beside us."""
        return [
            *(("channel", c) for c in self._unowned(picture.channels) if c not in picture.foreign),
            *(("bridge", b) for b in self._unowned(picture.bridges) if b not in picture.foreign),
        ]

    def _unowned(self, things: Iterable[str]) -> list[str]:
        return [t for t in things if ids.owner(t) is not None and self._registry.owner_of(t) is None]

    async def _sweep(self, picture: Picture) -> None:
        """End the orphans: hang up first, and bridges one after the other (Asterisk #1201)."""
        for kind, thing in self._orphans(picture):
            log.warning("asterisk.orphan", kind=kind, id=thing)
            if kind == "channel":
                await self._world.hang_up_orphan(thing)
            else:
                await self._world.destroy_orphan_bridge(thing)


def _differs(channel: str, picture: Picture) -> bool:
    return channel not in picture.channels
