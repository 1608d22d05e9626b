"""Asterisk's events, decoded once: `decode(raw) -> AriEvent`.

A type we do not know, or a known type with a shape we do not know, becomes `UnknownEvent` with its raw text: kept and
logged, never fatal. `at` is Asterisk's clock, in millisecond steps.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from engine.ari.resources import (
    BridgeSnapshot,
    ChannelSnapshot,
    ContactInfo,
    Endpoint,
    Peer,
    Playback,
    Recording,
    aware,
)


class Event(msgspec.Struct, frozen=True, tag_field="type", tag=True, kw_only=True):
    """What every event carries."""

    timestamp: str
    application: str = ""

    @property
    def at(self) -> datetime:
        """When it happened, by Asterisk's clock."""
        return aware(self.timestamp)


class StasisStart(Event, frozen=True, tag=True, kw_only=True):
    """A channel entered our application, with the arguments of `appArgs` or of the dialplan."""

    channel: ChannelSnapshot
    args: tuple[str, ...] = ()
    replace_channel: ChannelSnapshot | None = None


class StasisEnd(Event, frozen=True, tag=True, kw_only=True):
    """A channel left our application: hung up, *or* continued in the dialplan. Not a hang-up by itself.

    The last word on a channel that the dialplan sent us: we are subscribed to it no longer (res_stasis), and its
    `ChannelDestroyed` comes to nobody.
    """

    channel: ChannelSnapshot


class ChannelCreated(Event, frozen=True, tag=True, kw_only=True):
    """A channel exists."""

    channel: ChannelSnapshot


class ChannelStateChange(Event, frozen=True, tag=True, kw_only=True):
    """`channel.state` is the new state."""

    channel: ChannelSnapshot


class ChannelHangupRequest(Event, frozen=True, tag=True, kw_only=True):
    """Somebody asked for the channel's end; `StasisEnd` follows, and `ChannelDestroyed` if we made the channel.

    `soft`: Asterisk asked itself, and `cause` is its own flag (32: by ARI or the command line), not Q.850.
    """

    channel: ChannelSnapshot
    cause: int | None = None
    tech_cause: int | None = None
    soft: bool = False


class ChannelDestroyed(Event, frozen=True, tag=True, kw_only=True):
    """The channel is gone. `cause` is Q.850, `tech_cause` the SIP status if the far end gave one.

    19 with 480 is our own dial timeout. 0 on a channel that was up is a normal clearing (16).
    """

    channel: ChannelSnapshot
    cause: int
    cause_txt: str = ""
    tech_cause: int | None = None


class ChannelDtmfReceived(Event, frozen=True, tag=True, kw_only=True):
    """A key was released on the channel."""

    channel: ChannelSnapshot
    digit: str
    duration_ms: int = 0


class ChannelEnteredBridge(Event, frozen=True, tag=True, kw_only=True):
    """A channel is in a bridge; `bridge.channels` already counts it."""

    bridge: BridgeSnapshot
    channel: ChannelSnapshot | None = None


class ChannelLeftBridge(Event, frozen=True, tag=True, kw_only=True):
    """A channel is out of a bridge."""

    bridge: BridgeSnapshot
    channel: ChannelSnapshot


class ChannelTalkingStarted(Event, frozen=True, tag=True, kw_only=True):
    """Somebody speaks (TALK_DETECT was set)."""

    channel: ChannelSnapshot


class ChannelTalkingFinished(Event, frozen=True, tag=True, kw_only=True):
    """Somebody stopped speaking after `duration` milliseconds."""

    channel: ChannelSnapshot
    duration: int = 0


class ChannelToneDetected(Event, frozen=True, tag=True, kw_only=True):
    """The tone asked of TONE_DETECT was heard; Asterisk does not say which detector."""

    channel: ChannelSnapshot


class ChannelHold(Event, frozen=True, tag=True, kw_only=True):
    """The phone put us on hold."""

    channel: ChannelSnapshot
    musicclass: str = ""


class ChannelUnhold(Event, frozen=True, tag=True, kw_only=True):
    """The phone took us back."""

    channel: ChannelSnapshot


class Dial(Event, frozen=True, tag=True, kw_only=True):
    """Progress of a dialled leg: dialstatus '' (started), RINGING, PROGRESS, ANSWER, CANCEL, BUSY, ...

    A failed create+dial leg sends no last Dial: its end is `ChannelDestroyed`.
    """

    peer: ChannelSnapshot
    dialstatus: str = ""
    caller: ChannelSnapshot | None = None
    dialstring: str = ""
    forward: str = ""


class BridgeCreated(Event, frozen=True, tag=True, kw_only=True):
    """A bridge exists."""

    bridge: BridgeSnapshot


class BridgeDestroyed(Event, frozen=True, tag=True, kw_only=True):
    """A bridge is gone; its channels stay."""

    bridge: BridgeSnapshot


