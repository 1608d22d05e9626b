"""The counters behind the limits, and what follows from them.

A minute is paid before it begins, so a scope never spends more than its cap: what does not fit is not begun. What a
call used is read from its state (`usage`), so telling it twice, late or in another order counts it once. No clock is
read here: `now` comes in, monotonic seconds. Single writer; whoever holds it keeps it to one.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from engine.domain import limits
from engine.domain.counter import KEEP_S, LEAD_S, MINUTE_S, Counter
from engine.domain.limits import MEASURES, Lock, Measure, Reading, Rules
from engine.domain.tariff import minutes_begun
from engine.domain.usage import LegUse, Scope, Use
from engine.domain.values import CallId

CALM = 0.75
"""Share of a warning's level below which it has passed: what goes up and down around the level warns once."""


class _Living(msgspec.Struct):
    """A call as it was last told, how many minutes of each leg are paid, and whether any of them is unread yet."""

    use: Use
    paid: dict[str, int]
    unread: bool = False


class Ledger:
    """`locks` are lifted by `rearm` alone; `rearmed` says since when a scope counts."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.locks: dict[Scope, Lock] = {}
        self.rearmed: dict[Scope, float] = {}
        self._counters: dict[Scope, Counter] = {}
        self._living: dict[CallId, _Living] = {}
        self._over: dict[CallId, float] = {}  # when they were asked for
        self._warned: set[tuple[Scope, Measure]] = set()

    # -- new calls ---------------------------------------------------------------------------------------------------

    def locked(self, scopes: Iterable[Scope]) -> Lock | None:
        """The first of these that nothing may be called of."""
        return next((self.locks[scope] for scope in scopes if scope in self.locks), None)

    def has_room(self, scope: Scope, money: int, now: float, share: float = 1.0) -> bool:
        """Whether one more call fits into a scope, with so much money for its first minute."""
        return scope not in self.locks and not _is_critical(self._of_scope(scope, now, share, money=money, calls=1))

    def admit(self, use: Use, now: float, share: float = 1.0) -> list[Reading]:
        """Count a call that is asked for, its first minutes held; gives readings that are news.

        With a critical one among them the call is not counted, and must not be made.
        """
        first = {leg.role: leg.price.per_minute for leg in use.legs}
        readings = list(self._readings(use, first, now, share, calls=1))
        if _is_critical(readings):
            return self._lock(readings, now)
        self.tell(use, now)
        return self._news(readings)

    def withdraw(self, call: CallId) -> None:
        """A call that was admitted and never began was none."""
        living = self._living.pop(call, None)
        for scope in living.use.scopes if living else ():
            counter = self._counter(scope)
            counter.take_back(living.use.requested if living else 0.0)
            counter.open.discard(call)
            counter.held.pop(call, None)

    def lose(self, call: CallId) -> None:
        """A call that nobody follows any more spends nothing from now on; what it spent stays."""
        living = self._living.pop(call, None)
        if living is not None:
            self._seen_in(msgspec.structs.replace(living.use, closed=True), frozenset(living.use.scopes))

    # -- living calls ------------------------------------------------------------------------------------------------

    def tell(self, use: Use, now: float) -> None:
        """Take note of a call as it is now; minutes that have begun are paid whatever the caps say."""
        if use.call in self._over:
            return
        living = self._living.get(use.call)
        before = frozenset(living.use.scopes) if living else frozenset[Scope]()
        if living is None:
            living = self._living[use.call] = _Living(use, {})
        living.use = use
        self._seen_in(use, before)
        self._pay_begun(living, now)
        if use.closed:
            del self._living[use.call]
            self._over[use.call] = use.requested

    def advance(self, now: float, shares: Mapping[CallId, float] | None = None) -> list[tuple[CallId, Reading]]:
        """Pay the minutes that are about to begin; gives readings that are news, each with the call it comes from.

        `shares` of the caps hold for calls whose site is closed.
        """
        news: list[tuple[CallId, Reading]] = []
        for call, living in self._living.items():
            self._pay_begun(living, now)
            due = _due(living, now)
            if not due and not living.unread:
                continue
            living.unread = False
            more = {leg.role: leg.price.per_minute for leg in due}
            readings = list(self._readings(living.use, more, now, (shares or {}).get(call, 1.0)))
            if _is_critical(readings):
                news += [(call, reading) for reading in self._lock(readings, now)]
                continue
            for leg in due:
                self._pay(living, leg, living.paid[leg.role] + 1)
            news += [(call, reading) for reading in self._news(readings)]
        return news

    def doomed(self) -> list[tuple[CallId, Lock]]:
        """Living calls that must end, each with what ends it."""
        found = [(call, self.locked(living.use.scopes)) for call, living in self._living.items()]
        return [(call, lock) for call, lock in found if lock is not None]

    def forget_old(self, now: float) -> None:
        """Nothing older than a day counts."""
        self._over = {call: requested for call, requested in self._over.items() if requested >= now - 2 * KEEP_S}
        for counter in self._counters.values():
            counter.forget_old(now)

    # -- people ------------------------------------------------------------------------------------------------------

    def rearm(self, scope: Scope, now: float) -> None:
        """A person allows the scope again: it counts anew from here on."""
        self.locks.pop(scope, None)
        self.rearmed[scope] = now
        self._warned = {(warned, measure) for warned, measure in self._warned if warned != scope}
        self._counter(scope).begin_anew()

    def readings(self, now: float) -> list[Reading]:
        """Every capped measure of every scope that was ever used or is locked."""
        scopes = sorted(self._counters.keys() | self.locks.keys())
        return [reading for scope in scopes for reading in self._of_scope(scope, now, 1.0)]

    # -- how ---------------------------------------------------------------------------------------------------------

    def _counter(self, scope: Scope) -> Counter:
        return self._counters.setdefault(scope, Counter())

    def _seen_in(self, use: Use, before: frozenset[Scope]) -> None:
        """Which scopes the call is open in, and what is held there for legs that may still be answered."""
        scopes = use.scopes
        for scope in before.difference(scopes):  # a trunk it did not leave by
            self._counter(scope).open.discard(use.call)
            self._counter(scope).held.pop(use.call, None)
        for scope in scopes:
            counter = self._counter(scope)
            if scope not in before and use.requested >= self.rearmed.get(scope, use.requested):
                counter.request(use.requested)
            if use.closed:
                counter.open.discard(use.call)
                counter.held.pop(use.call, None)
            else:
                counter.open.add(use.call)
                waiting = [leg for leg in use.legs if leg.answered is None and _concerns(leg, use, scope)]
                counter.held[use.call] = sum(leg.price.per_minute for leg in waiting)

    def _pay_begun(self, living: _Living, now: float) -> None:
        """Have paid what has begun; a minute paid ahead that never began is given back."""
        for leg in living.use.legs:
            if leg.answered is None:
                continue
            begun = minutes_begun((now if leg.ended is None else leg.ended) - leg.answered)
            paid = living.paid.get(leg.role, 0)
            if begun > paid or (leg.ended is not None and begun < paid):
                living.unread = True
                self._pay(living, leg, begun)

    def _pay(self, living: _Living, leg: LegUse, minutes: int) -> None:
        """Have so many minutes of an answered leg paid."""
        paid, answered = living.paid.get(leg.role, 0), leg.answered or 0.0
        amount = leg.price.per_minute if minutes > paid else -leg.price.per_minute
        for number in range(min(paid, minutes), max(paid, minutes)):
            begins = answered + number * MINUTE_S
            for scope in dict.fromkeys((*living.use.own_scopes, *leg.scopes)):
                if begins >= self.rearmed.get(scope, begins):
                    self._counter(scope).pay(begins, amount)
        living.paid[leg.role] = minutes

    def _readings(
        self, use: Use, more: Mapping[str, int], now: float, share: float, *, calls: int = 0
    ) -> Iterator[Reading]:
        """Where every scope of a call stands with so many `calls`, and so much money by leg, `more`."""
        for scope in use.scopes:
            money = sum(more.get(leg.role, 0) for leg in use.legs if _concerns(leg, use, scope))
            yield from self._of_scope(scope, now, share, money=money, calls=calls)

    def _of_scope(self, scope: Scope, now: float, share: float, *, money: int = 0, calls: int = 0) -> Iterator[Reading]:
        counter = self._counters.get(scope) or Counter()
        for measure in MEASURES:
            cap = self.rules.cap(scope, measure, share)
            if cap is not None:
                value = counter.value(measure, now) + (money if measure in limits.SPENDING else calls)
                level = limits.level_of(value, cap, self.rules.warning_share)
                yield Reading(scope=scope, measure=measure, value=value, cap=cap, level=level)

    def _lock(self, readings: list[Reading], now: float) -> list[Reading]:
        news = []
        for reading in readings:
            if reading.level == "critical" and reading.scope not in self.locks:
                self.locks[reading.scope] = Lock(reading=reading, at=now)
                news.append(reading)
        return news

    def _news(self, readings: list[Reading]) -> list[Reading]:
        """Warnings that nobody was told of; one that passed for good may be told again."""
        raised = {(reading.scope, reading.measure) for reading in readings if reading.level == "warning"}
        news = [r for r in readings if (r.scope, r.measure) in raised - self._warned]
        calm = [r for r in readings if r.value <= r.cap * self.rules.warning_share * CALM]
        self._warned -= {(reading.scope, reading.measure) for reading in calm}
        self._warned |= raised
        return news


def _is_critical(readings: Iterable[Reading]) -> bool:
    return any(reading.level == "critical" for reading in readings)


def _due(living: _Living, now: float) -> list[LegUse]:
    """Legs whose next minute begins within the lead."""
    return [
        leg
        for leg in living.use.legs
        if leg.answered is not None
        and leg.ended is None
        and now + LEAD_S >= leg.answered + living.paid[leg.role] * MINUTE_S
    ]


def _concerns(leg: LegUse, use: Use, scope: Scope) -> bool:
    return scope in use.own_scopes or scope in leg.scopes
