"""The limits at work: every call is counted, people are told, and what went too far is ended and stays so.

The counters are rebuilt from the journal at each start, out of the same states the calls live by: killing the engine
gives nobody a new allowance. Locks and re-arms are facts of the node, kept in the same journal.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

import msgspec
import structlog

from engine.calls import rows
from engine.calls.clock import Clock
from engine.calls.contract import Actor, LimitsView
from engine.calls.limit_words import refused_by_lock, refused_by_reading, view
from engine.calls.ports import DirectorySource
from engine.calls.registry import Registry
from engine.domain import opening, public_events, tariff, usage
from engine.domain.call import Call
from engine.domain.directory import Site, Trunk
from engine.domain.events import FinishOrdered
from engine.domain.ledger import Ledger
from engine.domain.limits import Lock, Reading, Rules
from engine.domain.request import ConnectRequest
from engine.domain.tariff import Price, Tariff
from engine.domain.usage import Scope
from engine.domain.values import E164, CallId, Slug
from engine.errors import JournalUnwritable, UnknownThing
from engine.journal import ClosedState, OpenCall, OutboxRow

log = structlog.get_logger(__name__)

FACT = "limits"
LOOK_EVERY_S = 0.5  # four times within the lead by which minutes are paid before they begin
FORGET_EVERY = 600  # looks
REMEMBER = timedelta(hours=26)  # a day, and calls that were still alive then
PAGE = 500


class LimitJournal(Protocol):
    """The part of the journal the limits use."""

    async def get(self, name: str) -> bytes | None: ...

    async def put(self, name: str, value: bytes) -> None: ...

    async def report(self, outbox: tuple[OutboxRow, ...]) -> None: ...

    async def open_calls(self) -> list[OpenCall]: ...

    async def closed_states(self, since: datetime, limit: int, before: int | None = None) -> list[ClosedState]: ...


class Kept(msgspec.Struct, frozen=True):
    """What outlives the engine, besides the calls. Times are monotonic seconds, which go on over restarts."""

    locks: dict[Scope, Lock] = {}
    rearmed: dict[Scope, float] = {}


class LimitBoard:
    """Single-writer: the event loop. `told` hears of every reading that is news (for the metrics)."""

    def __init__(
        self,
        *,
        rules: Rules,
        prices: Tariff,
        closed_share: float,
        source: DirectorySource,
        clock: Clock,
        journal: LimitJournal,
        spawn: Callable[..., object],
        told: Callable[[Reading], None] = lambda reading: None,
    ) -> None:
        self.ledger = Ledger(rules)
        self._closed_share, self._source, self._clock, self._journal = closed_share, source, clock, journal
        self._spawn, self._told = spawn, told
        self._price = lru_cache(maxsize=4096)(lambda number, country: tariff.price(prices, E164(number), country))
        self._registry = Registry()
        self._cut: set[CallId] = set()

    def attach(self, registry: Registry) -> None:
        """Before anything is accepted."""
        self._registry = registry

    # -- start -------------------------------------------------------------------------------------------------------

    async def load(self) -> int:
        """What was called and spent before this start; says how many calls were counted."""
        kept = await self._journal.get(FACT)
        if kept is not None:
            known = msgspec.json.decode(kept, type=Kept)
            self.ledger.locks, self.ledger.rearmed = dict(known.locks), dict(known.rearmed)
        counted, before = 0, None
        since = self._clock.now().utc - REMEMBER
        while page := await self._journal.closed_states(since, PAGE, before):
            before = page[-1].closed_seq
            counted += sum(self._count(row.call_id, row.state) for row in page)
        counted += sum(self._count(row.call_id, row.state) for row in await self._journal.open_calls())
        self.ledger.forget_old(self._clock.now().mono)
        return counted

    def _count(self, call_id: str, state: bytes) -> bool:
        try:
            self.changed(msgspec.json.decode(state, type=Call))
        except (msgspec.MsgspecError, UnicodeDecodeError) as unreadable:
            log.error("limits.call_unreadable", call=call_id, why=str(unreadable))
            return False
        return True

    # -- calls -------------------------------------------------------------------------------------------------------

    def open_trunks(self, trunks: list[Trunk]) -> list[Trunk]:
        """Those that are not locked; raises Refused when all are."""
        found = [trunk for trunk in trunks if not self.shut(trunk.id)]
        if trunks and not found:
            raise refused_by_lock(self.ledger.locks[f"trunk:{trunks[0].id}"])
        return found

    def shut(self, trunk: Slug) -> bool:
        return f"trunk:{trunk}" in self.ledger.locks

    def may_ring(self, agent: Slug, mobile: E164, site: Site) -> bool:
        """Whether the agent's limits have room for a call to their mobile."""
        now = self._clock.now()
        money = self._price(mobile, site.country).per_minute
        return self.ledger.has_room(f"agent:{agent}", money, now.mono, self._share(site.id, now.utc))

    def admit(self, call_id: CallId, request: ConnectRequest) -> None:
        """Count a call that is about to begin; raises Refused when a limit does not let it."""
        now = self._clock.now()
        use = usage.of_request(call_id, request, now.mono, self._priced(request))
        lock = self.ledger.locked(use.scopes)
        if lock is not None:
            raise refused_by_lock(lock)
        readings = self.ledger.admit(use, now.mono, self._share(request.site, now.utc))
        for reading in readings:
            self._announce(reading, call_id, request)
        critical = [reading for reading in readings if reading.level == "critical"]
        if critical:
            self._end_doomed()
            raise refused_by_reading(critical[0])

    def withdraw(self, call_id: CallId) -> None:
        """It did not begin."""
        self.ledger.withdraw(call_id)

    def changed(self, call: Call) -> None:
        """After each step of a call."""
        self.ledger.tell(usage.of_call(call, self._priced(call.request)), self._clock.now().mono)

    def left(self, call_id: CallId) -> None:
        """Its task is over: it closed, or was given up and is followed by nobody until the next start."""
        self.ledger.lose(call_id)
        self._cut.discard(call_id)

    async def run(self) -> None:
        """Look for ever at what the living calls spend."""
        looks = 0
        while True:
            try:
                self.look()
                looks += 1
                if looks % FORGET_EVERY == 0:
                    self.ledger.forget_old(self._clock.now().mono)
            except Exception:  # a fault of ours here must not take the living calls down with it
                log.exception("limits.look_failed")
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Have the minutes paid that are about to begin, and end what has to."""
        now = self._clock.now()
        shares = {task.id: self._share(task.call.request.site, now.utc) for task in self._registry}
        for call_id, reading in self.ledger.advance(now.mono, shares):
            task = self._registry.get(call_id)
            if task is not None:
                self._announce(reading, call_id, task.call.request)
        self._end_doomed()

    def _end_doomed(self) -> None:
        for call_id, lock in self.ledger.doomed():
            task = self._registry.get(call_id)
            if task is not None and call_id not in self._cut:
                self._cut.add(call_id)
                rule = f"{lock.reading.rule} {lock.reading.scope}"
                log.warning("limits.call_ended", call=call_id, rule=rule)
                task.post(FinishOrdered(at=self._clock.now(), by="engine", rule=rule))

    # -- people ------------------------------------------------------------------------------------------------------

    def view(self) -> LimitsView:
        return view(self.ledger, self._clock.now())

    async def rearm(self, scope: str, actor: Actor) -> None:
        """A person lets a locked scope call again, counting anew. Raises UnknownThing, JournalUnwritable."""
        if scope not in self.ledger.locks:
            raise UnknownThing(f"no limit keeps {scope!r} from calling", code="limit-not-locked")
        self.ledger.rearm(scope, self._clock.now().mono)
        log.warning("limits.rearmed", scope=scope, by=actor.name)
        await self._keep()
        await self._journal.report((self._audit(actor.name, f"limits: rearm {scope}", "calls are allowed again"),))

    # -- how ---------------------------------------------------------------------------------------------------------

    def _priced(self, request: ConnectRequest) -> Callable[[str], Price]:
        """By the country the request was accepted in: the site may be gone, or the directory not there yet."""
        site = self._source.directory.sites.get(request.site)
        country = request.country or (site.country if site is not None else "")
        return lambda number: self._price(number, country)

    def _share(self, site: Slug, utc: datetime) -> float:
        """Of the caps: all of them, or less while the site is closed."""
        found = self._source.directory.sites.get(site)
        if found is None or opening.is_open(found.open_hours, utc.astimezone(ZoneInfo(found.time_zone))):
            return 1.0
        return self._closed_share

    def _announce(self, reading: Reading, call_id: CallId, request: ConnectRequest) -> None:
        """Tell everybody who may want to know: once."""
        critical = reading.level == "critical"
        (log.error if critical else log.warning)(f"limits.{reading.level}", limit=str(reading), call=call_id)
        self._told(reading)
        event = public_events.of_limit(reading, call_id, request, self._clock.now().utc)
        told = [rows.public(event)]
        if critical:
            told.append(self._audit("engine", f"limits: lock {reading.scope}", str(reading), rule=reading.rule))
        self._spawn(self._write_down(tuple(told), locks=critical))

    async def _write_down(self, told: tuple[OutboxRow, ...], *, locks: bool) -> None:
        try:
            if locks:
                await self._keep()
            await self._journal.report(told)
        except JournalUnwritable as unwritable:  # it holds in memory all the same
            log.error("limits.not_kept", why=unwritable.message)

    async def _keep(self) -> None:
        kept = Kept(locks=self.ledger.locks, rearmed=self.ledger.rearmed)
        await self._journal.put(FACT, msgspec.json.encode(kept))

    def _audit(self, actor: str, action: str, message: str, rule: str | None = None) -> OutboxRow:
        payload = {"at": self._clock.now().utc, "actor": actor, "action": action, "message": message, "rule": rule}
        return OutboxRow(kind="audit", payload=msgspec.json.encode(payload))
