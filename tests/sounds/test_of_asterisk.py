"""Asterisk's own sounds, as they lie on a disk."""

from pathlib import Path

import pytest

from engine.sounds import of_asterisk
from engine.sounds.of_asterisk import sounds_of


def test_sounds_are_named_as_asterisk_plays_them(tmp_path: Path) -> None:
    voice = tmp_path / "sounds" / "fr_CA_f_June"
    (voice / "digits").mkdir(parents=True)
    for name in ("vm-goodbye.gsm", "vm-goodbye.wav", "digits/1.sln16", "core-sounds-fr.txt"):
        (voice / name).touch()
    (tmp_path / "sounds" / "fr").symlink_to(voice.name)
    assert sounds_of(tmp_path) == {"fr": {"vm-goodbye", "digits/1"}, "en": frozenset()}


def test_without_any_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_asterisk, "PLACES", (tmp_path,))
    assert sounds_of(tmp_path) is None
    assert sounds_of(None) is None
    (tmp_path / "sounds" / "en").mkdir(parents=True)
    assert sounds_of(None) == {"fr": frozenset(), "en": frozenset()}
