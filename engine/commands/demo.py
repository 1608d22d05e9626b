"""`engine demo`: see it work."""

import argparse
import asyncio
from pathlib import Path

from engine.commands import Subparsers, command

_TEACH = """\
  engine demo                       play two calls and clean up
  engine demo --stay                keep it running afterwards, and show curl commands to try
  engine demo --asterisk /opt/ast   with an Asterisk of yours (22.10.1 or newer): its program, or its unpacked tree
Everything is private: an Asterisk, a PostgreSQL and a second Asterisk that plays trunks, mobiles and customers, on
loopback and free ports. The first run fetches them (about 100 MB) and keeps them; nothing is installed.
"""


def register(subparsers: Subparsers) -> None:
    parser = command(
        subparsers, "demo", _run, summary="play real calls on a private Asterisk", teach=_TEACH, config=False
    )
    parser.add_argument("--stay", action="store_true", help="then keep it running, with commands to try, until Ctrl-C")
    parser.add_argument("--asterisk", type=Path, metavar="PATH", help="use this Asterisk instead of fetching one")


def _run(asked: argparse.Namespace) -> int:
    from engine.demo.run import Wishes, run

    return asyncio.run(run(Wishes(stay=asked.stay, asterisk=asked.asterisk and asked.asterisk.absolute())))
