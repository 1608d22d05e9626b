"""What a scenario asks while its call lives, answered well or not; and the memory beside the journal."""

from collections.abc import Callable, Iterable

import msgspec

from engine.domain.call import Call
from engine.domain.effects import AskHouse, PlanReach
from engine.domain.events import DigitPressed, Event, HouseReplied, ReachPlanned
from engine.domain.moment import Moment
from engine.domain.request import Member
from engine.domain.scenario import interpreter, talk
from engine.domain.scenario.graph import Outcome, Program, Value
from engine.domain.scenario.secrets import Secrets
from tests.domain.led_calls import plan

ANSWERS: dict[type[talk.Question], tuple[Outcome, Outcome]] = {
    talk.AskHours: ("open", "closed"),
    talk.AskIncident: ("active", "clear"),
    talk.AskTable: ("found", "none"),
    talk.AskWeb: ("done", "error"),
    talk.StoreCallback: ("stored", "refused"),
    talk.StoreMessage: ("left", "error"),
    talk.CheckSecret: ("done", "no_match"),
    talk.Tell: ("done", "error"),
}
"""When all goes well, and when not."""
VALUES: dict[str, Value] = {"code": "strike", "text": "ana", "vip": True, "count": 1}


class House:
    """`members`: whoever is sought, these are reached."""

    def __init__(self, program: Program, members: Iterable[Member]) -> None:
        self.program, self._members = program, tuple(members)
        self._secrets = Secrets()

    def forget(self) -> None:
        """The engine died."""
        self._secrets = Secrets()

    def visible(self, call: Call, event: Event) -> Event:
        """The event as it may be journalled."""
        if not isinstance(event, DigitPressed) or call.run is None:
            return event
        if call.customer.find(event.channel) is None or not interpreter.unseen(self.program, call.run, event.digit):
            return event
        return msgspec.structs.replace(event, digit=self._secrets.typed(event.digit))

    def answer(self, order: AskHouse | PlanReach, well: bool) -> Callable[[Moment], Event]:
        if isinstance(order, PlanReach):
            return lambda at: self._planned(order.number, well, at)
        outcome = self._outcome(order.question, well)
        return lambda at: HouseReplied(at=at, number=order.number, outcome=outcome, values=VALUES)

    def _outcome(self, question: talk.AnyQuestion, well: bool) -> Outcome:
        if isinstance(question, talk.CheckSecret):
            well = self._secrets.check(question)
        elif self._secrets.filled(question) is None:
            return interpreter.FORGOTTEN
        return ANSWERS[type(question)][0 if well else 1]

    def _planned(self, number: int, well: bool, at: Moment) -> Event:
        if not well:
            return ReachPlanned(at=at, number=number, why_not="no-trunk")
        return plan(number, *self._members, at=at.mono)
