"""`engine scenario check`: what is wrong with scenarios, and the proof that every caller gets out."""

import argparse
import sys
from pathlib import Path

from engine.commands import Subparsers, command
from engine.commands.scenario import _reading
from engine.errors import BadInput

_TEACH = """\
  engine scenario check standard              every finding at its line, and the proof
  engine scenario check --all --json          for an editor or a build
  engine scenario check --all --directory directory.yaml
What the deployment has (groups, calendars, sounds ...) is checked as far as it is known here, and what is not is said.
Exit code 1 when a finding forbids to publish. Every code: docs/scenarios-check.md.
"""


def register(words: Subparsers) -> None:
    parser = command(words, "check", run, summary="find what is wrong with scenarios", teach=_TEACH, config=False)
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios")
    parser.add_argument("--all", action="store_true", help="every scenario of the folder")
    parser.add_argument("--json", action="store_true", help="findings and proofs as JSON")
    parser.add_argument("--directory", type=Path, metavar="FILE", help="a directory file: what the deployment has")
    _reading.add_folder(parser)


def run(asked: argparse.Namespace) -> int:
    import msgspec

    from engine.domain.values import slug
    from engine.scenarios.check.files import check_loaded
    from engine.scenarios.program import load_program

    if bool(asked.names) == asked.all:
        raise BadInput("either names of scenarios or --all", what_next="engine scenario check --help")
    names = _reading.names(asked.folder) if asked.all else map(slug, asked.names)
    house = _reading.deployment(asked.directory)
    reports = {name: check_loaded(load_program(asked.folder, name), house) for name in names}
    if asked.json:
        sys.stdout.write(msgspec.json.encode(reports).decode() + "\n")
    else:
        for report in reports.values():
            print("\n".join(map(str, (*report.findings, *report.proof))))
    return 0 if all(report.good for report in reports.values()) else 1
