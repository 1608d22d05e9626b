"""What the store needs of a journal. It is described here and not imported, so that the two rooms stay apart."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from engine.domain.cdr import CallRecord, Disposition


class OutboxItem(Protocol):
    """One thing PostgreSQL must learn."""

    @property
    def seq(self) -> int: ...
    @property
    def kind(self) -> str: ...  # of `delivery`; anything else becomes a dead letter
    @property
    def call_id(self) -> str | None: ...
    @property
    def payload(self) -> bytes: ...


class JournalStep(Protocol):
    """One step of a call, its parts as JSON bytes."""

    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def event(self) -> bytes: ...
    @property
    def effects(self) -> bytes: ...
    @property
    def state(self) -> bytes: ...
    @property
    def machine_version(self) -> str: ...
    @property
    def closed(self) -> bool: ...


class OutboxSource(Protocol):
    """Where the shipper takes from, in order; `journal_id` tells one journal's numbers from another's."""

    @property
    def journal_id(self) -> str: ...
    async def outbox(self, limit: int, after: int = 0) -> Sequence[OutboxItem]: ...
    async def shipped(self, seqs: Sequence[int]) -> None: ...
    async def steps(self, call_id: str) -> Sequence[JournalStep]: ...


class CdrPayload(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of kind `cdr`; `steps` asks for the call's journal to be stored too."""

    record: CallRecord
    steps: bool = False


class DispositionPayload(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of kind `disposition`."""

    call_id: str
    code: str
    at: datetime
    note: str | None = None
    fields: dict[str, Any] | None = None

    @property
    def disposition(self) -> Disposition:
        """What was said, without when."""
        return Disposition(code=self.code, note=self.note, fields=self.fields)


class AuditPayload(msgspec.Struct, frozen=True, kw_only=True):
    """Payload of kind `audit`: a refused request (`rule` names what refused it) or a change that was made."""

    at: datetime
    actor: str
    action: str
    message: str
    rule: str | None = None
    request: Any = None
