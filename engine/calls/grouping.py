"""Calls for a group: to whom of its members they can be offered, and the request such a call lives by.

Who is free is asked when it is their turn (`engine.domain.offering`); here it is settled how each is reached, and who
cannot be at all. Nobody there to be rung is no refusal: it is a call with its record, and ends at once.
"""

import asyncio
from typing import Protocol

import msgspec

from engine.calls import acceptance, arriving
from engine.calls.acceptance import House
from engine.calls.arriving import Came
from engine.calls.ports import Asterisk, DirectorySource
from engine.domain import routing
from engine.domain.directory import Agent, Group, Language, Number, Site, Trunk
from engine.domain.request import ConnectRequest, GroupCall, Member, Route
from engine.domain.values import E164, Slug
from engine.errors import Refused


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A group's call before it has a caller. `ring_s`: how long each member rings."""

    group: GroupCall
    routes: tuple[Route, ...]
    ring_s: int
    language: Language


class Guard(Protocol):
    """The limits that stop fraud, as far as they concern one member."""

    def open_trunks(self, trunks: list[Trunk]) -> list[Trunk]: ...

    def may_ring(self, agent: Slug, mobile: E164, site: Site) -> bool: ...


class Members:
    """How the members of a group are reached now."""

    def __init__(self, asterisk: Asterisk, source: DirectorySource, guard: Guard) -> None:
        self._asterisk, self._source, self._guard = asterisk, source, guard

    async def of(self, group: Group, *, shown: str | None, by: Slug | None = None) -> Offer:
        """To whom the call is offered. `shown`: whom their telephones see calling. `by`: the colleague who calls, whom
        it is not offered to."""
        directory = self._source.directory
        agents = [directory.agents[name] for name in group.members if name != by]
        members, routes, passed_over = await self.reached(agents, shown=shown)
        return Offer(
            group=GroupCall(
                id=group.id,
                extension=group.extension,
                strategy=group.strategy,
                members=members,
                passed_over=passed_over,
                by=by,
            ),
            routes=routes,
            ring_s=group.ring_s,
            language=group.language or directory.sites[group.site].language,
        )

    async def reached(
        self, agents: list[Agent], *, shown: str | None
    ) -> tuple[tuple[Member, ...], tuple[Route, ...], dict[str, str]]:
        """Those who can be rung now, by which routes, and the rule that keeps each of the others from it."""
        found = await asyncio.gather(*(self._reached(agent, shown) for agent in agents))
        return (
            tuple(member for member, _, _ in found if member is not None),
            tuple(route for _, routes, _ in found for route in routes),
            {agent.id: why for agent, (_, _, why) in zip(agents, found, strict=True) if why},
        )

    async def _reached(self, agent: Agent, shown: str | None) -> tuple[Member | None, tuple[Route, ...], str]:
        """The member and their routes, or the rule that keeps them from being rung."""
        if not agent.enabled:
            return None, (), "agent-disabled"
        site = self._source.directory.sites[agent.site]
        try:
            mode = acceptance.mode_of("auto", agent)
            if mode == "mobile":
                routes = self._by_trunk(agent, site)
            else:
                phones = await self._asterisk.registered_phones(agent)
                routes = acceptance.phone_routes(agent, phones, shown)
        except Refused as refused:
            return None, (), refused.stable_code
        member = Member(
            agent=agent.id,
            name=agent.name,
            number=acceptance.agent_number(agent, mode),
            mode=mode,
            language=agent.language or site.language,
            confirm=acceptance.confirm_wanted(None, agent, site, mode),
        )
        return (
            member,
            tuple(msgspec.structs.replace(route, agent=agent.id, number=member.number) for route in routes),
            "",
        )

    def _by_trunk(self, agent: Agent, site: Site) -> tuple[Route, ...]:
        directory = self._source.directory
        acceptance.check_mobile(agent, site)
        trunks = self._guard.open_trunks(routing.trunks_for(site, directory))
        if agent.mobile is not None and not self._guard.may_ring(agent.id, agent.mobile, site):
            raise Refused(f"the limits of agent {agent.id} have no room", rule="limit-reached", status=403)
        if agent.mobile is None or not trunks:
            raise Refused("the agent's site has no trunk", rule="no-trunk", status=503)
        return acceptance.routes_by_trunk(agent.mobile, trunks, directory, None, trunks[0].id)


def called_in(came: Came, number: Number, site: Site, *, trunk: Trunk, offer: Offer, house: House) -> ConnectRequest:
    """A customer called a number of ours that leads to the group."""
    return _offered(
        offer,
        arriving.from_outside(came, number, site, house, trunk=trunk, routes=offer.routes, language=offer.language),
    )


def dialled_inside(came: Came, agent: Agent, site: Site, *, offer: Offer, house: House) -> ConnectRequest:
    """An agent called the group by its extension: they wait as a customer does, and hear it ring."""
    request = arriving.waiting(
        came,
        site,
        house,
        caller=agent.extension,
        routes=offer.routes,
        language=offer.language,
        asked_by=f"phone {agent.id}",
    )
    return msgspec.structs.replace(_offered(offer, request), direction="internal")


def _offered(offer: Offer, request: ConnectRequest) -> ConnectRequest:
    """Each member says for themselves whether a human must press 1."""
    return msgspec.structs.replace(request, ring_agent_s=offer.ring_s, group=offer.group)
