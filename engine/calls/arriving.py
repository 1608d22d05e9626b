"""Calls that come to us: who calls, what they dialled, and the request a call can live by.

The same rules as for an application's order are asked, before anybody rings: a refusal changes nothing and names its
rule. The dialplan tells the caller (`standardiste-refusal`).
"""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec

from engine.calls import acceptance
from engine.calls.acceptance import House
from engine.domain import dialstring
from engine.domain.directory import (
    Agent,
    Application,
    Directory,
    Group,
    Language,
    Number,
    Site,
    ToAgent,
    ToApplication,
    Trunk,
)
from engine.domain.missed import UNKNOWN, MissedCall, told
from engine.domain.numbers import parse_dialled
from engine.domain.request import Arrival, ConnectRequest, Route
from engine.domain.values import E164, ChannelId
from engine.errors import InvalidValue, Refused

LONGEST_CALLER = 32
"""E.164 has 15 digits; what is longer is no number of anybody's, and is not shown whole."""


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """A channel at our door. `endpoint` is Asterisk's name of the telephone or trunk, which nobody can forge;
    `dialled` digits, perhaps behind a plus; `caller` what the network says of who calls, as hostile as any text, and
    `redirected_from` whom they wanted."""

    channel: ChannelId
    endpoint: str
    dialled: str
    caller: str = ""
    redirected_from: str = ""


def agent_of(came: Came, directory: Directory) -> tuple[Agent, Site] | None:
    """The agent whose telephone or browser it is; raises Refused for a disabled one."""
    agent = dialstring.agent_at(came.endpoint, directory)
    if agent is None:
        return None
    if not agent.enabled:
        raise Refused(f"agent {agent.id} is disabled", rule="agent-disabled", status=403)
    return agent, directory.sites[agent.site]


def trunk_of(came: Came, directory: Directory) -> Trunk | None:
    """The trunk it came by."""
    return next((t for t in directory.trunks.values() if dialstring.trunk_endpoint(t.id) == came.endpoint), None)


def colleague(came: Came, agent: Agent, site: Site, directory: Directory) -> Agent | Group | Application | None:
    """Whom or what an agent called by extension, of their own site or another; None when it is no extension. Raises
    Refused for one that nobody has, and for an agent who may not."""
    groups, applications = directory.groups.values(), directory.applications.values()
    everybody: tuple[Agent | Group | Application, ...] = (*groups, *applications, *directory.agents.values())
    found = next((one for one in everybody if one.extension == came.dialled), None)
    if found is None and not _is_extension(came.dialled, site):
        return None
    if "internal" not in agent.rights:
        raise Refused(f"agent {agent.id} lacks the right `internal`", rule="destination-internal", status=403)
    if found is None or (isinstance(found, Agent) and not found.enabled):
        raise Refused(f"nobody has extension {came.dialled}", rule="unknown-number", status=404)
    return found


def _is_extension(dialled: str, site: Site) -> bool:
    try:
        return parse_dialled(dialled, site.country, site.extensions).klass == "internal"
    except InvalidValue:
        return False


def number_of(came: Came, trunk: Trunk, directory: Directory, today: date) -> Number:
    """The number of ours that was called, declared or taken by an application undeclared; raises Refused for one that
    leads nowhere today."""
    country = directory.sites[trunk.site].country
    try:
        called = parse_dialled(came.dialled, country).e164
    except InvalidValue:
        called = None
    found = directory.numbers.get(called) if called is not None else None
    if found is None or found.trunk != trunk.id:
        for application in directory.applications.values():
            if trunk.id in application.any_number_of:
                return Number(id=called or E164(came.dialled), trunk=trunk.id, target=ToApplication(application.id))
        raise Refused(f"{came.dialled} by trunk {trunk.id} is no number of ours", rule="unknown-number", status=404)
    if not in_use(found, today):
        raise Refused(f"{found.id} is not in use", rule="number-not-in-use", status=404)
    return found


def missed(came: Came, directory: Directory, at: datetime, rule: str) -> MissedCall | None:
    """A customer's call to a number of ours, in use, that was refused by this rule; None when it was no such call."""
    trunk = trunk_of(came, directory)
    if trunk is None or not trunk.enabled or told(rule) == UNKNOWN:
        return None
    site = directory.sites[trunk.site]
    try:
        number = number_of(came, trunk, directory, day_at(site, at))
    except Refused:
        return None
    return MissedCall(
        channel=came.channel,
        at=at,
        number=number,
        caller=caller_number(came, site.country),
        dialled=came.dialled,
        redirected_from=in_full(came.redirected_from, site.country),
        rule=rule,
    )


def in_use(entry: Number | Application, today: date) -> bool:
    """Whether it is switched on, and today one of its days."""
    return entry.active and (entry.valid_from or today) <= today <= (entry.valid_until or today)


