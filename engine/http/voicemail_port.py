"""What the HTTP API needs of the messages callers left."""

from pathlib import Path
from typing import Protocol

import msgspec

from engine.calls.contract import Actor
from engine.domain.voicemails import Voicemail


class VoicemailPage(msgspec.Struct, frozen=True):
    """Messages, the oldest first; `next` is the `after` of the page that follows, null on the last."""

    items: list[Voicemail]
    next: int | None


class Voicemails(Protocol):
    """All raise DatabaseAway while PostgreSQL does not answer, and UnknownThing for a message there is not."""

    async def page(self, mailbox: str | None, heard: bool | None, after: int, limit: int) -> VoicemailPage: ...

    async def sound(self, name: str) -> Path:
        """A WAV file."""
        ...

    async def hear(self, name: str, heard: bool, actor: Actor) -> Voicemail: ...

    async def delete(self, name: str, actor: Actor) -> None: ...
