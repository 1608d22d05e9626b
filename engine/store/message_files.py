"""The sound of the messages callers left: WAV files of this node, readable by nobody else. Every call here blocks."""

import io
import wave
from pathlib import Path

from engine.store import local_file

RATE, WIDTH = 8000, 2  # samples a second and bytes of a sample, as Asterisk records
_HEADER = 44


class MessageFiles:
    """`folder` is made when the first message comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, name: str) -> Path:
        return self._folder / f"{name}.wav"

    def seconds(self, name: str) -> float | None:
        """How long a message that is kept lasts; None when it is not."""
        try:
            return _seconds(self.path(name).stat().st_size - _HEADER)
        except FileNotFoundError:
            return None

    def keep(self, name: str, samples: bytes) -> float:
        """Puts it on the disk, whole or not at all, and says how long it lasts. Raises OSError (the disk is full)."""
        said = io.BytesIO()
        with wave.open(said, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(WIDTH)
            file.setframerate(RATE)
            file.writeframes(samples[: len(samples) // WIDTH * WIDTH])
        local_file.replace(self.path(name), said.getvalue())
        return _seconds(len(samples))

    def drop(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Take away what an engine that was killed had begun to write."""
        for unfinished in self._folder.glob(".*.wav.*"):
            unfinished.unlink(missing_ok=True)


def _seconds(size: int) -> float:
    return round(size / WIDTH / RATE, 1)
