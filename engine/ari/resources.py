"""What Asterisk says about its channels, bridges, playbacks and recordings, as typed values.

Only what the engine reads is declared: unknown fields are skipped, so that the next Asterisk does not break us.
Shapes from Asterisk's own `rest-api/*.json` (22.10).
"""

from __future__ import annotations

from datetime import datetime

import msgspec


def aware(text: str) -> datetime:
    """Asterisk's `2026-11-20T18:50:14.622+0000` as an aware datetime (its clock, millisecond steps)."""
    return datetime.fromisoformat(text)


class Party(msgspec.Struct, frozen=True):
    """A name and number as Asterisk shows them; either may be empty."""

    name: str = ""
    number: str = ""


class Dialplan(msgspec.Struct, frozen=True):
    """Where a channel is: `app_name` is `Stasis` while it is ours, `app_data` then `app,arg,arg...`."""

    context: str = ""
    exten: str = ""
    priority: int = 0
    app_name: str = ""
    app_data: str = ""


class ChannelSnapshot(msgspec.Struct, frozen=True):
    """One channel at one moment. `state` is Down, Ring, Ringing, Up, ...; `protocol_id` the SIP Call-ID."""

    id: str
    name: str
    state: str
    caller: Party = Party()
    connected: Party = Party()
    dialplan: Dialplan = Dialplan()
    creationtime: str = ""
    protocol_id: str = ""
    accountcode: str = ""
    language: str = ""
    channelvars: dict[str, str | None] = {}

    @property
    def created_at(self) -> datetime:
        """When Asterisk made the channel."""
        return aware(self.creationtime)

    @property
    def is_up(self) -> bool:
        """Answered (by the phone or, on some gateways, by the gateway)."""
        return self.state == "Up"

    @property
    def stasis_args(self) -> tuple[str, ...]:
        """The application and its arguments while the channel is in Stasis, else nothing.

        Stale after a move to another application: Asterisk keeps showing the old one.
        """
        return tuple(self.dialplan.app_data.split(",")) if self.dialplan.app_name == "Stasis" else ()


class BridgeSnapshot(msgspec.Struct, frozen=True):
    """One bridge and the ids of the channels in it; `technology` is simple_bridge, native_rtp, softmix, ..."""

    id: str
    bridge_type: str = ""
    technology: str = ""
    name: str = ""
    creator: str = ""
    channels: tuple[str, ...] = ()
    bridgevars: dict[str, str | None] = {}


class Playback(msgspec.Struct, frozen=True):
    """A prompt being played; `target_uri` is `channel:<id>` or `bridge:<id>`; `state` ends as done or failed."""

    id: str
    media_uri: str = ""
    target_uri: str = ""
    state: str = ""
    next_media_uri: str = ""


class Recording(msgspec.Struct, frozen=True):
    """A recording being made; durations in whole seconds, `cause` why it failed.

    `talking_duration`, of which nobody was silent, is known of recordings that silence ends.
    """

    name: str
    format: str = ""
    state: str = ""
    target_uri: str = ""
    duration: int | None = None
    talking_duration: int | None = None
    cause: str = ""


class Endpoint(msgspec.Struct, frozen=True):
    """A SIP account as Asterisk sees it; `state` is online, offline or unknown."""

    technology: str
    resource: str
    state: str = ""
    channel_ids: tuple[str, ...] = ()


class ContactInfo(msgspec.Struct, frozen=True):
    """One registered device of an address of record."""

    uri: str
    contact_status: str
    aor: str
    roundtrip_usec: str = ""


class Peer(msgspec.Struct, frozen=True):
    """Reachability of an endpoint: `peer_status` is Reachable, Unreachable, Registered, ..."""

    peer_status: str
    cause: str = ""
    address: str = ""
    port: str = ""


class AsteriskInfo(msgspec.Struct, frozen=True):
    """What `GET /asterisk/info` tells us that we use."""

    version: str
    startup_time: str
    last_reload_time: str
