"""A program of its own, `python -m engine.sounds.convert`: what somebody uploaded in, what Asterisk plays out.

Files of strangers are opened here and nowhere else: a codec that crashes, or a file that asks for all the memory there
is, ends this process and not the engine. Asked by `uploads`, through pipes.
"""

import io
import resource
import sys

import msgspec
import numpy as np
import soundfile

from engine.sounds.conditioning import NARROW_HZ, WIDE_HZ, Samples, forms, resample, silent
from engine.sounds.uploads import LONGEST_S, Converted, Unusable

_FORMATS = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "FLAC", "OGG", "MP3"})
_RATES_HZ = range(4_000, 192_001)
_MOST_CHANNELS = 8
_LOUDEST = 8.0  # of a file of floating point, in which 1.0 is full scale and no limit
_MEMORY_BYTES = 3 * 1024**3  # of addresses: libraries reserve far more than they use
_CPU_S = 40


def converted(upload: bytes) -> Converted | Unusable:
    """What a file holds, as Asterisk plays it, or why not."""
    try:
        with soundfile.SoundFile(io.BytesIO(upload)) as file:
            made_of = f"{file.format}, {file.samplerate} Hz, {file.channels} channels"
            if file.format not in _FORMATS or file.samplerate not in _RATES_HZ or file.channels > _MOST_CHANNELS:
                return Unusable(fault="recording-not-audio", why=f"{made_of}: no recording of speech")
            rate_hz, samples = file.samplerate, _mono(file)
    except (soundfile.SoundFileError, OSError, ValueError) as wrong:
        return Unusable(
            fault="recording-not-audio", why=f"no recording in WAV, FLAC, OGG, Opus or MP3: {str(wrong)[:200]}"
        )
    if len(samples) > LONGEST_S * rate_hz:
        return Unusable(fault="recording-too-long", why=f"it is longer than {LONGEST_S // 60} minutes")
    if silent(resample(samples, rate_hz, WIDE_HZ), WIDE_HZ):
        return Unusable(fault="recording-silent", why="nothing is heard in it")
    made = forms(samples, rate_hz)
    seconds = (len(made.narrow) - 44) / 2 / NARROW_HZ
    return Converted(wide=made.wide, narrow=made.narrow, seconds=seconds, made_of=made_of)


def _mono(file: soundfile.SoundFile) -> Samples:
    """All channels as one, second by second: what the header promises is not believed. One second too much is kept of
    what is too long."""
    seconds: list[Samples] = []
    while len(seconds) <= LONGEST_S:
        block = file.read(file.samplerate, dtype="float32", always_2d=True)
        if not len(block):
            break
        seconds.append(np.clip(np.nan_to_num(block), -_LOUDEST, _LOUDEST).mean(axis=1))
    return np.concatenate(seconds or [np.zeros(0)])


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.stdout.buffer.write(msgspec.msgpack.encode(converted(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
