"""The calls room with its real parts: the journal on a disk, the machine, the registry. `Exchange` is the rest.

    async with Room(path, exchange) as room:
        accepted = await room.ask()
        await room.until(lambda: room.stage(accepted) == "talking")

Leaving the room is what kill -9 does to an engine: tasks and timers are gone, the journal is what was written.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import msgspec

from engine.calls import views
from engine.calls.acceptance import House
from engine.calls.accepting import Limits
from engine.calls.arriving import Came
from engine.calls.clock import Clock
from engine.calls.contract import Accepted, Actor, ConnectOrder
from engine.calls.limits import LimitBoard
from engine.calls.ports import Answering, Credit, Programs
from engine.calls.reconcile import Reconciler
from engine.calls.runner import CallTask
from engine.calls.service import CallService
from engine.calls.trunks import TrunkBoard
from engine.domain import ids
from engine.domain.call import Call
from engine.domain.directory import Agent, Directory, Site, Trunk
from engine.domain.events import Event
from engine.domain.ids import Role
from engine.domain.limits import Kind, Measure, Reading, Rules
from engine.domain.stages import Ended, Verdict
from engine.domain.tariff import Tariff, money
from engine.domain.values import E164, CallId, ChannelId, Extension, Slug
from engine.errors import JournalUnwritable, Refused
from engine.journal import IdempotencyRow, Journal, OutboxRow, StepRow
from tests.calls.exchange import Exchange

CRM = Actor(token_id="t-crm", name="crm", scopes=frozenset({"calls:create"}))
SHOP = Actor(token_id="t-shop", name="shop", scopes=frozenset({"calls:create"}))
CUSTOMER = "01 40 00 00 02"
PRICES = Tariff(home=money(0.01), other=money(1), rates={"44": money(0.5)})
NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)


def trunk(name: str, *, channels: int = 4, site: str = "paris", priority: int = 10, **more: Any) -> Trunk:
    plain: dict[str, Any] = {"kind": "peer", "host": "127.0.0.2"}
    return Trunk(id=Slug(name), site=Slug(site), channels=channels, priority=priority, **(plain | more))


def agent(name: str, **more: Any) -> Agent:
    """Works by mobile, is asked for no key."""
    number = {"alice": 1, "bruno": 2, "chloe": 3}.get(name, 9)
    plain: dict[str, Any] = {
        "id": Slug(name),
        "name": name.capitalize(),
        "site": Slug("paris"),
        "extension": Extension(f"200{number}"),
        "secret": "abcdefgh2345",
        "sip_user": f"{name}-k7",
        "mode": "mobile",
        "mobile": E164(f"+3360000000{number}"),
        "mobile_permitted": True,
        "confirm": False,
    }
    return Agent(**(plain | more))


PARIS = Site(id=Slug("paris"), name="Paris", notice="tone")
LYON = Site(id=Slug("lyon"), name="Lyon", notice="tone", allow_other_sites=True)


def directory(*things: Trunk | Agent, **site: Any) -> Directory:
    """Paris (changed as said) and Lyon; the trunks and agents given, else two trunks and three agents."""
    trunks = [t for t in things if isinstance(t, Trunk)] or [trunk("paris-1"), trunk("paris-2", priority=20)]
    agents = [a for a in things if isinstance(a, Agent)] or [agent("alice"), agent("bruno"), agent("chloe")]
    paris: Site = msgspec.structs.replace(PARIS, **site)
    return Directory(
        revision=1,
        sites={PARIS.id: paris, LYON.id: LYON},
        trunks={t.id: t for t in trunks},
        agents={a.id: a for a in agents},
    )


class Source:
    def __init__(self, held: Directory) -> None:
        self.directory = held


class Notary:
    """The journal, with a note of every step handed in. `broken`: nothing can be written. `gate`: answers wait."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.handed: list[tuple[StepRow, bool]] = []
        self.broken: Callable[[StepRow | None], bool] = lambda step: False
        self.gate: asyncio.Event | None = None

    def append_nowait(
        self,
        step: StepRow,
        *,
        durable: bool = False,
        idempotency: IdempotencyRow | None = None,
        outbox: tuple[OutboxRow, ...] = (),
    ) -> "asyncio.Future[int]":
        self.handed.append((step, durable))
        if self.broken(step):
            return _unwritable()
        written = self.journal.append_nowait(step, durable=durable, idempotency=idempotency, outbox=outbox)
        return written if self.gate is None else asyncio.ensure_future(self._behind(self.gate, written))

    async def append_together(
        self, steps: tuple[StepRow, ...], *, durable: bool = False, outbox: tuple[OutboxRow, ...] = ()
    ) -> int:
        self.handed.extend((step, durable) for step in steps)
        if any(self.broken(step) for step in steps):
            return await _unwritable()
        return await self.journal.append_together(steps, durable=durable, outbox=outbox)

    async def report(self, outbox: tuple[OutboxRow, ...]) -> None:
        if self.broken(None):
            await _unwritable()
        await self.journal.report(outbox)

    async def find_idempotency(self, key: str, owner: str) -> IdempotencyRow | None:
        return await self.journal.find_idempotency(key, owner)

    async def open_calls(self) -> Any:
        return await self.journal.open_calls()

    async def steps(self, call_id: str) -> list[StepRow]:
        return await self.journal.steps(call_id)

    @staticmethod
    async def _behind(gate: asyncio.Event, written: "asyncio.Future[int]") -> int:
        await gate.wait()
        return await written


