"""A call: its legs, exactly one stage, and everything it owns in Asterisk.

The machine is `step` in `machine.py`. This module is the state alone: a value, journalled whole after each step.
"""

import msgspec

from engine.domain.cdr import Disposition
from engine.domain.ids import Role
from engine.domain.legs import Attempt, Leg
from engine.domain.moment import Moment
from engine.domain.request import ConnectRequest
from engine.domain.scenario.run import Run
from engine.domain.stages import AnyStage, Ended, Offering
from engine.domain.values import BridgeId, CallId, ChannelId, PlaybackId, Slug

MACHINE_VERSION = "3"
"""Changes with every change of behaviour: replay across versions reports differences, it does not steer."""


class Bridge(msgspec.Struct, frozen=True, kw_only=True):
    """The call's mixing bridge; `open` until it is ordered destroyed."""

    id: BridgeId
    open: bool = True


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """`playbacks`, `timers`, `comforted` and `bridge` are all that a call can own besides the channels of its legs.

    timers: name -> due, in seconds of the monotonic clock of `Moment`.
    """

    id: CallId
    request: ConnectRequest
    requested: Moment
    stage: AnyStage
    legs: dict[Role, Leg]
    bridge: Bridge | None = None
    playbacks: dict[PlaybackId, ChannelId] = {}
    comforted: tuple[ChannelId, ...] = ()
    timers: dict[str, float] = {}
    run: Run | None = None  # of a caller in a scenario: how far they are
    bridges: int = 0  # ever opened: the next one's number
    played: int = 0  # playbacks ever ordered: the next one's number
    confirmed: Moment | None = None  # a human pressed 1
    bridged: Moment | None = None  # both hear each other; of several conversations, the last
    parted: Moment | None = None  # the end of that one, for a caller who went on in a scenario
    talked_s: float = 0.0  # of the conversations before it
    credit_s: int | None = None  # how long the last one may be, where the credit check bounds it
    ended: Moment | None = None
    disposition: Disposition | None = None
    recovered: bool = False
    events_missed: bool = False

    @property
    def agent(self) -> Leg:
        return self.legs["agent"]

    @property
    def customer(self) -> Leg:
        return self.legs["customer"]

    @property
    def agent_up(self) -> Attempt:
        """The agent's attempt that was answered and goes on. ValueError in a stage without one: it must not ask."""
        (attempt,) = (attempt for attempt in self.agent.attempts if attempt.phase == "up")
        return attempt

    @property
    def caller(self) -> Attempt | None:
        """Whoever called us, answered or not, while there; None when we call both."""
        return next((attempt for leg in self.legs.values() for attempt in leg.live if attempt.came), None)

    @property
    def seeks(self) -> bool:
        """Whether it waits to be told of a trunk, or of a member of its group."""
        sought = isinstance(self.stage, Offering) and bool(self.stage.sought)
        return sought or any(leg.seeking for leg in self.legs.values())

    @property
    def closed(self) -> bool:
        return isinstance(self.stage, Ended)

    def find(self, channel: ChannelId) -> tuple[Leg, Attempt] | None:
        """The leg and attempt a channel belongs to."""
        for leg in self.legs.values():
            attempt = leg.find(channel)
            if attempt is not None:
                return leg, attempt
        return None


def taken_up_by(call: Call) -> frozenset[Slug]:
    """The agents this call keeps from another: its own, the colleague dialled or dialling, and whoever of a group is
    rung or asked for."""
    if call.closed:
        return frozenset()
    request = call.request
    known = {request.colleague}
    known.update(called.by for called in (request.group, request.scenario) if called is not None)
    if call.run is None or call.agent.talks:  # else the agent has had their talk
        known.add(request.agent)
    if isinstance(call.stage, Offering):
        known.update(call.stage.sought)
        known.update(attempt.route.agent for attempt in call.agent.live if attempt.phase != "closing")
    return frozenset(agent for agent in known if agent is not None)


def trunks_held(call: Call) -> list[Slug]:
    """The trunk channels this call takes, one entry each: those of living attempts, and the one kept for the customer.

    The customer's channel is kept from the start, so that an agent is never rung for a call that cannot go out.
    """
    held = [a.route.trunk for leg in call.legs.values() for a in leg.live if a.route.trunk is not None]
    kept = call.customer.routes[0].trunk if call.customer.routes else None
    if kept is not None and not call.customer.attempts and not call.closed:
        held.append(kept)
    return held
