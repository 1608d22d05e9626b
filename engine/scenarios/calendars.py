"""The house's own calendars, asked at the virtual time of a simulated call."""

from engine.domain.calendar import opening
from engine.domain.directory import Directory
from engine.domain.scenario import talk
from engine.scenarios.answers import Answer, Asked


class Calendars:
    """Answers for the calendars of a directory; knows nothing else."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def answer(self, asked: Asked, order: talk.AnyQuestion | talk.AnyWhom | None) -> Answer | None:
        if not isinstance(order, talk.AskHours) or order.calendar not in self._directory.calendars:
            return None
        calendar = self._directory.calendars[order.calendar]
        site = self._directory.sites[calendar.site] if calendar.site is not None else None
        found = opening(calendar, site, order.at)
        until = {} if found.until is None else {"until": found.until.isoformat()}
        return Answer(outcome=found.state, values={**until})
