"""`engine asterisk`: an Asterisk of the engine's own, for those who have none set up."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from engine.commands import Subparsers, command, settings_of

_TEACH = """\
  engine asterisk                       write its files and run it in the foreground, until SIGTERM or Ctrl-C
  engine asterisk --asterisk /opt/ast   with this Asterisk (22.10.1 or newer): its program, or its unpacked tree
It takes the machine's own Asterisk when it is new enough, else one fetched from Debian into the project's folder.
[asterisk] config_dir says where its files go; its logs, recordings and database lie beside that directory.
Calls live in Asterisk: it may run on while the engine is stopped, killed or upgraded.
"""


def register(subparsers: Subparsers) -> None:
    parser = command(subparsers, "asterisk", run, summary="run an Asterisk made for the engine", teach=_TEACH)
    parser.add_argument("--asterisk", type=Path, metavar="PATH", help="use this Asterisk instead of fetching one")


def run(asked: argparse.Namespace) -> int:
    from engine.app.own_asterisk import prepare
    from engine.sandbox.asterisk import AsteriskInstall

    install = asyncio.run(AsteriskInstall.find_or_fetch(_say, path=asked.asterisk and asked.asterisk.absolute()))
    words = prepare(settings_of(asked), install)
    _say(f"Asterisk {'.'.join(map(str, install.version))} starts; its files are in {words[-1].rpartition('/')[0]}")
    os.execv(words[0], words)  # noqa: S606 - Asterisk takes this process's place, signals and all


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