def _unwritable() -> "asyncio.Future[int]":
    failed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    failed.set_exception(JournalUnwritable("the disk is full"))
    return failed


class Shelf:
    """An archive: what the journal has let go."""

    def __init__(self) -> None:
        self.held: dict[str, list[StepRow]] = {}

    async def steps(self, call_id: str) -> list[StepRow]:
        return self.held.get(call_id, [])


class Doorman:
    """Admission that lets everybody in but for a reason given."""

    def __init__(self) -> None:
        self.why: Refused | None = None
        self.counted: list[int] = []

    def refusal(self, live: int) -> Refused | None:
        self.counted.append(live)
        return self.why


class Room:
    """One life of an engine's calls."""

    def __init__(
        self,
        path: Path,
        exchange: Exchange,
        held: Directory | None = None,
        *,
        per_agent_minute: int = 20,
        caps: Mapping[tuple[Kind, Measure], int] | None = None,
        credit: Credit | None = None,
        programs: Programs | None = None,
        answering: Answering | None = None,
    ) -> None:
        self.exchange, self.source, self.archive, self.door = exchange, Source(held or directory()), Shelf(), Doorman()
        self.unmatched: list[Came] = []
        self.told: list[tuple[Call, Event]] = []
        self.on_change: Callable[[Call, Event], None] = lambda call, event: None
        self.hearing: Callable[[], bool] = lambda: True
        self.failures: list[BaseException] = []
        self.readings: list[Reading] = []
        self._credit, self._programs, self._answering = credit, programs, answering
        self._rules = Rules(caps=dict(caps or {}))
        self._path, self._limits = path, Limits(per_agent_minute=per_agent_minute)
        self._stack = AsyncExitStack()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        path = self._path / "journal.db"
        self.journal = await self._stack.enter_async_context(Journal.open(path, "test", ballast_bytes=4096))
        self.notary = Notary(self.journal)
        loop = asyncio.get_running_loop()
        self.clock = Clock(
            kernel=lambda: loop.time(),  # noqa: PLW0108 - asked anew each time: a test may turn its hands
            wall=lambda: NINE + timedelta(seconds=loop.time() % 86400),
            boot="b",
        )
        self.limits = LimitBoard(
            rules=self._rules,
            prices=PRICES,
            closed_share=0.25,
            source=self.source,
            clock=self.clock,
            journal=self.journal,
            spawn=self.spawn,
            told=self.readings.append,
        )
        self.board = TrunkBoard(self.source, self.exchange, shut=self.limits.shut)
        self.service = CallService(
            journal=self.notary,
            archive=self.archive,
            world=self.exchange,
            asterisk=self.exchange,
            source=self.source,
            trunks=self.board,
            clock=self.clock,
            admission=self.door,
            house=House(node="test"),
            limits=self._limits,
            spawn=self.spawn,
            changed=self._changed,
            hearing=lambda: self.hearing(),  # noqa: PLW0108 - a test may change it
            guard=self.limits,
            credit=self._credit,
            programs=self._programs,
            unmatched=self.unmatched.append,
            answering=self._answering,
        )
        self.registry = self.service.registry
        self.limits.attach(self.registry)
        self.reconciler = Reconciler(self.registry, self.exchange, self.exchange, self.clock)
        self.exchange.attach(self.registry, self.journal, self.clock.now)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()
        assert not self.exchange.unwritten, "orders before their step was journalled"
        assert all(count == 1 for count in self.exchange.dials.values()), "a number was dialled twice"

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work, name=getattr(work, "__qualname__", ""))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    # -- what tests do -----------------------------------------------------------------------------------------------

    async def ask(
        self, agent: str = "alice", to: str = CUSTOMER, *, actor: Actor = CRM, key: str | None = None, **more: Any
    ) -> Accepted:
        return await self.service.originate(ConnectOrder(agent=agent, to=to, **more), actor, key)

    async def talking(self, agent: str = "alice") -> CallId:
        """A call whose two parties hear each other."""
        call_id = await self.customer_rung(agent)
        self.exchange.answers(self.channel(call_id, "customer"))
        await self.until(lambda: self.stage(call_id) == "talking")
        return call_id

    async def customer_rung(self, agent: str = "alice") -> CallId:
        """A call whose customer's phone rings."""
        call_id = await self.customer_dialled(agent)
        self.exchange.rings(self.channel(call_id, "customer"))
        await self.until(lambda: self.phase(call_id, "customer") == "ringing")
        return call_id

    async def customer_dialled(self, agent: str = "alice") -> CallId:
        """A call whose customer is called: nothing was heard of them yet."""
        call_id = await self.agent_rung(agent)
        self.exchange.answers(self.channel(call_id, "agent"))
        await self.until(lambda: self.phase(call_id, "customer") == "dialling")
        return call_id

    async def agent_rung(self, agent: str = "alice") -> CallId:
        """A call whose agent's mobile rings."""
        call_id = await self.agent_dialled(agent)
        self.exchange.rings(self.channel(call_id, "agent"))
        await self.until(lambda: self.phase(call_id, "agent") == "ringing")
        return call_id

    async def agent_dialled(self, agent: str = "alice") -> CallId:
        """A call whose agent is called: nothing was heard of them yet."""
        call_id = (await self.ask(agent)).id
        await self.until(lambda: self.phase(call_id, "agent") == "dialling")
        return call_id

    # -- what tests see ----------------------------------------------------------------------------------------------

    async def until(self, true: Callable[[], object], bound_s: float = 30.0) -> None:
        """Looks after every turn of the loop; raises TimeoutError after the bound."""
        loop = asyncio.get_running_loop()
        last = loop.time() + bound_s
        while not true():
            if loop.time() > last:
                raise TimeoutError(f"not within {bound_s} s")
            await asyncio.sleep(0.001)

    async def quiet(self) -> None:
        """Until every order is carried out."""
        await self.until(lambda: not any(task.get_name() == "CallTask._carry_out" for task in self._tasks))

    def task(self, call_id: str) -> CallTask:
        task = self.registry.get(call_id)
        assert task is not None, f"call {call_id} does not live"
        return task

    def call(self, call_id: str) -> Call:
        """The call as it is, or as it was told at its end."""
        task = self.registry.get(call_id)
        return task.call if task is not None else next(c for c, _ in reversed(self.told) if c.id == call_id)

    def stage(self, call_id: str) -> str:
        return views.stage_name(self.call(call_id))

    def phase(self, call_id: str, role: Role) -> str:
        attempts = self.call(call_id).legs[role].attempts
        return attempts[-1].phase if attempts else "none"

    def channel(self, call_id: str, role: Role, attempt: int = 0) -> ChannelId:
        attempts = self.call(call_id).legs[role].attempts
        return ids.channel_id(CallId(call_id), role, attempt or len(attempts))

    def verdict(self, call_id: str) -> Verdict:
        stage = self.call(call_id).stage
        assert isinstance(stage, Ended), stage
        return stage.verdict

    async def ended(self, call_id: str) -> Verdict:
        """Its verdict, once it is over and forgotten."""
        await self.until(lambda: self.registry.get(call_id) is None)
        return self.verdict(call_id)

    async def rows(self, kind: str) -> list[dict[str, Any]]:
        """What waits for PostgreSQL."""
        return [msgspec.json.decode(row.payload) for row in await self.journal.outbox(1000) if row.kind == kind]

    async def events(self, call_id: str) -> list[str]:
        """The journal of a call, by the names of what happened."""
        return [str(msgspec.json.decode(row.event)["type"]) for row in await self.journal.steps(call_id)]

    def _changed(self, before: Call | None, event: Event, call: Call) -> None:
        self.told.append((call, event))
        self.on_change(call, event)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.failures.append(failure)
