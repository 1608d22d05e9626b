"""What a call is doing now: exactly one of these, each holding only what is true in it."""

import msgspec

from engine.domain.cdr import HangupBy, Outcome
from engine.domain.effects import StartRecording
from engine.domain.values import ChannelId, PlaybackId, Slug


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How the call ends: decided once, never changed after."""

    outcome: Outcome
    hangup_by: HangupBy
    cause: int | None = None
    sip_code: int | None = None
    rule: str | None = None  # the limit that ended it


class Stage(msgspec.Struct, frozen=True, kw_only=True, tag_field="stage"):
    pass


class ReachingAgent(Stage, frozen=True, kw_only=True, tag=True):
    """The agent's mobile, or all their phones, ring."""


class Offering(Stage, frozen=True, kw_only=True, tag=True):
    """A call for a group is offered to its members; the first who takes it has it.

    `sought`: members of whom it is being asked whether they are free. `busy`: those who were not. `asked`: how often
    each mobile that was answered was asked to press 1. `since`: how many attempts belong to an
    earlier offer of the same call.
    """

    sought: tuple[Slug, ...] = ()
    busy: tuple[Slug, ...] = ()
    since: int = 0
    asked: dict[ChannelId, int] = {}


class Scripted(Stage, frozen=True, kw_only=True, tag=True):
    """Whoever called is in a scenario; `Call.run` is how far. What is said and recorded now, with its number there.

    `stopping`: the recording was ordered to end. `stale`: the engine was restarted, and does not know yet what it
    missed. `ended_by`: somebody ordered the end; what the scenario does then is done for a caller who left.
    """

    playback: PlaybackId | None = None
    speech: int = 0
    recording: StartRecording | None = None
    taking: int = 0
    stopping: bool = False
    stale: bool = False
    ended_by: HangupBy | None = None
    end_rule: str | None = None


class Confirming(Stage, frozen=True, kw_only=True, tag=True):
    """The agent's mobile was answered; a human there must press 1 (feature X3).

    `early`: the trunk answers before the mobile does, so the prompt repeats until the ring limit, not a few times.
    """

    asked: int
    early: bool


class Informing(Stage, frozen=True, kw_only=True, tag=True):
    """The agent hears that the connection is in progress."""


class ReachingCustomer(Stage, frozen=True, kw_only=True, tag=True):
    """The customer rings; the agent hears comfort, then ringing or early media."""


class Talking(Stage, frozen=True, kw_only=True, tag=True):
    """Agent and customer hear each other."""


class Explaining(Stage, frozen=True, kw_only=True, tag=True):
    """The customer cannot be had, and the agent hears why; or nobody of ours, and the customer who called does."""

    verdict: Verdict


class Finishing(Stage, frozen=True, kw_only=True, tag=True):
    """Everything is ordered down; `pushes` counts how often."""

    verdict: Verdict
    pushes: int = 1


class Ended(Stage, frozen=True, kw_only=True, tag=True):
    """Nothing is left in Asterisk; the record can be written."""

    verdict: Verdict


AnyStage = (
    ReachingAgent
    | Offering
    | Scripted
    | Confirming
    | Informing
    | ReachingCustomer
    | Talking
    | Explaining
    | Finishing
    | Ended
)
