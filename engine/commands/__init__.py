"""The commands of the command line: one module for each first word, or a package with a module for each second one.

A module has `register(subparsers)` and calls `command` in it; the command's function takes the parsed arguments and
returns the exit code. Modules import what is heavy (asyncpg, aiohttp, the application) inside their functions, so that
`engine --help` answers at once. A module whose name begins with an underscore is no command.
"""

import argparse
import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from engine.settings import Settings, load

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    Subparsers = argparse._SubParsersAction

Run = Callable[[argparse.Namespace], int]


class CommandModule(Protocol):
    """What each module here offers."""

    def register(self, subparsers: Subparsers) -> None: ...


def modules(package: str = __name__) -> list[CommandModule]:
    """Every command there is, or every second word that is a module of a command's own package, by name."""
    path = importlib.import_module(package).__path__
    names = sorted(found.name for found in pkgutil.iter_modules(path) if found.name[0] != "_")
    return [cast("CommandModule", importlib.import_module(f"{package}.{name}")) for name in names]


def command(
    subparsers: Subparsers, name: str, run: Run | None, *, summary: str, teach: str = "", config: bool = True
) -> argparse.ArgumentParser:
    """Add a command. `summary`: its line in the list; `teach`: examples shown by its --help; `config`: whether it
    reads the settings; `run` None: a group, to which `group` adds."""
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=summary[:1].upper() + summary[1:] + ".",
        epilog=teach or None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if config:
        parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (default: see settings --help)")
    if run is not None:
        parser.set_defaults(run=run)
    return parser


def group(parser: argparse.ArgumentParser) -> Subparsers:
    """The place for the second words of a command: `engine token create`."""
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def settings_of(asked: argparse.Namespace) -> Settings:
    """The settings of a command added with `config=True`; raises BadFile."""
    return load(asked.config)
