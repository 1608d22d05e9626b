"""What a party heard, as a list of words: prompts, the ringing tone, comfort, announcements, somebody's tone."""

import wave
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sandbox import audio
from engine.sounds import LANGUAGES, PROMPTS, comfort, prompt

Samples = NDArray[np.float64]

RATE = audio.RATE
IS_IT = 0.7  # of 1: the same samples; see audio.matches_prompt
MAY_BE_IT = 0.3
ROUGH = 4
ROUGH_LONGEST = 10 * RATE // ROUGH  # no prompt is longer than ten seconds
PIECE_S, SHIFT_S = 0.15, 0.3
QUIET = 300  # of 32768
NEARLY_ALL = 0.75
MOST = 0.5
RINGING_HZ = 440  # the tones of France, which the engine's Asterisk is set to
FRAME_S = 0.05
TONE_DB = -45.0
TONE_SHARE = 0.5  # of the energy of a frame; speech never puts so much into one frequency for so long
SHORTEST_TONE_S = 0.2
BURSTS = ("ringing", "comfort", "customer")
CUT_S = 0.25
"""A hang-up may overtake the last packets of a prompt: the silence it ends with need not have been heard. And where a
recording begins with a prompt, a packet that came before it is not in it."""


class Sound(NamedTuple):
    """Something recognised, from `at_s` after the beginning of the recording."""

    word: str
    at_s: float
    until_s: float


def house_prompts() -> dict[str, Path]:
    """Every recording of the engine by `language/name`, and `comfort`: one second of the waiting tone."""
    found = {f"{lang}/{name}": prompt(name, lang).with_suffix(".wav") for lang in LANGUAGES for name in PROMPTS}
    return {**found, "comfort": comfort().with_suffix(".wav")}


def sounds(path: Path, prompts: Mapping[str, Path], tones: Mapping[str, int]) -> list[Sound]:
    """What was heard, in order of time. A prompt counts when it was heard whole; a tone when it lasted."""
    heard = np.asarray(audio.samples(path), dtype=np.float64)
    edge = np.zeros(round(CUT_S * RATE))
    prompted = _prompts(np.concatenate((edge, heard, edge)), prompts)
    found = [Sound(word, max(0.0, at_s - CUT_S), until_s - CUT_S) for word, at_s, until_s in prompted]
    for word, hertz in tones.items():
        found += _tone(heard, word, hertz)
    return sorted(found, key=lambda sound: sound.at_s)


def words(found: Iterable[Sound], *, without: Iterable[str] = ()) -> list[str]:
    """The words in order; a tone that comes in bursts is named once."""
    said: list[str] = []
    for sound in found:
        if sound.word not in without and not (said and sound.word == said[-1] and sound.word in BURSTS):
            said.append(sound.word)
    return said


