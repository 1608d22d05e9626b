"""Rows for the journal's tests."""

from datetime import UTC, datetime, timedelta

from engine.journal import IdempotencyRow, OutboxRow, StepRow

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)


def step(call_id: str = "call-1", number: int = 1, *, closed: bool = False, at: datetime = NOON) -> StepRow:
    return StepRow(
        call_id=call_id,
        at=at,
        event=b'{"n":%d}' % number,
        effects=b"[]",
        state=b'{"after":%d}' % number,
        machine_version="1",
        closed=closed,
    )


def cdr(call_id: str = "call-1", text: bytes = b"{}") -> OutboxRow:
    return OutboxRow(kind="cdr", call_id=call_id, payload=text)


def key(name: str = "k", *, call_id: str = "call-1", body: str = "h", at: datetime = NOON) -> IdempotencyRow:
    return IdempotencyRow(key=name, owner="crm", body_hash=body, at=at, call_id=call_id)


DAY = timedelta(days=1)
