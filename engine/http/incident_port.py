"""What the HTTP API needs of incidents."""

from datetime import datetime
from typing import Protocol

import msgspec

from engine.calls.contract import Actor


class IncidentWish(msgspec.Struct, frozen=True, kw_only=True):
    """A flag as somebody wants it set. No `expires_at`: until it is cleared."""

    message_fr: str | None = None
    message_en: str | None = None
    expires_at: datetime | None = None


class IncidentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A flag there is, and how it stands; what is null is unknown while it is not set."""

    code: str
    label_fr: str
    label_en: str
    active: bool
    author: str | None = None
    message_fr: str | None = None
    message_en: str | None = None
    set_at: datetime | None = None
    expires_at: datetime | None = None


class Incidents(Protocol):
    """The flags of the house. `set` and `clear` raise UnknownThing for a flag there is not, DatabaseAway while
    PostgreSQL does not answer, and InvalidValue for a time that is over."""

    def entries(self) -> list[IncidentEntry]: ...
    async def set(self, code: str, wish: IncidentWish, actor: Actor) -> None: ...
    async def clear(self, code: str, actor: Actor) -> None: ...
