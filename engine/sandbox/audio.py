"""What was heard, measured: tones and their levels, gaps, silences, and whether a known prompt is in it.

Files are mono at 8 kHz: headerless `.sln` (16-bit), `.ulaw`, `.alaw`, or `.wav`. Levels are dB relative to a full-scale
sine. Everything but `matches_prompt` is plain Python (about 15 ms for each second and tone).
"""

import array
import math
import sys
import wave
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.errors import BadFile

RATE = 8000
FULL_SCALE = 32768.0
FLOOR_DB = -120.0
BLOCK = RATE // 5  # levels: 200 ms, long enough to tell tones 20 Hz apart
FRAME = RATE // 100  # gaps: 10 ms, four periods of the lowest tone
SILENCE_FRAME = RATE // 50
SILENCE_DB = -50.0
PRESENT_DB = 12.0  # a tone this far below its usual level is a gap
TORN_DB = 0.05  # a block whose tone is this far from its usual level was torn by a late packet: see `whole`


@dataclass(frozen=True)
class Gap:
    """A time without the tone, from `at_s` after the beginning of the file."""

    at_s: float
    length_ms: int


def samples(path: Path, start_s: float = 0.0, end_s: float | None = None) -> "array.array[int]":
    """The samples of a file, 16-bit, from `start_s` to `end_s`; it may still be growing. Raises BadFile."""
    last = None if end_s is None else round(end_s * RATE)
    return _read(path)[round(start_s * RATE) : last]


def _read(path: Path) -> "array.array[int]":
    if path.suffix in {".sln", ".raw"}:
        return _pcm(path.read_bytes())
    if path.suffix in {".ulaw", ".alaw"}:
        table = _g711(path.suffix[1:])
        return array.array("h", [table[byte] for byte in path.read_bytes()])
    if path.suffix == ".wav":
        with wave.open(str(path), "rb") as file:
            shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            if shape != (1, 2, RATE):
                raise BadFile(f"{path}: {shape[0]} channels of {8 * shape[1]} bits at {shape[2]} Hz, not mono 8 kHz")
            return _pcm(file.readframes(file.getnframes()))
    raise BadFile(f"{path}: not a kind of recording that can be measured")


