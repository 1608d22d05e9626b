"""A call on a virtual clock: the interpreter's orders are answered, and time passes as fast as one can count.

    call = Simulation(program, Mocks({}), Caller(at=...))
    while call.passes():
        ...                                   one thing after another: `call.story` tells what
    call.press("1")

Sans I/O, and the same interpreter that runs on a channel. Whoever drives it (a test, a terminal, the API) is asked for
what the `World` does not know: then `call.open` says what is asked, and time stands still until `call.answer`.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from engine.domain.directory import Language
from engine.domain.moment import Moment
from engine.domain.scenario import interpreter, talk
from engine.domain.scenario.graph import Program, Value, Variable
from engine.domain.scenario.run import Listening, Run
from engine.domain.scenario.secrets import Secrets
from engine.errors import InvalidValue
from engine.scenarios.answers import TALKED, Answer, Asked, World, asked_by
from engine.scenarios.hearing import DEAF, Ears

RINGS_S = 6.0
"""Until somebody takes a call."""
TOLD_S: dict[str, float] = {"busy": 2.0, "nobody": 0.5, "error": 1.0}
"""How soon it is known that nobody talks to the caller; else when the search is over."""
TALK_S = 60.0
YEARS = range(1970, 2200)
"""When a call may come: calendars look a year ahead, and time zones some hours back."""
KEY_S = 0.2
"""From a key to the next, of somebody who types fast."""
EVER = float("inf")
SPEECH, REPLY, TAKING = "·speech", "·reply", "·taking"
"""What is due beside the interpreter's own timers; no timer has such a name."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls, when (aware, as at the site) and in which language, unless the scenario knows only another."""

    at: datetime
    caller: str = "+33612345678"
    called: str = "+33140000001"
    redirected_from: str = ""
    language: Language = "fr"

    @property
    def facts(self) -> dict[Variable, Value]:
        known = {
            "caller": self.caller,
            "called": self.called,
            "redirected_from": self.redirected_from,
            "day": self.at.date().isoformat(),
        }
        return {Variable(name): value for name, value in known.items()}


# -- what happened -----------------------------------------------------------------------------------------------------


class Said(msgspec.Struct, kw_only=True):
    """From `at` until `until`, seconds since the call began; to its end, unless `cut`."""

    at: float
    until: float
    speak: talk.Speak
    cut: bool = False


class Pressed(msgspec.Struct, frozen=True, kw_only=True):
    at: float
    key: str  # `secrets.MASKED` where nobody may see it


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """`told`: whoever drives the call said so, not the world."""

    at: float
    asked: Asked
    answer: Answer
    told: bool


class Spoke(msgspec.Struct, frozen=True, kw_only=True):
    """The caller spoke into a recording."""

    at: float
    seconds: float


class Silent(msgspec.Struct, frozen=True, kw_only=True):
    """The caller was asked for something, and gave nothing."""

    at: float


class HungUp(msgspec.Struct, frozen=True, kw_only=True):
    at: float


class WentWrong(msgspec.Struct, frozen=True, kw_only=True):
    """`what`: at which node, and why it is left by its `error`, or by a limit."""

    at: float
    what: str


class Over(msgspec.Struct, frozen=True, kw_only=True):
    at: float
    end: Literal["ended", "hung_up", "limit", "fault", "talked"]


Event = Said | Pressed | Answered | Spoke | Silent | HungUp | WentWrong | Over


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """A question that the world left to whoever drives the call."""

    asked: Asked
    order: talk.Ask | talk.Reach


class _Taking(msgspec.Struct, kw_only=True):
    """A recording that goes on."""

    order: talk.Take
    since: float
    voice_s: float = 0.0


