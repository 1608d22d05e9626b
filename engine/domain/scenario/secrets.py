"""Sensitive inputs: typed by a caller, used by the one question that needs them, seen by nobody.

The journal, the record, the logs and the interpreter itself see a word in the place of the input, and `MASKED` in the
place of each key. The keys are here, in memory, for as long as the call lives in this process; an engine that takes the
call over knows none, and the caller is asked again.
"""

import re
from collections.abc import Mapping

import msgspec

from engine.domain.scenario import expressions
from engine.domain.scenario.graph import Value
from engine.domain.scenario.talk import AnyQuestion, AskTable, AskWeb, CheckSecret

MASKED = "•"
_OPEN, _CLOSE = "⟦", "⟧"
_WORD = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")
_HARMFUL = re.compile(f"[{_OPEN}{_CLOSE}\x00-\x1f\x7f\ud800-\udfff]")
_MOST_KEYS = 256
"""Kept of what is typed: more than one input and what is typed ahead of the next."""


def word(name: str) -> str:
    """What stands for the input of this name in every other place."""
    return f"{_OPEN}{name}{_CLOSE}"


def harmless(value: Value) -> Value:
    """An outside's value that stands for no input (a web service must not be able to have one sent elsewhere), and
    that can be kept and said: without control characters and halves of characters."""
    return _HARMFUL.sub("", value) if isinstance(value, str) else value


def inputs_of(question: AnyQuestion) -> set[str]:
    """The names of the inputs that a question needs."""
    return {name for text in _texts(question) for name in _WORD.findall(text)}


def _texts(question: AnyQuestion) -> list[str]:
    match question:
        case AskTable(key=key):
            return [key]
        case AskWeb(body=body):
            return [value for value in body.values() if isinstance(value, str)]
        case _:
            return []


class Secrets:
    """The sensitive inputs of one call."""

    def __init__(self) -> None:
        self._typed = ""
        self._known: dict[str, str] = {}

    def typed(self, key: str) -> str:
        """Keep a key; what may be seen of it."""
        self._typed = (self._typed + key)[-_MOST_KEYS:]
        return MASKED

    def check(self, question: CheckSecret) -> bool:
        """Whether what was typed is as it should be; then it is kept under its name."""
        end = len(self._typed) - question.later
        typed, self._typed = self._typed[max(end - question.length, 0) : max(end, 0)], self._typed[max(end, 0) :]
        if len(typed) < question.length or (question.valid and not expressions.fits(question.valid, typed)):
            return False
        self._known[question.name] = typed
        return True

    def filled(self, question: AnyQuestion) -> AnyQuestion | None:
        """The question with the inputs in it; None when one is not known any more."""
        if not inputs_of(question) <= self._known.keys():
            return None
        match question:
            case AskTable(key=key):
                return msgspec.structs.replace(question, key=self._fill(key))
            case AskWeb(body=body):
                return msgspec.structs.replace(question, body=self._with_all(body))
            case _:
                return question

    def _with_all(self, body: Mapping[str, Value]) -> dict[str, Value]:
        return {name: self._fill(value) if isinstance(value, str) else value for name, value in body.items()}

    def _fill(self, text: str) -> str:
        return _WORD.sub(lambda found: self._known[found[1]], text)
