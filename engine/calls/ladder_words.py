"""What the steps of a call say in its ladder picture: one short sentence for each event and each order.

Numbers dialled and causes appear; business values (variables, campaign, notes, the code of a disposition) never do.
"""

import msgspec

from engine.calls.ladder_led import of_order, of_scenario, spoken
from engine.calls.ladder_saying import Saying, Tone
from engine.domain import causes
from engine.domain.call import Call
from engine.domain.effects import (
    CloseBridge,
    CreateChannel,
    DialChannel,
    Effect,
    HangUp,
    JoinBridge,
    OpenBridge,
    Play,
    StartComfort,
    StopComfort,
    StopPlayback,
    Utter,
)
from engine.domain.events import (
    AsteriskLost,
    CallRequested,
    ChannelAnswered,
    ChannelEnded,
    ChannelJoined,
    ChannelProgressed,
    ChannelReady,
    ChannelRefused,
    ChannelRinging,
    DialInDoubt,
    DialSent,
    DigitPressed,
    Disposed,
    EngineRestarted,
    Event,
    FinishOrdered,
    JoinFailed,
    MemberChosen,
    PlaybackEnded,
    TimerFired,
    TrunkChosen,
)
from engine.domain.request import ConnectRequest
from engine.domain.values import PlaybackId


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What earlier steps said and later ones refer to."""

    prompts: dict[PlaybackId, Play | Utter]
    timers: dict[str, float]  # name -> seconds it was set to


_FACTS: dict[type[Event], tuple[str, Tone]] = {
    ChannelReady: ("channel ready", "muted"),
    DialSent: ("dial taken", "muted"),
    ChannelRinging: ("180 ringing", "plain"),
    ChannelProgressed: ("183 early media", "plain"),
    ChannelAnswered: ("200 answered", "good"),
    ChannelJoined: ("in bridge", "muted"),
    DialInDoubt: ("perhaps dialled, perhaps not", "warn"),
}
_ORDERS: dict[type[Effect], tuple[str, Tone]] = {
    CreateChannel: ("create channel", "muted"),
    HangUp: ("hang up", "plain"),
    JoinBridge: ("join bridge", "muted"),
    StopComfort: ("stop waiting sound", "muted"),
}


def of_event(event: Event, known: Known) -> Saying:
    """What an event says; every event says something."""
    match event:
        case ChannelEnded():
            return _of_end(event)
        case ChannelRefused(channel=channel, why=why):
            return Saying(kind="fact", channel=channel, text="refused by Asterisk", below=why, tone="bad")
        case JoinFailed(channel=channel, why=why):
            return Saying(kind="fact", channel=channel, text="could not join", below=why, tone="bad")
        case DigitPressed(channel=channel, digit=digit):
            return Saying(kind="fact", channel=channel, text=f"key {digit}")
        case PlaybackEnded():
            return _of_prompt_end(event, known)
        case _:
            return _of_engine(event, known) or _of_fact(event)


def of_effect(effect: Effect, known: Known) -> Saying | None:
    """None: an order the picture does not show (timers being set, trunks being asked: their events tell)."""
    said: Saying | None = None
    match effect:
        case DialChannel(channel=channel, timeout_s=limit):
            said = Saying(kind="order", channel=channel, text=f"dial (INVITE), at most {limit} s")
        case Play(channel=channel, prompt=prompt, language=language):
            said = Saying(kind="order", channel=channel, text=f"play {prompt} ({language})")
        case Utter(channel=channel, language=language):
            said = Saying(kind="order", channel=channel, text=f"say {spoken(effect)} ({language})")
        case StopPlayback(playback=playback) if playback in known.prompts:
            play = known.prompts[playback]
            said = Saying(kind="order", channel=play.channel, text=f"stop {spoken(play)}", tone="muted")
        case StartComfort(channel=channel, comfort=comfort):
            said = Saying(kind="order", channel=channel, text=f"{comfort} while waiting")
        case CreateChannel() | HangUp() | JoinBridge() | StopComfort():
            text, tone = _ORDERS[type(effect)]
            said = Saying(kind="order", channel=effect.channel, text=text, tone=tone)
        case OpenBridge() | CloseBridge():
            text = "open bridge" if isinstance(effect, OpenBridge) else "close bridge"
            said = Saying(kind="note", text=text, tone="muted")
        case _:
            said = of_order(effect)
    return said


def of_ending(call: Call | None) -> tuple[str, str]:
    """How the call ended: the outcome, and who ended it and why; for a living call its stage."""
    if call is None:
        return "unreadable", ""
    verdict = getattr(call.stage, "verdict", None)
    if verdict is None or not call.closed:
        return "living", ""
    parts = [f"ended by {verdict.hangup_by}"]
    if verdict.cause is not None:
        parts.append(f"cause {verdict.cause} {causes.text(verdict.cause)}")
    if verdict.sip_code is not None:
        parts.append(f"SIP {verdict.sip_code}")
    if verdict.rule is not None:
        parts.append(verdict.rule)
    return verdict.outcome, " · ".join(parts)


def who_is_asked(request: ConnectRequest) -> str:
    """The agent and where they are reached; of a call for a group that nobody took, the group."""
    led = f"Scenario {request.scenario.name}" if request.scenario is not None else ""
    of_group = f"Group {request.group.id}" if request.group is not None and request.group.id is not None else led
    if request.agent is None:
        return of_group
    agent = f"agent {request.agent} ({request.mode} {request.agent_number})"
    return f"{of_group}, {agent}" if of_group else f"A{agent[1:]}"


def seconds(value: float) -> str:
    """0.4 s, 12.4 s, 3 min 20 s."""
    if value < 120:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def _of_fact(event: Event) -> Saying:
    text, tone = _FACTS.get(type(event), (type(event).__name__, "muted"))
    channel = str(getattr(event, "channel", ""))
    return Saying(kind="fact" if channel else "note", channel=channel, text=text, tone=tone)


def _of_end(event: ChannelEnded) -> Saying:
    if event.missed and event.cause is None:
        return Saying(kind="fact", channel=event.channel, text="gone, nobody saw how", tone="warn")
    cause = f" {event.cause} {causes.text(event.cause)}" if event.cause is not None else ""
    below = f"SIP {event.sip_code}" if event.sip_code is not None else ""
    bad = event.cause not in (None, 0, 16) or (event.sip_code or 0) >= 400
    return Saying(kind="fact", channel=event.channel, text=f"gone:{cause}", below=below, tone="bad" if bad else "plain")


def _of_prompt_end(event: PlaybackEnded, known: Known) -> Saying:
    play = known.prompts.get(event.playback)
    if play is None:
        return Saying(kind="note", text=f"prompt {event.playback[-4:]} ended", tone="muted")
    if event.heard:
        return Saying(kind="fact", channel=play.channel, text=f"{spoken(play)} ended", tone="muted")
    return Saying(kind="fact", channel=play.channel, text=f"{spoken(play)} was not heard", tone="warn")


def _of_engine(event: Event, known: Known) -> Saying | None:
    """What is no channel's own affair; None when it is."""
    said: Saying | None = None
    match event:
        case CallRequested(request=request) if request.scenario is not None:
            said = Saying(kind="note", text=f"call for scenario {request.scenario.name}")
        case CallRequested(request=request) if request.group is not None:
            said = Saying(kind="note", text=f"call for group {request.group.id}, {request.group.strategy}")
        case CallRequested(request=request):
            said = Saying(kind="note", text=f"call requested, agent by {request.mode}")
        case MemberChosen(member=member, free=free):
            said = Saying(kind="note", text=f"{member} is {'free' if free else 'busy'}", tone="muted")
        case TrunkChosen(role=role, trunk=None):
            said = Saying(kind="note", text=f"no free trunk for the {role}", tone="bad")
        case TrunkChosen(role=role, trunk=trunk):
            said = Saying(kind="note", text=f"next trunk for the {role}: {trunk}")
        case TimerFired(timer=timer):
            after = f", {known.timers[timer]:g} s" if timer in known.timers else ""
            said = Saying(kind="note", text=f"timer {timer} fired{after}", tone="warn")
        case FinishOrdered(by=by, rule=rule):
            text = "ordered to end (DELETE)" if by == "api" else f"ended by {rule or 'the engine itself'}"
            said = Saying(kind="note", text=text, tone="warn")
        case Disposed():
            said = Saying(kind="note", text="qualified", tone="muted")
        case EngineRestarted():
            said = Saying(kind="rule", text="engine restarted, call re-owned", tone="bad")
        case AsteriskLost():
            said = Saying(kind="rule", text="Asterisk lost: every channel is gone", tone="bad")
        case _:
            said = of_scenario(event)
    return said
