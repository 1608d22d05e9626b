"""Whatever a caller does, whatever the world answers or loses, wherever the engine dies: the call ends, and cleanly.

Any program (`programs.py`) meets any caller; hypothesis looks for the call that breaks a promise and tells its shortest
form.
"""

import re
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.scenario import talk
from engine.domain.scenario.graph import Collect, Outcome, Program
from engine.domain.scenario.interpreter import LIMIT, unseen
from engine.domain.scenario.run import Answering, Asking, Listening, Reaching, Recording
from engine.domain.scenario.secrets import MASKED
from engine.domain.scenario.turn import NODE_TIMERS
from engine.domain.scenario.way import RESERVE
from tests.domain.scenario.caller import Caller
from tests.domain.scenario.programs import OPEN, PROGRAMS, SECRET

MOST_FACTS = 40
"""Of what is drawn; then the caller says nothing more, and nobody answers."""
ENOUGH = 2_000
"""Facts within which every call is over."""
ELSEWHERE = "Activation|%[0-9A-F]{2}"
"""Where letters of secret keys may stand: in a fault told by CEL, and in an address."""
OUTCOMES: dict[type[talk.Question], tuple[Outcome, ...]] = {
    talk.AskHours: ("open", "closed", "holiday", "error"),
    talk.AskIncident: ("active", "clear", "error"),
    talk.AskTable: ("found", "none", "many", "error", "forgotten"),
    talk.AskWeb: ("done", "error", "forgotten"),
    talk.StoreCallback: ("stored", "refused", "error"),
    talk.StoreMessage: ("left", "error"),
    talk.CheckSecret: ("done", "no_match"),
    talk.Tell: ("done", "error"),
}
VALUES: dict[str, Any] = {
    "code": st.sampled_from(("strike", 1)),
    "text": st.sampled_from(("ana", "⟦pin-1⟧", 3, True, "x" * 2_000)),
    "vip": st.sampled_from((True, "false", "perhaps", 1)),
    "count": st.sampled_from((1, "2", "two", 2**70)),
}
values = st.fixed_dictionaries({}, optional=VALUES)
numbers = st.integers(0, 40)


