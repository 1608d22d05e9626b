"""What a simulated caller hears: the words, and how long they last.

The recordings' lengths, Asterisk's transcript and the house's own words are given by who knows them; what is not known
is named, and its length estimated.
"""

import gzip
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

from engine.domain.directory import Language
from engine.domain.scenario.talk import (
    AnyHeard,
    AsteriskSound,
    Day,
    DigitByDigit,
    House,
    Recording,
    Silence,
    WholeNumber,
    Words,
)

CHARACTERS_PER_S = 14.0  # espeak-ng at 150 words a minute, French and English alike
LEAST_S = 0.4
DIGIT_S = 0.5
UNKNOWN_S = 2.0  # a recording nobody measured
TRANSCRIPT = "asterisk-core-sounds-{language}/core-sounds-{language}.txt.gz"
"""Where Debian puts what Asterisk's sounds say, below a directory of documentation."""

_MONTHS: dict[Language, str] = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "en": "January February March April May June July August September October November December",
}
Named = tuple[Language, str]
Spoken = Callable[[str, Language], str | None]


def _unspoken(prompt: str, language: Language) -> str | None:
    return None


def estimated_s(text: str, _language: Language) -> float:
    """How long a text takes to be said, more or less."""
    return max(LEAST_S, len(text) / CHARACTERS_PER_S)


class Ears(NamedTuple):
    """`recordings`: seconds of ours; `sounds`: what Asterisk's say; `house`: the engine's words; `spoken_s`: seconds of
    a text."""

    recordings: Mapping[Named, float] = {}
    sounds: Mapping[Named, str] = {}
    house: Spoken = _unspoken
    spoken_s: Callable[[str, Language], float] = estimated_s

    def text(self, items: Iterable[AnyHeard], language: Language) -> str:
        """All of it, as one would write it down."""
        return " ".join(filter(None, (self._text(item, language) for item in items)))

    def seconds(self, items: Iterable[AnyHeard], language: Language) -> float:
        return sum(self._seconds(item, language) for item in items)

    def _text(self, item: AnyHeard, language: Language) -> str:
        match item:
            case Words(text=text):
                heard = text
            case Recording(name=name):
                heard = f"[{name}]"
            case AsteriskSound(name=name):
                heard = self.sounds.get((language, name), f"[{name}]")
            case House(prompt=prompt):
                heard = self.house(prompt, language) or f"[{prompt}]"
            case DigitByDigit(digits=digits):
                heard = " ".join(digits)
            case WholeNumber(number=number):
                heard = str(number)
            case Day(day=day):
                heard = _day(date.fromisoformat(day), language)
            case Silence():
                heard = ""
        return heard

    def _seconds(self, item: AnyHeard, language: Language) -> float:
        match item:
            case Silence(seconds=seconds):
                return seconds
            case DigitByDigit(digits=digits):
                return DIGIT_S * len(digits)
            case Recording(name=name):
                return self.recordings.get((language, name), UNKNOWN_S)
            case Words(text=text):
                return self.spoken_s(text, language)
            case _:
                return self.spoken_s(self._text(item, language), language)


DEAF = Ears()
"""Who knows nothing but the scenario: for tests and measurements."""


def transcript(documentation: Iterable[Path], languages: Iterable[Language]) -> dict[Named, str]:
    """What Asterisk's sounds say, from the first of these directories that tells; nothing where none does."""
    found: dict[Named, str] = {}
    for language in languages:
        files = (folder / TRANSCRIPT.format(language=language) for folder in documentation)
        file = next((file for file in files if file.is_file()), None)
        if file is not None:
            lines = gzip.decompress(file.read_bytes()).decode("utf-8", "replace").splitlines()
            told = (line.partition(":") for line in lines if not line.startswith(";"))
            found.update({(language, name.strip()): text.strip() for name, _, text in told if text.strip()})
    return found


def _day(day: date, language: Language) -> str:
    return f"{day.day} {_MONTHS[language].split()[day.month - 1]} {day.year}"
