"""Scenarios as the commands read them: from a folder, with what a caller would hear of them."""

import argparse
import wave
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from engine.errors import BadFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.domain.scenario.graph import Program
    from engine.domain.values import Slug
    from engine.scenarios.answers import World
    from engine.scenarios.hearing import Ears
    from engine.scenarios.program import Sound

SHIPPED = Path(__file__).resolve().parents[3] / "ivr_scenarios"
DOCUMENTATION = Path("/usr/share/doc")


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
    from engine.config.directory_file import load_directory_file
    from engine.domain.directory import EMPTY
    from engine.scenarios.calendars import Calendars

    return Calendars(load_directory_file(file, EMPTY))


def program(folder: Path, name: str) -> "tuple[Program, Ears]":
    """A scenario with all it leads to, and what is known of what it says; raises BadFile with every finding."""
    from engine.domain.values import slug
    from engine.scenarios.findings import as_text
    from engine.scenarios.program import load_program

    loaded = load_program(folder, slug(name))
    if loaded.program is None:
        raise BadFile(as_text(loaded.findings))
    return loaded.program, _ears(loaded.recordings)


def names(folder: Path) -> "list[Slug]":
    """The scenarios of a folder; raises BadFile when there is none."""
    from engine.scenarios.program import scenario_names

    found = scenario_names(folder)
    if not found:
        raise BadFile(f"{folder}: no scenario there", what_next="Name a folder of scenarios: --folder DIR")
    return found


def _ears(recordings: "Iterable[Sound]") -> "Ears":
    """Our recordings' lengths, the words of Asterisk's sounds where Debian's transcript is there, the house's words."""
    from engine.domain.directory import Language
    from engine.sandbox.places import sandbox_root
    from engine.scenarios.hearing import Ears, transcript
    from engine.sounds.texts import text_of

    def own_words(prompt: str, language: Language) -> str | None:
        try:
            return text_of(prompt, language)
        except KeyError:
            return None

    trees = sorted(sandbox_root().glob("trees/*/usr/share/doc"))
    lengths = {(sound.language, str(sound.name)): _seconds(sound) for sound in recordings}
    return Ears(recordings=lengths, sounds=transcript([DOCUMENTATION, *trees], get_args(Language)), house=own_words)


def _seconds(sound: "Sound") -> float:
    """How long a recording lasts; raises BadFile where it is no WAV."""
    try:
        with wave.open(str(sound.path), "rb") as file:
            return file.getnframes() / file.getframerate()
    except (OSError, EOFError, wave.Error) as wrong:
        raise BadFile(f"{sound.path}: not a recording in WAV: {wrong}") from wrong
