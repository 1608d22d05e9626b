"""A call on the virtual clock for somebody who sends all their lines at once, and more of them the next time.

Stateless: whoever has a page with a telephone on it sends what was done so far, and is told what is heard, and what the
telephone waits for. The lines are those of `engine scenario try`.
"""

from collections.abc import Mapping

import msgspec

from engine.domain.scenario.graph import Program
from engine.scenarios.answers import Mocks, World, kind_of, parse
from engine.scenarios.hearing import Ears
from engine.scenarios.simulator import Caller, Simulation


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """`answers`: what the world answers, such as `hours office`: `open`; what it does not say, a line does."""

    caller: Caller
    answers: Mapping[str, str] = {}
    lines: tuple[str, ...] = ()


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """`heard`: what happened, a line each. `asked`: what the telephone waits for; None: the call is over. `way`: the
    nodes so far, with their outcomes."""

    heard: list[str]
    asked: str | None
    way: str


class _Waits(Exception):  # never leaves this module
    """No line is left."""


def attempt(program: Program, wish: Attempt, beyond: World | None, ears: Ears) -> Tried:
    """The call, as far as the lines lead; raises InvalidValue for an answer that is none."""
    from engine.scenarios.conversing import way  # YAML comes with them, which an engine that starts has no time for
    from engine.scenarios.telephone import Telephone

    mocks = {name: (parse(answer, kind_of(name)),) for name, answer in wish.answers.items()}
    left, heard = iter(wish.lines), list[str]()
    asked = None

    def ask(prompt: str) -> str:
        line = next(left, None)
        if line is None:
            raise _Waits(prompt.removesuffix(" > "))
        return line

    phone = Telephone(Simulation(program, Mocks(mocks, beyond), wish.caller, ears), ask, heard.append)
    try:
        phone.talk()
    except _Waits as waits:
        asked = str(waits)
    return Tried(heard=heard, asked=asked, way=way(phone.call.run))
