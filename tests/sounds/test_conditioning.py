"""What is made ready for a telephone is trimmed, in its band, loud enough, never clipped, and there in both forms."""

import io
import wave
from pathlib import Path

import numpy as np
import pytest

from engine.sounds.conditioning import NARROW_HZ, WIDE_HZ, Forms, Samples, forms, resample, speech_level, wav, write


def humming(seconds: float, rate_hz: int, hz: float = 1_000.0, peak: float = 0.1) -> Samples:
    return np.asarray(peak * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz))


def heard(content: bytes) -> tuple[int, Samples]:
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64) / 32_768
        return file.getframerate(), samples


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("peak", [0.004, 0.9])
def test_both_forms_are_trimmed_and_equally_loud(rate_hz: int, peak: float) -> None:
    quiet = np.zeros(rate_hz)
    made = forms(np.concatenate([quiet, humming(1.0, rate_hz, peak=peak), quiet]), rate_hz)
    for content, wanted_hz in zip(made, (WIDE_HZ, NARROW_HZ), strict=True):
        at_hz, samples = heard(content)
        assert at_hz == wanted_hz
        assert 1.2 < len(samples) / at_hz < 1.35
        assert speech_level(samples, at_hz) == pytest.approx(-20.0, abs=0.3)
        assert np.abs(samples[: round(0.04 * at_hz)]).max() < 0.002


def test_what_is_high_is_heard_wide_only() -> None:
    rate_hz = 48_000
    made = forms(humming(1.0, rate_hz) + humming(1.0, rate_hz, hz=6_000), rate_hz)
    wide_hz, wide = heard(made.wide)
    spectrum = np.abs(np.fft.rfft(wide))
    at_6_khz = round(6_000 * len(wide) / wide_hz)
    assert spectrum[at_6_khz - 5 : at_6_khz + 5].max() > 0.5 * spectrum.max()
    narrow_hz, narrow = heard(made.narrow)
    spectrum = np.abs(np.fft.rfft(narrow))
    folded = round(2_000 * len(narrow) / narrow_hz)  # where 6 kHz would come out of a careless change of rate
    assert spectrum[folded - 5 : folded + 5].max() < 0.01 * spectrum.max()


def test_a_click_makes_it_quieter_and_is_not_clipped() -> None:
    samples = humming(2.0, WIDE_HZ, peak=0.02)
    samples[WIDE_HZ : WIDE_HZ + 4] = 0.99
    _, wide = heard(forms(samples, WIDE_HZ).wide)
    assert np.abs(wide).max() == pytest.approx(10 ** (-1.5 / 20), abs=0.01)
    assert speech_level(wide, WIDE_HZ) < -21


@pytest.mark.parametrize("samples", [np.zeros(WIDE_HZ), np.zeros(0), humming(0.01, WIDE_HZ), humming(1, WIDE_HZ, 0.0)])
def test_silence_stays_silence(samples: Samples) -> None:
    for content in forms(samples, WIDE_HZ):
        at_hz, silence = heard(content)
        assert len(silence) == at_hz // 5
        assert not silence.any()


def test_a_long_recording_is_changed_in_pieces_that_nobody_hears() -> None:
    rate_hz, seconds = 44_100, 25
    changed = resample(humming(seconds, rate_hz), rate_hz, NARROW_HZ)
    assert len(changed) == seconds * NARROW_HZ
    inside = slice(NARROW_HZ, -NARROW_HZ)
    np.testing.assert_allclose(changed[inside], humming(seconds, NARROW_HZ)[inside], atol=0.001)


def test_the_narrow_one_is_there_last(tmp_path: Path) -> None:
    made = Forms(wav(np.zeros(16), WIDE_HZ), wav(np.zeros(8), NARROW_HZ))
    file = tmp_path / "fr" / "a.b.wav"
    write(made, file)
    assert file.read_bytes() == made.narrow
    assert file.with_suffix(".wav16").read_bytes() == made.wide
    assert len(list(file.parent.iterdir())) == 2
