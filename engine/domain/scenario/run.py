"""One caller's way through a scenario: all that is true of it between two facts."""

from typing import Literal

import msgspec

from engine.domain.directory import Language
from engine.domain.moment import Moment
from engine.domain.scenario.graph import NodeName, Outcome, Value, Variable
from engine.domain.scenario.talk import AnyHeard
from engine.domain.values import Slug

MASKED = "*"  # stands for each key of a sensitive input, wherever it would be seen

Ending = Literal["ended", "hung_up", "limit", "fault", "talked"]


class Visit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One node on the way, as the record shows it (feature C14).

    `outcome` is None while the caller is there. `keys`: what was typed, masked where sensitive. `prompts`: how many
    prompts were begun; `cut`: how many of these the caller cut short. `message`: the recording made here.
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
    """Where to come back to when a subflow ends."""

    scenario: Slug
    node: NodeName
    values: dict[Variable, Value]


# -- what the run waits for --------------------------------------------------------------------------------------------


class Phase(msgspec.Struct, frozen=True, kw_only=True, tag_field="phase"):
    pass


class Beginning(Phase, frozen=True, kw_only=True, tag="answering"):
    """The caller is being answered; then the node is entered."""


class Telling(Phase, frozen=True, kw_only=True, tag="telling"):
    """Something is said that asks for nothing: a key ends it, or it is kept for the next input.

    `left`: items not begun. `barge` is that of what is being said. Then the node is left by `then`.
    """

    number: int
    left: tuple[tuple[str, tuple[AnyHeard, ...]], ...]
    barge: str
    then: Outcome
    early: bool = False


class Hearing(Phase, frozen=True, kw_only=True, tag="hearing"):
    """The caller is asked for keys. `number` is that of what is being said, None once it is over.

    `asks`: what the keys are for. `silent` and `wrong` count what was not good enough so far. `entry`: an input that
    waits to be confirmed.
    """

    asks: Literal["keys", "confirm", "number"]
    number: int | None
    left: tuple[tuple[str, tuple[AnyHeard, ...]], ...] = ()
    barge: str = "stop"
    keys: str = ""
    silent: int = 0
    wrong: int = 0
    entry: str = ""


class Recording(Phase, frozen=True, kw_only=True, tag="recording"):
    """The announcement is said (`number` is the speech's), then the message is recorded (`taking` is its number)."""

    number: int
    left: tuple[tuple[str, tuple[AnyHeard, ...]], ...] = ()
    barge: str = "stop"
    taking: bool = False


class Asking(Phase, frozen=True, kw_only=True, tag="asking"):
    """A question is out; `filler`: what is said meanwhile, over and over."""

    number: int
    filler: int | None = None


class Reaching(Phase, frozen=True, kw_only=True, tag="reaching"):
    """Somebody is being rung, or talks to the caller."""

    number: int


class Over(Phase, frozen=True, kw_only=True, tag="over"):
    ending: Ending


AnyPhase = Beginning | Telling | Hearing | Recording | Asking | Reaching | Over


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """`values` are those of the scenario the caller is in; `frames` the way back, outermost first.

    `numbers` counts what was ordered with a number, `ahead` are keys typed before they were asked for.
    """

    scenario: Slug
    node: NodeName
    phase: AnyPhase
    language: Language
    values: dict[Variable, Value]
    began: Moment
    facts: dict[Variable, Value] = {}  # caller, called ...: known to every scenario, set by none
    frames: tuple[Frame, ...] = ()
    numbers: int = 0
    ahead: str = ""
    answered: bool = False
    gone: bool = False  # the caller hung up: what is left is done unheard
    steps: int = 0
    visits: dict[str, int] = {}
    talked_s: float = 0.0  # of the time since `began`, in conversations: it does not count for the limit
    path: tuple[Visit, ...] = ()
    faults: tuple[str, ...] = ()  # what went wrong on the way, in words

    @property
    def over(self) -> bool:
        return isinstance(self.phase, Over)
