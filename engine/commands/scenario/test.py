"""`engine scenario test`: hold the conversations written beside a scenario."""

import argparse

from engine.commands import Subparsers, command
from engine.commands.scenario import _reading
from engine.errors import BadInput

_TEACH = """\
  engine scenario test standard               ivr_scenarios/standard/standard.test.yaml
  engine scenario test --all                  every scenario; one without conversations fails
Exit code 1 when a conversation goes another way than written. How to write one: docs/scenarios-try.md.
"""


def register(words: Subparsers) -> None:
    parser = command(words, "test", run, summary="hold the conversations of scenarios", teach=_TEACH, config=False)
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios")
    parser.add_argument("--all", action="store_true", help="every scenario of the folder")
    _reading.add_folder(parser)
    _reading.add_directory(parser)


def run(asked: argparse.Namespace) -> int:
    from engine.scenarios import conversations, testing

    if bool(asked.names) == asked.all:
        raise BadInput("either names of scenarios or --all", what_next="engine scenario test --help")
    passed, house = True, _reading.house(asked.directory)
    for name in _reading.names(asked.folder) if asked.all else asked.names:
        program, ears, _ = _reading.program(asked.folder, name)
        file = testing.file_of(asked.folder, program.main)
        tested = testing.hold_all(program, conversations.load(file), str(file), house, ears)
        passed = passed and tested.passed
        print(testing.as_text(tested))
    return 0 if passed else 1
