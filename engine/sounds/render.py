"""Make the recordings from the texts: `python -m engine.sounds.render` (development; needs espeak-ng and numpy).

A prompt is spoken by espeak-ng, trimmed, kept to the telephone's band, brought to 8 kHz and to a level of -20 dBFS
while somebody speaks: loud enough on a mobile in a street, 10 dB away from clipping at the mouth of a G.711 codec.
"""

import argparse
import tomllib
import wave
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from engine.sounds import FOLDER, LANGUAGES, PROMPTS, Language, comfort, prompt
from engine.sounds.speech import Espeak

Samples = NDArray[np.float64]  # full scale is 1.0

RATE_HZ = 8_000
BAND_HZ = (180.0, 3_700.0)  # a little wider than 300-3400: the codec and the network cut the rest
SPEECH_LEVEL_DBFS = -20.0  # RMS over the frames where somebody speaks
PEAK_DBFS = -1.5
QUIET_DB = 35.0  # this far under the loudest frame nobody speaks
FRAME_S = 0.02
LEAD_S, TAIL_S = 0.06, 0.20  # silence kept around the words: a jitter buffer may swallow the first packets
COMFORT_LEVEL_DBFS = -32.0


def speak(text: str, language: Language, espeak: str) -> tuple[Samples, int]:
    """The text as espeak-ng says it: samples and their rate (22,050 Hz)."""
    spoken = Espeak(espeak).speak(text, language)
    return np.asarray(spoken.samples, dtype=np.float64) / 32_768.0, spoken.rate_hz


def resample(samples: Samples, rate_hz: int) -> Samples:
    """To 8 kHz, keeping the telephone's band only (both by the spectrum: a prompt is short)."""
    spectrum = np.fft.rfft(samples)
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate_hz)
    low, high = BAND_HZ
    slope_hz = 60.0  # soft edges do not ring
    gain = np.clip((frequencies - low + slope_hz) / slope_hz, 0, 1) * np.clip(
        (high + slope_hz - frequencies) / slope_hz, 0, 1
    )
    length = round(len(samples) * RATE_HZ / rate_hz)
    kept = (spectrum * gain)[: length // 2 + 1]
    return np.asarray(np.fft.irfft(kept, length) * (length / len(samples)), dtype=np.float64)


def frame_levels(samples: Samples) -> Samples:
    """The RMS level of each 20 ms, in dBFS."""
    size = round(FRAME_S * RATE_HZ)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    return np.asarray(10 * np.log10(np.mean(frames**2, axis=1) + 1e-12), dtype=np.float64)


def speech_level(samples: Samples) -> float:
    """The level while somebody speaks, in dBFS: pauses do not count."""
    levels = frame_levels(samples)
    spoken = levels[levels > levels.max() - QUIET_DB]
    return float(10 * np.log10(np.mean(10 ** (spoken / 10))))


def trim(samples: Samples) -> Samples:
    """Only the words, with the same short silence before and after each prompt."""
    size = round(FRAME_S * RATE_HZ)
    spoken = np.flatnonzero(frame_levels(samples) > frame_levels(samples).max() - QUIET_DB)
    words = samples[spoken[0] * size : (spoken[-1] + 1) * size]
    return np.concatenate([np.zeros(round(LEAD_S * RATE_HZ)), words, np.zeros(round(TAIL_S * RATE_HZ))])


def level(samples: Samples) -> Samples:
    """At the wanted level; lower if a peak would come too near to full scale."""
    gain_db = SPEECH_LEVEL_DBFS - speech_level(samples)
    room_db = PEAK_DBFS - 20 * np.log10(np.abs(samples).max())
    return np.asarray(samples * 10 ** (min(gain_db, room_db) / 20), dtype=np.float64)


def double_beep() -> Samples:
    """Two short soft beeps at the start of each of two seconds; joins seamlessly when played again and again."""
    second = np.zeros(RATE_HZ)
    time_s = np.arange(round(0.12 * RATE_HZ)) / RATE_HZ
    envelope = np.hanning(len(time_s))
    for start_s, frequency_hz in ((0.05, 660.0), (0.22, 880.0)):
        start = round(start_s * RATE_HZ)
        second[start : start + len(time_s)] = np.sin(2 * np.pi * frequency_hz * time_s) * envelope
    peak = 10 ** (COMFORT_LEVEL_DBFS / 20) * np.sqrt(2)
    return np.asarray(np.tile(second, 2) * peak, dtype=np.float64)


def write(samples: Samples, path: Path) -> None:
    """A WAV file as Asterisk reads it without converting: 8 kHz, 16 bit, mono."""
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.round(samples * 32_767).astype("<i2").tobytes())


def render_all(espeak: str) -> None:
    """Every prompt in every language, and the comfort tone, into this package."""
    texts = tomllib.loads((FOLDER / "texts.toml").read_text(encoding="utf-8"))
    for language in LANGUAGES:
        for name in PROMPTS:
            samples, rate_hz = speak(cast("str", texts[name][language]), language, espeak)
            ready = level(trim(resample(samples, rate_hz)))
            write(ready, prompt(name, language).with_suffix(".wav"))
            print(f"{language}/{name:22} {len(ready) / RATE_HZ:4.1f} s  {speech_level(ready):6.1f} dBFS")
    write(double_beep(), comfort().with_suffix(".wav"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m engine.sounds.render", description=__doc__)
    parser.add_argument("--espeak", default="espeak-ng", help="the espeak-ng program (default: the one on the PATH)")
    render_all(parser.parse_args().espeak)
