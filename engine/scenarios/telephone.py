"""A telephone made of lines of text: shows what the caller hears, takes what the caller does.

Time passes at once while the scenario speaks and waits; it stands still when it is the caller's turn, or when somebody
must say what the world answers. `ask` is given a prompt and gives a line, or None when there are no more: then the
caller hangs up.
"""

import re
from collections.abc import Callable

from engine.errors import InvalidValue
from engine.scenarios.answers import KINDS, parse, with_code
from engine.scenarios.conversations import KEYS, AnyStep, HangUp, Hear, Press, SayNothing, Speak, Told, Wait
from engine.scenarios.simulator import (
    Answered,
    Event,
    HungUp,
    Open,
    Over,
    Pressed,
    Said,
    Silent,
    Simulation,
    Spoke,
    WentWrong,
)

HELP = "keys 0-9 * # A-D; . to say nothing; s 10 to speak for 10 s; w 5 to wait for 5 s; h to hang up"
_LONG = re.compile(r"([sw]) ([0-9]{1,4}(?:\.[0-9])?)", re.ASCII)
Ask = Callable[[str], str | None]
Show = Callable[[str], None]


class Telephone:
    """`steps` are what was done, as a conversation has them."""

    def __init__(self, call: Simulation, ask: Ask, show: Show) -> None:
        self.call, self.steps = call, list[AnyStep]()
        self._ask, self._show = ask, show
        self._shown = 0

    def talk(self) -> None:
        """Until the call is over."""
        call = self.call
        while not call.over:
            if call.open is not None:
                self._tell()
                self._answer(call.open)
            elif call.wants_caller:
                self._tell()
                self._act()
            else:
                call.passes()
        self._tell()

    # -- what is shown -----------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        """What happened since."""
        for event in self.call.story[self._shown :]:
            minutes, seconds = divmod(int(event.at), 60)
            self._show(f"{minutes:3}:{seconds:02}  {self._words(event)}")
            if isinstance(event, Said) and not event.cut and (text := self._text(event)):
                self.steps.append(Hear(text=text))
        self._shown = len(self.call.story)

    def _text(self, said: Said) -> str:
        return self.call.ears.text(said.speak.items, said.speak.language)

    def _words(self, event: Event) -> str:
        match event:
            case Said(cut=cut):
                words = f"“{self._text(event)}”" + (" (cut)" if cut else "")
            case Pressed(key=key):
                words = f"you press {key}"
            case Answered(asked=asked, answer=answer):
                words = f"{asked}: {answer}"
            case Spoke(seconds=seconds):
                words = f"you speak for {seconds:g} s"
            case Silent():
                words = "you say nothing"
            case HungUp():
                words = "you hang up"
            case WentWrong(what=what):
                words = f"went wrong: {what}"
            case Over(end=end):
                words = f"over: {end}"
        return words

    # -- what is asked -----------------------------------------------------------------------------------------------

    def _answer(self, asking: Open) -> None:
        """Somebody must say what the world answers."""
        kind = asking.asked.kind
        line = self._ask(f"{asking.asked}? {' '.join(KINDS[kind])} > ")
        if line in (None, "h"):
            self._hang_up()
            return
        try:
            answer = with_code(parse(line or "", kind), str(asking.asked), asking.asked)
        except InvalidValue as wrong:
            self._show(wrong.message)
            return
        self.steps.append(Told(asked=str(asking.asked), answer=answer))
        self.call.answer(answer)

    def _act(self) -> None:
        """It is the caller's turn."""
        line = self._ask("message > " if self.call.recording else "keys > ")
        longer = _LONG.fullmatch(line or "")
        if line in (None, "h"):
            self._hang_up()
        elif line == ".":
            self.steps.append(SayNothing())
            self.call.say_nothing()
        elif longer is not None:
            self._pass(longer[1], float(longer[2]))
        elif KEYS.fullmatch(line or ""):
            self.steps.append(Press(keys=line or ""))
            self.call.press(line or "")
        else:
            self._show(HELP)

    def _pass(self, what: str, seconds: float) -> None:
        if what == "s":
            self.steps.append(Speak(seconds=seconds))
            self.call.speak(seconds)
        else:
            self.steps.append(Wait(seconds=seconds))
            self.call.waits(seconds)

    def _hang_up(self) -> None:
        self.steps.append(HangUp())
        self.call.hang_up()
