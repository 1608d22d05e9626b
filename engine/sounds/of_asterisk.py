"""The sounds Asterisk itself has, by language: where one is missing it silently speaks English.

Read from its data directory (`astdatadir` of asterisk.conf): sounds/fr/digits/1.gsm is `digits/1` in French.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

from engine.domain.directory import Language

PLACES = (Path("/usr/share/asterisk"), Path("/var/lib/asterisk"))
"""Where `astdatadir` is: Debian, and an Asterisk built from source."""
_PLAYED = frozenset((".gsm", ".wav", ".wav16", ".WAV", ".sln", ".sln16", ".ulaw", ".alaw", ".g722", ".g729", ".siren7"))


def sounds_of(data: Path | None) -> Mapping[Language, frozenset[str]] | None:
    """The names there are in each language, for `scenarios.house.House.sounds`; None where no sounds are found at all,
    which is no knowledge. `data`: Asterisk's data directory; None: the usual places. Blocking."""
    folder = next((place / "sounds" for place in PLACES if (place / "sounds").is_dir()), None)
    if data is not None:
        folder = data / "sounds"
    if folder is None or not folder.is_dir():
        return None
    return {language: frozenset(_names(folder / language)) for language in get_args(Language)}


def _names(folder: Path) -> Iterator[str]:
    """A language is often a link to a voice."""
    for at, _, files in os.walk(folder.resolve()):
        below = Path(at).relative_to(folder.resolve())
        for file in map(Path, files):
            if file.suffix in _PLAYED:
                yield str(below / file.stem)
