"""Rows of `audit`: who changed what, and what which rule refused. The journal keeps them until PostgreSQL does, and
PostgreSQL for as long as the house wants."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
import structlog

from engine.calls.contract import Actor
from engine.errors import JournalUnwritable
from engine.journal import OutboxRow
from engine.store import forgetting
from engine.store.audit import forget
from engine.store.pool import Database

log = structlog.get_logger(__name__)


class Audit(Protocol):
    """The part of the journal an audit row needs."""

    async def report(self, rows: Sequence[OutboxRow]) -> None:
        """Keep these until PostgreSQL has them; raises JournalUnwritable."""


async def note(
    audit: Audit,
    actor: Actor,
    action: str,
    message: str,
    *,
    rule: str | None = None,
    request: Mapping[str, Any] | None = None,
) -> None:
    """Keep one row: of a change that was made, or of one that `rule` refused. `request` is without its secrets.

    Never raises JournalUnwritable: whoever asked is told what became of the change all the same.
    """
    payload = {
        "at": datetime.now(UTC),
        "actor": actor.name,
        "action": action,
        "message": message,
        "rule": rule,
        "request": request or {},
    }
    try:
        await audit.report((OutboxRow(kind="audit", payload=msgspec.json.encode(payload)),))
    except JournalUnwritable as unwritable:  # who did it is in the log, at least
        log.error("audit.not_kept", action=action, actor=actor.name, rule=rule, why=unwritable.message)


async def forget_old(db: Database, *, days: int) -> None:
    """Take rows older than this away; 0 days keeps them for ever. Raises DatabaseAway."""
    await forgetting.forget_after(db, "audit", forget, days=days)
