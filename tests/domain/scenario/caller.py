"""A caller in a scenario, word by word: what they hear, press and are led to. Tests read like calls with it.

    caller = Caller(program)
    caller.answered().hears("Bonjour").presses("1").is_at("sales")

Speech goes on until `hears` says that it was heard (or a key cut it), time passes by `waits` only, and questions are
answered by `told`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

import msgspec

from engine.domain.directory import Language
from engine.domain.moment import Moment
from engine.domain.scenario import interpreter, talk
from engine.domain.scenario.graph import (
    AnyNode,
    Barge,
    Hangup,
    NodeName,
    Program,
    Prompt,
    Say,
    Scenario,
    Template,
    Value,
    Var,
    Variable,
)
from engine.domain.scenario.run import Run
from engine.domain.scenario.secrets import Secrets
from engine.domain.values import Slug

SORRY = Hangup(prompt=(Say(say={"fr": Template("Désolé")}),))
Order = TypeVar("Order")
START = datetime(2026, 5, 4, 8, tzinfo=UTC)  # a Monday


def say(text: str, barge: Barge = "stop") -> Prompt:
    """A prompt in French."""
    return (Say(say={"fr": Template(text)}, barge=barge),)


def scenario(nodes: Mapping[str, AnyNode], name: str = "main", **fields: Any) -> Scenario:
    """A scenario of these nodes, the first of which begins; `sorry` is where errors lead."""
    every = {"sorry": SORRY, **nodes}
    return Scenario(
        scenario=Slug(name),
        start=NodeName(next(iter(nodes))),
        on_error=NodeName("sorry"),
        nodes={NodeName(node): what for node, what in every.items()},
        **fields,
    )


def program(*scenarios: Scenario) -> Program:
    return Program(main=scenarios[0].scenario, version="1", scenarios={one.scenario: one for one in scenarios})


def of(nodes: Mapping[str, AnyNode], **fields: Any) -> Program:
    """A program of one scenario."""
    return program(scenario(nodes, **fields))


def texts(*names: str) -> dict[Variable, Var]:
    """Variables of type text without a default."""
    return {Variable(name): Var(type="text") for name in names}


class Caller:
    def __init__(
        self,
        program_: Program,
        *,
        caller: str = "+33612345678",
        language: Language = "fr",
        facts: Mapping[str, Value] | None = None,
    ) -> None:
        self.program = program_
        self.mono = 0.0
        self.orders: list[talk.AnyOrder] = []  # of the last step
        self.all: list[talk.AnyOrder] = []
        self.timers: dict[str, float] = {}
        self.speaking: talk.Speak | None = None
        self.secrets = Secrets()
        self.checks = True  # whether sensitive inputs are checked at once
        known: dict[Variable, Value] = {
            Variable(name): value
            for name, value in {
                "caller": caller,
                "called": "+33140000001",
                "day": "2026-05-04",
                **(facts or {}),
            }.items()
        }
        self._after(interpreter.begin(program_, self.at, language=language, facts=known))

    # -- what happens ------------------------------------------------------------------------------------------------

    @property
    def at(self) -> Moment:
        return Moment(utc=START + timedelta(seconds=self.mono), mono=self.mono)

    def answered(self) -> Self:
        return self.happens(talk.Taken(at=self.at))

    def presses(self, keys: str) -> Self:
        for key in keys:
            hidden = interpreter.unseen(self.program, self.run, key)
            self.happens(talk.KeyPressed(at=self.at, key=self.secrets.typed(key) if hidden else key))
        return self

    def waits(self, seconds: float) -> Self:
        """Time passes; timers fire in their order."""
        until = self.mono + seconds
        while due := min(((at, name) for name, at in self.timers.items() if at <= until), default=None):
            self.mono, timer = due
            del self.timers[timer]
            self.happens(talk.TimeUp(at=self.at, timer=timer))
        self.mono = until
        return self

    def hears(self, *words: str) -> Self:
        """The next thing said, to its end."""
        assert self.speaking is not None, f"nothing is said at {self.run.node}"
        assert list(words) == [heard(item) for item in self.speaking.items]
        number, self.speaking = self.speaking.number, None
        return self.happens(talk.SpeechOver(at=self.at, number=number))

    def hears_nothing(self) -> Self:
        assert self.speaking is None, f"hears {self.speaking}"
        return self

    def hears_all(self, *prompts: str) -> Self:
        """Prompts of one thing each, one after the other."""
        for words in prompts:
            self.hears(words)
        return self

    def hangs_up(self) -> Self:
        return self.happens(talk.CallerLeft(at=self.at))

    def told(self, outcome: str, **values: Value) -> Self:
        """The answer to the last question."""
        return self.happens(talk.Replied(at=self.at, number=self.asked.number, outcome=outcome, values=values))

    def reached(self, outcome: str) -> Self:
        return self.happens(talk.Reached(at=self.at, number=self.reaching.number, outcome=outcome))

    def recorded(self, seconds: float, *, ok: bool = True) -> Self:
        return self.happens(talk.Recorded(at=self.at, number=self.taking.number, seconds=seconds, ok=ok))

    def engine_restarts(self) -> Self:
        """What was typed in secret is lost with it."""
        self.secrets = Secrets()
        self.speaking = None
        return self.happens(talk.Resumed(at=self.at))

    def happens(self, told: talk.AnyTold) -> Self:
        self._after(interpreter.step(self.program, self.run, told))
        return self

    # -- what is so --------------------------------------------------------------------------------------------------

    @property
    def asked(self) -> talk.Ask:
        return self._last(talk.Ask)

    @property
    def reaching(self) -> talk.Reach:
        return self._last(talk.Reach)

    @property
    def taking(self) -> talk.Take:
        return self._last(talk.Take)

    @property
    def left(self) -> talk.Leave:
        return self._last(talk.Leave)

    @property
    def sent(self) -> talk.AnyQuestion | None:
        """The last question as it leaves the house: with sensitive inputs, None when one of them is lost."""
        return self.secrets.filled(self.asked.question)

    def ordered(self, kind: type[Order]) -> list[Order]:
        """All orders of this kind."""
        return [order for order in self.all if isinstance(order, kind)]

    def is_at(self, node: str) -> Self:
        assert node == self.run.node, self.way
        return self

    @property
    def way(self) -> list[tuple[str, str | None]]:
        """The nodes and their outcomes so far."""
        return [(visit.node, visit.outcome) for visit in self.run.path]

    def value(self, name: str) -> Value | None:
        return self.run.values.get(Variable(name))

    def _last(self, kind: type[Order]) -> Order:
        found = self.ordered(kind)
        assert found, f"no {kind.__name__} among {self.all}"
        return found[-1]

    def _after(self, step: interpreter.Step) -> None:
        assert not (step.orders and self.ordered(talk.Leave)), f"{step.orders} after the end"
        self.run: Run = msgspec.json.decode(msgspec.json.encode(step.run), type=Run)  # as the journal keeps it
        self.orders = list(step.orders)
        self.all += self.orders
        checks: list[talk.Ask] = []
        for order in self.orders:
            match order:
                case talk.Speak():
                    assert self.speaking is None, f"{order} while {self.speaking} is said"
                    assert order.early or self.run.answered
                    self.speaking = order
                case talk.Hush(number=number):
                    if self.speaking is not None and self.speaking.number == number:
                        self.speaking = None
                case talk.Wait(timer=timer, seconds=seconds):
                    self.timers[timer] = self.mono + seconds
                case talk.StopWaiting(timer=timer):
                    self.timers.pop(timer, None)
                case talk.Ask(question=talk.CheckSecret()) if self.checks:
                    checks.append(order)
                case _:
                    pass
        for asked in checks:
            self._check(asked)

    def _check(self, asked: talk.Ask) -> None:
        """What was typed in secret is judged at once."""
        right = isinstance(asked.question, talk.CheckSecret) and self.secrets.check(asked.question)
        self.happens(talk.Replied(at=self.at, number=asked.number, outcome="done" if right else "no_match"))


def heard(item: talk.AnyHeard) -> str:
    """A thing that is said, as a test writes it: words as they are, the rest with what it is."""
    match item:
        case talk.Words(text=text):
            return text
        case _:
            kind, value = msgspec.structs.asdict(item).popitem()
            return f"{kind} {value}"
