"""Recordings of any usual format, made into what Asterisk plays, by a process of their own."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Semaphore
from typing import Literal

import msgspec
import structlog

import engine
from engine.errors import InvalidValue
from engine.sounds import MOST_UPLOAD_BYTES

log = structlog.get_logger(__name__)

LONGEST_S = 300
"""Callers hang up long before the end of five minutes."""
CONVERT_S = 60.0
NICE = 10
_ONE_AT_A_TIME = Semaphore(1)
"""Calls come first on a machine of two cores, and its memory holds one long recording."""


Fault = Literal["recording-not-audio", "recording-too-long", "recording-silent"]


class Converted(msgspec.Struct, frozen=True, kw_only=True, tag="converted"):
    """Both forms as WAV files, how long they last, and what they were made of: such as `MP3, 44100 Hz, stereo`."""

    wide: bytes
    narrow: bytes
    seconds: float
    made_of: str


class Unusable(msgspec.Struct, frozen=True, kw_only=True, tag="unusable"):
    fault: Fault
    why: str


def convert(upload: bytes) -> Converted:
    """Both forms of a recording; raises InvalidValue, with a code that says what is wrong with it. Blocking."""
    if not upload:
        raise InvalidValue("the recording is empty", code="recording-empty")
    if len(upload) > MOST_UPLOAD_BYTES:
        raise InvalidValue(f"a recording has at most {MOST_UPLOAD_BYTES // 1024**2} MB", code="recording-too-large")
    with _ONE_AT_A_TIME:
        answer = _asked(upload)
    if isinstance(answer, Unusable):
        raise InvalidValue(answer.why, code=answer.fault)
    return answer


def _asked(upload: bytes) -> Converted | Unusable:
    """What the other process made of it. One that ends without an answer could not bear the file."""
    command = ["nice", "-n", str(NICE), sys.executable, "-P", "-m", "engine.sounds.convert"]
    surroundings = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(Path(engine.__file__).resolve().parents[1]),
        "OPENBLAS_NUM_THREADS": "1",
    }
    try:
        done = subprocess.run(  # noqa: S603 - a program of ours; the file goes through a pipe
            command, input=upload, capture_output=True, timeout=CONVERT_S, check=True, env=surroundings
        )
        return msgspec.msgpack.decode(done.stdout, type=Converted | Unusable)
    except (subprocess.SubprocessError, msgspec.DecodeError) as failed:
        told = getattr(failed, "stderr", None) or b""
        log.error("recording.not_converted", why=str(failed), said=told[-2000:].decode("utf-8", "replace"))
        return Unusable(fault="recording-not-audio", why="it cannot be read as a recording")
