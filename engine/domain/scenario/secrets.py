"""Sensitive inputs: typed by a caller, used by the one question that needs them, seen by nobody.

The journal, the record, the logs and the interpreter itself see a word in the place of the input, and `MASKED` in the
place of each key. The keys are here, in memory, for as long as the call lives in this process; an engine that takes the
call over knows none, and the caller is asked again.
"""

from collections.abc import Mapping

import msgspec

from engine.domain.scenario import expressions
from engine.domain.scenario.graph import Value
from engine.domain.scenario.talk import AnyQuestion, AskTable, AskWeb, CheckSecret

MASKED = "•"
_OPEN, _CLOSE = "⟦", "⟧"


def word(name: str) -> str:
    """What stands for the input of this name in every other place."""
    return f"{_OPEN}{name}{_CLOSE}"


def harmless(value: Value) -> Value:
    """An outside's value that stands for no input: a web service must not be able to have one sent elsewhere."""
    return value.replace(_OPEN, "").replace(_CLOSE, "") if isinstance(value, str) else value


class Secrets:
    """The sensitive inputs of one call."""

    def __init__(self) -> None:
        self._typing = ""
        self._known: dict[str, str] = {}

    def typed(self, key: str) -> str:
        """Keep a key; what may be seen of it."""
        self._typing += key
        return MASKED

    def cleared(self) -> None:
        """The input begins anew."""
        self._typing = ""

    def check(self, question: CheckSecret) -> bool:
        """Whether what was typed is as it should be; then it is kept under its name."""
        typed, self._typing = self._typing, ""
        if not typed or (question.valid and not expressions.fits(question.valid, typed)):
            return False
        self._known[word(question.name)] = typed
        return True

    def filled(self, question: AnyQuestion) -> AnyQuestion | None:
        """The question with the inputs in it; None when one is not known any more."""
        match question:
            case AskTable(key=key):
                filled = self._fill(key)
                return None if filled is None else msgspec.structs.replace(question, key=filled)
            case AskWeb(body=body):
                return self._with_body(question, body)
            case _:
                return question

    def _with_body(self, question: AskWeb, body: Mapping[str, Value]) -> AskWeb | None:
        filled: dict[str, Value] = {}
        for name, value in body.items():
            known = self._fill(value) if isinstance(value, str) else value
            if known is None:
                return None
            filled[name] = known
        return msgspec.structs.replace(question, body=filled)

    def _fill(self, text: str) -> str | None:
        for name, typed in self._known.items():
            text = text.replace(name, typed)
        return None if _OPEN in text else text
