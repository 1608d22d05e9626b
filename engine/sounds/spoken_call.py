"""A simulated call as one hears it: everything that was said, and the keys, at their time, in one recording."""

import math
import wave
from array import array
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

from engine.domain.directory import Language
from engine.domain.scenario import talk
from engine.errors import BadFile
from engine.scenarios.hearing import Ears, Named
from engine.scenarios.simulator import Pressed, Said, Simulation
from engine.sounds.speech import Sound, Speech

RATE_HZ = 8_000
KEY_S = 0.12
TONES: dict[str, tuple[float, float]] = {
    key: (row, column)
    for row, keys in ((697.0, "123A"), (770.0, "456B"), (852.0, "789C"), (941.0, "*0#D"))
    for key, column in zip(keys, (1209.0, 1336.0, 1477.0, 1633.0), strict=True)
}
"""The two frequencies of each key, in Hz (ITU-T Q.23)."""
_LOUD = 6_000  # of each of the two, of 32,767
_LOUDEST = 32_767


class Voice:
    """Says what is heard: recordings as they are, everything else by the speech engine, each text once."""

    def __init__(self, speech: Speech, recordings: Mapping[Named, Path]) -> None:
        self._recordings = recordings
        self._spoken = cache(lambda text, language: at_rate(speech.speak(text, language)))

    def spoken_s(self, text: str, language: Language) -> float:
        """How long a text lasts, for `Ears.spoken_s`: then the virtual clock is that of the recording."""
        return len(self._spoken(text, language)) / RATE_HZ

    def say(self, item: talk.AnyHeard, language: Language, ears: Ears) -> "array[int]":
        if isinstance(item, talk.Silence):
            return _silence(item.seconds)
        if isinstance(item, talk.Recording) and (language, item.name) in self._recordings:
            return at_rate(read(self._recordings[language, item.name]))
        return self._spoken(ears.text([item], language), language)


def render(call: Simulation, voice: Voice) -> "array[int]":
    """All of it, at `RATE_HZ`."""
    track = _silence(call.now)
    for event in call.story:
        match event:
            case Said(at=at, until=until, speak=speak, cut=cut):
                said = array("h")
                for item in speak.items:
                    said.extend(voice.say(item, speak.language, call.ears))
                _mix(track, at, said[: _place(until - at)] if cut else said)
            case Pressed(at=at, key=key) if key in TONES:
                _mix(track, at, _tone(key))
            case _:
                pass  # is heard by nobody, or silence
    return track


def write(samples: "array[int]", path: Path) -> None:
    """A WAV file, 8 kHz, 16 bit, mono."""
    with path.open("wb") as opened, wave.open(opened, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())


def read(path: Path) -> Sound:
    """A recording; raises BadFile where it is no WAV of 16 bit."""
    try:
        with wave.open(str(path), "rb") as file:
            if file.getsampwidth() != 2:
                raise BadFile(f"{path}: {8 * file.getsampwidth()} bit: 16 are expected")
            samples = array("h", file.readframes(file.getnframes()))
            return Sound(file.getframerate(), samples[:: file.getnchannels()])
    except (OSError, EOFError, wave.Error) as wrong:
        raise BadFile(f"{path}: not a recording in WAV: {wrong}") from wrong


def at_rate(sound: Sound) -> "array[int]":
    """At `RATE_HZ`: each sample is the mean of those it stands for, or the nearest one."""
    rate_hz, samples = sound
    if rate_hz == RATE_HZ:
        return samples
    step = rate_hz / RATE_HZ
    ends = [int(place * step) for place in range(int(len(samples) / step) + 1)]
    parts = (samples[start : max(end, start + 1)] for start, end in pairwise(ends))
    return array("h", (sum(part) // len(part) for part in parts))


def _mix(track: "array[int]", at: float, samples: "array[int]") -> None:
    """Lay a sound over the track, which grows where it is too short."""
    start = _place(at)
    missing = start + len(samples) - len(track)
    if missing > 0:
        track.extend(_silence(missing / RATE_HZ))
    for place, sample in enumerate(samples, start):
        track[place] = max(-_LOUDEST, min(_LOUDEST, track[place] + sample))


def _tone(key: str) -> "array[int]":
    row, column = (2 * math.pi * frequency / RATE_HZ for frequency in TONES[key])
    return array("h", (round(_LOUD * (math.sin(row * n) + math.sin(column * n))) for n in range(_place(KEY_S))))


def _silence(seconds: float) -> "array[int]":
    return array("h", bytes(2 * _place(seconds)))


def _place(seconds: float) -> int:
    return round(seconds * RATE_HZ)
