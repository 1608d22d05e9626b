"""The check of scenarios as they were read from files."""

import msgspec

from engine.domain.directory import Language
from engine.scenarios.check import Report, check
from engine.scenarios.check.reporting import Part
from engine.scenarios.house import House
from engine.scenarios.program import LoadedProgram


def check_loaded(loaded: LoadedProgram, house: House) -> Report:
    """What is wrong with the files, or, once they can be read, with the program they hold.

    A program's recordings lie beside it: those of the house are not asked for.
    """
    if loaded.program is None:
        return Report(findings=loaded.findings, proof=())
    recordings: dict[Language, set[str]] = {}
    for sound in loaded.recordings:
        recordings.setdefault(sound.language, set()).add(sound.name)
    known = {language: frozenset(names) for language, names in recordings.items()}
    return check(loaded.program, msgspec.structs.replace(house, recordings=known), FilePlaces(loaded))


class FilePlaces:
    """Where things stand in the files of a program."""

    def __init__(self, loaded: LoadedProgram) -> None:
        self._scenarios = {str(name): at for name, at in loaded.scenarios.items()}

    def place(self, scenario: str, node: str, part: Part) -> tuple[str, int, int]:
        loaded = self._scenarios[scenario]
        line, column = loaded.places.at(*(("nodes", node, *part) if node else part))
        return loaded.file, line, column
