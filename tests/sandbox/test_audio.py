"""The measuring instrument, measured with sounds of known contents."""

import array
import math
import random
import wave
from pathlib import Path

import pytest

from engine.errors import BadFile
from engine.sandbox import audio

LOUD = 8000


def tone(freq: int, seconds: float, amplitude: int = LOUD) -> list[int]:
    return [
        round(amplitude * math.sin(2 * math.pi * freq * n / audio.RATE)) for n in range(round(seconds * audio.RATE))
    ]


def silence(seconds: float) -> list[int]:
    return [0] * round(seconds * audio.RATE)


def sln(path: Path, values: list[int]) -> Path:
    file = path / "heard.sln"
    file.write_bytes(array.array("h", values).tobytes())
    return file


def test_level_of_a_tone_is_its_amplitude(tmp_path: Path) -> None:
    levels = audio.tone_levels(sln(tmp_path, tone(1000, 2)), [1000, 1400])
    assert levels[1000] == pytest.approx(20 * math.log10(LOUD / 32768), abs=0.1)
    assert levels[1400] < -90


def test_a_foreign_tone_60_db_down_is_seen(tmp_path: Path) -> None:
    mixed = [a + b for a, b in zip(tone(1000, 2, 16000), tone(1400, 2, 16), strict=True)]
    assert audio.separation_db(sln(tmp_path, mixed), 1000, [1400, 600]) == pytest.approx(60, abs=1)


def test_a_late_packet_is_no_foreign_tone(tmp_path: Path) -> None:
    """20 ms of nothing in the middle sound like a little of everything; what is foreign is there all the time."""
    own = tone(1000, 2)
    own[8000:8160] = silence(0.02)
    foreign = tone(1160, 2, LOUD // 100)
    torn = audio.separation_db(sln(tmp_path, own), 1000, [1160])
    leaking = audio.separation_db(sln(tmp_path, [a + b for a, b in zip(own, foreign, strict=True)]), 1000, [1160])
    assert torn > 80
    assert leaking == pytest.approx(40, abs=0.5)


def test_gaps_are_found_where_they_are(tmp_path: Path) -> None:
    heard = [*silence(0.5), *tone(1000, 1), *silence(0.1), *tone(1000, 1), *silence(0.04), *tone(1000, 1), *silence(1)]
    (gap,) = audio.gaps(sln(tmp_path, heard), 1000)
    assert gap.at_s == pytest.approx(1.5, abs=0.011)
    assert gap.length_ms == pytest.approx(100, abs=11)


def test_another_tone_is_a_gap_too(tmp_path: Path) -> None:
    heard = [*tone(1000, 1), *tone(1400, 0.2), *tone(1000, 1)]
    (gap,) = audio.gaps(sln(tmp_path, heard), 1000)
    assert gap.length_ms == pytest.approx(200, abs=11)


def test_a_tone_that_is_never_heard_is_a_gap_of_its_own(tmp_path: Path) -> None:
    assert audio.gaps(sln(tmp_path, silence(1)), 1000) == [audio.Gap(0.0, 0)]


def test_silence_counts_at_both_ends(tmp_path: Path) -> None:
    heard = [*silence(0.3), *tone(600, 1), *silence(1.2), *tone(600, 0.5), *silence(0.8)]
    assert audio.longest_silence_s(sln(tmp_path, heard)) == pytest.approx(1.2, abs=0.03)
    assert audio.longest_silence_s(sln(tmp_path, heard), start_s=2.5) == pytest.approx(0.8, abs=0.03)


def test_the_quietest_step_of_a_codec_is_silence(tmp_path: Path) -> None:
    heard = [*tone(600, 0.5), *[8, -8] * 4000, *tone(600, 0.5)]
    assert audio.longest_silence_s(sln(tmp_path, heard)) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("law", ["ulaw", "alaw"])
def test_companded_files_are_symmetric_and_grow(law: str, tmp_path: Path) -> None:
    file = tmp_path / f"all.{law}"
    file.write_bytes(bytes(range(256)))
    values = audio.samples(file)
    assert sorted(values) == sorted(-v for v in values)
    assert max(values) == {"ulaw": 32124, "alaw": 32256}[law]


def prompt_file(path: Path, values: list[int]) -> Path:
    file = path / "prompt.wav"
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(audio.RATE)
        out.writeframes(array.array("h", values).tobytes())
    return file


def speech(seed: int, seconds: float) -> list[int]:
    """Noise with syllables, as different from another seed's as two sentences are."""
    chance = random.Random(seed)
    return [round(chance.gauss(0, 4000) * abs(math.sin(n / 900))) for n in range(round(seconds * audio.RATE))]


def test_a_prompt_is_found_wherever_it_begins(tmp_path: Path) -> None:
    prompt = prompt_file(tmp_path, speech(1, 1.5))
    noisy = [v + random.Random(v).randint(-300, 300) for v in speech(1, 1.5)]
    heard = sln(tmp_path, [*speech(2, 0.7), *noisy, *silence(0.5)])
    assert audio.matches_prompt(heard, prompt) > 0.9
    cut = sln(tmp_path, [*silence(0.2), *speech(1, 1.5)[:8000], *silence(1)])
    assert audio.matches_prompt(cut, prompt, first_s=0.8) > 0.9


def test_another_prompt_is_not_found(tmp_path: Path) -> None:
    prompt = prompt_file(tmp_path, speech(1, 1.5))
    assert audio.matches_prompt(sln(tmp_path, speech(3, 3)), prompt) < 0.2
    assert audio.matches_prompt(sln(tmp_path, silence(3)), prompt) < 0.2
    assert audio.matches_prompt(sln(tmp_path, silence(1)), prompt) == 0


def test_a_file_that_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "heard.mp3"
    file.touch()
    with pytest.raises(BadFile):
        audio.samples(file)
