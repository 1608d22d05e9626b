"""Where scenarios are to work: what this deployment has, and what whoever tries one hears of it."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import get_args

import msgspec

from engine.domain import contacts
from engine.domain.directory import Directory, Language
from engine.sandbox.places import sandbox_root
from engine.scenario_settings import TableSettings
from engine.scenarios.bundles import Deployment
from engine.scenarios.calendars import Calendars
from engine.scenarios.hearing import Ears, Named, transcript
from engine.scenarios.house import of_directory
from engine.sounds.of_asterisk import sounds_of
from engine.sounds.publishing import spoken_languages
from engine.sounds.speech import Speech
from engine.sounds.spoken_call import read
from engine.sounds.texts import words

DOCUMENTATION = Path("/usr/share/doc")


def deployed(
    directory: Directory,
    flags: tuple[str, ...],
    speech: Speech | None,
    today: date,
    *,
    data: Path | None = None,
    tables: Mapping[str, TableSettings] | None = None,
) -> Deployment:
    """What scenarios are checked against before they are published. `data`: Asterisk's data directory; `tables`: those
    the settings declare. Blocking: the speech engine is tried."""
    house = msgspec.structs.replace(
        of_directory(directory, today),
        flags=frozenset(flags),
        speech=spoken_languages(speech),
        sounds=sounds_of(data),
        tables={contacts.TABLE: None, **{name: table.columns for name, table in (tables or {}).items()}},
    )
    return Deployment(house, Calendars(directory), ears)


def ears(recordings: Mapping[Named, Path]) -> Ears:
    """Recordings' lengths, the house's own words, and those of Asterisk's sounds where Debian's transcript is there;
    raises BadFile for a recording that cannot be read."""
    trees = sorted(sandbox_root().glob("trees/*/usr/share/doc"))
    lengths = {name: read(path).seconds for name, path in recordings.items()}
    return Ears(recordings=lengths, sounds=transcript([DOCUMENTATION, *trees], get_args(Language)), house=words)
