"""What a connect call was asked to do, with everything resolved when it was accepted.

The directory may change while a call lives; the call keeps the plan it was accepted with.
"""

from typing import Any, Literal

import msgspec

from engine.domain.directory import Language, Mode, Notice, Strategy
from engine.domain.ids import Role
from engine.domain.values import ChannelId, Dialstring, Slug

CREDIT_RULE = "credit-used-up"
Direction = Literal["outbound", "inbound", "internal"]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One way to reach a party: a trunk to a number, or one registered phone (`trunk` None)."""

    endpoint: Dialstring
    trunk: Slug | None = None
    answers_early: bool = False
    caller_id: str | None = None  # presented to the party rung; None: withheld
    agent: Slug | None = None  # whose, in a call for a group
    number: str = ""  # theirs, in a call for a group
    outside: bool = False  # as `Member.outside`


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """An agent of a group, as they work at the moment of the call."""

    agent: Slug
    name: str
    number: str  # the mobile's number, or the extension
    mode: Mode
    language: Language
    confirm: bool
    outside: bool = False  # a number a scenario leads to, and no agent: `agent` only tells it from the others


class GroupCall(msgspec.Struct, frozen=True, kw_only=True):
    """The group a call came for: to whom it is offered, in the group's order, and why to nobody else.

    `id` is None for those a scenario names itself. `passed_over`: member -> the rule that kept them from being rung.
    `by`: the colleague who dialled the group.
    """

    id: Slug | None = None
    extension: str = ""
    strategy: Strategy
    members: tuple[Member, ...]
    passed_over: dict[str, str] = {}
    by: Slug | None = None


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """The call came to us: the channel it came on, under Asterisk's own name, and who is on it.

    An agent dialled on a telephone of theirs, or a customer called one of our numbers by `trunk`.
    """

    channel: ChannelId
    party: Role
    trunk: Slug | None = None


class ScenarioCall(msgspec.Struct, frozen=True, kw_only=True):
    """The scenario a caller is led through: the version published then, whatever is published later.

    `application`: the entry of the directory that led there. `longest_s`: it keeps a caller no longer, talk aside.
    `facts`: what every scenario knows of a call (`scenario.graph.KNOWN`). `by`: the agent who dialled the application.
    """

    name: Slug
    version: str
    application: Slug
    longest_s: int
    facts: dict[str, str] = {}
    by: Slug | None = None


class ConnectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Ring the agent by `agent_routes`, then the customer by `customer_routes`, then let them talk.

    Routes by trunks are tried one after another, telephones of the house ring all at once. Who called (`arrival`) has
    no routes: they are there. "The customer" is whoever the agent talks to; in an internal call, another agent.
    A call for a group (`group`) has no agent, and no mode, until a member takes it; `agent_routes` are then those of
    all members, each with its `agent`, and `ring_agent_s` is how long each of them rings. Durations are seconds.
    """

    agent: Slug | None
    agent_name: str | None
    agent_number: str  # the mobile's number, or the extension
    mode: Mode | None
    site: Slug
    country: str | None = None  # the site's (ISO 3166), by which its numbers are at home or not
    language: Language
    caller_language: Language | None = None  # of a customer who called; None: the same
    notice: Notice
    confirm: bool
    agent_routes: tuple[Route, ...]
    customer_number: str  # E.164; an extension in an internal call; of a caller who withheld it, empty
    customer_dialled: str  # as the asker typed it
    customer_routes: tuple[Route, ...]
    caller: str | None  # what the customer sees
    ring_agent_s: int
    ring_customer_s: int
    max_talk_s: int
    max_talk_rule: str | None = None  # what ends it then, where that is no matter of course
    warn_s: int = 0  # so long before, the agent is told; 0: not at all
    campaign: str | None = None
    contact: str | None = None
    variables: dict[str, Any] = {}
    asked_by: str = ""
    node: str = ""
    arrival: Arrival | None = None
    direction: Direction = "outbound"
    did: str | None = None  # the number of ours that was called
    service: str | None = None  # what that number is for
    group: GroupCall | None = None
    scenario: ScenarioCall | None = None  # the caller is led by one; then nobody is rung before it says so
    colleague: Slug | None = None  # in an internal call: whom the agent dialled

    @property
    def kind(self) -> str:
        """How it came about, as `call_history` says it."""
        if self.arrival is None:
            return "connect"
        return "inbound" if self.direction == "inbound" else "dialled"

    @property
    def costs(self) -> bool:
        """Whether anybody is reached by a trunk; telephones of the house cost nothing, nor does who calls us."""
        return any(route.trunk is not None for route in (*self.agent_routes, *self.customer_routes))

    @property
    def life_s(self) -> int:
        """No channel of this call lives longer; Asterisk itself sees to it."""
        scripted_s = self.scenario.longest_s if self.scenario is not None else 0
        return self.ring_agent_s + self.ring_customer_s + self.max_talk_s + scripted_s + 120
