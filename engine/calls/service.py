"""The calls as a whole: orders in, living calls kept, finished ones told about."""

from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from engine.calls import arriving, ladder, rows, views
from engine.calls.acceptance import House
from engine.calls.accepting import Acceptor, Admission, Guard, Limits, Unguarded, may_act_for
from engine.calls.arriving import Came
from engine.calls.clock import Clock
from engine.calls.contract import Accepted, Actor, CallView, ConnectOrder, EventView
from engine.calls.grouping import Members
from engine.calls.led import Scenarios
from engine.calls.ports import Answering, Asterisk, Credit, DirectorySource, Programs, World
from engine.calls.reaching import Reacher
from engine.calls.registry import Registry
from engine.calls.runner import CallTask, Notebook, Surroundings
from engine.calls.trunks import TrunkBoard
from engine.domain import missed
from engine.domain.call import Call
from engine.domain.cdr import Disposition
from engine.domain.dispositions import check_disposition
from engine.domain.events import Disposed, EngineRestarted, Event, FinishOrdered
from engine.domain.values import CallId
from engine.errors import BadInput, JournalUnwritable, Refused, UnknownThing
from engine.journal import IdempotencyRow, OpenCall, OutboxRow, StepRow

log = structlog.get_logger(__name__)


class CallJournal(Notebook, Protocol):
    """The part of the journal the service uses, besides what running calls write."""

    async def find_idempotency(self, key: str, owner: str) -> IdempotencyRow | None: ...

    async def open_calls(self) -> list[OpenCall]: ...

    async def steps(self, call_id: str) -> list[StepRow]: ...

    async def report(self, outbox: tuple[OutboxRow, ...]) -> None: ...


class Watch(Guard, Protocol):
    """The limits also hear of every step."""

    def changed(self, call: Call) -> None: ...

    def left(self, call_id: CallId) -> None:
        """Its task is over."""
        ...


class Archive(Protocol):
    """Calls that the journal has already let go; empty when it knows none or cannot be asked."""

    async def steps(self, call_id: str) -> list[StepRow]: ...


