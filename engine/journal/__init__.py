"""Append first, act second: this node's own record of every step, in a local SQLite file (WAL)."""

from engine.journal.journal import Journal
from engine.journal.rows import (
    Backlog,
    ClosedCall,
    ClosedState,
    EventBounds,
    EventRow,
    IdempotencyRow,
    OpenCall,
    OutboxKind,
    OutboxRow,
    StepRow,
)

__all__ = [
    "Backlog",
    "ClosedCall",
    "ClosedState",
    "EventBounds",
    "EventRow",
    "IdempotencyRow",
    "Journal",
    "OpenCall",
    "OutboxKind",
    "OutboxRow",
    "StepRow",
]
