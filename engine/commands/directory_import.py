"""`engine import FILE`: a directory file becomes the directory."""

import argparse
import asyncio
import getpass
from pathlib import Path

from engine.commands import Subparsers, command, settings_of

_TEACH = """\
  engine import directory.yaml --plan     what would change; nothing is touched
  engine import directory.yaml            change it: PostgreSQL and Asterisk, both or neither
Importing the same file twice changes nothing the second time. An example: docs/examples/directory.yaml
"""


def register(subparsers: Subparsers) -> None:
    parser = command(subparsers, "import", run, summary="bring a directory file into force", teach=_TEACH)
    parser.add_argument("file", type=Path, metavar="FILE", help="sites, trunks and agents, in YAML")
    parser.add_argument("--plan", action="store_true", help="only show what would change")


def run(asked: argparse.Namespace) -> int:
    from engine.app.database import database
    from engine.app.importing import import_file

    async def work() -> None:
        settings = settings_of(asked)
        async with database(settings, print) as dsn:
            await import_file(settings, dsn, asked.file, dry_run=asked.plan, author=getpass.getuser(), say=print)

    asyncio.run(work())
    return 0
