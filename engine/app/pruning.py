"""What has been kept long enough is taken away: rows, journalled calls, and the recordings of callers."""

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from engine.app import auditing, callback_desk
from engine.ari.errors import AriError
from engine.domain import ids
from engine.errors import DatabaseAway

if TYPE_CHECKING:
    from engine.app.engine import Engine

log = structlog.get_logger(__name__)

KEEP_KEYS = timedelta(hours=72)
KEEP_EVENTS = timedelta(hours=72)
AT_ONCE = 1_000
"""Recordings taken away in one go: the next go takes the next ones."""


async def prune(engine: "Engine") -> None:
    """Rows in the journal and in PostgreSQL; while that is away, the next time."""
    now, settings = engine.clock.now().utc, engine.settings
    pruned = await engine.journal.prune(timedelta(hours=settings.journal.keep_h), now)
    await engine.journal.prune_idempotency(now - KEEP_KEYS)
    await engine.journal.prune_events(KEEP_EVENTS, now, engine.deliverer.position)
    with suppress(DatabaseAway):
        await engine.deliveries.forget_old()
        await engine.voicemails.forget_old()
        await callback_desk.forget_old(engine.db, days=settings.scenarios.callback_keep_days)
        await auditing.forget_old(engine.db, days=settings.postgres.audit_keep_days)
    if pruned:
        log.info("journal.pruned", calls=pruned)


async def forget_recordings(engine: "Engine") -> None:
    """What callers said in scenarios, in Asterisk's own folder: kept as long as the messages in mailboxes."""
    days = engine.settings.scenarios.voicemail_keep_days
    if not days:
        return
    since = engine.clock.now().utc - timedelta(days=days)
    try:
        found = await engine.ari.stored_recordings()
        old = [name for name in found if (at := ids.recorded_at(name)) is not None and at < since]
        for name in old[:AT_ONCE]:
            await engine.ari.remove_recording(name)
    except AriError as failed:
        log.warning("recordings.not_pruned", why=failed.message)
        return
    if old:
        log.info("recordings.pruned", recordings=min(len(old), AT_ONCE))