def day_at(site: Site, utc: datetime) -> date:
    """Today, where the site is."""
    return utc.astimezone(ZoneInfo(site.time_zone)).date()


def caller_number(came: Came, country: str) -> str:
    """Who calls, in E.164 where the network says so, as it came where it is none; empty when withheld."""
    return in_full(came.caller, country)


def in_full(number: str, country: str) -> str:
    """A number that the network told, in E.164 where it is one."""
    plain = "".join(c for c in number if c in "+0123456789")[:LONGEST_CALLER]
    try:
        return parse_dialled(plain, country).e164 or plain
    except InvalidValue:
        return plain


def dialled_out(
    came: Came, agent: Agent, site: Site, *, number: E164, routes: tuple[Route, ...], house: House
) -> ConnectRequest:
    """An agent called a number outside."""
    return _dialled(came, agent, site, house, number=number, routes=routes, caller=routes[0].caller_id)


def dialled_inside(
    came: Came, agent: Agent, site: Site, *, other: Agent, routes: tuple[Route, ...], house: House
) -> ConnectRequest:
    """An agent called a colleague."""
    request = _dialled(came, agent, site, house, number=other.extension, routes=routes, caller=agent.extension)
    return msgspec.structs.replace(request, direction="internal", colleague=other.id)


def _dialled(
    came: Came, agent: Agent, site: Site, house: House, *, number: str, routes: tuple[Route, ...], caller: str | None
) -> ConnectRequest:
    return ConnectRequest(
        agent=agent.id,
        agent_name=agent.name,
        agent_number=agent.extension,
        mode="sip",
        site=site.id,
        language=agent.language or site.language,
        notice="tone",  # whoever dials knows that they did
        confirm=False,
        agent_routes=(),
        customer_number=number,
        customer_dialled=came.dialled,
        customer_routes=routes,
        caller=caller,
        ring_agent_s=site.ring_agent_s,
        ring_customer_s=site.ring_customer_s,
        max_talk_s=house.max_talk_s,
        warn_s=house.warn_s,
        asked_by=f"phone {agent.id}",
        node=house.node,
        arrival=Arrival(channel=came.channel, party="agent"),
    )


def called_in(
    came: Came, number: Number, agent: Agent, site: Site, *, trunk: Trunk, routes: tuple[Route, ...], house: House
) -> ConnectRequest:
    """A customer called a number of ours that leads to this agent."""
    mode = agent.mode
    request = from_outside(came, number, site, house, trunk=trunk, routes=routes, language=site.language)
    return msgspec.structs.replace(
        request,
        agent=agent.id,
        agent_name=agent.name,
        agent_number=acceptance.agent_number(agent, mode),
        mode=mode,
        language=agent.language or site.language,
        confirm=acceptance.confirm_wanted(None, agent, site, mode),
    )


def from_outside(
    came: Came,
    number: Number,
    site: Site,
    house: House,
    *,
    trunk: Trunk,
    routes: tuple[Route, ...],
    language: Language,
) -> ConnectRequest:
    """A customer called a number of ours: `waiting`, and what the number stands for."""
    caller = caller_number(came, site.country)
    request = waiting(came, site, house, caller=caller, routes=routes, language=language, asked_by=f"trunk {trunk.id}")
    return msgspec.structs.replace(
        request,
        campaign=number.campaign,
        arrival=Arrival(channel=came.channel, party="customer", trunk=trunk.id),
        direction="inbound",
        did=number.id,
        service=number.service,
    )


def waiting(
    came: Came,
    site: Site,
    house: House,
    *,
    caller: str,
    routes: tuple[Route, ...],
    language: Language,
    asked_by: str,
) -> ConnectRequest:
    """Somebody called and waits, as a customer does, for whoever is reached by the routes."""
    return ConnectRequest(
        agent=None,
        agent_name=None,
        agent_number="",
        mode=None,
        site=site.id,
        country=site.country,
        language=language,
        caller_language=language,
        notice="tone",
        confirm=False,
        agent_routes=routes,
        customer_number=caller,
        customer_dialled=came.dialled,
        customer_routes=(),
        caller=caller or None,
        ring_agent_s=site.ring_agent_s,
        ring_customer_s=site.ring_customer_s,
        max_talk_s=house.max_talk_s,
        warn_s=house.warn_s,
        asked_by=asked_by,
        node=house.node,
        arrival=Arrival(channel=came.channel, party="customer"),
    )


def reached_by(target: ToAgent, directory: Directory) -> Agent:
    """The agent a number leads to; raises Refused for one who is disabled."""
    agent = directory.agents[target.id]
    if not agent.enabled:
        raise Refused(f"agent {agent.id} is disabled", rule="agent-disabled", status=403)
    return agent
