"""Where callers come in: a channel in our application that is nobody's becomes a call, or is told why not."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol

import structlog

from engine.app.incident_codes import CONTEXT, Codes
from engine.ari.errors import AriError
from engine.ari.requests import AriRequests
from engine.ari.resources import ChannelSnapshot
from engine.calls.arriving import Came
from engine.calls.contract import Accepted
from engine.domain.missed import NOBODY, told
from engine.domain.values import ChannelId
from engine.errors import StandardisteError

log = structlog.get_logger(__name__)

READY_WITHIN_S = 10.0  # a caller who came in while we start hears the ringing go on for so long
REFUSAL = "standardiste-refusal"


class Calls(Protocol):
    def expect(self, came: Came) -> None: ...

    async def arrive(self, came: Came) -> Accepted: ...


class Door:
    """`spawn` owns the tasks: a caller who is being let in holds up nobody's events.

    `ready` returns once calls can be taken. Those who waited while the last engine died are found before this one is
    ready, and wait for it at the door.
    """

    def __init__(
        self,
        calls: Calls,
        ari: AriRequests,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        ready: Callable[[], Awaitable[None]],
        codes: Codes,
    ) -> None:
        self._calls, self._ari, self._spawn, self._ready, self._codes = calls, ari, spawn, ready, codes
        self._entering: set[str] = set()

    def enter(self, channel: ChannelSnapshot, args: tuple[str, ...]) -> bool:
        """Let a caller in; False for one the dialplan did not send. `args`: kind, endpoint, what was dialled,
        whom the caller wanted before they were redirected."""
        match args:
            case ("inbound" | "agent" | "code" as kind, endpoint, dialled, *more) if len(more) <= 1:
                came = Came(
                    channel=ChannelId(channel.id),
                    endpoint=endpoint,
                    dialled=dialled,
                    caller=channel.caller.number,
                    redirected_from="".join(more),
                )
            case _:
                return False
        if channel.id not in self._entering:
            self._entering.add(channel.id)
            if kind != "code":
                self._calls.expect(came)  # at once: the next event may be the caller's hanging up
            self._spawn(self._let_in(came, self._do_code if kind == "code" else self._begin_call))
        return True

    async def _let_in(self, came: Came, begin: Callable[[Came], Awaitable[None]]) -> None:
        try:
            with suppress(TimeoutError):  # then the refusal says why
                async with asyncio.timeout(READY_WITHIN_S):
                    await self._ready()
            await begin(came)
        except StandardisteError as refused:
            await self._send_on(came, REFUSAL, told(refused.stable_code))
        except Exception:  # nobody awaits it, and a caller must never be left in silence
            log.exception("call.arrival_failed", channel=came.channel)
            await self._send_on(came, REFUSAL, NOBODY)
        finally:
            self._entering.discard(came.channel)

    async def _begin_call(self, came: Came) -> None:
        accepted = await self._calls.arrive(came)
        log.info("call.arrived", call=accepted.id, endpoint=came.endpoint, dialled=came.dialled)

    async def _do_code(self, came: Came) -> None:
        await self._send_on(came, CONTEXT, await self._codes.dialled(came))

    async def _send_on(self, came: Came, context: str, exten: str) -> None:
        try:
            await self._ari.continue_in_dialplan(came.channel, context, exten=exten)
        except AriError as failed:  # gone, or it will be: the dialplan bounds its life
            log.warning("ari.stranger_stays", channel=came.channel, why=failed.message)
