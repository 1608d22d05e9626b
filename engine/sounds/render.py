"""Make the recordings from the texts: `python -m engine.sounds.render` (development; needs espeak-ng).

A prompt is spoken by espeak-ng and made ready as everything the engine says is (`conditioning`), in its 8 kHz form.
"""

import argparse
import tomllib
from pathlib import Path
from typing import cast

import numpy as np

from engine.sounds import FOLDER, LANGUAGES, PROMPTS, comfort, lead, prompt
from engine.sounds.conditioning import NARROW_HZ, Samples, level, resample, samples_of, speech_level, trim, wav
from engine.sounds.speech import Espeak

COMFORT_LEVEL_DBFS = -32.0
LEAD_S = 0.4


def double_beep() -> Samples:
    """Two short soft beeps at the start of each of two seconds; joins seamlessly when played again and again."""
    second = np.zeros(NARROW_HZ)
    time_s = np.arange(round(0.12 * NARROW_HZ)) / NARROW_HZ
    envelope = np.hanning(len(time_s))
    for start_s, frequency_hz in ((0.05, 660.0), (0.22, 880.0)):
        start = round(start_s * NARROW_HZ)
        second[start : start + len(time_s)] = np.sin(2 * np.pi * frequency_hz * time_s) * envelope
    peak = 10 ** (COMFORT_LEVEL_DBFS / 20) * np.sqrt(2)
    return np.asarray(np.tile(second, 2) * peak, dtype=np.float64)


def _write(samples: Samples, path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(wav(samples, NARROW_HZ))


def render_all(espeak: str) -> None:
    """Every prompt in every language, the comfort tone and the silence before the first word, into this package."""
    texts = tomllib.loads((FOLDER / "texts.toml").read_text(encoding="utf-8"))
    for language in LANGUAGES:
        for name in PROMPTS:
            spoken = Espeak(espeak).speak(cast("str", texts[name][language]), language)
            narrow = resample(samples_of(spoken), spoken.rate_hz, NARROW_HZ)
            ready = level(trim(narrow, NARROW_HZ), NARROW_HZ)
            _write(ready, prompt(name, language).with_suffix(".wav"))
            print(f"{language}/{name:22} {len(ready) / NARROW_HZ:4.1f} s  {speech_level(ready):6.1f} dBFS")
    _write(double_beep(), comfort().with_suffix(".wav"))
    _write(np.zeros(round(LEAD_S * NARROW_HZ)), lead().with_suffix(".wav"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m engine.sounds.render", description=__doc__)
    parser.add_argument("--espeak", default="espeak-ng", help="the espeak-ng program (default: the one on the PATH)")
    render_all(parser.parse_args().espeak)
