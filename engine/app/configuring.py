"""`engine config`: Asterisk's files as they follow from the directory in PostgreSQL."""

from collections.abc import Callable

from engine.app.directory_service import wanted_by_rollback
from engine.app.standalone import Pipeline
from engine.domain import directory_plan
from engine.domain.directory import Directory
from engine.store import directory

Say = Callable[[str], None]

HISTORY_LINES = 100


async def plan(opened: Pipeline, say: Say) -> bool:
    """Show where Asterisk's files, or a running Asterisk, differ from the directory; True if at all."""
    current = await opened.changes.current()
    planned = await opened.files.plan(current)
    if planned.changed:
        say(planned.diff)
        say(f"revision {current.revision}: {', '.join(planned.changed)} would change")
        return True
    wrong = await opened.files.verify(current)
    for mismatch in wrong:
        say(f"Asterisk has it otherwise: {mismatch}")
    if not wrong:
        say(f"revision {current.revision}: nothing to change")
    return bool(wrong)


async def apply(opened: Pipeline, say: Say) -> bool:
    """Make Asterisk have the directory, then ask it for every object of it; False if it has something otherwise."""
    made = await opened.changes.enforce()
    wrong = await opened.files.verify(made.now)
    say(f"Asterisk: {', '.join(made.asterisk.changed) or 'nothing to change'}")
    for mismatch in wrong:
        say(f"Asterisk has it otherwise: {mismatch}")
    if not wrong:
        say(f"revision {made.now.revision}: Asterisk has all of it")
    return not wrong


async def history(opened: Pipeline, say: Say) -> None:
    """Who changed the directory, newest first."""
    async with opened.db.connection() as connection:
        for revision in await directory.history(connection, HISTORY_LINES):
            say(f"{revision.revision:6} {revision.at:%Y-%m-%d %H:%M:%S}Z {revision.author:20} {revision.comment}")


async def rollback(opened: Pipeline, revision: int, *, dry_run: bool, author: str, say: Say) -> None:
    """Show what going back to a revision changes, and do it unless `dry_run`. Raises UnknownThing."""
    wanted_from = await wanted_by_rollback(opened.db, revision)

    def wanted(current: Directory) -> Directory:
        found = wanted_from(current)
        say(directory_plan.as_text(directory_plan.plan(current, found)))
        return found

    if dry_run:
        wanted(await opened.changes.current())
        return
    made = await opened.changes.make(wanted, author=author, comment=f"rollback to {revision}")
    say(f"Asterisk: {', '.join(made.asterisk.changed) or 'nothing to change'}")
    say(f"directory: revision {made.now.revision}")
