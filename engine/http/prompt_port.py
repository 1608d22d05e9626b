"""What the HTTP API needs of the house's recordings."""

from datetime import datetime
from typing import Protocol

import msgspec

from engine.calls.contract import Actor
from engine.domain.directory import Language


class PromptEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A recording of the house, in one language. `made_of`: the form it was uploaded in."""

    name: str
    language: Language
    comment: str | None
    seconds: float
    made_of: str
    author: str
    changed_at: datetime


class Prompts(Protocol):
    """All raise DatabaseAway while PostgreSQL does not answer; `one`, `audio` and `remove` UnknownThing where there is
    no such recording; `put` InvalidValue for a name or a file that is no good."""

    async def entries(self) -> list[PromptEntry]: ...
    async def one(self, name: str, language: str) -> PromptEntry: ...
    async def audio(self, name: str, language: str) -> bytes: ...
    async def put(self, name: str, language: str, upload: bytes, comment: str | None, actor: Actor) -> PromptEntry: ...
    async def remove(self, name: str, language: str, actor: Actor) -> None: ...
