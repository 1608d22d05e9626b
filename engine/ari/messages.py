"""What the connection tells its consumer, in this order within an epoch:

    Connected  →  Received...  →  Resnapshot  →  Received... (Resnapshot now and then)  →  Disconnected

and at the very end, if another engine took over, Replaced. An epoch is one life of the socket; its number only grows
while this process lives.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.ari.events import AriEvent
from engine.ari.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Connected:
    """A new epoch: compare all you believe with the snapshot before taking the next message.

    `asterisk_restarted`: the start time differs from the one known before; every channel of before is gone.
    """

    epoch: int
    snapshot: Snapshot
    asterisk_restarted: bool


@dataclass(frozen=True, slots=True)
class Resnapshot:
    """The state read again: after the first backlog, then as a periodic audit. Events before it were delivered.

    It may already show what the next few events will say.
    """

    epoch: int
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Received:
    """One event. It may be a duplicate, or already contained in the last snapshot."""

    epoch: int
    event: AriEvent


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The socket is gone: events are being lost from now on; commands may still work."""

    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """Another engine took our application and left its name (engine.ari.ownership). Stop acting: nothing more comes."""

    epoch: int


Message = Connected | Resnapshot | Received | Disconnected | Replaced