class Simulation:
    def __init__(self, program: Program, world: World, caller: Caller, ears: Ears = DEAF) -> None:
        self.program, self.ears = program, ears
        self.now = 0.0
        self.story: list[Event] = []
        self.open: Open | None = None
        if caller.at.year not in YEARS:
            raise InvalidValue(f"a call in the year {caller.at.year}: from {YEARS[0]} to {YEARS[-1]}", pointer="/at")
        self._world, self._start = world, caller.at.astimezone(UTC)
        self._due: dict[str, float] = {}
        self._said: Said | None = None
        self._reply: talk.Replied | talk.Reached | None = None
        self._taking: _Taking | None = None
        self._secrets = Secrets()
        self._silences = self._faults = 0
        self._follow(interpreter.begin(program, self._moment(), language=caller.language, facts=caller.facts))

    @property
    def over(self) -> bool:
        return self.run.over

    @property
    def said(self) -> Said | None:
        """What is being said now."""
        return self._said

    @property
    def recording(self) -> bool:
        """Whether the caller is being recorded now."""
        return self._taking is not None

    @property
    def wants_caller(self) -> bool:
        """Whether it is the caller's turn: nothing is said, and keys or a message are waited for."""
        return self.recording or (isinstance(self.run.phase, Listening) and self._said is None)

    # -- time --------------------------------------------------------------------------------------------------------

    def passes(self, until: float = EVER) -> bool:
        """Let the next thing happen that is due; False when nothing is by then, or before `open` is answered."""
        if not self._due or (self.open is not None and until == EVER):
            return False
        what = min(self._due, key=self._due.__getitem__)
        if (at := self._due[what]) > until:
            return False
        del self._due[what]
        self.now = at
        self._happens(what)
        return True

    def waits(self, seconds: float) -> None:
        """Time passes, whatever happens meanwhile; a question that is open may be too late for an answer then."""
        until = self.now + seconds
        while self.passes(until):
            pass
        self.now = until

    def _happens(self, what: str) -> None:
        match what:
            case "·speech":
                self._speech_over()
            case "·reply":
                reply, self._reply = self._reply, None
                if reply is not None:
                    self._tell(msgspec.structs.replace(reply, at=self._moment()))
            case "·taking":
                self._recording_over()
            case _:
                if what == "input":
                    self._silences += 1
                    self.story.append(Silent(at=self.now))
                self._tell(talk.TimeUp(at=self._moment(), timer=what))

    def _moment(self) -> Moment:
        return Moment(self._start + timedelta(seconds=self.now), self.now)

    # -- the caller --------------------------------------------------------------------------------------------------

    def press(self, keys: str) -> None:
        """One key after another, at a fast typist's pace."""
        for place, key in enumerate(keys):
            if place:
                self.waits(KEY_S)
            if self.over:
                return
            seen = self._secrets.typed(key) if interpreter.unseen(self.program, self.run, key) else key
            self.story.append(Pressed(at=self.now, key=seen))
            self._tell(talk.KeyPressed(at=self._moment(), key=seen))

    def speak(self, seconds: float) -> None:
        """Say something for so long; it is kept where a recording goes on."""
        self.story.append(Spoke(at=self.now, seconds=seconds))
        taking = self._taking
        if taking is not None:
            left = taking.since + taking.order.max_s - self.now
            taking.voice_s += min(seconds, left)
            self._due[TAKING] = self.now + min(left, seconds + (taking.order.silence_s or EVER))
        self.waits(seconds)

    def say_nothing(self) -> None:
        """When it is the caller's turn: until no key is waited for any more, or the recording is over."""
        silences, recording = self._silences, self.recording
        while self._silences == silences and self.recording == recording and self.passes():
            pass

    def hang_up(self) -> None:
        if not self.over:
            self.story.append(HungUp(at=self.now))
            self.open = None
            self._tell(talk.CallerLeft(at=self._moment()))
            self._recording_over()

    def answer(self, answer: Answer) -> None:
        """Answer what is `open`; without anything open, nothing is changed."""
        if (asking := self.open) is not None:
            self.open = None
            self._answered(asking.order, asking.asked, answer, told=True)

    # -- the interpreter ---------------------------------------------------------------------------------------------

    def _tell(self, told: talk.AnyTold) -> None:
        self._follow(interpreter.step(self.program, self.run, told))

    def _follow(self, step: interpreter.Step) -> None:
        faults, self._faults = step.run.faults[self._faults :], len(step.run.faults)
        self.story += [WentWrong(at=self.now, what=what) for what in faults]
        self.run: Run = step.run
        at_once = [told for order in step.orders if (told := self._obey(order)) is not None]
        phase = self.run.phase
        if self.open is not None and getattr(phase, "number", None) != self.open.order.number:
            self.open = None  # it is too late for an answer
        for told in at_once:
            self._tell(told)

    def _obey(self, order: talk.AnyOrder) -> talk.AnyTold | None:
        """Do it; what comes of it at once, if anything does."""
        match order:
            case talk.Wait(timer=timer, seconds=seconds):
                self._due[timer] = self.now + seconds
            case talk.StopWaiting(timer=timer):
                self._due.pop(timer, None)
            case talk.Speak():
                self._begin_speech(order)
            case talk.Hush(number=number):
                self._hush(number)
            case talk.TakeCall():
                return talk.Taken(at=self._moment())
            case talk.Ask(question=question):
                self._ask(order, question)
            case talk.Reach(whom=whom):
                self._ask(order, whom)
            case talk.Take():
                return self._take(order)
            case talk.StopTaking():
                return self._taken()
            case talk.Leave(end=end):
                self._leave(end)
            case talk.Mask():
                pass  # no recording of the call runs here
        return None

    def _leave(self, end: Literal["ended", "hung_up", "limit", "fault", "talked"]) -> None:
        self._due.clear()
        self.open = self._reply = None
        self.story.append(Over(at=self.now, end=end))

    # -- speech ------------------------------------------------------------------------------------------------------

    def _begin_speech(self, speak: talk.Speak) -> None:
        until = self.now + self.ears.seconds(speak.items, speak.language)
        self._said = Said(at=self.now, until=until, speak=speak)
        self.story.append(self._said)
        self._due[SPEECH] = until

    def _speech_over(self) -> None:
        said, self._said = self._said, None
        if said is not None:
            self._tell(talk.SpeechOver(at=self._moment(), number=said.speak.number))

    def _hush(self, number: int) -> None:
        said = self._said
        if said is not None and said.speak.number == number:
            said.cut, said.until, self._said = True, self.now, None
            self._due.pop(SPEECH, None)

    # -- questions, and somebody to talk to --------------------------------------------------------------------------

    def _ask(self, order: talk.Ask | talk.Reach, what: talk.AnyQuestion | talk.AnyWhom) -> None:
        if isinstance(what, talk.CheckSecret):
            outcome = "done" if self._secrets.check(what) else "no_match"
            self._reply_in(0.0, order, Answer(outcome=outcome))
            return
        asked = asked_by(what)
        answer = self._world.answer(asked, what)
        if answer is None:
            self.open = Open(asked=asked, order=order)
        else:
            self._answered(order, asked, answer, told=False)

    def _answered(self, order: talk.Ask | talk.Reach, asked: Asked, answer: Answer, *, told: bool) -> None:
        self.story.append(Answered(at=self.now, asked=asked, answer=answer, told=told))
        self._reply_in(_seconds(order, answer), order, answer)

    def _reply_in(self, seconds: float, order: talk.Ask | talk.Reach, answer: Answer) -> None:
        at = self._moment()
        if isinstance(order, talk.Reach):
            self._reply = talk.Reached(at=at, number=order.number, outcome=answer.outcome)
        else:
            self._reply = talk.Replied(at=at, number=order.number, outcome=answer.outcome, values=answer.values)
        self._due[REPLY] = self.now + seconds

    # -- recordings --------------------------------------------------------------------------------------------------

    def _take(self, order: talk.Take) -> talk.Recorded | None:
        """The recording begins, and ends by silence, unless there is no room for one."""
        answer = self._world.answer(Asked("record"), None)
        if answer is not None and answer.outcome == "error":
            return talk.Recorded(at=self._moment(), number=order.number, seconds=0.0, ok=False)
        self._taking = _Taking(order=order, since=self.now)
        self._due[TAKING] = self.now + min(order.silence_s or EVER, order.max_s)
        return None

    def _recording_over(self) -> None:
        if (recorded := self._taken()) is not None:
            self._tell(recorded)

    def _taken(self) -> talk.Recorded | None:
        """The recording, if there is one, is over; what counts is how long the caller spoke."""
        taking, self._taking = self._taking, None
        self._due.pop(TAKING, None)
        if taking is None:
            return None
        return talk.Recorded(at=self._moment(), number=taking.order.number, seconds=taking.voice_s)


def _seconds(order: talk.Ask | talk.Reach, answer: Answer) -> float:
    """How long after the question its answer is told."""
    if isinstance(order, talk.Ask):
        return answer.seconds or 0.0
    if answer.outcome in TALKED:
        return RINGS_S + (TALK_S if answer.seconds is None else answer.seconds)
    return TOLD_S.get(answer.outcome, float(order.max_s)) if answer.seconds is None else answer.seconds
