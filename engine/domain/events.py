"""Everything that can happen to a call: facts, past tense, as they are journalled.

Some are seen (Asterisk said so), some are ordered (an application asked), some are the engine's own (a timer, a
restart). A fact that happened while nobody listened is told by the same event, with `missed` where its details are not
known.
"""

import msgspec

from engine.domain.cdr import Disposition
from engine.domain.ids import Role
from engine.domain.moment import Moment
from engine.domain.request import ConnectRequest, GroupCall, Route
from engine.domain.scenario.graph import Value
from engine.domain.values import BridgeId, ChannelId, PlaybackId, RecordingId, Slug


class Base(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    at: Moment


class CallRequested(Base, frozen=True, kw_only=True, tag=True):
    """An application asked for a call and it was accepted."""

    request: ConnectRequest


class ChannelReady(Base, frozen=True, kw_only=True, tag=True):
    """A channel we created entered our application: it may now be joined and dialled."""

    channel: ChannelId


class ChannelRefused(Base, frozen=True, kw_only=True, tag=True):
    """Asterisk would not create the channel (unknown endpoint, overload), or would not dial it."""

    channel: ChannelId
    why: str


class DialSent(Base, frozen=True, kw_only=True, tag=True):
    """Asterisk took the order to dial."""

    channel: ChannelId


class DialInDoubt(Base, frozen=True, kw_only=True, tag=True):
    """Nobody can tell whether the order to dial was carried out; it is never given twice."""

    channel: ChannelId


class ChannelRinging(Base, frozen=True, kw_only=True, tag=True):
    """The far end rings (SIP 180)."""

    channel: ChannelId


class ChannelProgressed(Base, frozen=True, kw_only=True, tag=True):
    """The far end sends early media (SIP 183)."""

    channel: ChannelId


class ChannelAnswered(Base, frozen=True, kw_only=True, tag=True):
    channel: ChannelId


class ChannelEnded(Base, frozen=True, kw_only=True, tag=True):
    """The channel is gone. `cause` is Q.850, `sip_code` the final SIP answer; None when nobody saw it (`missed`)."""

    channel: ChannelId
    cause: int | None = None
    sip_code: int | None = None
    missed: bool = False


class ChannelJoined(Base, frozen=True, kw_only=True, tag=True):
    """The channel entered the call's bridge."""

    channel: ChannelId
    bridge: BridgeId


class JoinFailed(Base, frozen=True, kw_only=True, tag=True):
    """The channel could not enter the call's bridge."""

    channel: ChannelId
    why: str


class DigitPressed(Base, frozen=True, kw_only=True, tag=True):
    channel: ChannelId
    digit: str  # one of 0-9 * # A-D


class PlaybackEnded(Base, frozen=True, kw_only=True, tag=True):
    """A prompt ended: played to its end, stopped, or never played at all (`heard` False)."""

    playback: PlaybackId
    heard: bool


class TrunkChosen(Base, frozen=True, kw_only=True, tag=True):
    """The trunks' answer to ChooseTrunk: one with a free channel among those asked for, or None."""

    role: Role
    trunk: Slug | None


class MemberChosen(Base, frozen=True, kw_only=True, tag=True):
    """The answer to ChooseMember: whether the member is free, and the trunk, for one who is reached by one."""

    member: Slug
    free: bool
    trunk: Slug | None = None


class HouseReplied(Base, frozen=True, kw_only=True, tag=True):
    """The answer to AskHouse."""

    number: int
    outcome: str
    values: dict[str, Value] = {}


class ReachPlanned(Base, frozen=True, kw_only=True, tag=True):
    """The answer to PlanReach: to whom the call is offered, and by which routes; or why to nobody.

    `ring_s`: how long each of them rings. `max_talk_s`: how long they may talk, where the credit check says so.
    """

    number: int
    group: GroupCall | None = None
    routes: tuple[Route, ...] = ()
    ring_s: int = 20
    max_talk_s: int | None = None
    why_not: str = ""


class RecordingEnded(Base, frozen=True, kw_only=True, tag=True):
    """A recording is over and kept, `seconds` long; or there is none (`kept` False)."""

    recording: RecordingId
    seconds: float = 0.0
    kept: bool = True


class TimerFired(Base, frozen=True, kw_only=True, tag=True):
    timer: str


class FinishOrdered(Base, frozen=True, kw_only=True, tag=True):
    """Somebody orders the call to end, perhaps with its disposition in the same order (feature E3).

    `rule`: which limit the engine ends it by.
    """

    by: str  # "api" or "engine"
    disposition: Disposition | None = None
    rule: str | None = None


class Disposed(Base, frozen=True, kw_only=True, tag=True):
    """The call was qualified (feature G9)."""

    disposition: Disposition


class EngineRestarted(Base, frozen=True, kw_only=True, tag=True):
    """The engine found this call in its journal after a restart of its own."""


class CaughtUp(Base, frozen=True, kw_only=True, tag=True):
    """After a restart of the engine: all that the call missed has been told."""


class AsteriskLost(Base, frozen=True, kw_only=True, tag=True):
    """Asterisk died or restarted: every channel of the call is gone."""


Event = (
    CallRequested
    | ChannelReady
    | ChannelRefused
    | DialSent
    | DialInDoubt
    | ChannelRinging
    | ChannelProgressed
    | ChannelAnswered
    | ChannelEnded
    | ChannelJoined
    | JoinFailed
    | DigitPressed
    | PlaybackEnded
    | TrunkChosen
    | MemberChosen
    | HouseReplied
    | ReachPlanned
    | RecordingEnded
    | TimerFired
    | FinishOrdered
    | Disposed
    | EngineRestarted
    | CaughtUp
    | AsteriskLost
)
