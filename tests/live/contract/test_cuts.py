"""Whatever is cut and whenever: soon after the socket is back, what we believe is what is."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from engine.ari.connection import AriConnection
from engine.ari.errors import NotFound, NotInStasis
from engine.ari.events import ChannelDestroyed, ChannelStateChange, Dial, StasisStart
from engine.ari.messages import Connected, Disconnected, Message, Received, Resnapshot
from engine.ari.pools import HttpPools
from engine.ari.requests import AriRequests
from engine.sandbox.behaviours import mobile
from tests.live.contract.line import Line, new_id
from tests.live.contract.relay import Relay

CALLS = 24
CUTS = 5
RIGHT_WITHIN_S = 2.0
BEHAVIOURS = ("10", "11", "30", "32", "50", "70", "74", "81")


class Mirror:
    """The simplest consumer: the state of each channel, from messages alone."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.epochs: list[int] = []
        self.lost = 0
        self.most = 0

    async def take(self, message: Message) -> None:
        match message:
            case Connected() | Resnapshot():
                self.states = {channel.id: channel.state for channel in message.snapshot.channels.values()}
                if isinstance(message, Connected):
                    self.epochs.append(message.epoch)
            case Received(event=StasisStart(channel=channel)):
                self.states.setdefault(channel.id, channel.state)
            case Received(event=ChannelStateChange(channel=channel) | Dial(dialstatus="ANSWER", peer=channel)):
                self.states[channel.id] = channel.state
            case Received(event=ChannelDestroyed(channel=channel)):
                self.states.pop(channel.id, None)
            case Disconnected():
                self.lost += 1
        self.most = max(self.most, len(self.states))


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_mirror_is_right_after_any_cuts(line: Line, seed: int) -> None:
    """The line gives the orders past the relay; the mirror listens, as the newer of the two, through it."""
    chance = random.Random(seed)
    mirror = Mirror()
    async with Relay(line.box.asterisk_settings.ari_port) as relay:
        settings = replace(line.settings, base_url=f"http://127.0.0.1:{relay.port}")
        async with HttpPools(settings) as pools:
            connection = AriConnection(settings, AriRequests(pools, settings.app), mirror.take)
            listening = asyncio.create_task(connection.run())
            await asyncio.wait_for(connection.wait_ready(), 5)
            try:
                async with asyncio.TaskGroup() as group:
                    calls = [group.create_task(_call(line, chance, serial)) for serial in range(CALLS)]
                    group.create_task(_cut_now_and_then(relay, chance))
                await asyncio.wait_for(connection.wait_ready(), 5)
                async with asyncio.timeout(RIGHT_WITHIN_S):
                    await _equal(line, mirror, {call.result() for call in calls})
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
    assert mirror.lost >= 1
    assert mirror.most >= CALLS // 4
    assert mirror.epochs == sorted(set(mirror.epochs))


async def _call(line: Line, chance: random.Random, serial: int) -> str:
    """Dial one party some time within two seconds; its leg's id. A leg made while nobody listens dies at once."""
    channel = new_id()
    line.channels.append(channel)
    number = mobile(chance.choice(BEHAVIOURS), ring_s=chance.choice((0, 0.3, 0.8)), serial=serial)
    await asyncio.sleep(chance.uniform(0, 2))
    await line.ari.create_channel(channel, f"PJSIP/{number}@trunk-paris-1")
    for _ in range(50):
        try:
            await line.ari.dial(channel, 30)
        except NotInStasis:
            await asyncio.sleep(0.01)  # too early: its StasisStart goes to the mirror, not to us
        except NotFound:
            break
        else:
            break
    return channel


async def _cut_now_and_then(relay: Relay, chance: random.Random) -> None:
    for _ in range(CUTS):
        await asyncio.sleep(chance.uniform(0.05, 0.8))
        relay.cut()


async def _equal(line: Line, mirror: Mirror, ours: set[str]) -> None:
    """Calls go on ringing, answering and ending meanwhile: compare until nothing moved in between."""
    while True:
        before = {one: state for one, state in mirror.states.items() if one in ours}
        real = {channel.id: channel.state for channel in await line.raw.list_channels() if channel.id in ours}
        if before == real:
            return
        await asyncio.sleep(0.02)
