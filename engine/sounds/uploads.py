"""Recordings of any usual format, made into what Asterisk plays, by a process of their own."""

import os
import subprocess
import sys
from pathlib import Path
from threading import Semaphore

import msgspec
import structlog

import engine
from engine.errors import InvalidValue
from engine.sounds.convert import Converted, Unusable

log = structlog.get_logger(__name__)

MOST_BYTES = 30 * 1024 * 1024
"""Five minutes of 16 bit, 44.1 kHz, mono are 26 MB."""
CONVERT_S = 60.0
NICE = 10
_ONE_AT_A_TIME = Semaphore(1)
"""Calls come first on a machine of two cores, and its memory holds one long recording."""


def convert(upload: bytes) -> Converted:
    """Both forms of a recording; raises InvalidValue, with a code that says what is wrong with it. Blocking."""
    if not upload:
        raise InvalidValue("the recording is empty", code="recording-empty")
    if len(upload) > MOST_BYTES:
        raise InvalidValue(f"a recording has at most {MOST_BYTES // 1024**2} MB", code="recording-too-large")
    with _ONE_AT_A_TIME:
        answer = _asked(upload)
    if isinstance(answer, Unusable):
        raise InvalidValue(answer.why, code=f"recording-{answer.fault}")
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
        return Unusable(fault="not-audio", why="it cannot be read as a recording")
