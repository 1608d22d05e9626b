"""Whom a scenario's caller can reach now: agents, a group, an extension, the switchboard, a number outside.

The same rules as for any other call: destinations, limits and credit are asked, and a refusal names its rule. What a
scenario may call outside is what its site may: its author needs no right of an agent's.
"""

from typing import Protocol, TypeVar

import msgspec

from engine.calls import acceptance, grouping
from engine.calls.ports import Credit, DirectorySource, Plan
from engine.domain import routing
from engine.domain.call import Call
from engine.domain.directory import Agent, Directory, Group, Site, Trunk
from engine.domain.numbers import NumberClass, parse_dialled
from engine.domain.request import ConnectRequest, GroupCall, Member, Route
from engine.domain.scenario.talk import Agents, AnyWhom, AtExtension, OfGroup, OfNumber, Switchboard
from engine.domain.values import E164, CallId, Extension, Slug
from engine.errors import InvalidValue, Refused, UnknownThing

RIGHTS: tuple[NumberClass, ...] = ("local", "mobile", "toll_free", "international")
"""Of a scenario: ordinary numbers, abroad only in the countries of its site; costly ones never."""
OUTSIDE = "outside"
T = TypeVar("T")


class Guard(grouping.Guard, Protocol):
    """The limits that stop fraud."""

    def open_trunks(self, trunks: list[Trunk]) -> list[Trunk]: ...

    def admit(self, call_id: CallId, request: ConnectRequest) -> None: ...


class Reacher:
    """Implements `ports.Planner`."""

    def __init__(
        self, members: grouping.Members, source: DirectorySource, guard: Guard, credit: Credit | None = None
    ) -> None:
        self._members, self._source, self._guard, self._credit = members, source, guard, credit

    async def plan(self, call: Call, whom: AnyWhom) -> Plan:
        """Raises Refused or UnknownThing when nobody may or can be reached that way."""
        plan = await self._found(call, whom)
        request = msgspec.structs.replace(call.request, group=plan.group, agent_routes=plan.routes)
        self._guard.admit(call.id, request)
        if self._credit is None or not request.costs:
            return plan
        return msgspec.structs.replace(plan, max_talk_s=await self._credit.ask(call.id, request))

    async def _found(self, call: Call, whom: AnyWhom) -> Plan:
        directory = self._source.directory
        match whom:
            case OfGroup(group=name):
                return await self._of_group(call, _known(directory.groups.get(name), f"group {name}"))
            case Agents():
                return await self._of_agents(call, whom)
            case AtExtension(extension=extension):
                return await self._at(call, extension)
            case OfNumber(number=number):
                return await self._of_agents(call, Agents(numbers=(number,), ring_s=call.request.ring_customer_s))
            case Switchboard():
                site = directory.sites[call.request.site]
                return await self._at(call, _known(site.switchboard, f"switchboard of site {site.id}"))

    async def _at(self, call: Call, extension: Extension) -> Plan:
        directory = self._source.directory
        everybody: tuple[Agent | Group, ...] = (*directory.groups.values(), *directory.agents.values())
        found = next((one for one in everybody if one.extension == extension), None)
        match found:
            case Group():
                return await self._of_group(call, found)
            case Agent():
                ring_s = directory.sites[found.site].ring_agent_s
                return await self._of_agents(call, Agents(agents=(found.id,), ring_s=ring_s))
            case None:
                raise UnknownThing(f"nobody has extension {extension}", code="unknown-number")

    async def _of_group(self, call: Call, group: Group) -> Plan:
        offer = await self._members.of(group, shown=call.request.caller, by=_dialler(call))
        return Plan(group=offer.group, routes=offer.routes, ring_s=offer.ring_s)

    async def _of_agents(self, call: Call, whom: Agents) -> Plan:
        """Agents and numbers outside, as one group without a name."""
        directory = self._source.directory
        agents = [_known(directory.agents.get(name), f"agent {name}") for name in whom.agents if name != _dialler(call)]
        members, routes, passed_over = await self._members.reached(agents, shown=call.request.caller)
        for place, number in enumerate(whom.numbers, 1):
            member, by_trunk = self._outside(number, Slug(f"{OUTSIDE}-{place}"), call, directory)
            members, routes = (*members, member), (*routes, *by_trunk)
        return Plan(
            group=GroupCall(strategy=whom.strategy, members=members, passed_over=passed_over),
            routes=routes,
            ring_s=whom.ring_s,
        )

    def _outside(self, number: E164, name: Slug, call: Call, directory: Directory) -> tuple[Member, tuple[Route, ...]]:
        site = directory.sites[call.request.site]
        check_allowed(number, site)
        trunks = self._guard.open_trunks(routing.trunks_for(site, directory))
        if not trunks:
            raise Refused(f"site {site.id} has no trunk", rule="no-trunk", status=503)
        routes = acceptance.routes_by_trunk(number, trunks, directory, None, trunks[0].id)
        member = Member(
            agent=name,
            name=number,
            number=number,
            mode="mobile",
            language=call.request.language,
            confirm=False,
            outside=True,
        )
        return member, tuple(msgspec.structs.replace(r, agent=name, number=number, outside=True) for r in routes)


def check_allowed(typed: str, site: Site) -> E164:
    """The number a scenario's caller may be led to, or called back at; raises Refused, which names the rule."""
    routing.check_not_emergency(typed, site)
    try:
        return routing.check_destination(parse_dialled(typed, site.country), site, RIGHTS)
    except InvalidValue as wrong:
        raise Refused(f"{typed} cannot be dialled: {wrong.message}", rule="number-not-dialable", status=422) from wrong


def _dialler(call: Call) -> Slug | None:
    """The agent who dialled the application, whom nobody shall ring for themselves."""
    return call.request.scenario.by if call.request.scenario is not None else None


def _known(found: T | None, what: str) -> T:
    if found is None:
        raise UnknownThing(f"there is no {what}")
    return found
