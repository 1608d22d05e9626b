"""Accepting orders: the way from an application's wish to a call that is journalled and being carried out.

Refusals change nothing. An Idempotency-Key makes the same order twice one call, whatever dies in between: key and call
are one transaction in the journal.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

import msgspec

from engine.calls import acceptance, arriving, grouping, leading
from engine.calls.acceptance import House
from engine.calls.arriving import Came
from engine.calls.contract import Accepted, Actor, ConnectOrder
from engine.calls.ports import Asterisk, Credit, DirectorySource
from engine.calls.registry import Registry
from engine.calls.runner import CallTask, Surroundings
from engine.calls.uuid7 import uuid7
from engine.domain import routing
from engine.domain.call import Call
from engine.domain.directory import Agent, Application, Group, Number, Site, ToApplication, ToGroup, Trunk
from engine.domain.events import CallRequested
from engine.domain.request import CREDIT_RULE, ConnectRequest, Route
from engine.domain.values import E164, CallId, Slug
from engine.errors import IdempotencyConflict, Refused
from engine.journal import IdempotencyRow

MINUTE_S = 60.0
FIRST_STATE = "reaching-agent"
"""What the first answer says, and therefore every later one under the same key: the agent is rung first."""


class Admission(Protocol):
    """Whether the engine may take new work now."""

    def refusal(self, live: int) -> Refused | None:
        """Why not, or None; `live` calls are there already."""
        ...


class Guard(Protocol):
    """The limits that stop fraud. What raises Refused counted nothing."""

    def open_trunks(self, trunks: list[Trunk]) -> list[Trunk]:
        """Those that may be used."""
        ...

    def may_ring(self, agent: Slug, mobile: E164, site: Site) -> bool:
        """Whether the agent's own limits have room for a call to their mobile."""
        ...

    def admit(self, call_id: CallId, request: ConnectRequest) -> None:
        """Count a call that is about to begin."""
        ...

    def withdraw(self, call_id: CallId) -> None:
        """It did not begin."""
        ...


class Unguarded:
    """No limits: for those who bring none."""

    def open_trunks(self, trunks: list[Trunk]) -> list[Trunk]:
        return trunks

    def may_ring(self, agent: Slug, mobile: E164, site: Site) -> bool:
        return True

    def admit(self, call_id: CallId, request: ConnectRequest) -> None: ...

    def withdraw(self, call_id: CallId) -> None: ...

    def changed(self, call: Call) -> None: ...

    def left(self, call_id: CallId) -> None: ...


class KeyBook(Protocol):
    async def find_idempotency(self, key: str, owner: str) -> IdempotencyRow | None: ...


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`per_agent_minute`: calls an agent may be given in any 60 seconds."""

    per_agent_minute: int = 20


def may_act_for(actor: Actor, agent: str | None) -> None:
    """An agent's own token acts for that agent alone."""
    if actor.agent is not None and actor.agent != agent:
        raise Refused("this token acts for its own agent only", rule="own-calls-only", status=403)


