"""Recordings of published scenarios, as files Asterisk plays without converting.

A recording keeps its name from one version of its scenario to the next, and callers of both may hear it at the same
time. So its file is named after what it sounds like in all languages, and a program that is led by says that name.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.domain.directory import Language
from engine.domain.scenario.graph import Program
from engine.domain.values import Slug
from engine.errors import InvalidValue
from engine.scenarios.bundles import Take
from engine.sounds.uploads import Converted, convert

_NAME_LENGTH = 40  # the longest Slug


class Recordings:
    """The files, below a directory that Asterisk can read: <language>/<name>.wav and, in the wide band, .wav16."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: Slug, language: Language) -> Path | None:
        """The file of a recording, by the name that `named` gave it; None where there is none in that language."""
        file = self._file(name, language)
        return file if file.exists() else None

    def missing(self, takes: Iterable[Take]) -> set[str]:
        """The hashes of those that are not there yet."""
        takes = tuple(takes)
        names = names_of(takes)
        return {take.sha256 for take in takes if not self._file(names[take.name], take.language).exists()}

    def keep(self, takes: Iterable[Take], sounds: Mapping[str, bytes]) -> None:
        """Write those whose sound is given; raises InvalidValue for one that cannot be used, and OSError. Blocking."""
        from engine.sounds.conditioning import Forms, write  # NumPy: an engine that starts has no time for it

        takes = tuple(takes)
        names = names_of(takes)
        for take in takes:
            if take.sha256 in sounds:
                made = _converted(take, sounds[take.sha256])
                write(Forms(made.wide, made.narrow), self._file(names[take.name], take.language))

    def _file(self, name: Slug, language: Language) -> Path:
        return self._folder / language / f"{name}.wav"


def names_of(takes: Iterable[Take]) -> dict[Slug, Slug]:
    """The name of each recording's files: it says what they sound like."""
    parts: dict[Slug, list[str]] = {}
    for take in sorted(takes):
        parts.setdefault(take.name, []).append(f"{take.language} {take.sha256}")
    return {
        name: Slug(hashlib.sha256("\n".join(told).encode()).hexdigest()[:_NAME_LENGTH]) for name, told in parts.items()
    }


def named(program: Program, takes: Iterable[Take]) -> Program:
    """The same program, of the same version, with each recording under the name of its files."""
    names = names_of(takes)
    return msgspec.convert(_renamed(msgspec.to_builtins(program), names), Program) if names else program


def _renamed(value: Any, names: Mapping[Slug, Slug]) -> Any:
    match value:
        case {"kind": "file", "file": name}:
            return value | {"file": names.get(name, name)}
        case dict():
            return {key: _renamed(below, names) for key, below in value.items()}
        case list() | tuple():
            return [_renamed(below, names) for below in value]
        case _:
            return value


def _converted(take: Take, sound: bytes) -> Converted:
    try:
        return convert(sound)
    except InvalidValue as wrong:
        raise InvalidValue(f"{take.language}/{take.name}.wav: {wrong.message}", code=wrong.stable_code) from wrong
