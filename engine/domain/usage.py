"""What a call uses, as the limits count it: read from its state, so that counting it again gives the same."""

from collections.abc import Callable

import msgspec

from engine.domain.call import Call
from engine.domain.legs import Attempt, Leg
from engine.domain.request import ConnectRequest, GroupCall, Route
from engine.domain.stages import Offering
from engine.domain.tariff import Price
from engine.domain.values import CallId, Slug

Scope = str  # "house", or a kind and a name: "agent:alice", "token:crm", "trunk:paris-1", "prefix:+44"
HOUSE: Scope = "house"
Priced = Callable[[str], Price]


class LegUse(msgspec.Struct, frozen=True, kw_only=True):
    """One party reached by a trunk. `answered` and `ended` are seconds of the monotonic clock, None while not so."""

    role: str
    price: Price
    trunk: Slug
    agent: Slug | None = None  # of a group: whose mobile was rung
    answered: float | None = None
    ended: float | None = None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The leg's own, besides its call's."""
        zone = () if self.price.zone is None else (f"prefix:{self.price.zone}",)
        whose = () if self.agent is None else (f"agent:{self.agent}",)
        return (f"trunk:{self.trunk}", *zone, *whose)


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One call: who asked for it, when (monotonic seconds), and its legs by trunk."""

    call: CallId
    agent: Slug | None  # None: a group's, while nobody took it
    token: str
    requested: float
    legs: tuple[LegUse, ...]
    closed: bool = False

    @property
    def own_scopes(self) -> tuple[Scope, ...]:
        whose = () if self.agent is None else (f"agent:{self.agent}",)
        return (HOUSE, *whose, f"token:{self.token}")

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Everything the call counts for, each once."""
        return tuple(dict.fromkeys([*self.own_scopes, *(scope for leg in self.legs for scope in leg.scopes)]))


def of_request(call: CallId, request: ConnectRequest, requested: float, priced: Priced) -> Use:
    """What a call would use that is not accepted yet."""
    if request.group is not None:
        untried = _untried(request.group, request.agent_routes, priced)
        return Use(call=call, agent=None, token=request.asked_by, requested=requested, legs=untried)
    sides: list[tuple[str, str, tuple[Route, ...]]] = [("customer", request.customer_number, request.customer_routes)]
    if request.mode == "mobile":
        sides.append(("agent", request.agent_number, request.agent_routes))
    legs = tuple(
        LegUse(role=role, price=priced(number), trunk=routes[0].trunk)
        for role, number, routes in sides
        if routes and routes[0].trunk is not None
    )
    return Use(call=call, agent=request.agent, token=request.asked_by, requested=requested, legs=legs)


def of_call(call: Call, priced: Priced) -> Use:
    """What a call uses, or used."""
    group = call.request.group
    if group is None:
        legs = tuple(use for leg in call.legs.values() if (use := _of_leg(leg, priced)) is not None)
    else:
        legs = _of_group(call, group, priced)
    return Use(
        call=call.id,
        agent=call.request.agent,
        token=call.request.asked_by,
        requested=call.requested.mono,
        legs=legs,
        closed=call.closed,
    )


def _of_leg(leg: Leg, priced: Priced) -> LegUse | None:
    """A leg by trunk; telephones of the house cost nothing, nor does who called us."""
    tried = leg.answered or (leg.attempts[-1] if leg.attempts else None)
    if tried is not None and tried.came:
        return None
    route = tried.route if tried else next(iter(leg.routes), None)
    if route is None or route.trunk is None:
        return None
    return _leg(leg.role, priced(leg.number), route.trunk, tried)


def _of_group(call: Call, group: GroupCall, priced: Priced) -> tuple[LegUse, ...]:
    """The mobiles of a group that may still be answered, or were: several may have been, by a person or a voicemail.

    A caller in a scenario may have been offered to others before."""
    tried = tuple(
        _leg(attempt.channel, priced(route.number), trunk, attempt, agent=None if route.outside else route.agent)
        for attempt in call.agent.attempts
        if (trunk := (route := attempt.route).trunk) is not None
        and (attempt.times.answered is not None or attempt.live)
    )
    waiting = call.agent.routes if isinstance(call.stage, Offering) else ()
    rung = {attempt.route.agent for attempt in call.agent.live}
    untried = _untried(group, tuple(r for r in waiting if r.agent not in rung), priced)
    return (*tried, *untried)


def _untried(group: GroupCall, routes: tuple[Route, ...], priced: Priced) -> tuple[LegUse, ...]:
    """One for each member who may be reached by a trunk: no call of theirs before it rings."""
    trunks = {r.agent: r.trunk for r in reversed(routes) if r.trunk is not None}  # the first of each
    return tuple(
        LegUse(role=f"mobile {m.agent}", price=priced(m.number), trunk=trunks[m.agent])
        for m in group.members
        if m.agent in trunks
    )


def _leg(role: str, price: Price, trunk: Slug, tried: Attempt | None, *, agent: Slug | None = None) -> LegUse:
    times = tried.times if tried else None
    return LegUse(
        role=role,
        price=price,
        trunk=trunk,
        agent=agent,
        answered=times.answered.mono if times and times.answered else None,
        ended=times.ended.mono if times and times.ended else None,
    )
