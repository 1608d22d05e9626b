"""The event socket: epochs, reconciliation, reconnection.

Asterisk replays nothing. While the socket is down its events are lost, and channels live on. So each connect begins
an epoch: open the socket and keep what it says; read everything Asterisk has; let the consumer reconcile; deliver what
was kept minus what the reading made superfluous; read once more. The same code serves a lost socket, a restart of the
engine and a restart of Asterisk.

Two tasks per epoch: the reader decodes and queues, nothing else (a slow reader gets its socket closed by Asterisk);
the courier delivers, one message at a time, waiting for the consumer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from engine.ari.backlog import Backlog
from engine.ari.errors import AriError
from engine.ari.events import ApplicationReplaced, AriEvent, UnknownEvent, decode
from engine.ari.messages import Connected, Disconnected, Message, Received, Replaced, Resnapshot
from engine.ari.ownership import Ownership
from engine.ari.requests import AriRequests
from engine.ari.settings import AriSettings
from engine.ari.snapshot import Snapshot

OPEN_LIMIT_S = 5.0
CLOSE_LIMIT_S = 1.0
FRAME_LIMIT_BYTES = 16 * 1024 * 1024

log = structlog.get_logger(__name__)

Deliver = Callable[[Message], Awaitable[None]]


def _ignore(*_: object) -> None:
    """The default of every hook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Plain callables for metrics; called on the loop, so they must return at once."""

    event: Callable[[AriEvent], None] = _ignore
    """Each decoded event, before it is queued."""
    superseded: Callable[[int], None] = _ignore
    """How many queued events a snapshot made superfluous."""
    connected: Callable[[int], None] = _ignore
    disconnected: Callable[[int], None] = _ignore
    """The epoch."""


class _StateUnreadable(Exception):
    """The socket opened but the state cannot be read: this epoch cannot begin, or cannot be trusted."""


class AriConnection:
    """Owns the socket of one application on one Asterisk. `run` it in a task; cancel that task to stop.

    `deliver` is awaited for each message, so its order is the consumer's order; while it runs, events queue. A lost
    socket never cuts a delivery short. What `deliver` raises ends `run`.
    """

    def __init__(
        self, settings: AriSettings, requests: AriRequests, deliver: Deliver, *, hooks: Hooks | None = None
    ) -> None:
        self._settings = settings
        self._requests = requests
        self._deliver = deliver
        self._hooks = hooks or Hooks()
        self._startup_time = ""
        self._ownership = Ownership(requests, settings.app)
        self._audit_wanted = False
        self._given_away = False
        self._replaced = False
        self._backlog = Backlog()
        self._ready = asyncio.Event()
        self.epoch = 0

    @property
    def ready(self) -> bool:
        """Connected and reconciled."""
        return self._ready.is_set()

    @property
    def backlog(self) -> int:
        """Events received and not yet delivered."""
        return len(self._backlog)

    async def wait_ready(self) -> None:
        """Until connected and reconciled; bound it with a time of your own."""
        await self._ready.wait()

    def audit_soon(self) -> None:
        """Ask for a Resnapshot as soon as the events at hand are delivered."""
        self._audit_wanted = True
        self._backlog.wake()

    async def run(self) -> None:
        """Stay connected until cancelled, or until another engine replaces us (then it returns)."""
        pause = self._settings.reconnect_first_s
        while not self._replaced:
            before = self.epoch
            reason = await self._one_epoch()
            if self._replaced:
                break
            if self.epoch != before:
                pause = self._settings.reconnect_first_s
            log.warning("ari.disconnected", epoch=self.epoch, reason=reason, retry_in_s=round(pause, 2))
            await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, not a secret
            pause = min(pause * 2, self._settings.reconnect_last_s)
        log.error("ari.replaced", epoch=self.epoch, app=self._settings.app)
        await self._deliver(Replaced(self.epoch))

    async def _one_epoch(self) -> str:
        """From one connect to its loss; why it ended."""
        if await self._lost_while_away():
            return "another engine took our application while we were away"
        try:
            async with connect(
                self._settings.websocket_url,
                additional_headers={"Authorization": self._settings.authorization},
                open_timeout=OPEN_LIMIT_S,
                close_timeout=CLOSE_LIMIT_S,
                ping_interval=self._settings.ping_every_s,
                ping_timeout=self._settings.pong_limit_s,
                max_size=FRAME_LIMIT_BYTES,
                compression=None,
                proxy=None,
            ) as socket:
                return await self._live(socket)
        except InvalidStatus as refused:
            status = refused.response.status_code
            hint = "; compare the ARI user and secret of the settings with ari.conf" if status in {401, 403} else ""
            return f"Asterisk refused the event socket with {status}{hint}"
        except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as failed:
            return f"{type(failed).__name__}: {failed}"

    async def _lost_while_away(self) -> bool:
        """Opening the socket again would take the application back from the engine that came after us."""
        if self.epoch == 0:
            return False
        with suppress(AriError):  # then the socket will not open either
            self._replaced = await self._ownership.holder() == "another"
        return self._replaced

    async def _live(self, socket: ClientConnection) -> str:
        self.epoch += 1
        self._given_away = False
        self._backlog = Backlog()
        self._hooks.connected(self.epoch)
        reader = asyncio.create_task(self._read(socket), name=f"ari-reader-{self.epoch}")
        courier = asyncio.create_task(self._carry(), name=f"ari-courier-{self.epoch}")
        try:
            await asyncio.wait((reader, courier), return_when=asyncio.FIRST_COMPLETED)
            self._ready.clear()
            reason = await self._wind_up(reader, courier)
        finally:
            # Reached with both done, or because we are cancelled or the consumer raised: then nothing may go on.
            self._ready.clear()
            await _stop(reader, courier)
            self._hooks.disconnected(self.epoch)
        if self._given_away:
            with suppress(AriError):  # unreadable: the next attempt asks again
                self._replaced = await self._ownership.taken_by_another()
        if not self._replaced:
            await self._deliver(Disconnected(self.epoch, reason))
        return reason

    async def _wind_up(self, reader: asyncio.Task[str], courier: asyncio.Task[None]) -> str:
        """Let the courier finish what it carries: what was received is delivered, and no delivery is cut short."""
        if courier.done():
            reader.cancel()
        else:
            self._backlog.close()
        try:
            await courier
        except _StateUnreadable as unreadable:
            return str(unreadable)
        return await reader

    async def _read(self, socket: ClientConnection) -> str:
        """Decode and queue; why it ended.

        Being given away jumps the queue: what we were about to do may be another engine's now.
        """
        try:
            async for frame in socket:
                event = decode(frame)
                self._hooks.event(event)
                if isinstance(event, ApplicationReplaced):
                    self._given_away = True
                    self._backlog.clear()
                    return "our application was given to a newer socket"
                if isinstance(event, UnknownEvent):
                    log.info("ari.unknown_event", type=event.type, why=event.why)
                self._backlog.put(event)
                if len(self._backlog) > self._settings.backlog_limit:
                    self._backlog.clear()
                    return f"more than {self._settings.backlog_limit} events not yet delivered"
        except ConnectionClosed as closed:
            return f"event socket closed: {closed}"
        return "Asterisk closed the event socket"

    async def _carry(self) -> None:
        snapshot = await self._read_state(first=True)
        restarted = self._startup_time not in {"", snapshot.startup_time}
        self._startup_time = snapshot.startup_time
        log.info("ari.connected", epoch=self.epoch, channels=len(snapshot.channels), restarted=restarted)
        await self._deliver(Connected(self.epoch, snapshot, restarted))
        await self._deliver_events()
        await self._audit()
        if not self._backlog.closed:
            self._ready.set()
        loop = asyncio.get_running_loop()
        audit_at = loop.time() + self._settings.resnapshot_every_s
        while not self._backlog.closed:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(audit_at):
                    await self._backlog.wait()
            await self._deliver_events()
            if (self._audit_wanted or loop.time() >= audit_at) and not self._backlog.closed:
                await self._audit()
                audit_at = loop.time() + self._settings.resnapshot_every_s

    async def _deliver_events(self) -> None:
        while taken := self._backlog.take():
            await self._deliver(Received(self.epoch, taken[1]))

    async def _audit(self) -> None:
        self._audit_wanted = False
        await self._deliver(Resnapshot(self.epoch, await self._read_state(first=False)))

    async def _read_state(self, *, first: bool) -> Snapshot:
        mark = self._backlog.mark
        try:
            if first:
                await self._ownership.claim()
                await self._requests.set_event_filter(self._settings.muted_events)
                mark = self._backlog.mark
            snapshot = await self._requests.snapshot()
        except AriError as failed:
            raise _StateUnreadable(f"cannot read Asterisk's state: {failed}") from failed
        self._hooks.superseded(self._backlog.drop_superseded(snapshot.taken_at, mark))
        return snapshot


async def _stop(*tasks: asyncio.Task[Any]) -> None:
    """Cancel what still runs and wait until it is gone."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
