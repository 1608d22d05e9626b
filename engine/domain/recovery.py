"""After a time without listening: what a call missed, and which of its orders may never have been carried out.

Pure: a call's last journalled state and a picture of Asterisk in, synthetic events and repeatable orders out. Old
decisions are never taken again; no number is ever dialled a second time.
"""

from typing import Literal

import msgspec

from engine.domain.call import Call
from engine.domain.effects import (
    Answer,
    ChooseMember,
    ChooseTrunk,
    CloseBridge,
    Comfort,
    CreateChannel,
    Effect,
    HangUp,
    JoinBridge,
    OpenBridge,
    Ring,
    StartComfort,
    StopComfort,
    StopPlayback,
    StopRecording,
)
from engine.domain.events import (
    CaughtUp,
    ChannelAnswered,
    ChannelEnded,
    ChannelJoined,
    ChannelReady,
    ChannelRinging,
    Event,
    PlaybackEnded,
)
from engine.domain.ids import bridge_id, playback_id
from engine.domain.legs import Attempt
from engine.domain.moment import Moment
from engine.domain.scenario.run import Answering
from engine.domain.stages import Confirming, Explaining, Offering, ReachingAgent, ReachingCustomer, Scripted, Talking
from engine.domain.values import BridgeId, ChannelId, PlaybackId

