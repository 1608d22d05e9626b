"""A step in the making: the call as it changes, and the orders that go with each change.

Every order to Asterisk is written here, beside the change of state that remembers it, so that neither exists without
the other. From outside `machine.step` all this is invisible: state and event in, state and effects out.
"""

from collections.abc import Iterable

import msgspec

from engine.domain import ids, legs
from engine.domain.call import Bridge, Call
from engine.domain.causes import ANSWERED_ELSEWHERE
from engine.domain.directory import Language
from engine.domain.effects import (
    Answer,
    CancelTimer,
    ChooseMember,
    ChooseTrunk,
    CloseBridge,
    Comfort,
    CreateChannel,
    DialChannel,
    Effect,
    HangUp,
    JoinBridge,
    OpenBridge,
    Play,
    Prompt,
    Ring,
    StartComfort,
    StartTimer,
    StopComfort,
    StopPlayback,
    Utter,
)
from engine.domain.ids import Role
from engine.domain.legs import Attempt, Leg
from engine.domain.moment import Moment
from engine.domain.request import Route
from engine.domain.scenario.graph import Program
from engine.domain.scenario.talk import AnyHeard
from engine.domain.stages import AnyStage, Ended, Verdict
from engine.domain.values import ChannelId, PlaybackId, Slug

SETUP_S = 5.0
"""A channel that is not ready to be dialled by then never will be."""
DIAL_SLACK_S = 5
"""Asterisk's own ring limit is this much longer than ours: it only counts when no engine is there."""


