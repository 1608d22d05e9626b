"""Every prompt is there in every language, loud enough, unclipped, short, and like no other."""

import itertools
import tomllib
import wave
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.domain import effects
from engine.sounds import FOLDER, LANGUAGES, PROMPTS, Language, Prompt, comfort, prompt
from engine.sounds.conditioning import NARROW_HZ, speech_level

EVERY = [(name, language) for name in PROMPTS for language in LANGUAGES]


def samples(path: Path) -> NDArray[np.float64]:
    """The recording, full scale 1.0; fails unless Asterisk reads the file without converting it."""
    with wave.open(str(path.with_suffix(".wav"))) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, NARROW_HZ)
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64) / 32_768


def likeness(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The highest normalised cross-correlation of two recordings, over all shifts."""
    length = len(one) + len(other)
    product = np.fft.irfft(np.fft.rfft(one, length) * np.conj(np.fft.rfft(other, length)), length)
    return float(np.abs(product).max() / (np.linalg.norm(one) * np.linalg.norm(other)))


def test_texts_and_names_are_the_same_set() -> None:
    texts = tomllib.loads((FOLDER / "texts.toml").read_text(encoding="utf-8"))
    assert list(PROMPTS) == list(texts)
    assert all(set(LANGUAGES) == set(text) for text in texts.values())


def test_every_prompt_a_call_may_play_exists() -> None:
    assert set(get_args(effects.Prompt)) <= set(PROMPTS)


@pytest.mark.parametrize(("name", "language"), EVERY)
def test_a_prompt_is_short_loud_enough_and_unclipped(name: Prompt, language: Language) -> None:
    path = prompt(name, language)
    recording = samples(path)
    assert path.is_absolute()
    assert path.suffix == ""
    assert 1.0 < len(recording) / NARROW_HZ < 6.0
    assert -21.5 < speech_level(recording) < -19.0
    assert np.abs(recording).max() < 0.9


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_prompt_can_be_taken_for_another(language: Language) -> None:
    recordings = {name: samples(prompt(name, language)) for name in PROMPTS}
    for one, other in itertools.combinations(PROMPTS, 2):
        assert likeness(recordings[one], recordings[other]) < 0.5, (one, other)


def test_the_comfort_tone_is_quiet_and_repeats_each_second() -> None:
    tone = samples(comfort())
    assert len(tone) == 2 * NARROW_HZ
    np.testing.assert_array_equal(tone[:NARROW_HZ], tone[NARROW_HZ:])
    assert 0.01 < np.abs(tone).max() < 0.06
