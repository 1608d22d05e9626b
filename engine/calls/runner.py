"""One task owns one call: its mailbox, its state, its timers.

For every event: decide (pure), write to the journal, then act. Never the other way round: what was not written was not
done, and what was done can be read after any death of this process.
"""

import asyncio
from collections.abc import Callable
from itertools import chain
from typing import Protocol

import msgspec
import structlog

from engine.calls import rows
from engine.calls.clock import Clock
from engine.calls.led import NONE, Led, Scenarios
from engine.calls.ports import World
from engine.calls.trunks import TrunkBoard
from engine.domain import machine, recovery
from engine.domain.call import Call
from engine.domain.effects import (
    AskHouse,
    CancelTimer,
    ChooseMember,
    ChooseTrunk,
    DialChannel,
    Effect,
    PlanReach,
    StartTimer,
)
from engine.domain.events import (
    AsteriskLost,
    CallRequested,
    Event,
    FinishOrdered,
    HouseReplied,
    MemberChosen,
    TimerFired,
    TrunkChosen,
)
from engine.domain.recovery import Seen
from engine.domain.values import CallId, ChannelId, Slug
from engine.errors import JournalUnwritable, StandardisteError
from engine.journal import IdempotencyRow, OutboxRow, StepRow

log = structlog.get_logger(__name__)

TIMER_SLACK_S = 0.002
"""The loop may fire a timer this much early; the machine does not take an early one."""
LATE_S = 0.5
"""A timer this late means that the loop hung: what the far end did meanwhile is still unread, and was first."""
LISTEN_S = 1.0
"""How long a timer then waits for it. Half a second was too short where eight tasks wanted each core."""
DEAF_AT_MOST_S = 60.0
"""A timer waits so long for an Asterisk that cannot be heard, then no longer."""
PAY_EVERY_S = 1.0
"""How often a call that is over tries to write what could not be written."""


class Notebook(Protocol):
    """The part of the journal a running call writes to."""

    def append_nowait(
        self,
        step: StepRow,
        *,
        durable: bool = False,
        idempotency: IdempotencyRow | None = None,
        outbox: tuple[OutboxRow, ...] = (),
    ) -> "asyncio.Future[int]": ...

    async def append_together(
        self, steps: tuple[StepRow, ...], *, durable: bool = False, outbox: tuple[OutboxRow, ...] = ()
    ) -> int: ...


class Surroundings(msgspec.Struct, frozen=True):
    """What every call task shares."""

    world: World
    journal: Notebook
    trunks: TrunkBoard
    clock: Clock
    spawn: Callable[..., object]  # of the application's task group: coroutine -> task
    changed: Callable[["CallTask", Call | None, Event], None]  # before and after a step; None before the first
    closed: Callable[["CallTask"], None]
    scenarios: Scenarios = NONE
    is_free: Callable[[Slug, CallId], bool] = lambda agent, call_id: True  # whether they are in no other call
    hearing: Callable[[], bool] = lambda: True  # whether Asterisk is heard now: silence means nothing to the deaf
    unused: Callable[[Event], None] = lambda event: None  # an event the call could not use in its stage


