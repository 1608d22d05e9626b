"""What a scenario asks of the web: values taken out of a JSON answer by pointer."""

from typing import Any

from engine.app.asked_once import Asked
from engine.calls.ports import Answer
from engine.domain.scenario.expressions import fitted
from engine.domain.scenario.graph import Value, ValueType, Variable
from engine.domain.scenario.talk import AskWeb
from engine.errors import InvalidValue
from engine.webhooks import pointer
from engine.webhooks.fetcher import Fetcher


class WebAnswers:
    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    async def answer(self, asked: Asked, web: AskWeb) -> Answer:
        """done, with what stands at the pointers; nothing for those where nothing stands. Raises InvalidValue or
        FetchFailed."""
        document = await self._fetcher.fetch(
            web.url, method=web.method, body=web.body, key=asked.name, within_s=web.timeout_s
        )
        found = {place: value for place in web.pointers if (value := pointer.find(document, place)) is not None}
        return Answer("done", {place: _value(value, place) for place, value in found.items()})


def _value(found: Any, place: str) -> Value:
    """A text, a whole number or a flag; raises InvalidValue for anything else, and for one too long."""
    kind: ValueType
    match found:
        case bool():
            kind = "flag"
        case int():
            kind = "number"
        case float() if found.is_integer():
            found, kind = int(found), "number"
        case str():
            kind = "text"
        case _:
            raise InvalidValue(f"a {type(found).__name__} at {place} is nothing for a scenario")
    return fitted(found, kind, Variable(place))
