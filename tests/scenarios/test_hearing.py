"""What a simulated caller hears."""

import gzip
from pathlib import Path

from engine.domain.scenario import talk
from engine.domain.values import Slug
from engine.scenarios.hearing import DEAF, Ears, transcript

KNOWING = Ears(
    recordings={("fr", "welcome"): 3.25},
    sounds={("fr", "vm-goodbye"): "Au revoir."},
    house=lambda prompt, language: f"{prompt} en {language}",
)
ITEMS = (
    talk.Words("Bonjour"),
    talk.Recording(Slug("welcome")),
    talk.AsteriskSound("vm-goodbye"),
    talk.House("leave-message"),
    talk.DigitByDigit("0612"),
    talk.WholeNumber(12),
    talk.Day("2026-05-01"),
    talk.Silence(1.5),
)


def test_everything_is_written_as_it_is_heard() -> None:
    heard = KNOWING.text(ITEMS, "fr")
    assert heard == "Bonjour [welcome] Au revoir. leave-message en fr 0 6 1 2 12 1 mai 2026"
    assert KNOWING.text([talk.Day("2026-05-01")], "en") == "1 May 2026"


def test_what_nobody_knows_is_named() -> None:
    assert DEAF.text(ITEMS[1:4], "en") == "[welcome] [vm-goodbye] [leave-message]"


def test_lengths_are_known_or_estimated() -> None:
    assert KNOWING.seconds(ITEMS[1:2], "fr") == 3.25
    assert DEAF.seconds(ITEMS[1:2], "fr") == 2.0
    assert DEAF.seconds([talk.Silence(1.5), talk.DigitByDigit("0612")], "fr") == 3.5
    assert (
        4.0 < DEAF.seconds([talk.Words("Pour le service commercial, tapez 1, pour le support, tapez 2.")], "fr") < 5.0
    )


def test_asterisks_sounds_are_told_by_their_transcript(tmp_path: Path) -> None:
    folder = tmp_path / "asterisk-core-sounds-en"
    folder.mkdir()
    lines = "; Core Asterisk Sounds\n\nvm-goodbye: Goodbye!\ndigits/today : today\nbroken\n"
    (folder / "core-sounds-en.txt.gz").write_bytes(gzip.compress(lines.encode()))
    known = {("en", "vm-goodbye"): "Goodbye!", ("en", "digits/today"): "today"}
    assert transcript([tmp_path / "away", tmp_path], ["en", "fr"]) == known
