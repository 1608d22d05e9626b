"""Limits in words: refusals, and what people may see of the counters."""

from datetime import timedelta

from engine.calls.contract import LimitLock, LimitReading, LimitsView
from engine.domain.ledger import Ledger
from engine.domain.limits import SPENDING, Lock, Reading
from engine.domain.moment import Moment
from engine.domain.tariff import UNIT
from engine.errors import Refused

_MINUTE_S = 60


def refused_by_reading(reading: Reading) -> Refused:
    """The call that would have gone beyond a limit."""
    spending = reading.measure in SPENDING
    return Refused(
        f"{reading}; nothing of {reading.scope} is called any more",
        rule=f"limit-{reading.measure.replace('_', '-')}",
        status=403 if spending else 429,
        retry_after_s=None if spending else _MINUTE_S,
        what_next=_rearm(reading.scope),
    )


def refused_by_lock(lock: Lock) -> Refused:
    """A call of a scope that reached a limit before."""
    return Refused(
        f"{lock.reading.scope} reached a limit: {lock.reading}",
        rule="limit-locked",
        status=403,
        what_next=_rearm(lock.reading.scope),
    )


def view(ledger: Ledger, now: Moment) -> LimitsView:
    """Every lock, and every counter with a cap."""
    locks = sorted(ledger.locks.values(), key=lambda lock: lock.reading.scope)
    return LimitsView(
        locked=[
            LimitLock(limit=_shown(lock.reading), since=now.utc - timedelta(seconds=max(0.0, now.mono - lock.at)))
            for lock in locks
        ],
        items=[_shown(reading) for reading in ledger.readings(now.mono)],
    )


def _rearm(scope: str) -> str:
    return f"Find out who called. Then a person allows it again: engine limits rearm {scope}"


def _shown(reading: Reading) -> LimitReading:
    unit = UNIT if reading.measure in SPENDING else 1
    return LimitReading(
        scope=reading.scope,
        measure=reading.measure,
        value=reading.value / unit,
        cap=reading.cap / unit,
        level=reading.level,
    )
