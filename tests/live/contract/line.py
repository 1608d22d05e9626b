"""A line to the engine's Asterisk with nothing behind it: what Asterisk answers and tells, seen by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar
from uuid import uuid4

from engine.ari.connection import AriConnection, Hooks
from engine.ari.errors import AriError
from engine.ari.events import AriEvent, ChannelDestroyed, Dial, Event, StasisStart, channel_id
from engine.ari.lanes import Lanes
from engine.ari.messages import Message, Received
from engine.ari.pools import HttpPools
from engine.ari.requests import AriRequests
from engine.ari.settings import AriSettings
from engine.sandbox.sandbox import Sandbox

WAIT_S = 30.0
E = TypeVar("E", bound=Event)


def settings_of(box: Sandbox, app: str = "contract") -> AriSettings:
    """How to reach the box's Asterisk."""
    own = box.asterisk_settings
    return AriSettings(
        base_url=f"http://127.0.0.1:{own.ari_port}", username=own.ari_user, password=own.ari_secret, app=app
    )


def new_id() -> str:
    """Of one length, so that none is the beginning of another."""
    return uuid4().hex


class Line:
    """Connected while it is used as `async with`. `ari` goes through lanes, `raw` past them."""

    def __init__(self, box: Sandbox, *, app: str = "contract") -> None:
        self.box = box
        self.settings = replace(settings_of(box, app), reconnect_first_s=0.05)
        self.pools = HttpPools(self.settings)
        self.lanes = Lanes(self.pools)
        self.ari = AriRequests(self.lanes, app)
        self.raw = AriRequests(self.pools, app)
        self.messages: list[Message] = []
        self._changed = asyncio.Condition()
        self.channels: list[str] = []
        self.bridges: list[str] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Line:
        await self.pools.__aenter__()
        await self.connect()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._leave_nothing()
        await self.disconnect()
        await self.pools.__aexit__()

    async def connect(self) -> None:
        """Open the event socket and reconcile."""
        self.connection = AriConnection(self.settings, self.ari, self._note, hooks=Hooks(event=self.lanes.observe))
        self._task = asyncio.create_task(self.connection.run())
        await asyncio.wait_for(self.connection.wait_ready(), WAIT_S)

    async def disconnect(self) -> None:
        """Close the event socket; requests still work."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _leave_nothing(self) -> None:
        for channel in self.channels:
            await self.raw.hang_up(channel)
        for bridge in self.bridges:
            await self.raw.destroy_bridge(bridge)

    async def _note(self, message: Message) -> None:
        self.messages.append(message)
        async with self._changed:
            self._changed.notify_all()

    def events(self, channel: str = "") -> list[AriEvent]:
        """All events, or those of one channel."""
        seen = [message.event for message in self.messages if isinstance(message, Received)]
        return [event for event in seen if not channel or channel_id(event) == channel]

    async def until(self, true: Callable[[], Any], limit_s: float = WAIT_S) -> None:
        """Wait for a condition that a message brings about."""
        async with asyncio.timeout(limit_s), self._changed:
            await self._changed.wait_for(lambda: bool(true()))

    async def event(self, kind: type[E], channel: str = "", *, limit_s: float = WAIT_S, **fields: object) -> E:
        """The first event of that kind, channel and fields, seen already or to come."""

        def found() -> E | None:
            for event in self.events(channel):
                if isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items()):
                    return event
            return None

        await self.until(found, limit_s)
        result = found()
        assert result is not None
        return result

    async def created(self, endpoint: str, **more: Any) -> str:
        """A created channel, in our application and not dialled."""
        channel = new_id()
        self.channels.append(channel)
        await self.ari.create_channel(channel, endpoint, **more)
        await self.event(StasisStart, channel)
        return channel

    async def dialled(self, number: str, *, trunk: str = "paris-1", timeout_s: int = 30, **more: Any) -> str:
        """A channel on its way to a party of the far end."""
        channel = await self.created(f"PJSIP/{number}@trunk-{trunk}", **more)
        await self.ari.dial(channel, timeout_s)
        return channel

    async def up(self, number: str, *, trunk: str = "paris-1") -> str:
        """An answered channel."""
        channel = await self.dialled(number, trunk=trunk)
        await self.event(Dial, channel, dialstatus="ANSWER")
        return channel

    async def bridge(self, *channels: str, **more: Any) -> str:
        """A bridge with these channels in it."""
        bridge = new_id()
        self.bridges.append(bridge)
        await self.ari.create_bridge(bridge, **more)
        for channel in channels:
            await self.ari.add_to_bridge(bridge, channel)
        return bridge

    async def ended(self, channel: str) -> ChannelDestroyed:
        """How a channel ended."""
        return await self.event(ChannelDestroyed, channel)

    async def gone(self, channel: str) -> bool:
        """Whether Asterisk no longer knows a channel."""
        try:
            await self.ari.get_channel(channel)
        except AriError as error:
            return error.status == 404
        return False
