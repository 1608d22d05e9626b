"""Everything a call can order from the world: imperative, data only, carried out once the journal has them.

Create, join, hang-up and destroy may be repeated without harm. `DialChannel` is sent at most once, ever.
"""

from typing import Literal

import msgspec

from engine.domain.directory import Language
from engine.domain.ids import Role
from engine.domain.scenario.talk import AnyHeard, AnyQuestion, AnyWhom
from engine.domain.values import BridgeId, ChannelId, Dialstring, PlaybackId, RecordingId, Slug

Prompt = Literal[
    "press-one",
    "connecting",
    "customer-busy",
    "customer-no-answer",
    "customer-invalid",
    "customer-rejected",
    "customer-unreachable",
    "congestion",
    "no-key",
    "ends-soon",
    "all-busy",
    "nobody-answers",
]
Comfort = Literal["music", "tone"]


class Base(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


class CreateChannel(Base, frozen=True, kw_only=True, tag=True):
    """Create a channel under our id, not dialled. `life_s`: Asterisk itself ends it then (orphan guard)."""

    channel: ChannelId
    endpoint: Dialstring
    caller_id: str | None
    life_s: int


class DialChannel(Base, frozen=True, kw_only=True, tag=True):
    """Ring the far end for at most `timeout_s`. At most once per channel."""

    channel: ChannelId
    timeout_s: int


class HangUp(Base, frozen=True, kw_only=True, tag=True):
    """`cause` (Q.850) is what a caller is told who was not answered; None: normal clearing."""

    channel: ChannelId
    cause: int | None = None


class Ring(Base, frozen=True, kw_only=True, tag=True):
    """Let whoever called hear that it rings (SIP 180)."""

    channel: ChannelId


class Answer(Base, frozen=True, kw_only=True, tag=True):
    """Answer whoever called. `life_s`: Asterisk itself ends the channel then (orphan guard)."""

    channel: ChannelId
    life_s: int


class OpenBridge(Base, frozen=True, kw_only=True, tag=True):
    bridge: BridgeId


class JoinBridge(Base, frozen=True, kw_only=True, tag=True):
    bridge: BridgeId
    channel: ChannelId


class CloseBridge(Base, frozen=True, kw_only=True, tag=True):
    """`leaving`: who is in it still and goes on alone. They are taken out first: what is played to a channel whose
    bridge ends around it may never be told to be over."""

    bridge: BridgeId
    leaving: tuple[ChannelId, ...] = ()


class Play(Base, frozen=True, kw_only=True, tag=True):
    playback: PlaybackId
    channel: ChannelId
    prompt: Prompt
    language: Language


class Utter(Base, frozen=True, kw_only=True, tag=True):
    """Say these things of a scenario one after the other, as one playback."""

    playback: PlaybackId
    channel: ChannelId
    items: tuple[AnyHeard, ...]
    language: Language


class StopPlayback(Base, frozen=True, kw_only=True, tag=True):
    playback: PlaybackId


class StartComfort(Base, frozen=True, kw_only=True, tag=True):
    """Let the party hear that something goes on: music, or a soft tone."""

    channel: ChannelId
    comfort: Comfort


class StopComfort(Base, frozen=True, kw_only=True, tag=True):
    channel: ChannelId


class ChooseTrunk(Base, frozen=True, kw_only=True, tag=True):
    """Ask the trunks which of `candidates`, in order, has a free channel; answered by TrunkChosen."""

    role: Role
    candidates: tuple[Slug, ...]


class ChooseMember(Base, frozen=True, kw_only=True, tag=True):
    """Ask whether a member of the group is free, and which of their `trunks`, in order; answered by MemberChosen.

    A member of whom it is said that they are free is kept for this call.
    """

    member: Slug
    trunks: tuple[Slug, ...]


class AskHouse(Base, frozen=True, kw_only=True, tag=True):
    """A scenario asks something; answered by HouseReplied. Whoever is asked the same twice does it once."""

    number: int
    question: AnyQuestion


class PlanReach(Base, frozen=True, kw_only=True, tag=True):
    """Find out how somebody can be reached for a caller in a scenario; answered by ReachPlanned."""

    number: int
    whom: AnyWhom


class StartRecording(Base, frozen=True, kw_only=True, tag=True):
    """Record what comes from a channel; it ends by itself after `max_s`, or `silence_s` of silence."""

    recording: RecordingId
    channel: ChannelId
    max_s: int
    silence_s: int
    beep: bool


class StopRecording(Base, frozen=True, kw_only=True, tag=True):
    """End it, and keep it; told by RecordingEnded."""

    recording: RecordingId


class StartTimer(Base, frozen=True, kw_only=True, tag=True):
    timer: str
    after_s: float


class CancelTimer(Base, frozen=True, kw_only=True, tag=True):
    timer: str


Effect = (
    CreateChannel
    | DialChannel
    | HangUp
    | Ring
    | Answer
    | OpenBridge
    | JoinBridge
    | CloseBridge
    | Play
    | StopPlayback
    | StartComfort
    | StopComfort
    | ChooseTrunk
    | ChooseMember
    | Utter
    | AskHouse
    | PlanReach
    | StartRecording
    | StopRecording
    | StartTimer
    | CancelTimer
)
