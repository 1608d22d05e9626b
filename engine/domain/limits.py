"""How much may be called: levels for each scope, and what it means to reach one.

A scope is the whole house, an agent, a token, a trunk, or a prefix of destinations. For each there are measures with a
critical level; the warning is a share of it. Beyond a critical level nothing of the scope is called until a person
allows it again.
"""

from typing import Literal, get_args

import msgspec

from engine.domain.tariff import UNIT
from engine.domain.usage import Scope

Kind = Literal["house", "agent", "token", "trunk", "prefix"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Measure = Literal["calls_per_minute", "concurrent_calls", "spend_per_hour", "spend_per_day"]
MEASURES: tuple[Measure, ...] = get_args(Measure)
SPENDING: frozenset[Measure] = frozenset({"spend_per_hour", "spend_per_day"})
Level = Literal["normal", "warning", "critical"]


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """`caps`: (kind, measure) -> the most that is allowed; what is not there has no limit. Spending is `tariff.Money`.

    `warning_share`: of a cap, from which on people are told.
    """

    caps: dict[tuple[Kind, Measure], int] = {}
    warning_share: float = 0.8

    def cap(self, scope: Scope, measure: Measure, share: float) -> int | None:
        """The cap of a scope when only a `share` of it holds (a site that is closed); at least 1 of what is allowed."""
        cap = self.caps.get((kind_of(scope), measure))
        return None if cap is None else max(1, int(cap * share))


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One measure of one scope: where it stands, what is allowed."""

    scope: Scope
    measure: Measure
    value: int
    cap: int
    level: Level

    @property
    def rule(self) -> str:
        """The name refusals and call records give it."""
        return f"limit-{self.measure.replace('_', '-')}"

    def __str__(self) -> str:
        name = self.measure.replace("_", " ")
        return f"{name} of {self.scope}: {shown(self.measure, self.value)} of {shown(self.measure, self.cap)}"


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """A scope of which nothing may be called until a person allows it again. `at`: monotonic seconds."""

    reading: Reading
    at: float


def kind_of(scope: Scope) -> Kind:
    """The kind a scope is of; its name begins with it."""
    word = scope.partition(":")[0]
    return next(kind for kind in KINDS if kind == word)


def level_of(value: int, cap: int, warning_share: float) -> Level:
    """A cap may be reached; beyond it is critical."""
    if value > cap:
        return "critical"
    return "warning" if value >= cap * warning_share else "normal"


def shown(measure: Measure, value: int) -> str:
    """A value for people: money with its cents."""
    return f"{value / UNIT:.2f}" if measure in SPENDING else str(value)