class Draft:
    """The working copy inside one step."""

    def __init__(self, call: Call, at: Moment, program: Program | None = None) -> None:
        self.call = call
        self.at = at
        self.program = program  # of a caller in a scenario
        self.effects: list[Effect] = []

    def change(self, **fields: object) -> None:
        self.call = msgspec.structs.replace(self.call, **fields)

    def set_leg(self, leg: Leg) -> None:
        self.change(legs={**self.call.legs, leg.role: leg})

    def set_attempt(self, role: Role, attempt: Attempt) -> None:
        self.set_leg(self.call.legs[role].with_attempt(attempt))

    # -- stage -------------------------------------------------------------------------------------------------------

    def move(self, stage: AnyStage, *, keep: Iterable[str] = ()) -> None:
        """Enter a stage. Whatever the old one does not hand over (`keep`: timers) is torn down here, in one place."""
        for timer in [name for name in self.call.timers if name not in keep]:  # in order: replay compares effects
            self.cancel(timer)
        self.silence()
        for leg in self.call.legs.values():
            if leg.seeking:
                self.set_leg(msgspec.structs.replace(leg, seeking=False))  # a late answer of the trunks rings nobody
        self.change(stage=stage)

    def end(self, verdict: Verdict) -> None:
        """Nothing is left: the call ends with its last leg, since CEL may tell of an older death than was known."""
        ends = [a.times.ended for leg in self.call.legs.values() for a in leg.attempts if a.times.ended is not None]
        self.move(Ended(verdict=verdict))
        self.change(ended=max([self.at, *ends], key=lambda moment: moment.mono))

    def silence(self) -> None:
        """Stop whatever is being played to anybody."""
        for playback in self.call.playbacks:
            self.effects.append(StopPlayback(playback=playback))
        for channel in self.call.comforted:
            self.effects.append(StopComfort(channel=channel))
        self.change(playbacks={}, comforted=())

    # -- timers ------------------------------------------------------------------------------------------------------

    def timer(self, name: str, after_s: float) -> None:
        self.change(timers={**self.call.timers, name: self.at.mono + after_s})
        self.effects.append(StartTimer(timer=name, after_s=after_s))

    def cancel(self, name: str) -> None:
        self.forget_timer(name)
        self.effects.append(CancelTimer(timer=name))

    def forget_timer(self, name: str) -> None:
        self.change(timers={k: due for k, due in self.call.timers.items() if k != name})

    # -- legs --------------------------------------------------------------------------------------------------------

    def attempt(self, role: Role, route: Route) -> None:
        """Try a route: create its channel. It is dialled once it is ready."""
        leg = self.call.legs[role]
        channel = ids.channel_id(self.call.id, role, len(leg.attempts) + 1)
        attempt = Attempt(channel=channel, route=route)
        routes = tuple(r for r in leg.routes if r is not route)
        self.set_leg(msgspec.structs.replace(leg, routes=routes, attempts=(*leg.attempts, attempt), seeking=False))
        self.effects.append(
            CreateChannel(
                channel=channel, endpoint=route.endpoint, caller_id=route.caller_id, life_s=self.call.request.life_s
            )
        )
        self.timer(f"setup-{role}", SETUP_S)

    def ask_for(self, member: Slug) -> None:
        """Ask whether a member of the group is free, and by which of their trunks."""
        self.effects.append(ChooseMember(member=member, trunks=self.call.agent.trunks(member)))

    def seek(self, role: Role) -> None:
        """Ask the trunks for the next one to try."""
        leg = self.call.legs[role]
        self.set_leg(msgspec.structs.replace(leg, seeking=True))
        self.effects.append(ChooseTrunk(role=role, candidates=leg.trunks()))

    def dial(self, role: Role, attempt: Attempt) -> None:
        limit = self.call.request.ring_agent_s if role == "agent" else self.call.request.ring_customer_s
        self.set_attempt(role, legs.order_dial(attempt, self.at))
        if not any(other.phase in ("creating", "ready") for other in self.call.legs[role].live):
            self.cancel(f"setup-{role}")  # not while another phone of the agent is still being set up
        self.timer(f"ring-{role}", limit)
        self.effects.append(DialChannel(channel=attempt.channel, timeout_s=limit + DIAL_SLACK_S))

    def ring(self, attempt: Attempt) -> None:
        """Whoever called hears that it rings."""
        self.effects.append(Ring(channel=attempt.channel))

    def answer(self, attempt: Attempt) -> None:
        """Answer whoever called; told by ChannelAnswered, as with a far end that was rung."""
        self.effects.append(Answer(channel=attempt.channel, life_s=self.call.request.life_s))

    def hang_up(self, role: Role, *, cause: int | None = None) -> None:
        """Order every living attempt of a leg down; `cause` is for a caller who was not answered."""
        for attempt in self.call.legs[role].live:
            if attempt.phase != "closing":
                self.hang_up_attempt(role, attempt, cause=cause if attempt.phase == "ringing" else None)

    def hang_up_attempt(self, role: Role, attempt: Attempt, *, cause: int | None = None) -> None:
        self.set_attempt(role, legs.order_hang_up(attempt))
        self.effects.append(HangUp(channel=attempt.channel, cause=cause))

    def only(self, role: Role, attempt: Attempt) -> None:
        """One telephone was picked up: the leg's others stop ringing, and show no missed call (RFC 3326)."""
        for other in self.call.legs[role].live:
            if other.channel != attempt.channel and other.phase != "closing":
                self.hang_up_attempt(role, other, cause=ANSWERED_ELSEWHERE)

    def push_down(self) -> None:
        """Repeat the hang-up of whatever is still there."""
        for leg in self.call.legs.values():
            self.effects.extend(HangUp(channel=attempt.channel) for attempt in leg.live)

    def forget_channel(self, channel: ChannelId) -> None:
        """The channel is gone, and with it what was played there."""
        self.change(playbacks={p: c for p, c in self.call.playbacks.items() if c != channel})
        self.forget_comfort(channel)

    # -- what is heard -----------------------------------------------------------------------------------------------

    def play(self, channel: ChannelId, prompt: Prompt, language: Language | None = None) -> None:
        """In the call's language, or another."""
        number = self.call.played + 1
        playback = ids.playback_id(self.call.id, number)
        self.change(played=number, playbacks={**self.call.playbacks, playback: channel})
        self.effects.append(
            Play(playback=playback, channel=channel, prompt=prompt, language=language or self.call.request.language)
        )

    def utter(self, channel: ChannelId, items: tuple[AnyHeard, ...], language: Language) -> PlaybackId:
        """Say these things of a scenario; the playback's name."""
        number = self.call.played + 1
        playback = ids.playback_id(self.call.id, number)
        self.change(played=number, playbacks={**self.call.playbacks, playback: channel})
        self.effects.append(Utter(playback=playback, channel=channel, items=items, language=language))
        return playback

    def hush(self, playback: PlaybackId) -> None:
        """Stop a playback; its end means nothing any more."""
        self.forget_playback(playback)
        self.effects.append(StopPlayback(playback=playback))

    def forget_playback(self, playback: PlaybackId) -> None:
        """It is over."""
        self.change(playbacks={p: c for p, c in self.call.playbacks.items() if p != playback})

    def comfort(self, channel: ChannelId) -> None:
        self.change(comforted=(*self.call.comforted, channel))
        kind: Comfort = "music" if self.call.request.notice == "music" else "tone"
        self.effects.append(StartComfort(channel=channel, comfort=kind))

    def end_comfort(self, channel: ChannelId) -> None:
        self.forget_comfort(channel)
        self.effects.append(StopComfort(channel=channel))

    def forget_comfort(self, channel: ChannelId) -> None:
        """Comfort ended by itself."""
        self.change(comforted=tuple(c for c in self.call.comforted if c != channel))

    # -- bridge ------------------------------------------------------------------------------------------------------

    def open_bridge(self) -> None:
        number = self.call.bridges + 1
        bridge = ids.bridge_id(self.call.id, number)
        self.change(bridge=Bridge(id=bridge), bridges=number)
        self.effects.append(OpenBridge(bridge=bridge))

    def join(self, attempt: Attempt) -> None:
        """Into the bridge opened last."""
        bridge = ids.bridge_id(self.call.id, self.call.bridges)
        self.effects.append(JoinBridge(bridge=bridge, channel=attempt.channel))

    def close_bridge(self) -> None:
        """Whoever is still there is in none any more."""
        if self.call.bridge is None or not self.call.bridge.open:
            return
        leaving = tuple(a.channel for leg in self.call.legs.values() for a in leg.live if a.joined and a.phase == "up")
        self.effects.append(CloseBridge(bridge=self.call.bridge.id, leaving=leaving))
        self.change(bridge=msgspec.structs.replace(self.call.bridge, open=False))
        for leg in self.call.legs.values():
            for attempt in leg.live:
                self.set_attempt(leg.role, msgspec.structs.replace(attempt, joined=False))
