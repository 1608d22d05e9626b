"""The trunks of a box without an engine: their files applied, calls placed by them, calls that come told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec

from engine.config.apply import AsteriskFiles
from engine.domain.directory import Directory, Trunk
from engine.domain.values import Slug
from engine.sandbox.behaviours import coded, mobile
from engine.sandbox.example import example_directory, unwatched
from engine.sandbox.parties import FarCall, Invite, Phone
from engine.sandbox.sandbox import Sandbox
from tests.live.asking import Asking, Events

PATIENCE_S = 30.0
SECRET = "the-yeastar-s-own-secret"
HOME = Trunk(id=Slug("home"), site=Slug("paris"), kind="account", secret=SECRET, priority=300)


class Line:
    """A box, its files, and questions to its Asterisk."""

    def __init__(self, box: Sandbox, asking: Asking) -> None:
        self.box, self.asking, self.farend = box, asking, box.farend
        self.files = AsteriskFiles(box.asterisk_settings, asking)
        self.calls = 0

    def directory(self, *changed: Trunk) -> Directory:
        example = example_directory(self.farend)
        trunks = {**example.trunks, HOME.id: HOME, **{trunk.id: trunk for trunk in changed}}
        return msgspec.structs.replace(example, trunks=unwatched(trunks))

    def trunk(self, name: str, **changes: object) -> Trunk:
        return msgspec.structs.replace(self.directory().trunks[Slug(name)], **changes)

    async def apply(self, *changed: Trunk) -> None:
        directory = self.directory(*changed)
        await self.files.apply(directory)
        assert await self.files.verify(directory) == []

    @asynccontextmanager
    async def talking(self, trunk: str, tail: int, **more: str) -> AsyncIterator[tuple[str, Invite]]:
        """A call of ours that is answered, as long as this is open: its channel here, and the INVITE there."""
        number = mobile("10", ring_s=0.2, tone_hz=700, serial=tail)
        channel = await self.calls_out(trunk, number, **more)
        invite = await self.farend.invited(number)
        await self.farend.until(lambda: any(call.answered_at for call in self.farend.calls(number)))
        yield channel, invite
        await self.farend.hang_up(number)

    async def asked(self, trunk: str, tail: int, **more: str) -> Invite:
        """The INVITE a trunk gets for a call of ours, which is answered and ended."""
        async with self.talking(trunk, tail, **more) as (_, invite):
            return invite

    async def calls_out(self, trunk: str, number: str, **more: str) -> str:
        self.calls += 1
        channel = f"out{self.calls:04}x"
        waits = {"context": "standardiste-probe", "extension": "wait"}
        await self.asking.originate(f"PJSIP/{number}@trunk-{trunk}", channel, **waits, **more)
        return channel

    async def arrives(self, place: Callable[[], Any], patience_s: float = PATIENCE_S) -> list[str]:
        """How a call came that somebody places from outside, by what, to whom, from whom; []: it did not arrive."""
        async with self.arriving(place, patience_s) as event:
            return [*event["args"][:3], event["channel"]["caller"]["number"]] if event else []

    @asynccontextmanager
    async def arriving(
        self, place: Callable[[], Any], patience_s: float = PATIENCE_S
    ) -> AsyncIterator[dict[str, Any] | None]:
        """The same, while the caller waits: the whole event."""
        await self.asking.beat()
        async with self.asking.app("standardiste") as events:
            call: FarCall = await place()
            try:
                yield await _started(events, patience_s)
            finally:
                if call.live:
                    await self.farend.hang_up(call.number)
                await self.farend.until(lambda: not call.live)

    async def until_gone(self, channel: str) -> None:
        """Return once Asterisk has no such channel."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.asking.channel(channel) is not None:  # noqa: ASYNC110 - nobody listens here
                await asyncio.sleep(0.05)

    async def yeastar(self, serial: int = 1, **options: str) -> Phone:
        """The Yeastar of HOME, signed in."""
        digits = coded("10", ring_s=0.3, tone_hz=900, serial=serial)
        return await self.farend.yeastar("trunk-home", SECRET, digits, **options)

    async def until_said(self, command: str, *words: str, patience_s: float = PATIENCE_S) -> None:
        """Return once one line of a console command has all these words."""
        async with asyncio.timeout(patience_s):
            while not any(  # noqa: ASYNC110 - Asterisk tells nobody
                all(word in line for word in words) for line in (await self.box.asterisk.cli(command)).splitlines()
            ):
                await asyncio.sleep(0.1)


async def _started(events: Events, patience_s: float) -> dict[str, Any] | None:
    try:
        async with asyncio.timeout(patience_s):
            async for event in events:
                if event["type"] == "StasisStart":
                    return event
    except TimeoutError:
        pass
    return None


@asynccontextmanager
async def line_in(box: Sandbox) -> AsyncIterator[Line]:
    """With every trunk as in the example, and HOME."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S)) as session:
        line = Line(box, Asking(box.asterisk_settings, session))
        await line.apply()
        box.farend.forget()
        yield line
        await box.farend.remove_phones()
