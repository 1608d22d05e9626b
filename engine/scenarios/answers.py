"""What the world answers a simulated call: written the same way in a test, in `--answer` and at the terminal.

    lookup contacts: found name="Ana Lima" vip=true      an outcome, and values by column
    fetch: done /order/state=sent                        any web service; values by JSON pointer
    hours office: closed
    incident strike: active
    group sales: after 40                                they talk for 40 seconds, and the caller is still there
    agents: not_taken 15                                 whoever is rung: nobody takes it, told after 15 seconds

On the left is what is asked: a kind, and its subject unless all of that kind are meant. Several answers are given one
after the other, the last one again and again.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from engine.domain.scenario import talk
from engine.domain.scenario.graph import Outcome, Value
from engine.errors import InvalidValue

NOT_REACHED: tuple[Outcome, ...] = ("not_taken", "busy", "nobody", "error")
TALKED: tuple[Outcome, ...] = ("talked", "after")
_REACH = (*TALKED, *NOT_REACHED)
KINDS: dict[str, tuple[Outcome, ...]] = {
    "hours": ("open", "closed", "holiday", "error"),
    "incident": ("active", "clear", "error"),
    "lookup": ("found", "none", "many", "error"),
    "fetch": ("done", "error"),
    "callback": ("stored", "refused", "error"),
    "voicemail": ("left", "error"),
    "notify": ("done", "error"),
    "record": ("recorded", "error"),
    "ring": _REACH,
    "group": _REACH,
    "transfer": _REACH,
    "agents": _REACH,
}
"""What can be asked, and what may be answered. `agents` stands for ring, group and transfer."""

OF_ITSELF: dict[str, Outcome] = {
    "incident": "clear",
    "callback": "stored",
    "voicemail": "left",
    "notify": "done",
    "record": "recorded",
}
"""What is answered where nobody says anything else: what a quiet day and a sound house would."""

_SUBJECTS: dict[type[talk.Question | talk.Whom], tuple[str, tuple[str, ...]]] = {
    talk.AskHours: ("hours", ("calendar",)),
    talk.AskIncident: ("incident", ("flags",)),
    talk.AskTable: ("lookup", ("table",)),
    talk.AskWeb: ("fetch", ("url",)),
    talk.StoreCallback: ("callback", ("queue",)),
    talk.StoreMessage: ("voicemail", ("mailbox",)),
    talk.Tell: ("notify", ("event",)),
    talk.Agents: ("ring", ("agents", "numbers")),
    talk.OfGroup: ("group", ("group",)),
    talk.AtExtension: ("transfer", ("extension",)),
    talk.OfNumber: ("transfer", ("number",)),
    talk.Switchboard: ("transfer", ()),
}
"""The kind of what is asked, and the fields with its names. `CheckSecret` asks nothing of the world."""

_SECONDS = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,3})?", re.ASCII)


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`seconds`: how long they talk, or how long it takes to tell; None: as long as such a thing takes."""

    outcome: Outcome
    seconds: float | None = None
    values: dict[str, Value] = {}

    def __str__(self) -> str:
        seconds = [] if self.seconds is None else [f"{self.seconds:g}"]
        pairs = [f"{name}={shlex.quote(str(value))}" for name, value in self.values.items()]
        return " ".join([self.outcome, *seconds, *pairs])


class Asked(NamedTuple):
    """What a scenario wants to know of the world: its kind, and the names any of which an answer may be under."""

    kind: str
    subjects: tuple[str, ...] = ()

    def __str__(self) -> str:
        return " ".join((self.kind, *self.subjects[:1]))


class World(Protocol):
    """Who answers for everybody but the caller."""

    def answer(self, asked: Asked, order: talk.AnyQuestion | talk.AnyWhom | None) -> Answer | None:
        """None when nobody here knows."""


class Mocks:
    """Answers that were written down, and what goes without saying."""

    def __init__(self, written: Mapping[str, Sequence[Answer]], beyond: World | None = None) -> None:
        self._written, self._beyond = written, beyond
        self._given: dict[str, int] = {}

    def answer(self, asked: Asked, order: talk.AnyQuestion | talk.AnyWhom | None) -> Answer | None:
        for name in names(asked):
            if name in self._written:
                return self._next(name, asked)
        beyond = self._beyond.answer(asked, order) if self._beyond is not None else None
        if beyond is None and asked.kind in OF_ITSELF:
            return Answer(outcome=OF_ITSELF[asked.kind])
        return beyond

    def _next(self, name: str, asked: Asked) -> Answer:
        answers = self._written[name]
        given = self._given.get(name, 0)
        self._given[name] = given + 1
        answer = answers[min(given, len(answers) - 1)]
        return with_code(answer, name, asked)


def names(asked: Asked) -> list[str]:
    """Under which names an answer may be written, the nearest first."""
    found = [*(f"{asked.kind} {subject}" for subject in asked.subjects), asked.kind]
    return [*found, "agents"] if KINDS.get(asked.kind) is _REACH else found


def with_code(answer: Answer, name: str, asked: Asked) -> Answer:
    """An incident's answer with the flag that is set, `name` being `incident FLAG`; without one, the first."""
    if asked.kind != "incident" or answer.outcome != "active" or answer.values:
        return answer
    return msgspec.structs.replace(answer, values={"code": name.partition(" ")[2] or asked.subjects[0]})


def asked_by(order: talk.AnyQuestion | talk.AnyWhom) -> Asked:
    """What an order of the interpreter asks the world; what has no name goes by its own kind."""
    kind, fields = _SUBJECTS[type(order)]
    found: list[str] = []
    for field in fields:
        value = getattr(order, field)
        found += [value] if isinstance(value, str) else value
    return Asked(kind, tuple(found) or (str(type(order).__struct_config__.tag),))


def kind_of(name: str) -> str:
    """The kind in `kind subject`; raises InvalidValue for one that is none."""
    kind = name.split(" ", 1)[0]
    if kind not in KINDS:
        raise InvalidValue(f"{kind!r} is nothing a scenario asks: one of {', '.join(KINDS)}, then its name if need be")
    return kind


def parse(text: str, kind: str) -> Answer:
    """`OUTCOME [SECONDS] [NAME=VALUE ...]`; raises InvalidValue, which says what may be answered."""
    try:
        outcome, *rest = shlex.split(text) or [""]
    except ValueError as wrong:
        raise InvalidValue(f"{text!r}: {str(wrong).lower()}") from None
    if outcome not in KINDS[kind]:
        raise InvalidValue(f"{outcome!r} is no answer to {kind}: one of {', '.join(KINDS[kind])}")
    seconds = float(rest.pop(0)) if rest and _SECONDS.fullmatch(rest[0]) else None
    values: dict[str, Value] = {}
    for word in rest:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidValue(f"{word!r} is neither a number of seconds nor name=value")
        values[name] = value
    return Answer(outcome=outcome, seconds=seconds, values=values)
