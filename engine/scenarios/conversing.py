"""Holding a conversation: its steps are done on a simulated call, and what they expect is compared with what comes.

Nothing is left open: a step that cannot be done, words that are not said, a question nobody answers and a call that is
not over when the steps are, each fails with what was heard and the way so far.
"""

from typing import NoReturn

import msgspec

from engine.domain.scenario.graph import Program
from engine.domain.scenario.run import Reaching, Run
from engine.scenarios.answers import Asked, Mocks, World, names
from engine.scenarios.conversations import (
    AnyStep,
    Conversation,
    HangUp,
    Hear,
    Press,
    SayNothing,
    Speak,
    Told,
    Wait,
)
from engine.scenarios.hearing import DEAF, Ears
from engine.scenarios.simulator import Said, Simulation


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that was held: `failure` is None when all went as expected."""

    conversation: Conversation
    run: Run
    seconds: float
    failure: str | None = None


class _Failed(Exception):  # never leaves this module
    """A conversation went another way."""


def hold(program: Program, conversation: Conversation, beyond: World | None = None, ears: Ears = DEAF) -> Held:
    """Hold a conversation from its first step to the end of the call; `beyond` answers what no mock does."""
    call = Simulation(program, Mocks(conversation.mocks, beyond), conversation.caller, ears)
    holding = _Holding(call)
    failure = None
    try:
        for number, step in enumerate(conversation.steps, 1):
            holding.begin(number, step)
            holding.do(step)
        holding.end()
        _compare(call.run, conversation)
    except _Failed as failed:
        failure = "; ".join((f"{failed}; the way so far: {way(call.run)}", *_wrong(call.run)))
    return Held(conversation=conversation, run=call.run, seconds=call.now, failure=failure)


def _wrong(run: Run) -> list[str]:
    return [f"went wrong: {what}" for what in run.faults]


def way(run: Run) -> str:
    """`hours (open) > menu (key 1) > sales`"""
    named = (place.partition(" ") for place in places(run))
    return " > ".join(f"{node} ({outcome})" if outcome else node for node, _, outcome in named)


def places(run: Run) -> tuple[str, ...]:
    """The way as a conversation's `path` has it: nodes with their outcomes, and their scenario where it is another."""
    main = run.path[0].scenario
    return tuple(
        ("" if visit.scenario == main else f"{visit.scenario}/") + " ".join(filter(None, (visit.node, visit.outcome)))
        for visit in run.path
    )


def _compare(run: Run, conversation: Conversation) -> None:
    if conversation.path is not None:
        for number, (wanted, place) in enumerate(zip(conversation.path, places(run), strict=False), 1):
            if wanted not in (place, place.partition(" ")[0]):
                raise _Failed(f"path: node {number} is not `{wanted}`")
        if len(conversation.path) != len(run.path):
            raise _Failed(f"path: {len(conversation.path)} nodes expected, the way has {len(run.path)}")
    ending = getattr(run.phase, "ending", None)
    if conversation.result not in (None, ending):
        raise _Failed(f"result: {conversation.result} expected, it is {ending}")


class _Holding:
    def __init__(self, call: Simulation) -> None:
        self._call = call
        self._about = ""
        self._heard = 0  # events of the story the caller has done with

    def begin(self, number: int, step: AnyStep) -> None:
        self._about = f"step {number}" + (f" (line {step.line})" if step.line else "")

    def do(self, step: AnyStep) -> None:
        if self._call.over and not isinstance(step, Hear):
            self._fail("the call is over")
        match step:
            case Hear(text=text):
                self._hear(text)
            case Press(keys=keys):
                self._call.press(keys)
            case Speak(seconds=seconds):
                self._speak(seconds)
            case Wait(seconds=seconds):
                self._call.waits(seconds)
            case SayNothing():
                self._say_nothing()
            case HangUp():
                self._call.hang_up()
            case Told():
                self._answer(step)

    def end(self) -> None:
        """Let the call come to its end, which must need nobody any more."""
        call = self._call
        self._about = "after the last step"
        while not call.over:
            if call.wants_caller:
                what = "a message" if call.recording else "a key"
                self._fail(f"the call is not over: {what} is waited for; `press`, `say nothing` or `hang up`?")
            self._pass()

    # -- hearing -----------------------------------------------------------------------------------------------------

    def _hear(self, text: str) -> None:
        """Time passes until it is said, not over the caller's own turn."""
        call, since = self._call, self._heard
        while (said := self._said_with(text)) is None:
            if call.over or call.wants_caller or (call.open is None and not call.passes()):
                self._not_heard(text, since)
            if call.open is not None and self._said_with(text) is None:
                self._unanswered(call.open.asked)
        while call.said is said:
            call.passes()
        self._heard = call.story.index(said) + 1

    def _said_with(self, text: str) -> Said | None:
        wanted = _plain(text)
        later = self._call.story[self._heard :]
        return next((event for event in later if isinstance(event, Said) and wanted in self._words(event)), None)

    def _words(self, said: Said) -> str:
        """What the caller hears of it; nothing of what was cut."""
        return "" if said.cut else _plain(self._text(said))

    def _text(self, said: Said) -> str:
        return self._call.ears.text(said.speak.items, said.speak.language)

    def _not_heard(self, text: str, since: int) -> NoReturn:
        told = [
            f"“{self._text(e)}”{' (cut)' if e.cut else ''}" for e in self._call.story[since:] if isinstance(e, Said)
        ]
        then = "the call is over" if self._call.over else "it is the caller's turn"
        self._fail(f"expected to hear “{text}”, heard {', '.join(told) or 'nothing'}, then {then}")

    # -- the caller's turn -------------------------------------------------------------------------------------------

    def _say_nothing(self) -> None:
        while not self._call.wants_caller:
            self._pass("nothing is asked of the caller: `say nothing` would wait for ever")
        self._call.say_nothing()

    def _speak(self, seconds: float) -> None:
        while not self._call.recording:
            self._pass("nothing is recorded: `speak` would be heard by nobody")
        self._call.speak(seconds)

    def _answer(self, step: Told) -> None:
        call = self._call
        while call.open is None:
            if call.wants_caller or not call.passes():
                self._fail(f"`{step.asked}` is not asked, or a mock has answered it")
        if step.asked not in names(call.open.asked):
            self._fail(f"`{step.asked}` is not asked, but `{call.open.asked}`")
        call.answer(step.answer)
        while isinstance(call.run.phase, Reaching) and call.open is None and call.passes():
            pass  # the keys of a conversation are nobody's: the next step is for what comes after it

    def _pass(self, otherwise: str = "nothing happens any more") -> None:
        if self._call.open is not None:
            self._unanswered(self._call.open.asked)
        if not self._call.passes():
            self._fail(otherwise)

    def _unanswered(self, asked: Asked) -> NoReturn:
        self._fail(f"nobody answers `{asked}`: give it among the mocks, or as a step, `- {asked}: ...`")

    def _fail(self, what: str) -> NoReturn:
        raise _Failed(f"{self._about}: {what}")


def _plain(text: str) -> str:
    """As one compares what one hears: neither capitals nor spaces count."""
    return " ".join(text.casefold().split())
