"""What the house answers a running scenario at once, from memory: how a calendar stands, whether an incident does.

No disk and no network: a caller waits for the answer.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec
import structlog

from engine.domain.calendar import opening
from engine.domain.directory import Directory
from engine.domain.incidents import Incident
from engine.domain.scenario.graph import Outcome, Value
from engine.domain.scenario.talk import AskHours, AskIncident
from engine.domain.values import Slug

log = structlog.get_logger(__name__)


class Source(Protocol):
    """The directory in force."""

    @property
    def directory(self) -> Directory: ...


class Flags(Protocol):
    """The incidents that are set."""

    def first_of(self, wanted: Sequence[Slug]) -> Incident | None: ...


class HouseAnswer(msgspec.Struct, frozen=True):
    """An outcome of the node that asks, and its values: what `talk.Replied` carries."""

    outcome: Outcome
    values: dict[str, Value] = {}


class HouseAnswers:
    def __init__(self, source: Source, incidents: Flags) -> None:
        self._source, self._incidents = source, incidents

    def answer(self, question: AskHours | AskIncident) -> HouseAnswer:
        """`error` for a calendar there is not, or no longer: the node says where the caller goes then."""
        match question:
            case AskHours():
                return self._hours(question)
            case AskIncident(flags=flags):
                found = self._incidents.first_of(flags)
                return HouseAnswer("clear") if found is None else HouseAnswer("active", {"code": found.code})

    def _hours(self, question: AskHours) -> HouseAnswer:
        directory = self._source.directory
        calendar = directory.calendars.get(question.calendar)
        if calendar is None:
            log.error("scenario.calendar_missing", calendar=question.calendar, next="PUT /v1/calendars")
            return HouseAnswer("error")
        found = opening(calendar, directory.sites.get(calendar.site) if calendar.site else None, question.at)
        told = {"until": found.until.isoformat() if found.until else None, "holiday": found.holiday}
        return HouseAnswer(found.state, {name: value for name, value in told.items() if value is not None})
