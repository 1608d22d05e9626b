"""A simulated call as sound."""

import wave
from array import array
from pathlib import Path

import numpy as np
import pytest

from engine.domain.directory import Language
from engine.domain.scenario import talk
from engine.domain.values import Slug
from engine.errors import BadFile
from engine.scenarios.answers import Mocks
from engine.scenarios.hearing import DEAF
from engine.scenarios.simulator import Simulation
from engine.sounds.speech import Sound
from engine.sounds.spoken_call import RATE_HZ, TONES, Voice, at_rate, read, render, write
from tests.scenarios.calls import MONDAY, company, runs, written


class Hum:
    """A speech engine whose every text is half a second of the same level, at another rate than ours."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def speak(self, text: str, language: Language) -> Sound:
        self.said.append(text)
        return Sound(16_000, array("h", [1_000] * 8_000))


def call(voice: Voice) -> Simulation:
    ears = DEAF._replace(spoken_s=voice.spoken_s)
    return runs(Simulation(company(), Mocks(written({"hours": "open", "agents": "nobody"})), MONDAY, ears))


def heard(samples: "array[int]", start_s: float, end_s: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    part = samples[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)]
    return np.asarray(part, dtype=np.float64)


def test_everything_is_at_its_time() -> None:
    speech = Hum()
    voice = Voice(speech, {})
    simulation = call(voice)
    simulation.waits(1.0)
    simulation.press("1")
    runs(simulation)
    samples = render(simulation, voice)
    assert speech.said == ["Bonjour", "Ventes, tapez 1. Support, tapez 2.", "Au revoir"]
    assert set(heard(samples, 0.0, 1.0)) == {1_000}
    assert not heard(samples, 1.0, 2.0).any()
    assert len(samples) == round(simulation.now * RATE_HZ)
    spectrum = np.abs(np.fft.rfft(heard(samples, 2.0, 2.1)))
    loudest = sorted(int(at) * 10 for at in np.argsort(spectrum)[-2:])
    assert loudest == [round(frequency, -1) for frequency in TONES["1"]]


def test_what_a_key_cuts_is_not_heard_to_its_end() -> None:
    voice = Voice(Hum(), {})
    simulation = Simulation(
        company(),
        Mocks(written({"hours": "open", "agents": "nobody"})),
        MONDAY,
        DEAF._replace(spoken_s=voice.spoken_s),
    )
    simulation.waits(0.75)
    simulation.press("*")
    samples = render(simulation, voice)
    assert set(heard(samples, 0.5, 0.75)) == {1_000}
    assert np.abs(heard(samples, 0.9, 0.95)).max() <= 12_000  # the key alone


def test_recordings_are_heard_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "hello.wav"
    write(array("h", [5] * 800), file)
    voice = Voice(Hum(), {("fr", "hello"): file})
    assert set(voice.say(talk.Recording(Slug("hello")), "fr", DEAF)) == {5}
    assert set(voice.say(talk.Recording(Slug("hello")), "en", DEAF)) == {1_000}
    assert len(voice.say(talk.Silence(0.5), "fr", DEAF)) == RATE_HZ // 2


def test_every_rate_becomes_ours() -> None:
    assert list(at_rate(Sound(16_000, array("h", [0, 10, 20, 30])))) == [5, 25]
    assert list(at_rate(Sound(4_000, array("h", [7, 9])))) == [7, 7, 9, 9]
    assert len(at_rate(Sound(22_050, array("h", [0] * 22_050)))) == RATE_HZ


def test_what_is_no_recording_is_told(tmp_path: Path) -> None:
    file = tmp_path / "bytes.wav"
    with wave.open(str(file), "wb") as bytes_:
        bytes_.setnchannels(1)
        bytes_.setsampwidth(1)
        bytes_.setframerate(8_000)
    with pytest.raises(BadFile, match="8 bit: 16 are expected"):
        read(file)
    with pytest.raises(BadFile, match="not a recording in WAV"):
        read(tmp_path / "away.wav")
