"""`engine import`: a directory file into PostgreSQL and into Asterisk, both or neither."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from engine.app.standalone import pipeline
from engine.config.directory_file import load_directory_file
from engine.domain import calendar_findings, directory_plan
from engine.domain.directory import Directory
from engine.settings import Settings

Say = Callable[[str], None]


async def import_file(settings: Settings, dsn: str, path: Path, *, dry_run: bool, author: str, say: Say) -> Directory:
    """Show the plan and what is doubtful in it, then carry it out unless `dry_run`; the directory as it is afterwards.

    If Asterisk does not take it, nothing is changed anywhere (ConfigRejected). Importing the same file again changes
    nothing. Raises BadFile with every mistake of the file at once.
    """

    def wanted(current: Directory) -> Directory:
        found = load_directory_file(path, current)
        say(directory_plan.as_text(directory_plan.plan(current, found)))
        for name, doubts in calendar_findings.doubts(found, datetime.now(UTC).date()).items():
            say("\n".join(f"doubtful: calendar {name}: {doubt.message}" for doubt in doubts))
        return found

    async with pipeline(settings, dsn) as opened:
        if dry_run:
            current = await opened.changes.current()
            wanted(current)
            return current
        made = await opened.changes.make(wanted, author=author, comment=f"import {path.name}")
        say(f"Asterisk: {', '.join(made.asterisk.changed) or 'nothing to change'}")
        say(f"directory: revision {made.now.revision}")
        return made.now