def _pcm(raw: bytes) -> "array.array[int]":
    found = array.array("h", raw[: len(raw) // 2 * 2])
    if sys.byteorder == "big":
        found.byteswap()
    return found


@cache
def _g711(law: str) -> tuple[int, ...]:
    """ITU-T G.711: what each byte stands for."""
    return tuple(_ulaw(byte) if law == "ulaw" else _alaw(byte) for byte in range(256))


def _ulaw(byte: int) -> int:
    byte = ~byte & 0xFF
    size = (((byte & 0x0F) << 3) + 0x84) << ((byte & 0x70) >> 4)
    return 0x84 - size if byte & 0x80 else size - 0x84


def _alaw(byte: int) -> int:
    byte ^= 0x55
    size, segment = (byte & 0x0F) << 4, (byte & 0x70) >> 4
    size += 8 if segment == 0 else 0x108
    size <<= max(0, segment - 1)
    return size if byte & 0x80 else -size


def duration_s(path: Path) -> float:
    """How long it is."""
    return len(_read(path)) / RATE


def tone_levels(
    path: Path, freqs: Iterable[int], *, start_s: float = 0.0, end_s: float | None = None
) -> dict[int, float]:
    """The level of each tone, in dB, over the whole file or a part of it; -120 when there is nothing.

    A tone that sounds for half of the time measures 3 dB less than one that always sounds.
    """
    heard = samples(path, start_s, end_s)
    blocks = [heard[at : at + BLOCK] for at in range(0, len(heard) - BLOCK + 1, BLOCK)]
    window = _hann(BLOCK)
    shaped = [[s * w for s, w in zip(block, window, strict=True)] for block in blocks]
    gain = sum(window) / BLOCK
    levels = {}
    for freq in freqs:
        powers = [(_amplitude(block, freq) / gain) ** 2 for block in shaped]
        levels[freq] = _db(math.sqrt(sum(powers) / len(powers))) if powers else FLOOR_DB
    return levels


def separation_db(
    path: Path, own: int, foreign: Iterable[int], *, start_s: float = 0.0, end_s: float | None = None
) -> float:
    """How far, in dB, the loudest of the `foreign` tones is below the tone that should be heard.

    Of the blocks that no late packet tore (`whole`).
    """
    heard = samples(path, start_s, end_s)
    window = _hann(BLOCK)
    shaped = [[s * w for s, w in zip(block, window, strict=True)] for block in _frames(heard, BLOCK)]
    amplitudes = [_amplitude(block, own) for block in shaped]
    kept = [block for block, is_whole in zip(shaped, whole(amplitudes), strict=True) if is_whole]
    if not kept:
        return 0.0
    wanted, *others = (math.sqrt(sum(_amplitude(block, freq) ** 2 for block in kept)) for freq in (own, *foreign))
    return _db(wanted) - _db(max(others, default=0.0))


def whole(amplitudes: Sequence[float]) -> list[bool]:
    """Which blocks of a steady tone, of these amplitudes, are whole: those as loud as the middle one.

    A packet that came too late tears the tone, and the tear sounds like a little of every frequency; gaps are measured
    by `gaps`. A tone of somebody else's changes nothing of the amplitude of this one, so no such block is left out.
    """
    usual = sorted(amplitudes)[len(amplitudes) // 2] if amplitudes else 0.0
    return [abs(_db(amplitude) - _db(usual)) < TORN_DB for amplitude in amplitudes]


def gaps(
    path: Path, freq: int, threshold_ms: int = 60, *, start_s: float = 0.0, end_s: float | None = None
) -> list[Gap]:
    """The times longer than `threshold_ms` without the tone, between its first and its last sound.

    Measured in steps of 10 ms. One gap of length 0 at 0 when the tone is never heard.
    """
    heard = samples(path, start_s, end_s)
    levels = [_db(_amplitude(frame, freq)) for frame in _frames(heard, FRAME)]
    usual = sorted(levels)[int(len(levels) * 0.9)] if levels else FLOOR_DB
    present = [level > max(usual - PRESENT_DB, SILENCE_DB) for level in levels]
    if True not in present:
        return [Gap(0.0, 0)]
    first, last = present.index(True), len(present) - present[::-1].index(True)
    runs = _runs_of_false(present[first:last])
    found = [Gap(start_s + (first + at) * FRAME / RATE, count * 1000 * FRAME // RATE) for at, count in runs]
    return [gap for gap in found if gap.length_ms > threshold_ms]


def longest_silence_s(
    path: Path, *, start_s: float = 0.0, end_s: float | None = None, threshold_db: float = SILENCE_DB
) -> float:
    """The longest time in which nothing louder than `threshold_db` (RMS) was heard, the two ends included."""
    frames = _frames(samples(path, start_s, end_s), SILENCE_FRAME)
    levels = (_db(math.sqrt(2 * sum(s * s for s in frame) / len(frame)) / FULL_SCALE) for frame in frames)
    audible = [level > threshold_db for level in levels]
    return max((count for _, count in _runs_of_false(audible)), default=0) * SILENCE_FRAME / RATE


def matches_prompt(path: Path, prompt: Path, *, first_s: float | None = None) -> float:
    """How well a known prompt is found in what was heard: 1 is the same samples, above 0.7 is that prompt.

    Normalised cross-correlation at the best offset; `first_s` looks for the prompt's beginning only (one that was
    interrupted). Needs numpy.
    """
    import numpy as np  # a tool of the tests; the demo does without

    heard = np.asarray(samples(path), dtype=float)
    wanted = np.asarray(samples(prompt, 0.0, first_s), dtype=float)
    if not len(wanted) or len(heard) < len(wanted):
        return 0.0
    size = 1 << (len(heard) + len(wanted)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(wanted, size)), size)
    products = product[: len(heard) - len(wanted) + 1]
    squares = np.concatenate(([0.0], np.cumsum(heard**2)))
    energies = squares[len(wanted) :] - squares[: -len(wanted)]
    norms = np.sqrt(energies * float(np.sum(wanted**2)))
    floor = np.sqrt(len(wanted)) * float(np.linalg.norm(wanted))  # below a level of 1, it is silence
    return float(np.max(np.abs(products) / np.maximum(norms, floor)))


def _hann(size: int) -> list[float]:
    return [0.5 - 0.5 * math.cos(2 * math.pi * (n + 0.5) / size) for n in range(size)]


def _frames(heard: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (heard[at : at + size] for at in range(0, len(heard) - size + 1, size))


def _amplitude(block: Sequence[float], freq: int) -> float:
    """Goertzel: the amplitude, 1.0 for a full-scale sine, of one frequency."""
    turn = 2 * math.cos(2 * math.pi * freq / RATE)
    last = before = 0.0
    for value in block:
        last, before = value + turn * last - before, last
    power = last * last + before * before - turn * last * before
    return 2 * math.sqrt(max(power, 0.0)) / len(block) / FULL_SCALE


def _db(amplitude: float) -> float:
    return max(FLOOR_DB, 20 * math.log10(amplitude)) if amplitude > 0 else FLOOR_DB


def _runs_of_false(flags: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Where each run of False begins, and how long it is."""
    begun: int | None = None
    for at, flag in enumerate([*flags, True]):
        if not flag and begun is None:
            begun = at
        elif flag and begun is not None:
            yield begun, at - begun
            begun = None