def levels_db(
    path: Path, hertz: Iterable[int], *, sent: int, start_s: float, end_s: float, crowding: float = 1
) -> dict[int, float]:
    """The level of each tone, of many at once, beside the one that was `sent`: in the blocks that no late packet tore
    (`audio.whole`), which must be most of them, or fewer where `crowding` tasks want each core. As
    `audio.separation_db`, which takes its time."""
    heard = np.asarray(audio.samples(path, start_s, end_s), dtype=np.float64) / audio.FULL_SCALE
    size, wanted = audio.BLOCK, [sent, *(each for each in hertz if each != sent)]
    window = np.hanning(size)
    blocks = heard[: len(heard) // size * size].reshape(-1, size) * window
    turning = np.exp(-2j * np.pi * np.outer(np.arange(size), wanted) / RATE)
    amplitudes = 2 * np.abs(blocks @ turning) / window.sum()
    whole = np.asarray(audio.whole(amplitudes[:, 0].tolist()))
    assert whole.mean() > MOST / crowding, (
        f"{path}: {len(whole) - whole.sum()} of {len(whole)} blocks torn by late packets"
    )
    amplitudes = amplitudes[whole]
    levels = 20 * np.log10(np.sqrt(np.mean(amplitudes**2, axis=0)) + 1e-9)
    return {freq: float(level) for freq, level in zip(wanted, levels, strict=True)}


def _prompts(heard: Samples, prompts: Mapping[str, Path]) -> Iterable[Sound]:
    """Found roughly as a whole, then heard piece by piece: under load a packet may be late, and what follows shifts."""
    rough = _roughly(heard)
    size = 1 << (len(rough) + ROUGH_LONGEST).bit_length()
    spectrum = np.fft.rfft(rough, size)
    for word, path in prompts.items():
        samples = _wave(path)
        wanted = _roughly(samples)
        if len(rough) >= len(wanted):
            product = np.fft.irfft(spectrum * _spectrum(path, size), size)[: len(rough) - len(wanted) + 1]
            for begin in _peaks(_likeness(product, rough, wanted), len(wanted)):
                at = begin * ROUGH
                if _heard_whole(heard, samples, at):
                    yield Sound(word, at / RATE, (at + len(samples)) / RATE)


@cache
def _spectrum(path: Path, size: int) -> NDArray[np.complex128]:
    return np.asarray(np.conj(np.fft.rfft(_roughly(_wave(path)), size)), dtype=np.complex128)


def _roughly(samples: Samples) -> Samples:
    """A quarter of the samples: enough to find where a prompt may be, in a sixth of the time."""
    return np.asarray(samples[: len(samples) // ROUGH * ROUGH].reshape(-1, ROUGH).mean(axis=1), dtype=np.float64)


def _likeness(products: Samples, heard: Samples, wanted: Samples) -> Samples:
    """1 where the samples are the same, 0 where they have nothing in common."""
    squares = np.concatenate(([0.0], np.cumsum(heard**2)))
    energies = np.maximum(squares[len(wanted) :] - squares[: -len(wanted)], 0.0)
    norms = np.sqrt(energies * float(np.sum(wanted**2)))
    floor = np.sqrt(len(wanted)) * float(np.linalg.norm(wanted))  # below a level of 1 it is silence
    return np.asarray(np.abs(products) / np.maximum(norms, floor), dtype=np.float64)


def _peaks(likeness: Samples, length: int) -> Iterable[int]:
    """Each place where it may be: the best one, then the best one that hardly overlaps it, and so on."""
    left = likeness.copy()
    while len(left) and left.max() > MAY_BE_IT:
        best = int(left.argmax())
        yield best
        left[max(0, best - round(0.9 * length)) : best + round(0.9 * length)] = 0.0


def _heard_whole(heard: Samples, wanted: Samples, begin: int) -> bool:
    """Whether nearly every piece with words in it was heard where it should be after the last one, within `SHIFT_S`:
    each late packet shifts all that follows."""
    size, shift = round(PIECE_S * RATE), round(SHIFT_S * RATE)
    spoken = found = shifted = 0
    for at in range(0, len(wanted) - size + 1, size):
        piece = wanted[at : at + size]
        if np.sqrt(np.mean(piece**2)) < QUIET:
            continue
        spoken += 1
        first = max(0, begin + at + shifted - shift)
        around = heard[first : begin + at + shifted + size + shift]
        if len(around) >= size:
            likeness = _likeness(np.correlate(around, piece), around, piece)
            if likeness.max() > IS_IT:
                found += 1
                shifted = first + int(likeness.argmax()) - begin - at
    return spoken > 0 and found >= spoken * NEARLY_ALL


def _tone(heard: Samples, word: str, hertz: int) -> Iterable[Sound]:
    """The times in which most of what was heard was this frequency."""
    size = int(RATE * FRAME_S)
    frames = heard[: len(heard) // size * size].reshape(-1, size) / audio.FULL_SCALE
    turning = np.exp(-2j * np.pi * hertz * np.arange(size) / RATE)
    amplitude = 2 * np.abs(frames @ turning) / size
    power = np.mean(frames**2, axis=1)
    present = (20 * np.log10(amplitude + 1e-9) > TONE_DB) & (amplitude**2 / 2 > TONE_SHARE * power)
    for begin, end in _runs(present):
        if (end - begin) * FRAME_S >= SHORTEST_TONE_S:
            yield Sound(word, begin * FRAME_S, end * FRAME_S)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


@cache
def _wave(path: Path) -> Samples:
    with wave.open(str(path), "rb") as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(np.float64)
    return frames[:RATE] if path.stem == "comfort" else frames
