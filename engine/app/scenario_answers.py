"""What the house answers a running scenario: each question goes to who knows, and comes back with an outcome.

What a scenario has the house keep or tell is written down under the question's own name, in the journal of this node:
asked again after a restart, it is not done again.
"""

import structlog

from engine.app.asked_once import Asked, AskedOnce
from engine.app.callback_desk import CallbackAnswers
from engine.app.house_answers import HouseAnswers
from engine.app.table_answers import TableAnswers
from engine.app.web_answers import WebAnswers
from engine.calls import rows
from engine.calls.ports import Answer
from engine.domain import public_events
from engine.domain.call import Call
from engine.domain.public_events import Notified
from engine.domain.scenario.talk import AnyQuestion, AskHours, AskIncident, AskTable, AskWeb, StoreCallback, Tell
from engine.errors import StandardisteError

log = structlog.get_logger(__name__)


class ScenarioAnswers:
    """Implements `calls.ports.Answering`.

    `house`: calendars and incidents, from memory. `tables`: contacts and the declared tables. `web`: services that
    answer in JSON. `callbacks`: who wants to be called back. `once`: the journal, for what is told.
    """

    def __init__(
        self,
        *,
        house: HouseAnswers,
        tables: TableAnswers,
        web: WebAnswers,
        callbacks: CallbackAnswers,
        once: AskedOnce,
    ) -> None:
        self._house, self._tables, self._web = house, tables, web
        self._callbacks, self._once = callbacks, once

    async def answer(self, call: Call, number: int, question: AnyQuestion) -> Answer:
        try:
            return await self._answered(Asked(call, number), question)
        except (
            StandardisteError
        ) as failed:  # PostgreSQL away, a lying web service, a full disk: the scenario has a way for it
            log.warning("scenario.not_answered", question=type(question).__name__, why=failed.message)
            return Answer("error")

    async def _answered(self, asked: Asked, question: AnyQuestion) -> Answer:
        match question:
            case AskHours() | AskIncident():
                found = self._house.answer(question)
                return Answer(found.outcome, found.values)
            case AskTable():
                return await self._tables.answer(asked.call, question)
            case AskWeb():
                return await self._web.answer(asked, question)
            case StoreCallback():
                return await self._callbacks.answer(asked, question)
            case Tell():
                return await self._tell(asked, question)
            case _:
                log.error("scenario.question_unknown", question=type(question).__name__)
                return Answer("error")

    async def _tell(self, asked: Asked, told: Tell) -> Answer:
        notified = Notified(event=told.event, variables=told.variables)
        event = public_events.of_scenario(notified, asked.call, self._once.now())
        await self._once.keep(asked, rows.public(event))
        return Answer("done")
