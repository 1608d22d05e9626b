"""Recordings of any usual format become what Asterisk plays; everything else is refused, whatever it does."""

import io
import random
import subprocess
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from engine.errors import InvalidValue
from engine.sounds import convert as program
from engine.sounds import uploads
from engine.sounds.conditioning import Samples, speech_level
from engine.sounds.convert import converted
from engine.sounds.uploads import Converted, Unusable, convert
from tests.sounds.test_conditioning import heard, humming

FORMATS = [
    ("WAV", "PCM_16", 8_000, 1),
    ("WAV", "PCM_24", 44_100, 2),
    ("WAV", "PCM_U8", 11_025, 1),
    ("WAV", "FLOAT", 48_000, 1),
    ("WAV", "ALAW", 8_000, 1),
    ("WAV", "IMA_ADPCM", 22_050, 1),
    ("FLAC", "PCM_16", 96_000, 2),
    ("OGG", "VORBIS", 44_100, 2),
    ("OGG", "OPUS", 48_000, 1),
    ("MP3", "MPEG_LAYER_III", 44_100, 2),
    ("AIFF", "PCM_16", 44_100, 1),
]


def encoded(samples: Samples, kind: str, subtype: str, rate_hz: int, channels: int = 1) -> bytes:
    made = io.BytesIO()
    soundfile.write(made, np.tile(samples[:, None], (1, channels)), rate_hz, format=kind, subtype=subtype)
    return made.getvalue()


def spoken(rate_hz: int) -> Samples:
    """A second of something between two of nothing."""
    quiet = np.zeros(rate_hz)
    return np.concatenate([quiet, humming(1.0, rate_hz, peak=0.03), quiet])


@pytest.mark.parametrize(("kind", "subtype", "rate_hz", "channels"), FORMATS)
def test_every_usual_format_becomes_both_forms(kind: str, subtype: str, rate_hz: int, channels: int) -> None:
    made = converted(encoded(spoken(rate_hz), kind, subtype, rate_hz, channels))
    assert isinstance(made, Converted), made
    for content, wanted_hz in ((made.wide, 16_000), (made.narrow, 8_000)):
        at_hz, samples = heard(content)
        assert at_hz == wanted_hz
        assert len(samples) / at_hz == pytest.approx(made.seconds, abs=0.001)
        assert 1.2 < made.seconds < 1.5
        assert speech_level(samples, at_hz) == pytest.approx(-20.0, abs=0.5)
        assert np.abs(samples).max() < 0.85
    assert made.made_of.startswith(f"{kind}, {rate_hz} Hz")


def test_it_is_done_by_a_process_of_its_own() -> None:
    upload = encoded(spoken(16_000), "FLAC", "PCM_16", 16_000)
    assert convert(upload) == converted(upload)


@pytest.mark.parametrize(
    ("upload", "code", "why"),
    [
        (b"", "recording-empty", "is empty"),
        (b"RIFF", "recording-not-audio", "no recording in WAV"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), "recording-not-audio", "no recording in WAV"),
        (encoded(np.zeros(8_000), "WAV", "PCM_16", 8_000), "recording-silent", "nothing is heard"),
        (encoded(np.zeros(0), "WAV", "PCM_16", 8_000), "recording-silent", "nothing is heard"),
        (encoded(np.zeros(9_000), "WAV", "PCM_16", 3_000), "recording-not-audio", "3000 Hz"),
        (encoded(humming(301, 8_000), "FLAC", "PCM_16", 8_000), "recording-too-long", "longer than 5 minutes"),
        (encoded(spoken(8_000), "AU", "PCM_16", 8_000), "recording-not-audio", "AU, 8000 Hz"),
    ],
)
def test_what_is_no_good_recording_is_refused(upload: bytes, code: str, why: str) -> None:
    with pytest.raises(InvalidValue, match=why) as refused:
        convert(upload)
    assert refused.value.stable_code == code


def test_what_is_too_large_is_not_even_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_UPLOAD_BYTES", 1024**2)
    with pytest.raises(InvalidValue, match="at most 1 MB"):
        convert(bytes(1024**2 + 1))


def test_numbers_that_are_none_are_no_sound() -> None:
    odd = spoken(8_000)
    odd[10_000:10_004] = [np.nan, np.inf, -np.inf, 1e30]
    made = converted(encoded(odd, "WAV", "FLOAT", 8_000))
    assert isinstance(made, Converted)
    assert np.abs(heard(made.narrow)[1]).max() < 0.85


@pytest.mark.parametrize("failing", ["crash", "hang", "babble"])
def test_a_codec_that_fails_takes_only_its_process_with_it(monkeypatch: pytest.MonkeyPatch, failing: str) -> None:
    """The program in its place does what a codec with a fault does."""
    run = subprocess.run
    scripts = {"crash": "kill -SEGV $$", "hang": "exec sleep 30", "babble": "echo Bonjour"}
    monkeypatch.setattr(uploads, "CONVERT_S", 0.3)
    monkeypatch.setattr(subprocess, "run", lambda command, **given: run(["sh", "-c", scripts[failing]], **given))
    with pytest.raises(InvalidValue, match="cannot be read as a recording"):
        convert(b"RIFF")


def truncated(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(4, len(content))]


def garbled(content: bytes, chance: random.Random) -> bytes:
    bad = bytearray(content)
    for _ in range(chance.choice([1, 8, 64])):
        bad[chance.randrange(min(len(bad), chance.choice([64, len(bad)])))] = chance.randrange(256)
    return bytes(bad)


def swollen(content: bytes, chance: random.Random) -> bytes:
    """Lengths in its header that no file has."""
    at = chance.randrange(4, 60)
    return content[:at] + b"\xff\xff\xff\x7f" + content[at + 4 :]


@pytest.mark.parametrize("harm", [truncated, garbled, swollen])
@pytest.mark.parametrize(("kind", "subtype", "rate_hz", "channels"), [FORMATS[1], *FORMATS[5:10]])
def test_hostile_files_are_refused_or_heard(
    kind: str, subtype: str, rate_hz: int, channels: int, harm: Callable[[bytes, random.Random], bytes]
) -> None:
    """Never anything else, in the process that opens them; what it bears worse than this, the last test shows."""
    content = encoded(spoken(rate_hz), kind, subtype, rate_hz, channels)
    for seed in range(12):
        answer = program.converted(harm(content, random.Random(seed)))
        assert isinstance(answer, Converted | Unusable)
        if isinstance(answer, Converted):
            assert np.abs(heard(answer.wide)[1]).max() < 0.86
