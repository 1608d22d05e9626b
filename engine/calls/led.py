"""A call that is led by a scenario: which one, what its caller typed and nobody may see, and what it asks the house."""

import msgspec
import structlog

from engine.calls.clock import Clock
from engine.calls.ports import Answer, Answering, Planner, Programs
from engine.domain.call import Call
from engine.domain.events import DigitPressed, Event, ReachPlanned
from engine.domain.request import ConnectRequest
from engine.domain.scenario import interpreter
from engine.domain.scenario.secrets import Secrets
from engine.domain.scenario.talk import AnyQuestion, AnyWhom, CheckSecret
from engine.errors import StandardisteError

log = structlog.get_logger(__name__)


class Scenarios(msgspec.Struct, frozen=True):
    """What calls in scenarios need; None where this engine leads nobody through any."""

    programs: Programs | None = None
    house: Answering | None = None
    planner: Planner | None = None


NONE = Scenarios()


class Led:
    """The memory of one call beside its journal. `program` is None for a call that no scenario leads."""

    def __init__(self, scenarios: Scenarios, request: ConnectRequest | None) -> None:
        self._scenarios = scenarios
        self._secrets = Secrets()
        asked = request.scenario if request is not None else None
        programs = scenarios.programs
        self.program = programs.of_version(asked.version) if asked is not None and programs is not None else None
        if asked is not None and self.program is None:
            log.error("scenario.lost", scenario=asked.name, version=asked.version)

    def visible(self, call: Call, event: Event) -> Event:
        """The event as it may be written: a key of a sensitive input is masked, and kept here; one of a conversation
        is masked too."""
        run = call.run
        if not isinstance(event, DigitPressed) or self.program is None or run is None:
            return event
        if call.customer.find(event.channel) is None or not interpreter.unseen(self.program, run, event.digit):
            return event
        return msgspec.structs.replace(event, digit=self._secrets.typed(event.digit))

    def tell_faults(self, before: Call | None, after: Call) -> None:
        """Say what went wrong in the scenario by this step: to its author it is but an edge that callers take."""
        known = len(before.run.faults) if before is not None and before.run is not None else 0
        for what in after.run.faults[known:] if after.run is not None else ():
            log.warning("scenario.fault", call=after.id, what=what)

    async def answer(self, call: Call, number: int, question: AnyQuestion) -> Answer:
        if isinstance(question, CheckSecret):
            return Answer("done" if self._secrets.check(question) else "no_match")
        filled = self._secrets.filled(question)
        if filled is None:
            return Answer(interpreter.FORGOTTEN)
        if self._scenarios.house is None:
            return Answer("error")
        try:
            return await self._scenarios.house.answer(call, number, filled)
        except Exception:  # a question that fails in a way nobody foresaw has an edge of its own in the scenario
            log.exception("scenario.question_failed", question=type(question).__name__)
            return Answer("error")

    async def plan(self, call: Call, number: int, whom: AnyWhom, clock: Clock) -> ReachPlanned:
        """How somebody is reached; or why nobody."""
        if self._scenarios.planner is None:
            return ReachPlanned(at=clock.now(), number=number, why_not="no-planner")
        try:
            plan = await self._scenarios.planner.plan(call, whom)
        except StandardisteError as refused:
            log.warning("scenario.nobody_reached", whom=type(whom).__name__, why=refused.message)
            return ReachPlanned(at=clock.now(), number=number, why_not=refused.stable_code)
        except Exception:
            log.exception("scenario.plan_failed", whom=type(whom).__name__)
            return ReachPlanned(at=clock.now(), number=number, why_not="internal")
        return ReachPlanned(
            at=clock.now(),
            number=number,
            group=plan.group,
            routes=plan.routes,
            ring_s=plan.ring_s,
            max_talk_s=plan.max_talk_s,
        )