ChannelState = Literal["down", "ringing", "up"]


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """How a channel ended, from Asterisk's CEL."""

    at: Moment
    cause: int | None
    sip_code: int | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Asterisk now: living channels, bridges with their members, living playbacks; and what CEL tells of the past."""

    at: Moment
    channels: dict[ChannelId, ChannelState]
    bridges: dict[BridgeId, frozenset[ChannelId]]
    playbacks: frozenset[PlaybackId]
    endings: dict[ChannelId, Ending]
    answers: dict[ChannelId, Moment] = {}  # when channels answered, the living and the dead, as far as CEL tells


def catch_up(call: Call, seen: Seen, *, only: frozenset[ChannelId] | None = None) -> list[Event]:
    """The events a call missed, oldest first. An end nobody recorded is told with `missed`.

    `only`: an audit, which must not speak of channels younger than the picture, nor of prompts.
    """
    events: list[Event] = []
    for leg in call.legs.values():
        for attempt in leg.live:
            if only is None or attempt.channel in only:
                events.extend(_missed_by(attempt, seen))
    if only is not None:
        return sorted(events, key=lambda event: event.at.mono)
    if call.bridge is not None and call.bridge.open:
        members = seen.bridges.get(call.bridge.id, frozenset())
        events.extend(
            ChannelJoined(at=seen.at, channel=attempt.channel, bridge=call.bridge.id)
            for leg in call.legs.values()
            for attempt in leg.live
            if attempt.channel in members and not attempt.joined
        )
    # Told after the ends of channels: what is still to be told then came to its end on a channel that lives.
    events.extend(PlaybackEnded(at=seen.at, playback=p, heard=True) for p in call.playbacks if p not in seen.playbacks)
    events.sort(key=lambda event: event.at.mono)
    if isinstance(call.stage, Scripted) and call.stage.stale:
        events.append(CaughtUp(at=seen.at))
    return events


def _missed_by(attempt: Attempt, seen: Seen) -> list[Event]:
    state, channel = seen.channels.get(attempt.channel), attempt.channel
    if state is None:
        return _ended(attempt, seen)
    missed: list[Event] = []
    if attempt.phase == "creating":
        missed.append(ChannelReady(at=seen.at, channel=channel))
    elif attempt.phase in ("ordered", "dialling") and state == "ringing":
        missed.append(ChannelRinging(at=seen.at, channel=channel))
    elif attempt.phase in ("ordered", "dialling", "ringing") and state == "up":
        missed.append(ChannelAnswered(at=seen.answers.get(channel, seen.at), channel=channel))
    return missed


def _ended(attempt: Attempt, seen: Seen) -> list[Event]:
    if attempt.phase == "creating":
        return []  # never came to be, or died for want of an engine: `unfinished` creates it again, nothing has rung
    missed: list[Event] = []
    answered = seen.answers.get(attempt.channel)
    if answered is not None and attempt.phase in ("ordered", "dialling", "ringing"):
        missed.append(ChannelAnswered(at=answered, channel=attempt.channel))  # it came and went: a talk, not a silence
    ending = seen.endings.get(attempt.channel)
    if ending is not None:
        end = ChannelEnded(at=ending.at, channel=attempt.channel, cause=ending.cause, sip_code=ending.sip_code)
    else:
        end = ChannelEnded(at=seen.at, channel=attempt.channel, missed=True)
    return [*missed, end]


def unfinished(call: Call, seen: Seen) -> list[Effect]:
    """Orders that are journalled and may not have been carried out, and that may be given twice without harm."""
    orders: list[Effect] = []
    orders.extend(_bridges(call, seen))
    if isinstance(call.stage, Offering):
        orders.extend(_who_is_sought(call, call.stage))
    if isinstance(call.stage, Scripted):
        orders.extend(_recording(call.stage))
    for leg in call.legs.values():
        if leg.seeking:
            orders.append(ChooseTrunk(role=leg.role, candidates=leg.trunks()))
        for attempt in leg.live:
            orders.extend(_unfinished_attempt(call, attempt, seen))
    return orders + _to_hear(call)


def _who_is_sought(call: Call, stage: Offering) -> list[Effect]:
    return [ChooseMember(member=member, trunks=call.agent.trunks(member)) for member in stage.sought]


def _bridges(call: Call, seen: Seen) -> list[Effect]:
    """The one it has, and the end of those it had: a caller in a scenario may outlive several."""
    current = call.bridge.id if call.bridge is not None and call.bridge.open else None
    had = [bridge_id(call.id, number) for number in range(1, call.bridges + 1)]
    orders: list[Effect] = [CloseBridge(bridge=b) for b in had if b in seen.bridges and b != current]
    if current is not None and current not in seen.bridges:
        orders.append(OpenBridge(bridge=current))
    return orders


def _recording(stage: Scripted) -> list[Effect]:
    """A recording that goes on is not begun twice; of one that ended meanwhile it is told then."""
    if stage.recording is None:
        return []
    return (
        [stage.recording, StopRecording(recording=stage.recording.recording)] if stage.stopping else [stage.recording]
    )


def _to_hear(call: Call) -> list[Effect]:
    """What the agent shall hear, and what no longer: nobody hears "press 1" after pressing it, or comfort in a talk."""
    # All that ever played: which of their ends were ordered and not carried out is not written anywhere.
    played = (playback_id(call.id, number) for number in range(1, call.played + 1))
    orders: list[Effect] = [StopPlayback(playback=p) for p in played if p not in call.playbacks]
    kind: Comfort = "music" if call.request.notice == "music" else "tone"
    orders.extend(StartComfort(channel=channel, comfort=kind) for channel in call.comforted)
    agent = call.agent.up
    if agent is not None and not call.comforted and _comfort_gave_way(call):
        orders.append(StopComfort(channel=agent.channel))
    caller = call.customer.up if call.run is not None else None
    if caller is not None and caller.channel not in call.comforted:
        orders.append(StopComfort(channel=caller.channel))
    return orders


def _comfort_gave_way(call: Call) -> bool:
    """Comfort was ordered to stop; where the ringing tone took its place there was nothing to order."""
    if isinstance(call.stage, ReachingCustomer):
        return any(attempt.early_media for attempt in call.customer.live)
    return isinstance(call.stage, Talking | Explaining)


def _unfinished_attempt(call: Call, attempt: Attempt, seen: Seen) -> list[Effect]:
    there = attempt.channel in seen.channels
    if attempt.phase == "closing":
        return [HangUp(channel=attempt.channel)]
    if attempt.phase == "creating" and not there:
        route = attempt.route
        return [
            CreateChannel(
                channel=attempt.channel, endpoint=route.endpoint, caller_id=route.caller_id, life_s=call.request.life_s
            )
        ]
    if attempt.came:
        return _unfinished_caller(call, attempt) if there else []
    together = isinstance(call.stage, ReachingCustomer | Talking)
    awaited = attempt.phase == "ready" or (attempt.phase == "up" and together)
    if call.bridge is not None and there and awaited and not attempt.joined:
        return [JoinBridge(bridge=call.bridge.id, channel=attempt.channel)]
    return []


def _unfinished_caller(call: Call, attempt: Attempt) -> list[Effect]:
    """Whoever called: rung, answered and joined again, as far as it had come; each is harmless to one who has it. Who
    is being told why nobody answers stays unanswered."""
    orders: list[Effect] = []
    customer = call.customer.find(attempt.channel) is not None
    if attempt.phase != "ringing" or isinstance(call.stage, Explaining) or _hears_unanswered(call):
        pass
    elif customer and isinstance(call.stage, ReachingAgent | Offering | Confirming):
        orders.append(Ring(channel=attempt.channel))
    else:
        orders.append(Answer(channel=attempt.channel, life_s=call.request.life_s))
    if call.bridge is not None and not attempt.joined and isinstance(call.stage, ReachingCustomer | Talking):
        orders.append(JoinBridge(bridge=call.bridge.id, channel=attempt.channel))
    return orders


def _hears_unanswered(call: Call) -> bool:
    """Somebody in a scenario that has not answered them; where it rings for them that is ordered anew (`CaughtUp`)."""
    return isinstance(call.stage, Scripted) and not (call.run is not None and isinstance(call.run.phase, Answering))
