"""From an order as typed to a request a call can live by.

Every rule that may refuse is asked here, before anything rings. A refusal changes nothing and names its rule.
"""

from collections import Counter
from typing import Literal

import msgspec

from engine.calls.contract import ConnectOrder
from engine.calls.trunks import TrunkBoard
from engine.domain import dialstring, routing
from engine.domain.dialstring import Phone
from engine.domain.directory import Agent, Directory, Mode, Site, Trunk
from engine.domain.numbers import parse_dialled
from engine.domain.request import ConnectRequest, Route
from engine.domain.values import E164, Slug
from engine.errors import InvalidValue, Refused, UnknownThing


class House(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for every call of this engine."""

    node: str
    max_talk_s: int = 4 * 3600
    warn_s: int = 60


def find_agent(order: ConnectOrder, directory: Directory) -> tuple[Agent, Site]:
    agent = directory.agents.get(Slug(order.agent))
    if agent is None:
        raise UnknownThing(f"there is no agent {order.agent!r}", code="unknown-agent")
    if not agent.enabled:
        raise Refused(f"agent {agent.id} is disabled", rule="agent-disabled", status=403)
    return agent, directory.sites[agent.site]


def check_supported(order: ConnectOrder) -> None:
    if order.record:
        raise Refused(
            "recording is not available yet",
            rule="recording-unavailable",
            status=422,
            what_next="Ask again without `record`.",
        )


def mode_of(asked: Literal["auto", "sip", "mobile"], agent: Agent) -> Mode:
    """The mode the agent is rung in (feature E2): mobile needs permission and a number."""
    mode: Mode = agent.mode if asked == "auto" else asked
    if mode == "mobile" and not agent.mobile_permitted:
        raise Refused(
            f"agent {agent.id} is not permitted to work by mobile",
            rule="mobile-not-permitted",
            status=403,
            what_next="A supervisor sets `mobile_permitted` on the agent first.",
        )
    if mode == "mobile" and agent.mobile is None:
        raise Refused(
            f"agent {agent.id} has no mobile number",
            rule="mobile-number-missing",
            status=403,
            what_next="Put the number into the agent's profile.",
        )
    return mode


def check_mobile(agent: Agent, site: Site) -> None:
    """The agent's mobile is dialled like a customer's number, so it obeys the same rules: whoever may edit agents must
    not thereby ring premium numbers."""
    if agent.mobile is not None:
        try:
            routing.check_destination(parse_dialled(agent.mobile, site.country), site, agent.rights)
        except InvalidValue as wrong:
            raise Refused(
                f"the mobile of agent {agent.id} cannot be dialled: {wrong.message}",
                rule="mobile-not-dialable",
                status=403,
            ) from wrong
        except Refused as refused:
            raise Refused(
                f"the mobile of agent {agent.id}, {agent.mobile}: {refused.message}",
                rule=refused.stable_code,
                status=403,
                what_next=refused.what_next,
            ) from refused


def destination(order: ConnectOrder, agent: Agent, site: Site) -> E164:
    """The number asked for, if this agent may call it."""
    routing.check_not_emergency(order.to, site)
    try:
        number = parse_dialled(order.to, site.country, site.extensions)
    except InvalidValue as wrong:
        raise Refused(
            f"{order.to!r} cannot be dialled: {wrong.message}", rule="number-not-dialable", status=422
        ) from wrong
    return routing.check_destination(number, site, agent.rights)


def wanted_caller_id(order: ConnectOrder, site: Site, trunks: list[Trunk]) -> E164 | None:
    if order.caller_id is None:
        return None
    try:
        wanted = parse_dialled(order.caller_id, site.country).e164
    except InvalidValue as wrong:
        raise Refused(f"{order.caller_id!r} is no caller id: {wrong.message}", rule="caller-id", status=422) from wrong
    routing.check_caller_id(wanted, trunks)
    return wanted


def routes_by_trunk(
    number: E164, trunks: list[Trunk], directory: Directory, wanted: E164 | None, first: Slug
) -> tuple[Route, ...]:
    """One route per trunk, the reserved one first, the others in their order."""
    return tuple(_route(number, trunk, directory, wanted) for trunk in sorted(trunks, key=lambda t: t.id != first))


def _route(number: E164, trunk: Trunk, directory: Directory, wanted: E164 | None) -> Route:
    country = directory.sites[trunk.site].country
    return Route(
        endpoint=dialstring.to_trunk(number, trunk, country),
        trunk=trunk.id,
        answers_early=trunk.answers_early,
        caller_id=routing.presented(trunk, wanted, country),
    )


def choose_trunks(trunks: list[Trunk], board: TrunkBoard, mode: Mode) -> tuple[Slug | None, Slug]:
    """A free channel for the customer's leg, and in mobile mode one for the agent's too, or a refusal."""
    if not trunks:
        raise Refused("the agent's site has no trunk", rule="no-trunk", status=503, retry_after_s=60)
    taken: Counter[Slug] = Counter()
    agent = board.choose((t.id for t in trunks), taken=taken) if mode == "mobile" else None
    if agent is not None:
        taken[agent] += 1
    customer = board.choose((t.id for t in trunks), taken=taken)
    if customer is None or (mode == "mobile" and agent is None):
        raise Refused(
            "every trunk this call could leave by is full or down",
            rule="trunk-full",
            status=503,
            retry_after_s=5,
            what_next="Try again when a call has ended.",
        )
    return agent, customer


def phone_routes(agent: Agent, phones: list[Phone], shown: str | None) -> tuple[Route, ...]:
    """One route per registered phone; a contact that cannot be dialled safely is passed over."""
    routes = []
    for phone in phones:
        try:
            routes.append(Route(endpoint=dialstring.to_phone(*phone), caller_id=shown))
        except InvalidValue:
            continue
    if not routes:
        raise Refused(
            f"no phone of agent {agent.id} is registered",
            rule="no-phone-registered",
            status=409,
            what_next="Open the softphone, or ask for mode mobile.",
        )
    return tuple(routes)


def agent_number(agent: Agent, mode: Mode) -> str:
    """Where the agent is rung: the mobile's number, or the extension."""
    return agent.mobile if mode == "mobile" and agent.mobile is not None else agent.extension


def confirm_wanted(asked: bool | None, agent: Agent, site: Site, mode: Mode) -> bool:
    """Whether a human must press 1: as asked, else agent, else site, else the mode's default (feature X3)."""
    for choice in (asked, agent.confirm, site.confirm):
        if choice is not None:
            return choice
    return mode == "mobile"


def build(
    order: ConnectOrder,
    *,
    agent: Agent,
    site: Site,
    mode: Mode,
    number: E164,
    agent_routes: tuple[Route, ...],
    customer_routes: tuple[Route, ...],
    house: House,
    asked_by: str,
) -> ConnectRequest:
    return ConnectRequest(
        agent=agent.id,
        agent_name=agent.name,
        agent_number=agent_number(agent, mode),
        mode=mode,
        site=site.id,
        country=site.country,
        language=agent.language or site.language,
        notice=agent.notice or site.notice,
        confirm=confirm_wanted(order.confirm, agent, site, mode),
        agent_routes=agent_routes,
        customer_number=number,
        customer_dialled=order.to,
        customer_routes=customer_routes,
        caller=customer_routes[0].caller_id,
        ring_agent_s=order.ring_agent_s or site.ring_agent_s,
        ring_customer_s=order.ring_customer_s or site.ring_customer_s,
        max_talk_s=house.max_talk_s,
        warn_s=house.warn_s,
        campaign=order.campaign,
        contact=order.contact,
        variables=order.variables,
        asked_by=asked_by,
        node=house.node,
    )
