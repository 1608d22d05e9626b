"""The speech engine, played by a program that says what it was asked for."""

from array import array
from pathlib import Path

import pytest

from engine.errors import Unavailable
from engine.sounds.speech import Espeak, found


def program(folder: Path, script: str) -> str:
    file = folder / "espeak-ng"
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(0o755)
    return str(file)


def test_words_become_sound(tmp_path: Path) -> None:
    header = r"head -c 24 /dev/zero; printf '\042\126\000\000'; head -c 16 /dev/zero"
    speech = Espeak(program(tmp_path, f'echo "$@" > {tmp_path}/words; {header}; cat'))
    spoken = speech.speak("aébcd", "en")
    assert spoken.rate_hz == 22_050
    assert spoken.samples == array("h", "aébcd".encode())
    assert spoken.seconds == 3 / 22_050
    assert (tmp_path / "words").read_text() == "-v en-gb -s 150 -p 42 --stdin --stdout\n"


def test_one_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="away does not speak"):
        Espeak(str(tmp_path / "away")).speak("Bonjour", "fr")
    with pytest.raises(Unavailable, match="does not speak"):
        Espeak(program(tmp_path, "exit 1")).speak("Bonjour", "fr")


def test_the_machines_own_is_found_or_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no speech engine"):
        found()
    program(tmp_path, "exit 0")
    assert isinstance(found(), Espeak)
