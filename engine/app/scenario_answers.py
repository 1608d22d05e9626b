"""What the house answers a running scenario: each question goes to who knows, and comes back with an outcome.

What a scenario has the house keep or tell is written down under the question's own name, in the journal of this node:
asked again after a restart, it is not done again.
"""

import structlog

from engine.app.asked_once import Asked, AskedOnce
from engine.app.callback_desk import CallbackAnswers
from engine.app.house_answers import HouseAnswers
from engine.app.table_answers import TableAnswers
from engine.app.voicemail_box import MessageAnswers
from engine.app.web_answers import WebAnswers
from engine.calls import rows
from engine.calls.ports import Answer
from engine.domain import public_events
from engine.domain.call import Call
from engine.domain.public_events import Notified
from engine.domain.scenario.talk import (
    AnyQuestion,
    AskHours,
    AskIncident,
    AskTable,
    AskWeb,
    CheckSecret,
    StoreCallback,
    StoreMessage,
    Tell,
)
from engine.errors import ProgrammingError, StandardisteError

log = structlog.get_logger(__name__)


class ScenarioAnswers:
    """Implements `calls.ports.Answering`.

    `house`: calendars and incidents, from memory. `tables`: contacts and the declared tables. `web`: services that
    answer in JSON. `callbacks`: who wants to be called back. `messages`: what callers said.
    `once`: the journal, for what is told.
    """

    def __init__(
        self,
        *,
        house: HouseAnswers,
        tables: TableAnswers,
        web: WebAnswers,
        callbacks: CallbackAnswers,
        messages: MessageAnswers,
        once: AskedOnce,
    ) -> None:
        self._house, self._tables, self._web = house, tables, web
        self._callbacks, self._messages, self._once = callbacks, messages, once

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
                answer = Answer(found.outcome, found.values)
            case AskTable():
                answer = await self._tables.answer(asked.call, question)
            case AskWeb():
                answer = await self._web.answer(asked, question)
            case StoreCallback():
                answer = await self._callbacks.answer(asked, question)
            case StoreMessage():
                answer = await self._messages.answer(asked, question)
            case Tell():
                answer = await self._tell(asked, question)
            case CheckSecret():
                raise ProgrammingError("only the call itself knows what was typed into a sensitive input")
        return answer

    async def _tell(self, asked: Asked, told: Tell) -> Answer:
        notified = Notified(event=told.event, variables=told.variables)
        event = public_events.of_scenario(notified, asked.call, self._once.now())
        await self._once.keep(asked, rows.public(event))
        return Answer("done")
