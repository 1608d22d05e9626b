"""Asterisk's events in the words of a call; what concerns no call is None."""

from __future__ import annotations

from engine.ari import events as ari
from engine.ari.resources import ChannelSnapshot
from engine.domain import events as ev
from engine.domain.moment import Moment
from engine.domain.recovery import ChannelState
from engine.domain.values import BridgeId, ChannelId, PlaybackId, RecordingId

_DIALSTATUS: dict[str, type[ev.ChannelRinging] | type[ev.ChannelProgressed] | type[ev.ChannelAnswered]] = {
    "RINGING": ev.ChannelRinging,
    "PROGRESS": ev.ChannelProgressed,
    "ANSWER": ev.ChannelAnswered,
}

_STATES: dict[str, type[ev.ChannelRinging] | type[ev.ChannelAnswered]] = {
    "Ringing": ev.ChannelRinging,
    "Up": ev.ChannelAnswered,
}


def translate(event: ari.AriEvent, at: Moment) -> tuple[str, ev.Event] | None:
    """What it is about (an id), and what happened."""
    found: tuple[str, ev.Event] | None = None
    match event:
        case ari.StasisStart(channel=channel):
            found = channel.id, ev.ChannelReady(at=at, channel=ChannelId(channel.id))
        case ari.Dial(dialstatus=status, peer=peer) if status in _DIALSTATUS:
            found = peer.id, _DIALSTATUS[status](at=at, channel=ChannelId(peer.id))
        case ari.ChannelStateChange(channel=channel) if channel.state in _STATES:
            found = channel.id, _STATES[channel.state](at=at, channel=ChannelId(channel.id))
        case ari.ChannelDestroyed(channel=channel, cause=cause, tech_cause=sip):
            found = channel.id, ev.ChannelEnded(at=at, channel=ChannelId(channel.id), cause=cause, sip_code=sip)
        case ari.ChannelDtmfReceived(channel=channel, digit=digit):
            found = channel.id, ev.DigitPressed(at=at, channel=ChannelId(channel.id), digit=digit)
        case ari.PlaybackFinished(playback=playback):
            heard = playback.state == "done"
            found = playback.id, ev.PlaybackEnded(at=at, playback=PlaybackId(playback.id), heard=heard)
        case ari.RecordingFinished(recording=recording):
            said = recording.talking_duration if recording.talking_duration is not None else recording.duration
            name = RecordingId(recording.name)
            found = recording.name, ev.RecordingEnded(at=at, recording=name, seconds=float(said or 0))
        case ari.RecordingFailed(recording=recording):
            name = RecordingId(recording.name)
            found = recording.name, ev.RecordingEnded(at=at, recording=name, kept=False)
        case ari.ChannelEnteredBridge(channel=channel, bridge=bridge) if channel is not None:
            found = channel.id, ev.ChannelJoined(at=at, channel=ChannelId(channel.id), bridge=BridgeId(bridge.id))
    return found


def state(channel: ChannelSnapshot) -> ChannelState:
    """Asterisk's channel state as far as a call cares."""
    if channel.state == "Up":
        return "up"
    return "ringing" if channel.state == "Ringing" else "down"
