"""Speech made ready for a telephone: only the words, in its band, loud enough, and in both forms Asterisk plays.

Asterisk takes, of the files beside each other under one name, the one that costs the call least: 16 kHz (`.wav16`) for
G.722 and Opus, 8 kHz (`.wav`) for G.711. The level is -20 dBFS while somebody speaks: loud enough on a mobile in a
street, 10 dB away from clipping at the mouth of a G.711 codec.
"""

import io
import wave
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sounds.speech import Sound

Samples = NDArray[np.float64]  # full scale is 1.0

NARROW_HZ, WIDE_HZ = 8_000, 16_000
BANDS_HZ = {
    NARROW_HZ: (180.0, 3_700.0),  # a little wider than 300-3400: the codec and the network cut the rest
    WIDE_HZ: (80.0, 7_400.0),  # G.722 ends at 7 kHz
}
SPEECH_LEVEL_DBFS = -20.0  # RMS over the frames where somebody speaks
PEAK_DBFS = -1.5
SILENT_DBFS = -60.0  # nobody speaks: what is that quiet is the noise of a microphone
QUIET_DB = 35.0  # this far under the loudest frame nobody speaks
FRAME_S = 0.02
LEAD_S, TAIL_S = 0.06, 0.20  # silence kept around the words: a jitter buffer may swallow the first packets
SUFFIXES = {WIDE_HZ: ".wav16", NARROW_HZ: ".wav"}
"""In the order they are written: where the last one is, all are."""
_PIECE_S, _MARGIN_S = 8, 1


class Forms(NamedTuple):
    """One recording as WAV files: 16 bit, mono."""

    wide: bytes
    narrow: bytes


def samples_of(sound: Sound) -> Samples:
    return np.asarray(sound.samples, dtype=np.float64) / 32_768.0


def forms(samples: Samples, rate_hz: int) -> Forms:
    """Both forms of a recording, trimmed and levelled; of one in which nobody speaks, a moment of silence."""
    wide = resample(samples, rate_hz, WIDE_HZ)
    if silent(wide, WIDE_HZ):
        return nothing(TAIL_S)
    words = trim(wide, WIDE_HZ)
    narrow = resample(words, WIDE_HZ, NARROW_HZ)
    return Forms(wav(level(words, WIDE_HZ), WIDE_HZ), wav(level(narrow, NARROW_HZ), NARROW_HZ))


def nothing(seconds: float) -> Forms:
    """Both forms of a silence."""
    wide = np.zeros(round(seconds * WIDE_HZ))
    return Forms(wav(wide, WIDE_HZ), wav(wide[::2], NARROW_HZ))


def resample(samples: Samples, rate_hz: int, to_hz: int) -> Samples:
    """To another rate, keeping the telephone's band only. A long recording is taken piece by piece: it is in memory
    once, not six times."""
    if len(samples) <= (_PIECE_S + 2 * _MARGIN_S) * rate_hz:
        return _resampled(samples, rate_hz, to_hz)
    pieces = []
    for start in range(0, len(samples), _PIECE_S * rate_hz):
        before = min(start, _MARGIN_S * rate_hz)
        heard = samples[start - before : start + (_PIECE_S + _MARGIN_S) * rate_hz]
        skip = before // rate_hz * to_hz
        pieces.append(_resampled(heard, rate_hz, to_hz)[skip : skip + _PIECE_S * to_hz])
    return np.concatenate(pieces)


def _resampled(samples: Samples, rate_hz: int, to_hz: int) -> Samples:
    """By the spectrum, with soft edges, which do not ring."""
    length = round(len(samples) * to_hz / rate_hz)
    if not length:
        return np.zeros(0)
    spectrum = np.fft.rfft(samples)
    frequencies = np.fft.rfftfreq(len(samples), 1 / rate_hz)
    low, high = BANDS_HZ[to_hz]
    slope_hz = 60.0
    gain = np.clip((frequencies - low + slope_hz) / slope_hz, 0, 1) * np.clip(
        (high + slope_hz - frequencies) / slope_hz, 0, 1
    )
    kept = (spectrum * gain)[: length // 2 + 1]
    return np.asarray(np.fft.irfft(kept, length) * (length / len(samples)), dtype=np.float64)


def frame_levels(samples: Samples, rate_hz: int) -> Samples:
    """The RMS level of each 20 ms, in dBFS."""
    size = round(FRAME_S * rate_hz)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    return np.asarray(10 * np.log10(np.mean(frames**2, axis=1) + 1e-12), dtype=np.float64)


def silent(samples: Samples, rate_hz: int) -> bool:
    """Whether nobody speaks, or for less than a frame."""
    return bool(frame_levels(samples, rate_hz).max(initial=-120.0) < SILENT_DBFS)


def speech_level(samples: Samples, rate_hz: int = NARROW_HZ) -> float:
    """The level while somebody speaks, in dBFS: pauses do not count."""
    levels = frame_levels(samples, rate_hz)
    spoken = levels[levels > levels.max() - QUIET_DB]
    return float(10 * np.log10(np.mean(10 ** (spoken / 10))))


def trim(samples: Samples, rate_hz: int) -> Samples:
    """Only the words, with the same short silence before and after each recording."""
    size = round(FRAME_S * rate_hz)
    levels = frame_levels(samples, rate_hz)
    spoken = np.flatnonzero(levels > levels.max() - QUIET_DB)
    words = samples[spoken[0] * size : (spoken[-1] + 1) * size]
    return np.concatenate([np.zeros(round(LEAD_S * rate_hz)), words, np.zeros(round(TAIL_S * rate_hz))])


def level(samples: Samples, rate_hz: int) -> Samples:
    """At the wanted level; lower if a peak would come too near to full scale."""
    gain_db = SPEECH_LEVEL_DBFS - speech_level(samples, rate_hz)
    room_db = PEAK_DBFS - 20 * np.log10(np.abs(samples).max())
    return np.asarray(samples * 10 ** (min(gain_db, room_db) / 20), dtype=np.float64)


def wav(samples: Samples, rate_hz: int) -> bytes:
    """A WAV file as Asterisk reads it without converting: 16 bit, mono."""
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.round(samples * 32_767).astype("<i2").tobytes())
    return made.getvalue()


def write(made: Forms, file: Path) -> None:
    """Put both beside each other; `file` is the narrow one's name, and there last. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    for content, rate_hz in zip(made, SUFFIXES, strict=True):
        part = file.with_suffix(f"{SUFFIXES[rate_hz]}.part")
        part.write_bytes(content)
        part.replace(file.with_suffix(SUFFIXES[rate_hz]))
