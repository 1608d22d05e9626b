"""Scenarios as the commands read them: from a folder, with what a caller would hear of them."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import BadFile

if TYPE_CHECKING:
    from engine.domain.directory import Directory
    from engine.domain.scenario.graph import Program
    from engine.domain.values import Slug
    from engine.scenarios.answers import World
    from engine.scenarios.hearing import Ears, Named
    from engine.scenarios.house import House

SHIPPED = Path(__file__).resolve().parents[3] / "ivr_scenarios"


def add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--folder", type=Path, default=SHIPPED, metavar="DIR", help="where scenarios are (default: ivr_scenarios)"
    )


def add_directory(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--directory", type=Path, metavar="FILE", help="a directory file, whose calendars then answer")


def house(file: Path | None) -> "World | None":
    """Who answers for the house: the calendars of a directory file, if there is one; raises BadFile."""
    if file is None:
        return None
    from engine.scenarios.calendars import Calendars

    return Calendars(_directory(file))


def deployment(file: Path | None) -> "House":
    """What the deployment has, as far as a directory file says it; raises BadFile."""
    from engine.scenarios.house import UNKNOWN, of_directory

    return UNKNOWN if file is None else of_directory(_directory(file), datetime.now(UTC).date())


def _directory(file: Path) -> "Directory":
    from engine.config.directory_file import load_directory_file
    from engine.domain.directory import EMPTY

    return load_directory_file(file, EMPTY)


class Read(NamedTuple):
    """A scenario with all it leads to, what is known of what it says, and its recordings."""

    program: "Program"
    ears: "Ears"
    recordings: "dict[Named, Path]"


def program(folder: Path, name: str) -> Read:
    """Raises BadFile with every finding."""
    from engine.app.scenario_deployment import ears
    from engine.domain.values import slug
    from engine.scenarios.findings import as_text
    from engine.scenarios.program import load_program

    loaded = load_program(folder, slug(name))
    if loaded.program is None:
        raise BadFile(as_text(loaded.findings))
    recordings: dict[Named, Path] = {(sound.language, str(sound.name)): sound.path for sound in loaded.recordings}
    return Read(loaded.program, ears(recordings), recordings)


def names(folder: Path) -> "list[Slug]":
    """The scenarios of a folder; raises BadFile when there is none."""
    from engine.scenarios.program import scenario_names

    found = scenario_names(folder)
    if not found:
        raise BadFile(f"{folder}: no scenario there", what_next="Name a folder of scenarios: --folder DIR")
    return found
