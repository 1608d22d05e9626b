"""All typed commands in one object: `AriRequests(transport, app)`.

Give it `HttpPools` to send at once, or `Lanes` around them so that commands to one channel keep their order.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from engine.ari.bridge_requests import BridgeRequests
from engine.ari.building import get, given, segment
from engine.ari.channel_requests import ChannelRequests
from engine.ari.errors import AriError, NotFound
from engine.ari.pools import Request, Retry
from engine.ari.resources import AsteriskInfo, Endpoint
from engine.ari.snapshot import Snapshot

PROBE = "probe-"
"""How the ids of channels begin that were only made to ask something."""

PROBE_PLACE = "Local/wait@standardiste-probe"
"""Where such a channel waits in the dialplan, if it must not need an application."""

PROBE_LIFE_S = "5"
"""Should we die before we end it."""


class _Value(msgspec.Struct):
    value: str


class _Field(msgspec.Struct):
    attribute: str
    value: str


class _System(msgspec.Struct):
    version: str


class _Status(msgspec.Struct):
    startup_time: str
    last_reload_time: str


class _Info(msgspec.Struct):
    system: _System
    status: _Status


class _Application(msgspec.Struct):
    name: str


class _Module(msgspec.Struct):
    name: str


class AriRequests(ChannelRequests, BridgeRequests):
    """Channels, bridges, and what concerns Asterisk as a whole."""

    async def info(self) -> AsteriskInfo:
        """Version and start time; a new start time means that every channel we knew is gone."""
        told = await self._read(get("/asterisk/info", only="system,status"), _Info)
        return AsteriskInfo(told.system.version, told.status.startup_time, told.status.last_reload_time)

    async def snapshot(self) -> Snapshot:
        """Everything Asterisk has now."""
        taken_at = datetime.now(UTC)
        status = await self.info()
        channels = await self.list_channels()
        bridges = await self.list_bridges()
        return Snapshot(
            taken_at=taken_at,
            startup_time=status.startup_time,
            channels={channel.id: channel for channel in channels},
            bridges={bridge.id: bridge for bridge in bridges},
        )

    async def get_global(self, name: str) -> str:
        """A dialplan global or a function that needs no channel; '' if it is not set."""
        return (await self._read(get("/asterisk/variable", variable=name), _Value)).value

    async def set_global(self, name: str, value: str) -> None:
        """Set a dialplan global (0.1 ms): the engine's beat."""
        query = given(variable=name, value=value)
        await self._send(
            Request(method="POST", path="/asterisk/variable", query=query, retry=Retry.ALWAYS, urgent=True)
        )

    async def set_event_filter(self, muted: Iterable[str]) -> None:
        """Do not send us these event types. The filter lives and dies with the application: set after each connect."""
        types = [{"type": name} for name in muted]
        await self._send(
            Request(
                method="PUT",
                path=f"/applications/{segment(self._app)}/eventFilter",
                body={"allowed": [], "disallowed": types},
                retry=Retry.ALWAYS,
                urgent=True,
            )
        )

    async def subscribe(self, *sources: str) -> None:
        """Receive events of `deviceState:PJSIP/alice`, `channel:<id>`, ... too.

        Not `endpoint:` of our own channels: each of their events would come twice.
        """
        path = f"/applications/{segment(self._app)}/subscription"
        query = given(eventSource=",".join(sources))
        await self._send(Request(method="POST", path=path, query=query, retry=Retry.ALWAYS, urgent=True))

    async def applications(self) -> list[str]:
        """Names of the applications Asterisk knows."""
        return [found.name for found in await self._read(get("/applications"), list[_Application])]

    async def is_registered(self) -> bool:
        """Whether Asterisk knows our application (a dead one may still be known)."""
        try:
            await self._read(get(f"/applications/{segment(self._app)}"), _Application)
        except NotFound:
            return False
        return True

    async def get_endpoint(self, resource: str, *, technology: str = "PJSIP") -> Endpoint:
        """A SIP account; NotFound if Asterisk has none of that name."""
        return await self._read(get(f"/endpoints/{segment(technology)}/{segment(resource)}"), Endpoint)

    async def contacts(self, endpoint: str, *, technology: str = "PJSIP") -> tuple[str, ...]:
        """What to give to `create_channel` to ring each registered device of an account: `PJSIP/alice/sip:...`.

        Empty if none is registered.
        """
        listed = await self._evaluated(f"{technology}_DIAL_CONTACTS({endpoint})")
        start = f"{technology}/"
        return tuple(start + one for one in listed.removeprefix(start).split(f"&{start}")) if listed else ()

    async def _evaluated(self, function: str) -> str:
        """Asterisk evaluates functions on a channel only, so one is made for the question (2 ms); the consumer sees it
        come and go under an id that begins with `probe-`."""
        probe = f"{PROBE}{uuid4().hex}"
        await self.create_channel(
            probe, "Local/probe@standardiste-probe", variables={"TIMEOUT(absolute)": PROBE_LIFE_S}
        )
        try:
            return await self.get_variable(probe, function)
        finally:
            await self._end(probe)

    async def _end(self, probe: str) -> None:
        """It ends by itself if it cannot be ended; what went wrong before it (a cancellation too) is what is told."""
        with suppress(AriError):
            await self.hang_up(probe)

    async def absent_steps(self, steps: Sequence[str]) -> list[str]:
        """Those of these steps of the dialplan (`context,extension,priority`) that it does not have."""
        async with self._waiting() as probe:
            return [step for step in steps if await self._on(probe, f"DIALPLAN_EXISTS({step})") != "1"]

    @asynccontextmanager
    async def _waiting(self) -> AsyncIterator[str]:
        """A channel that waits in the dialplan and needs no application: a command asks too while no engine runs."""
        probe = f"{PROBE}{uuid4().hex}"
        waits = given(endpoint=PROBE_PLACE, context="default", extension="s", priority="1", channelId=probe)
        await self._send(Request(method="POST", path="/channels", query=waits, retry=Retry.CREATE))
        try:
            yield probe
        finally:
            await self._end(probe)

    async def _on(self, channel_id: str, function: str) -> str:
        """What a function says on this channel; '' when the channel is gone."""
        try:
            return await self.get_variable(channel_id, function)
        except NotFound:
            return ""

    async def registrations(self, aor: str) -> list[str]:
        """Asterisk's own names of all that is registered at an account, even where nobody answers any more."""
        listed = await self._evaluated(f"PJSIP_AOR({aor},contact)")
        return [name for name in listed.split(",") if name.startswith(f"{aor};@")]

    async def drop_registration(self, name: str) -> None:
        """Forget one of `registrations`; no error if it is gone already."""
        path = f"/asterisk/config/dynamic/res_pjsip/contact/{segment(name)}"
        with suppress(NotFound):
            await self._send(Request(method="DELETE", path=path, retry=Retry.ALWAYS))

    async def object_fields(self, kind: str, name: str) -> dict[str, str] | None:
        """The fields of a PJSIP object (`endpoint`, `auth`, `aor`, ...) as Asterisk has it; None if it has none."""
        path = f"/asterisk/config/dynamic/res_pjsip/{segment(kind)}/{segment(name)}"
        try:
            told = await self._read(get(path), list[_Field])
        except NotFound:
            return None
        return {field.attribute: field.value for field in told}

    async def queue_members(self, queue: str) -> list[str] | None:
        """The members of one of app_queue's queues; None if it has none of that name."""
        async with self._waiting() as probe:
            listed = await self._on(probe, f"QUEUE_MEMBER_LIST({queue})")
            if not listed and await self._on(probe, f"QUEUE_EXISTS({queue})") != "1":
                return None
        return listed.split(",") if listed else []

    async def has_module(self, name: str) -> bool:
        """Whether a module is loaded."""
        try:
            await self._read(get(f"/asterisk/modules/{segment(name)}"), _Module)
        except NotFound:
            return False
        return True

    async def reload_module(self, name: str) -> None:
        """Re-read a module's files. 204 also when Asterisk rejects them: read back what must be there."""
        path = f"/asterisk/modules/{segment(name)}"
        await self._send(Request(method="PUT", path=path, retry=Retry.ALWAYS, limit_s=30.0))
