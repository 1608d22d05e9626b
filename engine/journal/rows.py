"""What goes into the journal and what comes out of it. Payloads are JSON bytes that the journal never looks into."""

from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

OutboxKind = Literal["cdr", "disposition", "audit", "callback", "voicemail", "event"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class StepRow(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one call: what happened, what was ordered, and the state afterwards.

    `at` is UTC wall-clock time, for people; the order is `seq`, given by the journal (0 before it is written).
    `closed` says that the call is over with this step: it leaves the open calls and may be pruned later.
    """

    call_id: str
    at: datetime
    event: bytes
    effects: bytes
    state: bytes
    machine_version: str
    closed: bool = False
    seq: int = 0


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something others must learn, written in the same transaction as the step that caused it.

    Kind `event` is a call's public event: it goes to its own table, numbered for those who listen. All others wait in
    the outbox for PostgreSQL.
    """

    kind: OutboxKind
    payload: bytes
    call_id: str | None = None
    seq: int = 0


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """A public event as it was written: `payload` is JSON, `seq` its number and place on this node."""

    seq: int
    call_id: str
    payload: bytes


class EventBounds(msgspec.Struct, frozen=True):
    """The numbers of the public events that are held: `oldest` > `newest` when none is. `newest` was given last."""

    oldest: int
    newest: int


class IdempotencyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was accepted under an `Idempotency-Key`; `owner` is whose key it is (the token), so that two
    applications may use the same words. `answer` is the stored answer, None while the request is still running."""

    key: str
    owner: str
    body_hash: str
    at: datetime
    call_id: str | None = None
    answer: bytes | None = None


class OpenCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that is not over: where recovery starts from."""

    call_id: str
    state: bytes
    machine_version: str
    last_seq: int


class ClosedCall(msgspec.Struct, frozen=True, kw_only=True):
    """A finished call that the journal still holds; `payload` is its newest `cdr` outbox payload, if it has one."""

    call_id: str
    closed_seq: int
    closed_at: datetime
    payload: bytes | None


class ClosedState(msgspec.Struct, frozen=True, kw_only=True):
    """A finished call as it was when it ended."""

    call_id: str
    closed_seq: int
    state: bytes


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What PostgreSQL does not know yet: how many rows, and when the oldest was written."""

    rows: int
    oldest: datetime | None = None


def to_microseconds(at: datetime) -> int:
    """Microseconds since 1970, exactly; `at` must know its zone."""
    return (at - _EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """The UTC time `value` microseconds after 1970, exactly."""
    return _EPOCH + value * _MICROSECOND
