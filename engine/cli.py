"""The command line: `engine COMMAND`. Each command is a module of `engine.commands`; this is only their frame.

Exit codes: 0 done, 1 not done (the message says why and what to do next), 2 wrong usage, 3 replaced by another engine
(`engine run`), 130 interrupted.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from engine import __version__, commands
from engine.errors import StandardisteError
from engine.observe import log

_TEACH = """\
first steps:
  engine settings example > standardiste.toml    every setting, its default and why
  engine doctor                                  what is there, what is missing, how to mend it
  engine COMMAND --help                          more about one command
"""


def build_parser() -> argparse.ArgumentParser:
    """The whole tree; a module of `engine.commands` appears in it by existing."""
    parser = argparse.ArgumentParser(
        prog="engine",
        description="standardiste: reaches agents on any phone, connects them to customers, keeps every call's record.",
        epilog=_TEACH,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"standardiste {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in commands.modules():
        module.register(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    asked = build_parser().parse_args(arguments)
    log.set_up("WARNING", "console")  # beside the output, which may be piped; `engine run` sets its own
    try:
        code: int = asked.run(asked)
        sys.stdout.flush()
    except StandardisteError as error:
        print(f"engine: {error.message}", file=sys.stderr)
        if error.what_next:
            print(f"  next: {error.what_next}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:
        # The reader (head, less) left: no fault. Python would complain again at exit, hence the new stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # of a file or folder, while nothing serves yet: what befalls a running engine is a group
        print(f"engine: {str(error) or type(error).__name__}", file=sys.stderr)
        print("  next: engine doctor says what this account can read and write.", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
