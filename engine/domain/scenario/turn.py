"""A run while one fact is dealt with: what changes, and what is ordered. Everything that changes a run is here."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec

from engine.domain.moment import Moment
from engine.domain.scenario import expressions, graph, prompts
from engine.domain.scenario.graph import (
    AnyNode,
    Expression,
    NodeName,
    Outcome,
    Program,
    Prompt,
    Scenario,
    Value,
    ValueType,
    Variable,
)
from engine.domain.scenario.run import (
    AnyPhase,
    Asked,
    Asking,
    Chunk,
    Ending,
    Frame,
    Listening,
    Over,
    Run,
    Speech,
    Visit,
)
from engine.domain.scenario.talk import (
    AnyOrder,
    AnyQuestion,
    Ask,
    Hush,
    Leave,
    Mask,
    Speak,
    StopWaiting,
    Wait,
)

SPEECH_S = 300.0
"""No prompt is longer; should its end never be told."""
STORE_S = 5.0
"""What the house answers from memory or its own journal has this long."""
FILLER_AFTER_S = 2.0
"""A caller who waits for an answer is told so, and again: nobody is left in silence for three seconds."""
LANGUAGE = Variable("language")
NODE_TIMERS = ("input", "answer", "filler", "speech", "record")


class Turn:
    """Mutable for the length of one step; the run itself is a value."""

    def __init__(self, program: Program, run: Run, at: Moment) -> None:
        self.program, self.run, self.at = program, run, at
        self.orders: list[AnyOrder] = []
        self.going: NodeName | None = None  # where the way leads next; the interpreter goes there

    @property
    def scenario(self) -> Scenario:
        return self.program.scenarios[self.run.scenario]

    @property
    def node(self) -> AnyNode:
        return self.scenario.nodes[self.run.node]

    def change(self, **fields: object) -> None:
        self.run = msgspec.structs.replace(self.run, **fields)

    def phase(self, phase: AnyPhase) -> None:
        self.change(phase=phase)

    def number(self) -> int:
        """The next of the numbers by which orders are answered."""
        self.change(numbers=self.run.numbers + 1)
        return self.run.numbers

    # -- values ------------------------------------------------------------------------------------------------------

    def evaluate(self, expression: Expression) -> Value:
        """Raises InvalidValue where the expression has no value."""
        known = {**self.run.facts, LANGUAGE: self.run.language, **self.run.values}
        return expressions.evaluate(
            expression, _types(tuple((name, var.type) for name, var in self.scenario.vars.items())), known
        )

    def text(self, expression: Expression) -> str:
        return expressions.text_of(self.evaluate(expression))

    def evaluated(self, wanted: Mapping[Variable, Expression]) -> dict[Variable, Value]:
        return {name: self.evaluate(expression) for name, expression in wanted.items()}

    def set(self, values: Mapping[Variable, Value]) -> None:
        """Give variables of the scenario values of their own types; one that does not fit raises InvalidValue."""
        self.change(values={**self.run.values, **fitted(self.scenario, values)})

    # -- timers ------------------------------------------------------------------------------------------------------

    def wait(self, timer: str, seconds: float) -> None:
        if timer not in self.run.timers:
            self.change(timers=(*self.run.timers, timer))
        self.orders.append(Wait(timer=timer, seconds=seconds))

    def stop(self, *timers: str) -> None:
        """Those of them that run."""
        for timer in timers:
            if timer in self.run.timers:
                self.forget(timer)
                self.orders.append(StopWaiting(timer=timer))

    def forget(self, timer: str) -> None:
        """It has fired."""
        self.change(timers=tuple(name for name in self.run.timers if name != timer))

    # -- speech ------------------------------------------------------------------------------------------------------

    def chunks(self, prompt: Prompt) -> tuple[Chunk, ...]:
        """Raises InvalidValue where something has no value to be said."""
        return prompts.chunks(prompt, self.run.language, self.evaluate)

    def begin(self, said: tuple[Chunk, ...]) -> Speech | None:
        """Begin a prompt; None when there is nothing to say."""
        if not said:
            return None
        self.on_visit(prompts=self.run.path[-1].prompts + 1)
        return self.say(prompts.joined(said))

    def say(self, said: tuple[Chunk, ...]) -> Speech:
        """Say the first of these chunks, which are one at least."""
        first, *left = said
        number = self.number()
        early = not self.run.answered
        self.orders.append(Speak(number=number, items=first.items, language=self.run.language, early=early))
        self.wait("speech", SPEECH_S)
        return Speech(number=number, barge=first.barge, left=tuple(left))

    def following(self, speech: Speech) -> Speech | None:
        """A chunk is over: the next one, or None after the last."""
        self.stop("speech")
        return self.say(speech.left) if speech.left else None

    def cut(self, speech: Speech) -> Speech | None:
        """A key ends the prompt, but for what must be heard: the next chunk that no key ends, or None."""
        self.orders.append(Hush(number=speech.number))
        self.on_visit(cut=self.run.path[-1].cut + 1)
        return self.following(msgspec.structs.replace(speech, left=unstoppable(speech.left)))

    def hush(self) -> None:
        """Whatever is being said is over."""
        phase = self.run.phase
        speech = speech_of(phase)
        if speech is not None:
            self.stop("speech")
            self.orders.append(Hush(number=speech.number))
        if isinstance(phase, Asking):
            self.stop("filler")
            self.phase(msgspec.structs.replace(phase, filler=None))

    def mask(self, *, on: bool) -> None:
        """What is typed from now on is nobody's business, or is again anybody's."""
        if self.run.masked != on:
            self.change(masked=on, ahead="")
            self.orders.append(Mask(on=on))

    # -- questions ---------------------------------------------------------------------------------------------------

    def ask(self, question: AnyQuestion, within_s: float, back: Listening | None = None) -> None:
        """Ask the house; no answer in this time is an error."""
        number = self.number()
        self.phase(Asking(number=number, question=question, back=back))
        self.orders.append(Ask(number=number, question=question))
        self.wait("answer", within_s)
        if self.run.answered and not self.run.gone:
            self.wait("filler", FILLER_AFTER_S)

    # -- the way -----------------------------------------------------------------------------------------------------

    def on_visit(self, **fields: object) -> None:
        """Note something on the visit that goes on."""
        self._note(len(self.run.path) - 1, **fields)

    def _note(self, visit: int, **fields: object) -> None:
        path = list(self.run.path)
        path[visit] = msgspec.structs.replace(path[visit], **fields)
        self.change(path=tuple(path))

    def arrive(self, node: NodeName) -> None:
        """Be at a node; what it does is the interpreter's business."""
        key = f"{self.run.scenario}/{node}"
        visits = {**self.run.visits, key: self.run.visits.get(key, 0) + 1}
        visit = Visit(scenario=self.run.scenario, node=node, at=self.at)
        self.change(node=node, steps=self.run.steps + 1, visits=visits, path=(*self.run.path, visit))

    def depart(self, outcome: Outcome) -> None:
        """Leave the node: whatever it had running is over."""
        self.stop(*NODE_TIMERS)
        self.mask(on=False)
        self.on_visit(left=self.at, outcome=outcome)

    def unwind(self, depth: int, outcome: Outcome) -> None:
        """Out of all subflows beyond this depth; their nodes are left by this outcome.

        One that is not theirs is two words: no scenario may call an outcome so.
        """
        inner = self.run.frames[depth:]
        if not inner:
            return
        self._close(inner, outcome)
        back = inner[0]
        secrets = {
            name: Asked(frames=depth, node=back.node) if asked.frames > depth else asked
            for name, asked in self.run.secrets.items()
        }
        self.change(
            scenario=back.scenario,
            node=back.node,
            values=back.values,
            frames=self.run.frames[:depth],
            secrets=secrets,
        )

    def _close(self, frames: tuple[Frame, ...], outcome: Outcome) -> None:
        for frame in frames:
            self._note(frame.visit, left=self.at, outcome=outcome)

    def fault(self, what: str) -> None:
        """Something went wrong; the record tells it."""
        self.change(faults=(*self.run.faults, f"{self.run.scenario}/{self.run.node}: {what}"))

    def end(self, ending: Ending, reason: graph.Reason = "normal") -> None:
        if self.run.gone and ending != "talked":
            ending = "hung_up"
        self.stop(*self.run.timers)
        self._close(self.run.frames, "call over")
        self.phase(Over(ending=ending))
        self.orders.append(Leave(end=ending, reason=reason))


@lru_cache(maxsize=1_000)
def _types(declared: tuple[tuple[Variable, ValueType], ...]) -> dict[Variable, ValueType]:
    """Those of all variables an expression of a scenario may use."""
    return {**graph.KNOWN, **dict(declared)}


def speech_of(phase: AnyPhase) -> Speech | None:
    """What is being said in this phase."""
    return getattr(phase, "filler" if isinstance(phase, Asking) else "speech", None)


def unstoppable(said: tuple[Chunk, ...]) -> tuple[Chunk, ...]:
    """What of it no key ends: what must be heard."""
    return tuple(chunk for chunk in said if chunk.barge != "stop")


def fitted(scenario: Scenario, values: Mapping[Variable, Value]) -> dict[Variable, Value]:
    """Values of the types that a scenario's variables have; raises InvalidValue where one does not fit."""
    return {name: expressions.fitted(value, scenario.vars[name].type, name) for name, value in values.items()}
