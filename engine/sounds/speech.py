"""The one way to speech: words in, sound out. Another engine is another class with `speak`.

The sound is 16 bit, mono, at the rate it comes with; what to make of it is the asker's business.
"""

import shutil
import subprocess
from array import array
from typing import NamedTuple, Protocol

from engine.domain.directory import Language
from engine.errors import Unavailable

SPEAKS_S = 30.0
PROGRAM = "espeak-ng"
VOICES: dict[Language, list[str]] = {
    "fr": ["-v", "fr", "-s", "150", "-p", "42"],  # words per minute, pitch 0-99
    "en": ["-v", "en-gb", "-s", "150", "-p", "42"],
}


class Sound(NamedTuple):
    rate_hz: int
    samples: "array[int]"

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate_hz


class Speech(Protocol):
    def speak(self, text: str, language: Language) -> Sound:
        """Say a text; raises Unavailable where that is not possible now."""


class Espeak:
    """espeak-ng: small, fast, in every Debian, and a robot."""

    def __init__(self, program: str) -> None:
        self._program = program

    def speak(self, text: str, language: Language) -> Sound:
        command = [self._program, *VOICES[language], "--stdin", "--stdout"]
        try:
            done = subprocess.run(  # noqa: S603 - a program we found; the text goes through a pipe
                command, input=text.encode(), check=True, capture_output=True, timeout=SPEAKS_S
            )
        except (OSError, subprocess.SubprocessError) as error:
            message = f"{self._program} does not speak: {error}"
            raise Unavailable(message, what_next=f"try it: {PROGRAM} Hello") from error
        # espeak-ng cannot know the length in advance when it writes to a pipe: the header lies, so skip it.
        header, spoken = done.stdout[:44], done.stdout[44:]
        return Sound(int.from_bytes(header[24:28], "little"), array("h", spoken[: len(spoken) // 2 * 2]))


def found() -> Speech:
    """The machine's own speech engine; raises Unavailable where there is none."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise Unavailable("no speech engine on this machine", what_next=f"apt-get install {PROGRAM}")
    return Espeak(program)