class Call:
    """A caller who presses nothing but letters where it is secret, and digits elsewhere."""

    def __init__(self, program: Program, known: str) -> None:
        self.caller = Caller(program, caller=known)
        self.pressed = ""
        self.last: talk.AnyTold | None = None

    @property
    def over(self) -> bool:
        return self.caller.run.over

    # -- what may happen ---------------------------------------------------------------------------------------------

    def goes_on(self, draw: st.DataObject) -> None:
        """What is most likely now: the answer that is waited for."""
        caller, phase = self.caller, self.caller.run.phase
        match phase:
            case Answering():
                caller.answered()
            case Asking(question=question):
                outcome = draw.draw(st.sampled_from(OUTCOMES[type(question)]))
                self.tell(talk.Replied(at=caller.at, number=phase.number, outcome=outcome, values=draw.draw(values)))
            case Recording(number=number):
                seconds = draw.draw(st.sampled_from((0.0, 1.0, 20.0)))
                self.tell(talk.Recorded(at=caller.at, number=number, seconds=seconds, ok=draw.draw(st.booleans())))
            case Reaching(number=number):
                outcome = draw.draw(st.sampled_from(("after", "talked", "not_taken", "busy", "nobody", "error")))
                self.tell(talk.Reached(at=caller.at, number=number, outcome=outcome))
            case _:
                self.is_heard()

    def is_heard(self) -> None:
        if (speaking := self.caller.speaking) is not None:
            self.caller.speaking = None
            self.tell(talk.SpeechOver(at=self.caller.at, number=speaking.number))

    def presses(self, draw: st.DataObject) -> None:
        caller, phase = self.caller, self.caller.run.phase
        node = caller.program.scenarios[caller.run.scenario].nodes[caller.run.node]
        secret = isinstance(phase, Listening) and isinstance(node, Collect) and node.sensitive
        key = draw.draw(st.sampled_from(SECRET + "*#" if secret else OPEN))
        hidden = unseen(caller.program, caller.run, key)
        assert hidden or key not in SECRET
        self.pressed += MASKED if hidden else key
        caller.presses(key)

    def waits(self, draw: st.DataObject) -> None:
        self.caller.waits(draw.draw(st.sampled_from((0.5, 2.0, 3.0, 5.0, 20.0, 61.0))))

    def hangs_up(self, _: st.DataObject) -> None:
        self.caller.speaking = None
        self.tell(talk.CallerLeft(at=self.caller.at))

    def engine_dies(self, _: st.DataObject) -> None:
        self.caller.engine_restarts()

    def hears_of_something_else(self, draw: st.DataObject) -> None:
        """Late, unknown, or told once more."""
        at, number = self.caller.at, draw.draw(numbers)
        told: list[talk.AnyTold] = [
            talk.Taken(at=at),
            talk.Replied(at=at, number=number, outcome="done"),
            talk.Recorded(at=at, number=number, seconds=9),
            talk.TimeUp(at=at, timer="unheard-of"),
            *([msgspec.structs.replace(self.last, at=at)] if self.last is not None else []),
        ]
        self.caller.happens(draw.draw(st.sampled_from(told)))

    def tell(self, told: talk.AnyTold) -> None:
        self.last = told
        self.caller.happens(told)

    # -- what must be so ---------------------------------------------------------------------------------------------

    def nobody_answers(self) -> None:
        """Time passes until the call is over: of itself, but for a search, whose end is always told."""
        caller, facts = self.caller, 0
        while not self.over:
            facts += 1
            assert facts < ENOUGH
            if isinstance(caller.run.phase, Reaching):
                self.tell(talk.Reached(at=caller.at, number=caller.run.phase.number, outcome="not_taken"))
            elif caller.speaking is not None and facts % 2:
                self.is_heard()
            else:
                assert caller.timers
                caller.waits(min(caller.timers.values()) - caller.mono)
            self.keeps_its_promises()

    def keeps_its_promises(self) -> None:
        run, caller = self.caller.run, self.caller
        assert "".join(visit.keys for visit in run.path) == self.pressed
        assert set(run.timers) == set(caller.timers) <= {LIMIT, *NODE_TIMERS}
        assert len(run.path) <= caller.program.start.limits.steps + RESERVE
        if isinstance(run.phase, Asking) and run.answered and not run.gone:
            assert caller.speaking is not None or "filler" in caller.timers, "silence"
        if run.gone:
            assert caller.speaking is None
        said = [order.number for order in caller.all if isinstance(order, talk.Speak | talk.Take)]
        asked = [order for order in caller.all if isinstance(order, talk.Ask | talk.Reach)]
        one_each = {order.number: order for order in asked}  # ordered again after a restart
        assert len(said) == len(set(said))
        assert not one_each.keys() & set(said)
        assert all(order == one_each[order.number] for order in asked)

    def has_ended_well(self) -> None:
        run, caller = self.caller.run, self.caller
        assert (run.timers, caller.timers, caller.speaking) == ((), {}, None)
        assert len(caller.ordered(talk.Leave)) == 1
        assert caller.orders == [] or isinstance(caller.orders[-1], talk.Leave)
        assert all(visit.outcome is not None and visit.left is not None for visit in run.path)
        assert all(one.at.mono <= other.at.mono for one, other in pairwise(run.path))
        masks = [order.on for order in caller.ordered(talk.Mask)]
        assert not masks or masks[-1] is False
        kept = re.sub(ELSEWHERE, "", msgspec.json.encode((run, caller.all)).decode())
        assert not re.search(f"[{SECRET}]", kept)


@pytest.mark.timeout(1200)  # soak, or a call being shortened
@settings(max_examples=settings().max_examples // 5)  # each is a whole call
@given(st.data(), PROGRAMS, st.sampled_from(("+33612345678", "")))
def test_every_call_ends_and_keeps_its_promises(draw: st.DataObject, program: Program, known: str) -> None:
    call = Call(program, known)
    happens = (
        *(3 * (call.goes_on,)),
        *(3 * (call.presses,)),
        call.waits,
        call.hangs_up,
        call.engine_dies,
        call.hears_of_something_else,
    )
    call.keeps_its_promises()
    for what in draw.draw(st.lists(st.sampled_from(range(len(happens))), max_size=MOST_FACTS)):
        if not call.over:
            happens[what](draw)
            call.keeps_its_promises()
    call.nobody_answers()
    call.has_ended_well()
