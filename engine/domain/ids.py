"""Names we give to things in Asterisk, all derived from the call's id and all of one length.

Asterisk refuses a new channel id of which a living one is a *prefix* (or the other way round), hence the one length:
32 hexadecimal digits of the call's UUID, a hyphen, one letter for the kind, four digits.
"""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID, uuid5

from engine.domain.values import BridgeId, CallId, ChannelId, PlaybackId, RecordingId

Role = Literal["agent", "customer"]

_LETTER: dict[Role, str] = {"agent": "a", "customer": "c"}
_LENGTH = 32 + 1 + 1 + 4


def channel_id(call: CallId, role: Role, attempt: int) -> ChannelId:
    """The id of the channel of one attempt; attempts count from 1."""
    return ChannelId(_derive(call, _LETTER[role], attempt))


def bridge_id(call: CallId, number: int = 1) -> BridgeId:
    """The id of a call's bridge; a bridge id is never used twice (Asterisk keeps stale topics)."""
    return BridgeId(_derive(call, "b", number))


def playback_id(call: CallId, number: int) -> PlaybackId:
    return PlaybackId(_derive(call, "p", number))


def recording_id(call: CallId, number: int) -> RecordingId:
    """The name of a recording, in Asterisk and as a file."""
    return RecordingId(_derive(call, "r", number))


def message_recording(call: CallId, message: str) -> RecordingId:
    """The recording of what a scenario calls `message-7`: the one it ordered under that number."""
    return recording_id(call, int(message.rpartition("-")[2]))


def question_id(call: CallId, number: int) -> str:
    """The id of what a question of a call's scenario leaves behind: one thing, however often it is asked."""
    return str(uuid5(UUID(call), str(number)))


def owner(thing: str) -> CallId | None:
    """The call that a channel, bridge or playback belongs to by its name; None when the name is not ours."""
    if len(thing) != _LENGTH or thing[32] != "-":
        return None
    try:
        return CallId(str(UUID(hex=thing[:32])))
    except ValueError:
        return None


def recorded_at(thing: str) -> datetime | None:
    """When the call of a recording began, by its name: its id has the time in it (RFC 9562 section 5.7). None when the
    name is no recording of ours."""
    call = owner(thing)
    if call is None or thing[33] != "r":
        return None
    return datetime.fromtimestamp((UUID(call).int >> 80) / 1000, UTC)


def _derive(call: CallId, letter: str, number: int) -> str:
    return f"{UUID(call).hex}-{letter}{number:04d}"
