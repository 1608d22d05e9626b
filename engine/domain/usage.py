"""What a call uses, as the limits count it: read from its state, so that counting it again gives the same."""

from collections.abc import Callable

import msgspec

from engine.domain.call import Call
from engine.domain.legs import Leg
from engine.domain.request import ConnectRequest, Route
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
    answered: float | None = None
    ended: float | None = None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The leg's own, besides its call's."""
        zone = () if self.price.zone is None else (f"prefix:{self.price.zone}",)
        return (f"trunk:{self.trunk}", *zone)


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One call: who asked for it, when (monotonic seconds), and its legs by trunk."""

    call: CallId
    agent: Slug
    token: str
    requested: float
    legs: tuple[LegUse, ...]
    closed: bool = False

    @property
    def own_scopes(self) -> tuple[Scope, ...]:
        return (HOUSE, f"agent:{self.agent}", f"token:{self.token}")

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Everything the call counts for, each once."""
        return tuple(dict.fromkeys([*self.own_scopes, *(scope for leg in self.legs for scope in leg.scopes)]))


def of_request(call: CallId, request: ConnectRequest, requested: float, priced: Priced) -> Use:
    """What a call would use that is not accepted yet."""
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
    legs = tuple(use for leg in call.legs.values() if (use := _of_leg(leg, priced)) is not None)
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
    times = tried.times if tried else None
    return LegUse(
        role=leg.role,
        price=priced(leg.number),
        trunk=route.trunk,
        answered=times.answered.mono if times and times.answered else None,
        ended=times.ended.mono if times and times.ended else None,
    )
