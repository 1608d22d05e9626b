"""A leg: one party of a call, reached by one or several attempts, each with at most one channel.

The machine of an attempt is the table `MOVES`; everything that changes an attempt's phase is in it. What is not in it
changes nothing: events may come twice, late, or for a channel that is already being hung up.
"""

from typing import Literal

import msgspec

from engine.domain import causes
from engine.domain.events import (
    ChannelAnswered,
    ChannelEnded,
    ChannelProgressed,
    ChannelReady,
    ChannelRefused,
    ChannelRinging,
    DialInDoubt,
    DialSent,
)
from engine.domain.ids import Role
from engine.domain.moment import Moment
from engine.domain.request import Route
from engine.domain.values import ChannelId, Slug

Phase = Literal[
    "creating",  # ordered, not yet there
    "ready",  # there, not yet dialled
    "ordered",  # the dial order is journalled, perhaps sent
    "dialling",  # Asterisk took the order
    "ringing",
    "up",
    "closing",  # hang-up ordered
    "ended",
]
LIVE: frozenset[Phase] = frozenset({"creating", "ready", "ordered", "dialling", "ringing", "up", "closing"})

AttemptEvent = (
    ChannelReady
    | DialSent
    | ChannelRinging
    | ChannelProgressed
    | ChannelAnswered
    | ChannelEnded
    | ChannelRefused
    | DialInDoubt
)

CROSSED = (127, 491)
"""Two re-INVITEs crossed (RFC 3261, 14.1): Asterisk keeps this cause and SIP code until the leg ends, and neither says
why it did."""

_SOUNDING: dict[Phase, Phase] = {"ordered": "ringing", "dialling": "ringing"}
MOVES: dict[type[AttemptEvent], dict[Phase, Phase]] = {
    ChannelReady: {"creating": "ready"},
    DialSent: {"ordered": "dialling"},
    ChannelRinging: _SOUNDING,
    ChannelProgressed: _SOUNDING,
    ChannelAnswered: {"ordered": "up", "dialling": "up", "ringing": "up"},
    ChannelEnded: dict.fromkeys(LIVE, "ended"),
    ChannelRefused: {"creating": "ended", "closing": "ended"},
    DialInDoubt: {"ordered": "closing"},
}


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """When each thing happened to an attempt, as far as it did."""

    dialled: Moment | None = None
    rang: Moment | None = None
    answered: Moment | None = None
    ended: Moment | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to reach the party by one route."""

    channel: ChannelId
    route: Route
    phase: Phase = "creating"
    times: Times = Times()
    came: bool = False  # they called us: there, under Asterisk's own name, until we answer
    joined: bool = False  # in the call's bridge
    early_media: bool = False  # the first sign of life was sound, not ringing
    cause: int | None = None
    sip_code: int | None = None
    doubt: bool = False  # nobody knows whether it was dialled
    refused: bool = False  # Asterisk would not create it
    missed: bool = False  # ended while nobody listened

    @property
    def live(self) -> bool:
        return self.phase != "ended"

    @property
    def failure(self) -> causes.FailureKind:
        """Why it ended without an answer."""
        if self.doubt:
            return "indeterminate"
        if self.refused or self.times.dialled is None:
            return "dead"
        return causes.failure(self.cause, self.sip_code, rang=self.times.rang is not None)


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """A party and the attempts to reach it. `routes` are those not yet tried; `seeking` while the trunks are asked.

    `offered`: to several people; whoever picks up has answered once they took it, and `taken` is their channel.
    """

    role: Role
    number: str
    routes: tuple[Route, ...]
    attempts: tuple[Attempt, ...] = ()
    seeking: bool = False
    offered: bool = False
    taken: ChannelId | None = None

    @property
    def live(self) -> tuple[Attempt, ...]:
        return tuple(attempt for attempt in self.attempts if attempt.live)

    def trunks(self, agent: Slug | None = None) -> tuple[Slug, ...]:
        """The trunks of the routes not yet tried, in order; of one agent's, in a call for a group."""
        return tuple(r.trunk for r in self.routes if r.trunk is not None and r.agent == agent)

    @property
    def up(self) -> Attempt | None:
        """The attempt that was answered and goes on."""
        return next((attempt for attempt in self.attempts if attempt.phase == "up"), None)

    @property
    def answered(self) -> Attempt | None:
        """The attempt that was answered, be it over or not."""
        if self.offered:
            return None if self.taken is None else self.find(self.taken)
        return next((attempt for attempt in self.attempts if attempt.times.answered is not None), None)

    @property
    def talks(self) -> bool:
        """Whether whoever took the call is still there."""
        return self.answered is not None and self.answered.live

    def find(self, channel: ChannelId) -> Attempt | None:
        return next((attempt for attempt in self.attempts if attempt.channel == channel), None)

    def with_attempt(self, changed: Attempt) -> "Leg":
        """The same leg with one attempt replaced."""
        return msgspec.structs.replace(
            self, attempts=tuple(changed if a.channel == changed.channel else a for a in self.attempts)
        )


def advance(attempt: Attempt, event: AttemptEvent) -> Attempt:
    """The attempt after an event on its channel; the same object when the event changes nothing."""
    phase = MOVES[type(event)].get(attempt.phase)
    if phase is None:
        return attempt
    return msgspec.structs.replace(attempt, phase=phase, times=_timed(attempt.times, event), **_details(attempt, event))


def order_dial(attempt: Attempt, at: Moment) -> Attempt:
    """The attempt once its dial order is journalled."""
    return msgspec.structs.replace(attempt, phase="ordered", times=msgspec.structs.replace(attempt.times, dialled=at))


def order_hang_up(attempt: Attempt) -> Attempt:
    return msgspec.structs.replace(attempt, phase="closing")


def _timed(times: Times, event: AttemptEvent) -> Times:
    match event:
        case ChannelRinging() | ChannelProgressed():
            return msgspec.structs.replace(times, rang=event.at)
        case ChannelAnswered():
            return msgspec.structs.replace(times, answered=event.at)
        case ChannelEnded() | ChannelRefused():
            return msgspec.structs.replace(times, ended=_not_before(times, event.at))
        case _:
            return times


def _not_before(times: Times, at: Moment) -> Moment:
    """CEL tells when a leg really ended; what was read before that, but late, must not seem to come after its end."""
    known = [moment for moment in (times.dialled, times.rang, times.answered) if moment is not None]
    return max([at, *known], key=lambda moment: moment.mono)


def _details(attempt: Attempt, event: AttemptEvent) -> dict[str, object]:
    match event:
        case ChannelEnded(missed=missed) if attempt.phase == "up" and (event.cause, event.sip_code) == CROSSED:
            return {"cause": 16, "sip_code": None, "missed": missed}
        case ChannelEnded(cause=cause, sip_code=sip_code, missed=missed):
            sent = attempt.times.dialled is not None  # else it is Asterisk's own 603: nobody was asked, nobody refused
            return {"cause": cause, "sip_code": sip_code if sent else None, "missed": missed}
        case ChannelRefused():
            return {"refused": True}
        case DialInDoubt():
            return {"doubt": True}
        case ChannelProgressed():
            return {"early_media": True}
        case _:
            return {}
