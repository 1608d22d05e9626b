"""`engine call show|ladder|replay`: what happened in a call, from its journal.

The journal's file is only read, and a running engine is not held up by it; a call the node has already let go comes
from PostgreSQL. A recording (a file made by `show --lines`) stands wherever a call id does.
"""

import argparse
import asyncio
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from engine.commands import Subparsers, command, group, settings_of
from engine.errors import BadFile, InvalidValue, JournalDamaged, StandardisteError, Unavailable, UnknownThing

if TYPE_CHECKING:
    from engine.calls.replay import Report
    from engine.domain.scenario.graph import Program
    from engine.journal import StepRow

_TEACH = """\
examples:
  engine call show 01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e01
  engine call ladder 01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e01 -o call.svg
  engine call replay 01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e01
  engine call show --lines 01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e01 > call.jsonl; engine call replay call.jsonl
"""
_RECORDING = ".jsonl"


def register(subparsers: Subparsers) -> None:
    parser = command(subparsers, "call", None, summary="show, draw and replay one call", teach=_TEACH, config=False)
    words = group(parser)
    shown = command(words, "show", show, summary="what happened in a call, line by line", teach=_TEACH)
    shown.add_argument(
        "--lines", action="store_true", help="its journal, one line of JSON per step: all of it, business values too"
    )
    drawn = command(words, "ladder", ladder, summary="a call as a picture (SVG): legs as columns, time downwards")
    drawn.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to (default: standard output)")
    command(
        words,
        "replay",
        replay,
        summary="run a call's journal through this engine's machine and tell every difference",
        teach="Exit code 1 when a step cannot be read or comes out differently.\n\n" + _TEACH,
    )
    for word in words.choices.values():
        word.add_argument("call", metavar="ID", help=f"the call's id, or a recording of it (FILE{_RECORDING})")
        word.add_argument("--journal", type=Path, metavar="PATH", help="read this journal and nothing else")


def show(asked: argparse.Namespace) -> int:
    from engine.calls import recording
    from engine.calls.timeline import timeline

    rows = _steps(asked)
    sys.stdout.write(recording.to_lines(rows).decode() if asked.lines else timeline(rows))
    return 0


def ladder(asked: argparse.Namespace) -> int:
    from engine.calls.ladder import draw

    picture = draw(_steps(asked))
    if asked.output is None:
        sys.stdout.write(picture)
    else:
        try:
            asked.output.write_text(picture, "utf-8")
        except OSError as error:
            raise BadFile(f"{asked.output} cannot be written: {error.strerror}") from error
        print(asked.output, file=sys.stderr)
    return 0


def replay(asked: argparse.Namespace) -> int:
    from engine.calls.replay import replay as run_again

    report = run_again(_steps(asked), lambda version: _published(asked, version))
    for line in _told(report):
        print(line)
    return 0 if report.same else 1


def _published(asked: argparse.Namespace, version: str) -> "Program | None":
    """A version of a scenario that this node keeps."""
    from engine.sounds.recorded import named
    from engine.store import scenario_files

    kept = scenario_files.saved(settings_of(asked).state_dir / "scenarios", version)
    return named(kept.program, kept.recordings) if kept is not None else None


def _told(report: "Report") -> list[str]:
    """The report in words: what was compared, what differs, what it may mean."""
    from engine.calls.ladder_words import of_ending
    from engine.domain.call import MACHINE_VERSION

    wrote = ", ".join(report.versions)
    outcome, why = of_ending(report.call)
    told = [f"call {report.call_id}: {report.steps} steps by machine {wrote}, replayed by machine {MACHINE_VERSION}"]
    told += [f"  {one}" for one in (*report.unreadable, *report.differences)]
    if report.same:
        told.append(f"the same orders and the same states at every step; the call: {outcome}{', ' if why else ''}{why}")
        return told
    told.append(f"{len(report.differences)} differences, {len(report.unreadable)} parts that cannot be read")
    told.append("journalled is what was written then, replayed what this machine makes of the same events.")
    if report.other_version:
        told.append("Another version of the machine wrote this: differences may be meant. Nothing was changed by them.")
    else:
        told.append("The same version wrote it: the machine changed without a new version, or steps are missing.")
    return told


# -- where the steps come from -----------------------------------------------------------------------------------------


def _steps(asked: argparse.Namespace) -> "list[StepRow]":
    """The whole journal of the call asked for; raises UnknownThing, or why nobody could be asked."""
    if asked.call.endswith(_RECORDING):
        return _recorded(Path(asked.call))
    call_id = _call_id(asked.call)
    path: Path = asked.journal or settings_of(asked).journal_path
    if asked.journal is not None or path.exists():
        rows = _journalled(path, call_id)
        if rows:
            return rows
    if asked.journal is not None:
        raise UnknownThing(f"the journal {path} does not hold call {call_id}", code="unknown-call")
    return _archived(asked, path, call_id)


def _call_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise InvalidValue(f"{text!r} is no call id", what_next="engine cdr list shows them") from None


def _recorded(path: Path) -> "list[StepRow]":
    from engine.calls.recording import from_lines

    try:
        lines = path.read_bytes()
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror}") from error
    rows = from_lines(lines, str(path))
    if not rows:
        raise BadFile(f"{path} holds no step")
    return rows


def _journalled(path: Path, call_id: str) -> "list[StepRow]":
    """The journal's steps. Read-only, beside whoever writes: no lock is taken and nothing is waited for."""
    from engine.journal import file, reads

    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=file.BUSY_S)
        try:
            (found,) = connection.execute("PRAGMA application_id").fetchone()
            if found != file.APPLICATION_ID:
                raise JournalDamaged(f"{path} is not a journal of this engine", what_next="name another file")
            return reads.steps(connection, call_id)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise Unavailable(
            f"the journal {path} cannot be read: {error}", what_next="see whether it is there and yours to read"
        ) from error


def _archived(asked: argparse.Namespace, path: Path, call_id: str) -> "list[StepRow]":
    try:
        rows = asyncio.run(_from_postgres(asked, call_id))
    except StandardisteError as error:
        raise Unavailable(
            f"{_not_there(path)} call {call_id}, and PostgreSQL cannot be asked: {error.message}",
            what_next=error.what_next,
        ) from error
    if not rows:
        raise UnknownThing(
            f"{_not_there(path)} call {call_id}, and PostgreSQL does not either",
            what_next="engine cdr list shows the calls there are",
            code="unknown-call",
        )
    return rows


def _not_there(path: Path) -> str:
    return f"the journal {path} does not hold" if path.exists() else f"there is no journal {path} that could hold"


async def _from_postgres(asked: argparse.Namespace, call_id: str) -> "list[StepRow]":
    from engine.commands._database import opened
    from engine.journal import StepRow
    from engine.store.steps import call_steps

    async with opened(settings_of(asked)) as db, db.connection() as connection:
        steps = await call_steps(connection, call_id)
    return [
        StepRow(
            call_id=step.call_id,
            at=step.at,
            event=step.event,
            effects=step.effects,
            state=step.state,
            machine_version=step.machine_version,
            closed=step.closed,
            seq=step.seq,
        )
        for step in steps
    ]
