"""What the far end saw: INVITEs, calls, and the telephones that are signed in there."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Invite:
    """One INVITE that began a call at the far end. `trunk` is the address it came to.

    `at`, as every time here, is seconds since 1970 by the far end's own clock: however busy the test is that looks.
    """

    number: str
    from_number: str  # "" when withheld
    from_name: str
    trunk: str
    at: float
    sip_call_id: str
    uniqueid: str  # of its channel; "" when the whole trunk refused it


@dataclass
class FarCall:
    """A call as the far end sees it: one of its channels. `cause` is Q.850, when it has ended."""

    number: str
    trunk: str
    channel: str
    uniqueid: str
    answered_at: float | None = None
    ended_at: float | None = None
    cause: int | None = None
    digits: str = ""  # keys it was sent

    @property
    def live(self) -> bool:
        return self.ended_at is None


@dataclass(frozen=True)
class Phone:
    """A telephone of an agent, registered as `user` with the contact user `contact` (which says how it behaves)."""

    name: str
    user: str
    contact: str
