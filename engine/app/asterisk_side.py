"""What the engine asks of Asterisk outside any call: phones, trunks, prompts, and how channels ended unseen."""

import asyncio
from collections import Counter
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import structlog

from engine.ari import cel
from engine.ari.errors import AriError, NotFound, as_away
from engine.ari.requests import AriRequests
from engine.ari.resources import ChannelSnapshot
from engine.calls.clock import Clock
from engine.calls.ports import DirectorySource, Past
from engine.domain import dialstring, ids
from engine.domain.dialstring import Phone
from engine.domain.directory import Agent
from engine.domain.recovery import Ending
from engine.domain.values import ChannelId, PlaybackId, Slug

log = structlog.get_logger(__name__)

HAND_OVER = "standardiste-hand-over"
"""The context a caller waits in until the engine takes them, or the dialplan gives up."""
NO_SUCH_SESSION = 500  # what Asterisk says of RTP to a channel that has none
NO_BEARER = 58  # Q.850 bearer capability not available: as if the offer had been refused by 488
WATCH_EVERY_S = 2.0
"""How old our knowledge of a trunk may be; a call that meets a dead trunk tries the next one anyway."""


class AsteriskSide:
    """Implements `calls.ports.Asterisk` and `TrunkWatch`."""

    def __init__(self, requests: AriRequests, source: DirectorySource, clock: Clock, hangups: Path) -> None:
        self._ari, self._source, self._clock, self._hangups = requests, source, clock, hangups
        self._down: frozenset[Slug] = frozenset()
        self._others: Counter[Slug] = Counter()

    async def registered_phones(self, agent: Agent) -> list[Phone]:
        with as_away():
            found = await asyncio.gather(*map(self._at_account, dialstring.accounts(agent)))
        return [phone for phones in found for phone in phones]

    async def _at_account(self, account: str) -> list[Phone]:
        named = f"PJSIP/{account}/"
        return [Phone(account, contact.removeprefix(named)) for contact in await self._ari.contacts(account)]

    async def living_playbacks(self, playbacks: list[PlaybackId]) -> frozenset[PlaybackId]:
        async def lives(playback: PlaybackId) -> bool:
            try:
                await self._ari.get_playback(playback)
            except NotFound:
                return False
            except AriError as failed:
                log.warning("ari.playback_unknown", playback=playback, why=failed.message)
            return True

        found = await asyncio.gather(*(lives(playback) for playback in playbacks))
        return frozenset(p for p, there in zip(playbacks, found, strict=True) if there)

    async def ends_in_the_clear(self, channel: ChannelSnapshot) -> bool:
        """Whether a channel whose answer just came has no media and was therefore hung up.

        It is so where a trunk must encrypt and the answer did not: Asterisk then declines the only stream of its own
        offer, has no RTP session that could time out, and leaves the call up and silent for ever.
        """
        if not self._must_encrypt(channel.name):
            return False
        try:
            await self._ari.get_variable(channel.id, "CHANNEL(rtp,secure)")
        except AriError as failed:
            if failed.status != NO_SUCH_SESSION:
                return False
        else:
            return False
        log.error("trunk.answered_in_the_clear", channel=channel.name, next="Switch SRTP on at the other side")
        with suppress(AriError):  # its ring limit ends it all the same
            await self._ari.hang_up(channel.id, cause=NO_BEARER)
        return True

    def _must_encrypt(self, channel_name: str) -> bool:
        trunks = self._source.directory.trunks.values()
        endpoint = channel_name.removeprefix("PJSIP/").rpartition("-")[0]
        return any(
            endpoint == dialstring.trunk_endpoint(trunk.id) for trunk in trunks if trunk.media_encryption != "none"
        )

    def past(self, channels: frozenset[ChannelId], since: datetime) -> Past:
        try:
            told = cel.pasts(self._hangups, channels, since=since)
        except OSError as unreadable:  # without it ends have no cause; that is all
            log.error("cel.unreadable", path=str(self._hangups), why=str(unreadable), next="engine doctor")
            return {}, {}
        at = self._clock.at
        answers = {ChannelId(c): at(past.answered) for c, past in told.items() if past.answered is not None}
        endings = {
            ChannelId(c): Ending(at=at(past.ended.at), cause=past.ended.cause)
            for c, past in told.items()
            if past.ended is not None
        }
        return answers, endings

    def is_down(self, trunk: Slug) -> bool:
        return trunk in self._down

    def held_by_others(self, trunk: Slug) -> int:
        return self._others[trunk]

    async def watch_trunks(self) -> None:
        """Look at every trunk for ever: one whose contact does not answer OPTIONS is down."""
        while True:
            try:
                self._others = await self._count_others()
                self._down = frozenset([t for t in self._source.directory.trunks if await self._offline(t)])
            except AriError as failed:
                log.warning("trunks.unknown", why=failed.message)
            await asyncio.sleep(WATCH_EVERY_S)

    async def _count_others(self) -> Counter[Slug]:
        foreign = [channel for channel in await self._ari.list_channels() if not _ours(channel, self._ari.app)]
        return Counter(t for channel in foreign if (t := dialstring.trunk_of_channel(channel.name)) is not None)

    async def _offline(self, trunk: Slug) -> bool:
        """Offline to Asterisk is also a contact that was not asked yet (up to `max_initial_qualify_time` after it was
        configured), and such a one is dialled; what would not be dialled is not among the contacts."""
        endpoint = dialstring.trunk_endpoint(trunk)
        try:
            state = (await self._ari.get_endpoint(endpoint)).state
        except NotFound:
            return True
        return state == "offline" and not await self._ari.contacts(endpoint)


def _ours(channel: ChannelSnapshot, app: str) -> bool:
    """Whether it is in a call of ours, or will be: a caller on their way in, a channel we have just made."""
    if channel.stasis_args:
        return channel.stasis_args[0] == app
    return channel.dialplan.context == HAND_OVER or ids.owner(channel.id) is not None