class Acceptor:
    """Single-writer: the event loop."""

    def __init__(
        self,
        *,
        registry: Registry,
        around: Surroundings,
        keys: KeyBook,
        asterisk: Asterisk,
        source: DirectorySource,
        admission: Admission,
        house: House,
        limits: Limits,
        guard: Guard,
        credit: Credit | None = None,
    ) -> None:
        self._registry, self._around, self._keys, self._asterisk = registry, around, keys, asterisk
        self._source, self._admission, self._house, self._limits = source, admission, house, limits
        self._guard, self._credit = guard, credit
        self._members = grouping.Members(asterisk, source, guard)
        self._running: dict[tuple[str, str], asyncio.Task[Accepted]] = {}
        self._recent: dict[Slug, deque[float]] = {}
        self._landing: set[asyncio.Task[Accepted]] = set()

    async def accept(self, order: ConnectOrder, actor: Actor, key: str | None) -> Accepted:
        """The call's id once it is durable; raises Refused, InvalidValue, UnknownThing or JournalUnwritable.

        It goes through even if the asker leaves: a journalled call must have its task, and a retry under the same key
        waits for it instead of meeting its own agent as busy.
        """
        if key is None:
            return await asyncio.shield(self._land(self._accept(order, actor, None)))
        slot = (actor.token_id, key)
        while (before := self._running.get(slot)) is not None:
            await asyncio.wait([before])
        landing = self._running[slot] = self._land(self._accept_once(order, actor, key))
        landing.add_done_callback(lambda _: self._running.pop(slot))
        return await asyncio.shield(landing)

    def _land(self, work: Coroutine[Any, Any, Accepted]) -> asyncio.Task[Accepted]:
        landing = asyncio.create_task(work)
        self._landing.add(landing)
        landing.add_done_callback(self._landed)
        return landing

    def _landed(self, landing: asyncio.Task[Accepted]) -> None:
        self._landing.discard(landing)
        if not landing.cancelled():
            landing.exception()  # whoever asked may be gone: it was raised to them if they are not

    async def _accept_once(self, order: ConnectOrder, actor: Actor, key: str) -> Accepted:
        body_hash = hashlib.sha256(msgspec.json.encode(order, order="sorted")).hexdigest()
        known = await self._keys.find_idempotency(key, actor.token_id)
        if known is not None:
            return _replayed(known.body_hash, known.call_id, body_hash)
        row = IdempotencyRow(key=key, owner=actor.token_id, body_hash=body_hash, at=self._around.clock.now().utc)
        try:
            return await self._accept(order, actor, row)
        except IdempotencyConflict as conflict:
            return _replayed(conflict.body_hash, conflict.call_id, body_hash)

    async def _accept(self, order: ConnectOrder, actor: Actor, row: IdempotencyRow | None) -> Accepted:
        self._not_full()
        acceptance.check_supported(order)
        agent, site = acceptance.find_agent(order, self._source.directory)
        may_act_for(actor, agent.id)
        return await self._begin(agent, lambda call_id: self._plan(order, actor, call_id, agent, site), row)

    async def arrive(self, came: Came) -> Accepted:
        """A call that came to us, which lives from here on; raises as `accept` does."""
        return await asyncio.shield(self._land(self._arrive(came)))

    async def _arrive(self, came: Came) -> Accepted:
        self._not_full()
        directory = self._source.directory
        ours = arriving.agent_of(came, directory)
        if ours is not None:
            agent, site = ours
            return await self._begin(agent, lambda call_id: self._plan_dialled(came, call_id, agent, site))
        trunk = arriving.trunk_of(came, directory)
        if trunk is None or not trunk.enabled:
            raise Refused(f"{came.endpoint} is no telephone or trunk of ours", rule="unknown-endpoint", status=403)
        today = arriving.day_at(directory.sites[trunk.site], self._around.clock.now().utc)
        number = arriving.number_of(came, trunk, directory, today)
        if isinstance(number.target, ToGroup):
            group = directory.groups[number.target.id]
            return await self._begin(None, lambda call_id: self._plan_called_group(came, call_id, number, group, trunk))
        if isinstance(number.target, ToApplication):
            entry = self._entry(directory.applications[number.target.id])
            return await self._begin(None, lambda call_id: self._plan_led(came, call_id, number, entry, trunk))
        agent = arriving.reached_by(number.target, directory)
        return await self._begin(agent, lambda call_id: self._plan_called(came, call_id, number, agent, trunk))

    def _not_full(self) -> None:
        refusal = self._admission.refusal(len(self._registry) + self._registry.taking)
        if refusal is not None:
            raise refusal

    async def _begin(
        self,
        agent: Agent | None,
        plan: Callable[[CallId], Awaitable[ConnectRequest]],
        row: IdempotencyRow | None = None,
    ) -> Accepted:
        """A free agent's call, or one that is no one's yet: planned, counted, journalled, set out."""
        call_id = CallId(str(uuid7()))
        if agent is not None:
            self._not_busy(agent)
            self._not_too_often(agent)
        self._registry.take(call_id, *([] if agent is None else [agent.id]))
        try:
            request = await plan(call_id)
            self._guard.admit(call_id, request)
            request = await self._granted(call_id, request)
            task = CallTask(call_id, self._around)
            event = CallRequested(at=self._around.clock.now(), request=request)
            effects = await task.begin(event, msgspec.structs.replace(row, call_id=call_id) if row else None)
        except BaseException:
            self._around.trunks.release(call_id)
            self._guard.withdraw(call_id)
            raise
        finally:
            self._registry.took(call_id)
        if agent is not None:
            self._recent.setdefault(agent.id, deque()).append(event.at.mono)
        self._registry.add(task)
        task.set_out(event, effects)
        self._around.spawn(task.run())
        return Accepted(id=call_id, state=FIRST_STATE)

    async def _plan(
        self, order: ConnectOrder, actor: Actor, call_id: CallId, agent: Agent, site: Site
    ) -> ConnectRequest:
        directory = self._source.directory
        mode = acceptance.mode_of(order.mode, agent)
        if mode == "mobile":
            acceptance.check_mobile(agent, site)
        number = acceptance.destination(order, agent, site)
        trunks = self._guard.open_trunks(routing.trunks_for(site, directory))
        wanted = acceptance.wanted_caller_id(order, site, trunks)
        for_agent, for_customer = acceptance.choose_trunks(trunks, self._around.trunks, mode)
        self._around.trunks.reserve(call_id, [t for t in (for_agent, for_customer) if t is not None])
        return acceptance.build(
            order,
            agent=agent,
            site=site,
            mode=mode,
            number=number,
            agent_routes=await self._agent_routes(agent, number, trunks, for_agent),
            customer_routes=acceptance.routes_by_trunk(number, trunks, directory, wanted, for_customer),
            house=self._house,
            asked_by=actor.name,
        )

    async def _granted(self, call_id: CallId, request: ConnectRequest) -> ConnectRequest:
        """The request as the outside credit check allows it, where there is one; raises Refused."""
        if self._credit is None or not request.costs:
            return request
        longest_s = await self._credit.ask(call_id, request)
        if longest_s is None or longest_s >= request.max_talk_s:
            return request
        return msgspec.structs.replace(request, max_talk_s=longest_s, max_talk_rule=CREDIT_RULE)

    async def _plan_dialled(self, came: Came, call_id: CallId, agent: Agent, site: Site) -> ConnectRequest:
        directory = self._source.directory
        other = arriving.colleague(came, agent, site, directory)
        if isinstance(other, Group):
            offer = await self._members.of(other, by=agent.id, shown=agent.extension)
            return grouping.dialled_inside(came, agent, directory.sites[other.site], offer=offer, house=self._house)
        if isinstance(other, Application):
            return leading.dialled_inside(came, agent, self._entry(other))
        if other is not None:
            self._not_busy(other)
            self._registry.take(call_id, other.id)
            phones = await self._asterisk.registered_phones(other)
            routes = acceptance.phone_routes(other, phones, agent.extension)
            return arriving.dialled_inside(came, agent, site, other=other, routes=routes, house=self._house)
        number = acceptance.destination(ConnectOrder(agent=agent.id, to=came.dialled), agent, site)
        trunks = self._guard.open_trunks(routing.trunks_for(site, directory))
        _, chosen = acceptance.choose_trunks(trunks, self._around.trunks, "sip")
        self._around.trunks.reserve(call_id, [chosen])
        routes = acceptance.routes_by_trunk(number, trunks, directory, None, chosen)
        return arriving.dialled_out(came, agent, site, number=number, routes=routes, house=self._house)

    async def _plan_called(
        self, came: Came, call_id: CallId, number: Number, agent: Agent, trunk: Trunk
    ) -> ConnectRequest:
        directory = self._source.directory
        site = directory.sites[agent.site]
        mode = acceptance.mode_of("auto", agent)
        if mode == "mobile" and agent.mobile is not None:
            acceptance.check_mobile(agent, site)
            trunks = self._guard.open_trunks(routing.trunks_for(site, directory))
            _, chosen = acceptance.choose_trunks(trunks, self._around.trunks, "sip")
            self._around.trunks.reserve(call_id, [chosen, trunk.id])
            routes = acceptance.routes_by_trunk(agent.mobile, trunks, directory, None, chosen)
        else:
            shown = arriving.caller_number(came, site.country) or None
            routes = acceptance.phone_routes(agent, await self._asterisk.registered_phones(agent), shown)
        return arriving.called_in(came, number, agent, site, trunk=trunk, routes=routes, house=self._house)

    async def _plan_called_group(
        self, came: Came, call_id: CallId, number: Number, group: Group, trunk: Trunk
    ) -> ConnectRequest:
        site = self._source.directory.sites[group.site]
        self._around.trunks.reserve(call_id, [trunk.id])
        offer = await self._members.of(group, shown=arriving.caller_number(came, site.country) or None)
        return grouping.called_in(came, number, site, trunk=trunk, offer=offer, house=self._house)

    async def _plan_led(
        self, came: Came, call_id: CallId, number: Number, entry: leading.Entry, trunk: Trunk
    ) -> ConnectRequest:
        self._around.trunks.reserve(call_id, [trunk.id])
        return leading.called_in(came, number, trunk, entry)

    def _entry(self, application: Application) -> leading.Entry:
        return leading.Entry(
            application=application,
            site=self._source.directory.sites[application.site],
            at=self._around.clock.now().utc,
            programs=self._around.scenarios.programs,
            house=self._house,
        )

    async def _agent_routes(
        self, agent: Agent, customer: E164, trunks: list[Trunk], chosen: Slug | None
    ) -> tuple[Route, ...]:
        if agent.mobile is not None and chosen is not None:
            return acceptance.routes_by_trunk(agent.mobile, trunks, self._source.directory, None, chosen)
        return acceptance.phone_routes(agent, await self._asterisk.registered_phones(agent), customer)

    def _not_busy(self, agent: Agent) -> None:
        call = self._registry.of_agent(agent.id)
        if not self._registry.is_free(agent.id):
            raise Refused(
                f"agent {agent.id} is in call {call}" if call else f"a call for agent {agent.id} is being accepted",
                rule="agent-busy",
                status=409,
                what_next="Wait for its end, or finish it with DELETE.",
                call_id=call,
            )

    def _not_too_often(self, agent: Agent) -> None:
        now = self._around.clock.now().mono
        recent = self._recent.get(agent.id)
        while recent and recent[0] <= now - MINUTE_S:
            recent.popleft()
        if recent and len(recent) >= self._limits.per_agent_minute:
            raise Refused(
                f"agent {agent.id} was given {len(recent)} calls in a minute",
                rule="calls-per-minute",
                status=429,
                retry_after_s=max(1, int(recent[0] + MINUTE_S - now)),
            )


def _replayed(known_hash: str, call_id: str | None, body_hash: str) -> Accepted:
    if known_hash != body_hash or call_id is None:
        raise Refused(
            "this Idempotency-Key was used for another request",
            rule="idempotency-key-reused",
            status=422,
            what_next="Use a new key for a new request.",
        )
    return Accepted(id=CallId(call_id), state=FIRST_STATE, replayed=True)
