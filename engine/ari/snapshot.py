"""Everything Asterisk has at one moment, as one value: what is compared with what we believe after each connect."""

from __future__ import annotations

from datetime import datetime

import msgspec

from engine.ari.resources import BridgeSnapshot, ChannelSnapshot

__all__ = ["BridgeSnapshot", "ChannelSnapshot", "Snapshot"]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Channels and bridges by id. All channels of this Asterisk are in it, also those that are not ours.

    `taken_at` is our clock just before the first GET was sent: all that happened before it is in the snapshot.
    Channels are read before bridges, so a bridge may name a channel born in between; the next snapshot has it.
    """

    taken_at: datetime
    startup_time: str
    channels: dict[str, ChannelSnapshot]
    bridges: dict[str, BridgeSnapshot]

    def bridge_of(self, channel_id: str) -> BridgeSnapshot | None:
        """The bridge a channel is in, if any."""
        return next((bridge for bridge in self.bridges.values() if channel_id in bridge.channels), None)
