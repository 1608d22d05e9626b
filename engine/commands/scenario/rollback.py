"""`engine scenario rollback`: the next caller meets the version before."""

import argparse
from urllib.parse import quote

from engine.commands import Subparsers, command, settings_of
from engine.commands._api import ask
from engine.commands.scenario.list_ import as_text

_TEACH = """\
  engine scenario rollback standard       live and previous change places: done twice, nothing has changed
"""


def register(words: Subparsers) -> None:
    parser = command(words, "rollback", run, summary="let callers meet the version before", teach=_TEACH)
    parser.add_argument("name", metavar="NAME", help="a published scenario")


def run(asked: argparse.Namespace) -> int:
    print(as_text(ask(settings_of(asked), "POST", f"/v1/scenarios/{quote(asked.name, safe='')}/rollback")))
    return 0
