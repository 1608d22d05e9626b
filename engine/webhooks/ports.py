"""What deliveries need of the rest: rows that outlive everything. The composition root brings them from PostgreSQL."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from engine.calls.contract import Told


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver of events. `secret` signs."""

    name: str
    url: str
    secret: str


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery to be tried now: the oldest of its call for its receiver. `tries` were made before."""

    number: int
    event_id: str
    body: bytes
    tries: int


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try: an HTTP status, or None and why there is none."""

    status: int | None
    error: str | None
    took_s: float

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """The receiver wants no more, ever."""
        return self.status == 410


class Ledger(Protocol):
    """Deliveries as rows. Every method raises DatabaseAway while PostgreSQL does not answer; nothing is lost then."""

    async def position(self, journal_id: str) -> int:
        """The number of the last event of this journal that was written down for its receivers."""

    async def write_down(self, journal_id: str, after: int, events: Sequence[Told]) -> None:
        """One delivery for each event and each receiver that wants it, once; all of them or none. Does nothing when
        the position is no longer `after`."""

    async def waiting(self) -> list[Endpoint]:
        """Receivers with something due now."""

    async def due(self, endpoint: str, limit: int) -> list[Due]:
        """What is due for a receiver: at most one delivery of each call, always its oldest."""

    async def delivered(self, number: int, reply: Reply) -> None: ...

    async def failed(self, number: int, reply: Reply, again_in_s: float | None) -> None:
        """To be tried again, or (None) given up."""

    async def gone(self, endpoint: str, number: int, reply: Reply) -> None:
        """Switches the receiver off, and drops what waits for it."""