class Reconcile:
    """Compare the call with a picture of Asterisk, in the call's own turn. `only`: nothing but these channels."""

    def __init__(self, seen: Seen, only: frozenset[ChannelId] | None = None) -> None:
        self.seen, self.only = seen, only
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Ordered:
    """An event whose sender waits until it is written: what was promised to an application must outlive us."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()


Message = Event | Reconcile | Ordered


class CallTask:
    """A living call. Post events to it; read `call`."""

    def __init__(self, call_id: CallId, around: Surroundings, call: Call | None = None) -> None:
        self.id = call_id
        self._around = around
        self._call = call
        self._mailbox: asyncio.Queue[Message] = asyncio.Queue()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._owed: list[tuple[StepRow, tuple[OutboxRow, ...]]] = []
        self._stumbled = self._given_up = False
        self._led = Led(around.scenarios, call.request if call is not None else None)

    @property
    def call(self) -> Call:
        if self._call is None:
            raise RuntimeError(f"call {self.id} has not begun")
        return self._call

    def post(self, message: Message) -> None:
        self._mailbox.put_nowait(message)

    async def order(self, event: Event) -> None:
        """Post an event of an application; returns once it is journalled, or owed to a journal that takes nothing."""
        ordered = Ordered(event)
        self.post(ordered)
        await ordered.done  # answered in the call's turn or at its end; whoever asks bounds it

    async def begin(self, event: CallRequested, idempotency: IdempotencyRow | None) -> tuple[Effect, ...]:
        """Write the first step, durable before anybody is told; `set_out` then acts.

        Raises IdempotencyConflict or JournalUnwritable: then there is no call.
        """
        self._led = Led(self._around.scenarios, event.request)
        call, effects = machine.begin(self.id, event, self._led.program)
        row = rows.step(event, effects, call)
        told = rows.told(None, event, call)
        await self._around.journal.append_nowait(row, durable=True, idempotency=idempotency, outbox=told)
        self._led.tell_faults(None, call)
        self._call = call
        return effects

    async def run(self) -> None:
        """Take events until the call is closed."""
        with structlog.contextvars.bound_contextvars(call=self.id):
            while not self.call.closed and not self._given_up:
                await self._turn(await self._mailbox.get())
            self._leave()
            while not self._mailbox.empty():
                await self._too_late(self._mailbox.get_nowait())
            await self._pay()

    async def _turn(self, message: Message) -> None:
        try:
            match message:
                case Reconcile():
                    await self._reconcile(message)
                case Ordered(event=event):
                    await self._take(event)
                case _:
                    await self._take(message)
        except Exception:
            # One call's misfortune must not become every call's: say so, and end this one in good order.
            log.exception("call.step_failed", message=repr(message)[:500])
            if isinstance(message, AsteriskLost) and not self.call.closed:
                self._give_up()
            else:
                self._stumble()
        finally:
            _release(message)

    async def _take(self, event: Event) -> None:
        before = self.call
        event = self._led.visible(before, event)
        call, effects = machine.step(before, event, self._led.program)
        durable = any(isinstance(effect, DialChannel) for effect in effects)
        try:
            await self._write(rows.step(event, effects, call), rows.told(before, event, call), durable=durable)
        except JournalUnwritable as unwritable:
            # The disk is full or gone. Living calls are still controlled, from memory; only nobody new is rung.
            log.error("call.not_journalled", event_type=type(event).__name__, why=unwritable.message)
            effects = tuple(effect for effect in effects if not isinstance(effect, DialChannel))
        if call is before and not effects:
            self._around.unused(event)
        self._led.tell_faults(before, call)
        self._call = call
        self._settle(before, event, effects)

    async def _write(self, step: StepRow, told: tuple[OutboxRow, ...], *, durable: bool = False) -> None:
        """Write a step, and before it those that could not be written; raises JournalUnwritable, then it is owed."""
        self._owed.append((step, told))
        if len(self._owed) == 1:
            await self._around.journal.append_nowait(step, durable=durable, outbox=told)
        else:
            steps, outbox = zip(*self._owed, strict=True)
            await self._around.journal.append_together(steps, durable=durable, outbox=tuple(chain(*outbox)))
        self._owed.clear()

    async def _pay(self) -> None:
        """A call that is over owes the journal what could not be written: its record must not be lost."""
        while self._owed:
            await asyncio.sleep(PAY_EVERY_S)
            step, told = self._owed.pop()
            try:
                await self._write(step, told, durable=True)
            except StandardisteError as failed:  # whatever the journal has: nobody else's call must end by it
                log.error("call.still_owed", steps=len(self._owed), why=failed.message)

    async def _reconcile(self, message: Reconcile) -> None:
        for event in recovery.catch_up(self.call, message.seen, only=message.only):
            await self._take(event)
        if message.only is None:
            self._act(recovery.unfinished(self.call, message.seen))
            self._arm_unarmed()

    def set_out(self, event: CallRequested, effects: tuple[Effect, ...]) -> None:
        """Act on the first step. As in a turn: what goes wrong ends this call, and leaves it its task."""
        try:
            self._settle(None, event, effects)
        except Exception:
            log.exception("call.step_failed", call=self.id, message=repr(event)[:500])
            self._stumble()

    def _settle(self, before: Call | None, event: Event, effects: tuple[Effect, ...]) -> None:
        """Act on what is journalled, and let everybody know."""
        self._around.trunks.update(self.call)
        self._act(effects)
        self._around.changed(self, before, event)

    def _act(self, effects: "tuple[Effect, ...] | list[Effect]") -> None:
        for effect in effects:
            match effect:
                case StartTimer(timer=timer, after_s=after_s):
                    self._arm(timer, after_s)
                case CancelTimer(timer=timer):
                    handle = self._timers.pop(timer, None)
                    if handle is not None:
                        handle.cancel()
                case AskHouse() | PlanReach():
                    self._around.spawn(self._ask_for(effect))
                case ChooseMember(member=member, trunks=trunks):
                    self.post(self._chosen(member, trunks))
                case ChooseTrunk(role=role, candidates=candidates):
                    trunk = self._around.trunks.choose_for(self.call, candidates)
                    self.post(TrunkChosen(at=self._around.clock.now(), role=role, trunk=trunk))
                case _:
                    self._around.spawn(self._carry_out(effect))

    def _chosen(self, member: Slug, trunks: tuple[Slug, ...]) -> MemberChosen:
        """Whether a member of the group is free, and one of their trunks: both are kept for this call."""
        around, free = self._around, self._around.is_free(member, self.id)
        trunk = around.trunks.choose_for(self.call, trunks) if free and trunks else None
        return MemberChosen(at=around.clock.now(), member=member, free=free, trunk=trunk)

    async def _ask_for(self, effect: AskHouse | PlanReach) -> None:
        """What a scenario wants to know; whatever goes wrong is an answer too."""
        with structlog.contextvars.bound_contextvars(call=self.id):
            match effect:
                case AskHouse(number=number, question=question):
                    answer = await self._led.answer(self.call, number, question)
                    now = self._around.clock.now()
                    self.post(HouseReplied(at=now, number=number, outcome=answer.outcome, values=answer.values))
                case PlanReach(number=number, whom=whom):
                    self.post(await self._led.plan(self.call, number, whom, self._around.clock))

    async def _carry_out(self, effect: Effect) -> None:
        try:
            event = await self._around.world.carry_out(effect)
        except Exception:  # an order that fails in a way nobody foresaw must not take the other calls down
            log.exception("call.order_failed", call=self.id, order=type(effect).__name__)
            self._stumble()
            return
        if event is not None:
            self.post(event)

    def _leave(self) -> None:
        for handle in self._timers.values():
            handle.cancel()
        self._timers.clear()
        self._around.closed(self)

    async def _too_late(self, message: Message) -> None:
        """What came while the last step was written: whoever waits for a turn is released, a disposition is kept."""
        event = message.event if isinstance(message, Ordered) else message
        try:
            if not isinstance(event, Reconcile) and rows.late_disposition(event) is not None and self.call.closed:
                await self._take(event)
        except Exception:  # as in a turn: what is raised here would end everybody's calls
            log.exception("call.step_failed", message=repr(message)[:500])
        finally:
            _release(message)

    def _arm(self, timer: str, after_s: float) -> None:
        old = self._timers.pop(timer, None)
        if old is not None:
            old.cancel()
        due = asyncio.get_running_loop().time() + after_s + TIMER_SLACK_S
        self._await(timer, due, due, deaf=False)

    def _await(self, timer: str, at: float, due: float, *, deaf: bool) -> None:
        self._timers[timer] = asyncio.get_running_loop().call_at(at, self._fire, timer, at, due, deaf)

    def _arm_unarmed(self) -> None:
        """After a restart of the engine: the timers the call had, now that it knows what it missed."""
        now = self._around.clock.now().mono
        for timer, due in self.call.timers.items():
            if timer not in self._timers:
                self._arm(timer, max(0.0, due - now))

    def _fire(self, timer: str, at: float, due: float, was_deaf: bool) -> None:
        """Time is up, unless nobody listened: a party that answered meanwhile must not be hung up for its silence.

        An Asterisk that is heard again has first to read what came while it was not: it is given a whole `LISTEN_S`.
        Hanging up ("close") is repeated, heard or not.
        """
        now = asyncio.get_running_loop().time()
        deaf = not self._around.hearing()
        if (deaf or was_deaf or now - at > LATE_S) and timer != "close" and now - due < DEAF_AT_MOST_S:
            self._await(timer, now + LISTEN_S, due, deaf=deaf)
            return
        self._timers.pop(timer, None)
        self.post(TimerFired(at=self._around.clock.now(), timer=timer))

    def _stumble(self) -> None:
        now = self._around.clock.now()
        self.post(AsteriskLost(at=now) if self._stumbled else FinishOrdered(at=now, by="engine"))
        self._stumbled = True

    def _give_up(self) -> None:
        """Nothing moves this call any more. Its channels are orphans now, and ended as such by the next audit; the
        journal has it open, so the next start of the engine takes it up again."""
        log.critical("call.given_up", next="Report the defect with this call's journal; restart the engine to mend it.")
        self._given_up = True
        self._around.trunks.release(self.id)


def _release(message: Message) -> None:
    """Whoever waits for its turn need wait no longer."""
    if isinstance(message, Reconcile | Ordered) and not message.done.done():
        message.done.set_result(None)
