"""What a model of Asterisk holds: channels, bridges, prompts, comfort and recordings, and what it will never forget."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from engine.domain.moment import Moment
from engine.domain.recovery import ChannelState, Ending, Seen
from engine.domain.values import BridgeId, ChannelId, PlaybackId, RecordingId

FarEnd = Literal[
    "rings", "announces", "answers", "busy", "declines", "no trunk", "silent trunk", "hangs up", "vanishes"
]
ENDS: dict[FarEnd, tuple[int, int | None]] = {
    "busy": (17, 486),
    "declines": (21, 603),
    "no trunk": (34, 503),
    "silent trunk": (18, 408),
    "hangs up": (16, None),
    "vanishes": (0, None),
}


@dataclass
class Channel:
    state: ChannelState = "down"
    dialled: bool = False


@dataclass
class Asterisk:
    """What lives in Asterisk, and what it ever did."""

    channels: dict[ChannelId, Channel] = field(default_factory=dict)
    bridges: dict[BridgeId, set[ChannelId]] = field(default_factory=dict)
    playbacks: dict[PlaybackId, ChannelId] = field(default_factory=dict)
    comforted: set[ChannelId] = field(default_factory=set)
    recordings: dict[RecordingId, ChannelId] = field(default_factory=dict)
    stored: set[RecordingId] = field(default_factory=set)
    dials: Counter[ChannelId] = field(default_factory=Counter)
    cel: dict[ChannelId, Ending] = field(default_factory=dict)
    answered: dict[ChannelId, Moment] = field(default_factory=dict)

    def picture(self, at: Moment) -> Seen:
        return Seen(
            at=at,
            channels={name: channel.state for name, channel in self.channels.items()},
            bridges={name: frozenset(members) for name, members in self.bridges.items()},
            playbacks=frozenset(self.playbacks),
            endings=dict(self.cel),
            answers=dict(self.answered),
        )
