"""`engine asterisk`: an Asterisk of the engine's own, or the engine beside an administrator's."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from engine.commands import Subparsers, command, settings_of

_TEACH = """\
  engine asterisk                       write its files and run it in the foreground, until SIGTERM or Ctrl-C
  engine asterisk --asterisk /opt/ast   with this Asterisk (22.10.1 or newer): its program, or its unpacked tree
  engine asterisk beside --help         work with an Asterisk you have set up yourself
It takes the machine's own Asterisk when it is new enough, else one fetched from Debian into the project's folder.
[asterisk] config_dir says where its files go; its logs, recordings and database lie beside that directory.
Calls live in Asterisk: it may run on while the engine is stopped, killed or upgraded.
"""
_BESIDE = """\
  engine asterisk beside                what would be added to the files in [asterisk] config_dir; changes nothing
  engine asterisk beside --apply        add it; a second time there is nothing to do
  engine asterisk beside --remove       take it away again
The engine's files go into standardiste/ below that directory. Each of your files that needs it gets one #include line
at its end, after a copy (NAME.before-standardiste) was made; files you do not have are made. What you have set stays:
where the engine cannot work with it (exit code 1, nothing changed) or works less well, the plan says so, and why.
Asterisk reads it all when you say so: asterisk -rx 'core reload'.
"""
AFTER = "Now let Asterisk read it: asterisk -rx 'core reload' (calls go on), then engine doctor."


def register(subparsers: Subparsers) -> None:
    parser = command(subparsers, "asterisk", run, summary="run an Asterisk made for the engine", teach=_TEACH)
    parser.add_argument("--asterisk", type=Path, metavar="PATH", help="use this Asterisk instead of fetching one")
    words = parser.add_subparsers(title="commands", metavar="COMMAND")
    beside = command(
        words, "beside", run_beside, summary="put the engine beside your own Asterisk", teach=_BESIDE, config=False
    )
    kept = argparse.SUPPRESS  # what was said before `beside` stays said
    beside.add_argument("--config", type=Path, metavar="FILE", default=kept, help="settings file")
    beside.add_argument("--asterisk", type=Path, metavar="PATH", default=kept, help="its program, to see its version")
    what = beside.add_mutually_exclusive_group()
    what.add_argument("--apply", action="store_true", help="carry the plan out")
    what.add_argument("--remove", action="store_true", help="take everything of the engine's away again")


def run(asked: argparse.Namespace) -> int:
    from engine.app.own_asterisk import prepare
    from engine.sandbox.asterisk import AsteriskInstall

    install = asyncio.run(AsteriskInstall.find_or_fetch(_say, path=asked.asterisk and asked.asterisk.absolute()))
    words = prepare(settings_of(asked), install)
    _say(f"Asterisk {'.'.join(map(str, install.version))} starts; its files are in {words[-1].rpartition('/')[0]}")
    os.execv(words[0], words)  # noqa: S606 - Asterisk takes this process's place, signals and all


def run_beside(asked: argparse.Namespace) -> int:
    from engine.app import beside

    settings = settings_of(asked)
    if asked.remove:
        touched = beside.take_away(settings)
        print("\n".join(f"restored  {name}" for name in touched) or "nothing to take away")
        return 0
    path = asked.asterisk and asked.asterisk.absolute()
    found = (beside.carry_out if asked.apply else beside.look)(settings, asterisk=path)
    for note in found.plan.notes:
        print(f"care      {note}")
    for conflict in found.plan.conflicts:
        print(f"REFUSED   {conflict}")
    if found.plan.conflicts:
        print("nothing was changed")
        return 1
    for name in found.changes.files:
        print(f"write     {name}")
    for name in found.changes.lines:
        print(f"{'make' if name in found.plan.made else 'add line':9} {name}")
    for name in found.changes.superfluous:
        print(f"take line {name}")
    print(_last_word(asked.apply, bool(found.changes)))
    return 0


def _last_word(applied: bool, changed: bool) -> str:
    if not changed:
        return "nothing to do"
    return AFTER if applied else "Nothing was changed. Carry it out: engine asterisk beside --apply"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