class CallService:
    """Implements `contract.Calls`. `changed` hears of every step (the call before, the event, the call after),
    `refused` of the rule of every refusal, `unused` of every event a call could not use."""

    def __init__(
        self,
        *,
        journal: CallJournal,
        archive: Archive,
        world: World,
        asterisk: Asterisk,
        source: DirectorySource,
        trunks: TrunkBoard,
        clock: Clock,
        admission: Admission,
        house: House,
        limits: Limits,
        spawn: Callable[..., object],
        changed: Callable[[Call | None, Event, Call], None],
        refused: Callable[[str], None] = lambda rule: None,
        hearing: Callable[[], bool] = lambda: True,
        unused: Callable[[Event], None] = lambda event: None,
        unmatched: Callable[[Came], None] = lambda came: None,
        guard: Watch | None = None,
        credit: Credit | None = None,
        programs: Programs | None = None,
        answering: Answering | None = None,
    ) -> None:
        self.registry = Registry()
        watch: Watch = guard or Unguarded()

        def left(task: CallTask) -> None:
            self.registry.remove(task)
            watch.left(task.id)

        def told(task: CallTask, before: Call | None, event: Event) -> None:
            self.registry.update(task.call)
            watch.changed(task.call)
            changed(before, event, task.call)

        self._refused, self._unmatched, self._source, self._node = refused, unmatched, source, house.node
        self._journal, self._archive, self._trunks, self._clock, self._spawn = journal, archive, trunks, clock, spawn
        self._around = Surroundings(
            world=world,
            journal=journal,
            trunks=trunks,
            clock=clock,
            spawn=spawn,
            changed=told,
            closed=left,
            is_free=self.registry.is_free,
            hearing=hearing,
            unused=unused,
            scenarios=Scenarios(
                programs=programs,
                house=answering,
                planner=Reacher(Members(asterisk, source, watch), source, watch, credit),
            ),
        )
        self._acceptor = Acceptor(
            registry=self.registry,
            around=self._around,
            keys=journal,
            asterisk=asterisk,
            source=source,
            admission=admission,
            house=house,
            limits=limits,
            guard=watch,
            credit=credit,
        )

    async def originate(self, order: ConnectOrder, actor: Actor, idempotency_key: str | None) -> Accepted:
        """Accept a call, or refuse it naming the rule; a refusal becomes an audit row, not a call."""
        try:
            return await self._acceptor.accept(order, actor, idempotency_key)
        except (Refused, BadInput) as refused:
            await self._audit("call.originate", msgspec.to_builtins(order), actor, refused)
            raise

    def expect(self, came: Came) -> None:
        """A call is about to arrive: what happens to its channel from now on is kept for it."""
        self.registry.expect(came.channel)

    async def arrive(self, came: Came) -> Accepted:
        """Take a call that came to us and is expected, or refuse it naming the rule."""
        try:
            return await self._acceptor.arrive(came)
        except (Refused, BadInput) as refused:
            actor = Actor(token_id="", name=came.endpoint, scopes=frozenset())
            if refused.stable_code == "unknown-number":
                self._unmatched(came)
            await self._audit("call.arrive", msgspec.to_builtins(came), actor, refused)
            await self._miss(came, refused.stable_code)
            raise
        finally:
            self.registry.expect_no_more(came.channel)

    async def finish(self, call_id: str, actor: Actor, disposition: Disposition | None = None) -> None:
        """Order both legs down, and store the disposition in the same order (feature E3)."""
        task = self.registry.get(call_id)
        if task is not None:
            may_act_for(actor, task.call.request.agent)
            await self._check(call_id, disposition, task.call, actor)
            await task.order(FinishOrdered(at=self._clock.now(), by="api", disposition=disposition))
        elif disposition is not None:
            await self._dispose_finished(call_id, disposition, actor)
        else:
            may_act_for(actor, (await self._finished(call_id)).request.agent)

    async def dispose(self, call_id: str, disposition: Disposition, actor: Actor) -> None:
        """Qualify a call, during or after it (feature G9)."""
        task = self.registry.get(call_id)
        if task is None or task.call.closed:
            await self._dispose_finished(call_id, disposition, actor)
        else:
            may_act_for(actor, task.call.request.agent)
            await self._check(call_id, disposition, task.call, actor)
            await task.order(Disposed(at=self._clock.now(), disposition=disposition))

    def live(self) -> list[CallView]:
        return [views.of_call(task.call) for task in self.registry]

    async def view(self, call_id: str) -> CallView:
        task = self.registry.get(call_id)
        return views.of_call(task.call if task is not None else await self._finished(call_id))

    async def events(self, call_id: str) -> list[EventView]:
        return [views.of_step(row) for row in await self.steps(call_id)]

    async def ladder(self, call_id: str) -> str:
        return ladder.draw(await self.steps(call_id))

    async def steps(self, call_id: str) -> list[StepRow]:
        """The whole journal of a call, from this node or from the archive; raises UnknownThing."""
        known = await self._journal.steps(call_id) or await self._archive.steps(call_id)
        if not known:
            raise UnknownThing(f"there is no call {call_id}", code="unknown-call")
        return known

    async def resume(self) -> int:
        """Take the open calls out of the journal after a restart; says how many.

        They run at once, but their timers only when they know what they missed (`Reconciler.connected`). A call whose
        state cannot be read keeps none of the others from living; it stays open in the journal.
        """
        calls = [call for row in await self._journal.open_calls() if (call := _readable(row)) is not None]
        for call in calls:
            task = CallTask(call.id, self._around, call)
            self.registry.add(task)
            self._trunks.update(call)
            task.post(EngineRestarted(at=self._clock.now()))
            self._spawn(task.run())
        return len(calls)

    async def _finished(self, call_id: str) -> Call:
        last = (await self.steps(call_id))[-1]
        return msgspec.json.decode(last.state, type=Call)

    async def _dispose_finished(self, call_id: str, disposition: Disposition, actor: Actor) -> None:
        call = await self._finished(call_id)
        may_act_for(actor, call.request.agent)
        await self._check(call_id, disposition, call, actor)
        now = self._clock.now()
        heard = rows.events(call, Disposed(at=now, disposition=disposition), call)
        await self._journal.report((rows.disposition(call_id, now, disposition), *heard))

    async def _check(self, call_id: str, disposition: Disposition | None, call: Call, actor: Actor) -> None:
        """Refuse a code the directory has not got for this call; one that is declared later harms no older call."""
        if disposition is None:
            return
        try:
            check_disposition(disposition.code, call.request.campaign, self._source.directory.dispositions)
        except Refused as refused:
            await self._audit("call.dispose", {"call_id": call_id, "code": disposition.code}, actor, refused)
            raise

    async def _miss(self, came: Came, rule: str) -> None:
        """A row for a customer who called a number of ours and is let in to nobody."""
        directory = self._source.directory
        call = arriving.missed(came, directory, self._clock.now().utc, rule)
        if call is None:
            return
        try:
            await self._journal.report((rows.cdr(missed.record(call, directory, self._node), steps=False),))
        except JournalUnwritable as unwritable:  # the caller is told all the same
            log.error("call.missed_not_kept", rule=rule, did=call.number.id, why=unwritable.message)

    async def _audit(self, action: str, request: object, actor: Actor, refused: Refused | BadInput) -> None:
        payload = {
            "at": self._clock.now().utc,
            "actor": actor.name,
            "action": action,
            "rule": refused.stable_code,
            "message": refused.message,
            "request": request,
        }
        log.info("call.refused", rule=refused.stable_code, actor=actor.name, action=action)
        self._refused(refused.stable_code)
        try:
            await self._journal.report((OutboxRow(kind="audit", payload=msgspec.json.encode(payload)),))
        except JournalUnwritable as unwritable:  # the asker still hears what was wrong with the order
            log.error("call.refusal_not_kept", rule=refused.stable_code, why=unwritable.message)


def _readable(row: OpenCall) -> Call | None:
    try:
        return msgspec.json.decode(row.state, type=Call)
    except (msgspec.MsgspecError, UnicodeDecodeError) as unreadable:
        log.error("call.unreadable", call=row.call_id, machine_version=row.machine_version, why=str(unreadable))
        return None