class BridgeBlindTransfer(Event, frozen=True, tag=True, kw_only=True):
    """A phone transferred its call by itself."""

    channel: ChannelSnapshot
    exten: str
    context: str
    result: str
    is_external: bool = False


class PlaybackStarted(Event, frozen=True, tag=True, kw_only=True):
    """The first sound of a playback begins."""

    playback: Playback


class PlaybackContinuing(Event, frozen=True, tag=True, kw_only=True):
    """The next sound of a playback begins."""

    playback: Playback


class PlaybackFinished(Event, frozen=True, tag=True, kw_only=True):
    """A playback ended, was stopped (also `done`), or failed: the state reflects the last sound only."""

    playback: Playback


class RecordingStarted(Event, frozen=True, tag=True, kw_only=True):
    """A recording began."""

    recording: Recording


class RecordingFinished(Event, frozen=True, tag=True, kw_only=True):
    """A recording's file is complete."""

    recording: Recording


class RecordingFailed(Event, frozen=True, tag=True, kw_only=True):
    """A recording could not begin or go on; `recording.cause` says why."""

    recording: Recording


class ContactStatusChange(Event, frozen=True, tag=True, kw_only=True):
    """A registered device appeared, went or stopped answering."""

    endpoint: Endpoint
    contact_info: ContactInfo


class PeerStatusChange(Event, frozen=True, tag=True, kw_only=True):
    """An endpoint became reachable or unreachable."""

    endpoint: Endpoint
    peer: Peer


class EndpointStateChange(Event, frozen=True, tag=True, kw_only=True):
    """An endpoint went online or offline."""

    endpoint: Endpoint


class DeviceState(msgspec.Struct, frozen=True):
    """A device and its state (INUSE, NOT_INUSE, RINGING, ...)."""

    name: str
    state: str


class DeviceStateChanged(Event, frozen=True, tag=True, kw_only=True):
    """A device's state as other phones' lamps show it."""

    device_state: DeviceState


class ApplicationReplaced(Event, frozen=True, tag=True, kw_only=True):
    """Another engine took our application: we get nothing more and must stop acting."""


class ApplicationMoveFailed(Event, frozen=True, tag=True, kw_only=True):
    """A channel could not be moved to another application."""

    channel: ChannelSnapshot
    destination: str
    args: tuple[str, ...] = ()


class UnknownEvent(msgspec.Struct, frozen=True):
    """Something this engine does not know; `type` is empty if it is not even an object with a type."""

    type: str
    raw: str
    why: str = ""


KnownEvent = (
    StasisStart
    | StasisEnd
    | ChannelCreated
    | ChannelStateChange
    | ChannelHangupRequest
    | ChannelDestroyed
    | ChannelDtmfReceived
    | ChannelEnteredBridge
    | ChannelLeftBridge
    | ChannelTalkingStarted
    | ChannelTalkingFinished
    | ChannelToneDetected
    | ChannelHold
    | ChannelUnhold
    | Dial
    | BridgeCreated
    | BridgeDestroyed
    | BridgeBlindTransfer
    | PlaybackStarted
    | PlaybackContinuing
    | PlaybackFinished
    | RecordingStarted
    | RecordingFinished
    | RecordingFailed
    | ContactStatusChange
    | PeerStatusChange
    | EndpointStateChange
    | DeviceStateChanged
    | ApplicationReplaced
    | ApplicationMoveFailed
)
AriEvent = KnownEvent | UnknownEvent

_known: msgspec.json.Decoder[KnownEvent] = msgspec.json.Decoder(KnownEvent)


class _Head(msgspec.Struct):
    type: str = ""


def decode(raw: bytes | str) -> AriEvent:
    """One frame of the event socket as a typed event; never raises."""
    try:
        return _known.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as refused:
        return _unknown(raw, str(refused))


def _unknown(raw: bytes | str, why: str) -> UnknownEvent:
    text = raw if isinstance(raw, str) else raw.decode(errors="replace")
    try:
        name = msgspec.json.decode(text, type=_Head).type
    except msgspec.DecodeError:
        name = ""
    return UnknownEvent(name, text, why)


def channel_id(event: AriEvent) -> str | None:
    """The channel an event is about, if it is about one (a Dial is about its peer; a playback about its target)."""
    match event:
        case Dial():
            return event.peer.id
        case PlaybackStarted() | PlaybackContinuing() | PlaybackFinished():
            return _target(event.playback.target_uri)
        case RecordingStarted() | RecordingFinished() | RecordingFailed():
            return _target(event.recording.target_uri)
        case _:
            found = getattr(event, "channel", None)
            return found.id if isinstance(found, ChannelSnapshot) else None


def _target(uri: str) -> str | None:
    kind, _, name = uri.partition(":")
    return name if kind == "channel" else None
