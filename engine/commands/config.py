"""`engine config plan|apply|history|rollback`: Asterisk's files as code."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from engine.commands import Subparsers, command, group, settings_of

if TYPE_CHECKING:
    from engine.app.standalone import Pipeline

_TEACH = """\
  engine config plan                 how Asterisk's files differ from the directory in PostgreSQL; exit code 1 if at all
  engine config apply                make Asterisk have the directory, and read it back
  engine config history              who changed the directory, when and why
  engine config rollback 12 --plan   what going back to revision 12 would change
  engine config rollback 12          go back, as a new revision; old secrets and disabled accounts do not come back
Secrets are never shown.
"""


def register(subparsers: Subparsers) -> None:
    parser = command(
        subparsers, "config", None, summary="compare, apply and roll back Asterisk's files", teach=_TEACH, config=False
    )
    words = group(parser)
    command(words, "plan", _plan, summary="show what would change in Asterisk's files")
    command(words, "apply", _apply, summary="make Asterisk have the directory")
    command(words, "history", _history, summary="list the directory's revisions")
    rollback = command(words, "rollback", _rollback, summary="go back to a revision of the directory")
    rollback.add_argument("revision", type=int, metavar="REVISION")
    rollback.add_argument("--plan", action="store_true", help="only show what would change")


def _plan(asked: argparse.Namespace) -> int:
    from engine.app import configuring

    return 1 if _with_pipeline(asked, lambda opened: configuring.plan(opened, print)) else 0


def _apply(asked: argparse.Namespace) -> int:
    from engine.app import configuring

    return 0 if _with_pipeline(asked, lambda opened: configuring.apply(opened, print)) else 1


def _history(asked: argparse.Namespace) -> int:
    from engine.app import configuring

    _with_pipeline(asked, lambda opened: configuring.history(opened, print))
    return 0


def _rollback(asked: argparse.Namespace) -> int:
    from engine.app import configuring

    author = getpass.getuser()
    _with_pipeline(
        asked,
        lambda opened: configuring.rollback(opened, asked.revision, dry_run=asked.plan, author=author, say=print),
    )
    return 0


def _with_pipeline(asked: argparse.Namespace, work: "Callable[[Pipeline], Awaitable[bool | None]]") -> bool:
    from engine.app.database import database
    from engine.app.standalone import pipeline

    async def inside() -> bool:
        settings = settings_of(asked)
        async with database(settings, _say, make=False) as dsn, pipeline(settings, dsn) as opened:
            return bool(await work(opened))

    return asyncio.run(inside())


def _say(line: str) -> None:
    """Progress goes beside the output, which may be piped."""
    print(line, file=sys.stderr)
