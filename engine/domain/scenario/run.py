"""One caller's way through a scenario: all that is true of it between two facts."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from engine.domain.directory import Language
from engine.domain.moment import Moment
from engine.domain.scenario.graph import Barge, NodeName, Outcome, Value, Variable
from engine.domain.scenario.talk import AnyHeard, AnyQuestion, Reach
from engine.domain.values import Slug

Ending = Literal["ended", "hung_up", "limit", "fault", "talked"]


class Visit(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One node on the way, as the record shows it (feature C14). Every step of the journal carries all of them: without
    the names of their fields they take a third less room.

    `outcome` is None while the caller is there. `keys`: what was pressed meanwhile, masked where sensitive. `prompts`:
    how many were begun; `cut`: how many of these the caller cut short. `message`: the recording made here.
    """

    scenario: Slug
    node: NodeName
    at: Moment
    left: Moment | None = None
    outcome: Outcome | None = None
    keys: str = ""
    prompts: int = 0
    cut: int = 0
    message: str | None = None


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """Where to come back to when a subflow ends: its node, whose place on the path is `visit`.

    `results`: what of the subflow's values is given back; ours: theirs.
    """

    scenario: Slug
    node: NodeName
    visit: int
    values: dict[Variable, Value]
    results: dict[Variable, Variable] = {}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sensitive input can be asked for again: at a node, so many frames deep."""

    frames: int
    node: NodeName


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """An input that was long enough has ended by itself: until then (`Moment.mono`) one of these keys, pressed out of
    habit, still belongs to it."""

    keys: str
    until: float


class Chunk(msgspec.Struct, frozen=True):
    """Items of a prompt that are said in one go, since a key does the same to all of them."""

    barge: Barge
    items: tuple[AnyHeard, ...]


class Speech(msgspec.Struct, frozen=True, kw_only=True):
    """What is being said: the chunk's number and barge, and the chunks to come."""

    number: int
    barge: Barge
    left: tuple[Chunk, ...] = ()


# -- what the run waits for --------------------------------------------------------------------------------------------


class Phase(msgspec.Struct, frozen=True, kw_only=True, tag_field="phase"):
    """Exactly one at a time, each with only what is true in it."""


class Answering(Phase, frozen=True, kw_only=True, tag="answering"):
    """The caller is being answered; then the node begins."""


class Telling(Phase, frozen=True, kw_only=True, tag="telling"):
    """Something is said that asks for nothing."""

    speech: Speech


class Listening(Phase, frozen=True, kw_only=True, tag="listening"):
    """The caller is asked for keys; `speech` is the prompt, None once it is over.

    `asks`: for the node's keys, for 1 or 2 to confirm `entry`, or for another number to be called back at. `silent` and
    `wrong` count what was not good enough so far.
    """

    asks: Literal["keys", "confirm", "number"]
    speech: Speech | None = None
    keys: str = ""
    silent: int = 0
    wrong: int = 0
    entry: str = ""


class Announcing(Phase, frozen=True, kw_only=True, tag="announcing"):
    """A message will be recorded once this is said."""

    speech: Speech


class Recording(Phase, frozen=True, kw_only=True, tag="recording"):
    number: int
    name: str


class Asking(Phase, frozen=True, kw_only=True, tag="asking"):
    """A question is out; `filler` is said meanwhile, and again. `back`: the input it is about, should it be wrong."""

    number: int
    question: AnyQuestion
    filler: Speech | None = None
    back: Listening | None = None


class Reaching(Phase, frozen=True, kw_only=True, tag="reaching"):
    """Somebody is being rung, or talks to the caller, since `since`."""

    order: Reach
    since: Moment

    @property
    def number(self) -> int:
        return self.order.number


class Over(Phase, frozen=True, kw_only=True, tag="over"):
    ending: Ending


AnyPhase = Answering | Telling | Listening | Announcing | Recording | Asking | Reaching | Over


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """`values` are those of the scenario the caller is in, `facts` what every scenario knows and none sets.

    `frames`: the way back out of subflows, outermost first. `numbers` counts what was ordered with a number. `timers`
    are those that run. `ahead`: keys pressed before they were asked for. `secrets`: sensitive inputs by name, in the
    order in which they were typed. `masked`: one is being typed. `gone`: the caller hung up; what is left is done
    unheard. `talked_s`: seconds since `began` until the end of a conversation that began with a search. `limited`: a
    limit was met, and the caller is on the way out. `faults`: what went wrong, in words.
    """

    scenario: Slug
    node: NodeName
    phase: AnyPhase
    language: Language
    values: dict[Variable, Value]
    began: Moment
    facts: dict[Variable, Value] = {}
    frames: tuple[Frame, ...] = ()
    numbers: int = 0
    timers: tuple[str, ...] = ()
    ahead: str = ""
    habit: Habit | None = None
    secrets: dict[str, Asked] = {}
    masked: bool = False
    answered: bool = False
    gone: bool = False
    limited: bool = False
    steps: int = 0
    visits: dict[str, int] = {}
    talked_s: float = 0.0
    path: tuple[Visit, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def over(self) -> bool:
        return isinstance(self.phase, Over)


def left_since(before: Run | None, after: Run | None) -> Iterator[Visit]:
    """The nodes that were left between two states of a run, each with its outcome; a subflow's long after its begin."""
    if after is None:
        return
    known = before.path if before is not None else ()
    for number, visit in enumerate(after.path):
        if visit.outcome is not None and (number >= len(known) or known[number].outcome is None):
            yield visit
