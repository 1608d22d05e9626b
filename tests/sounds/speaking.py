"""A speech engine of the tests."""

import math
import threading
from array import array

from engine.domain.directory import Language
from engine.errors import Unavailable
from engine.sounds.speech import Sound

RATE_HZ = 22_050
SPOKEN_S = 0.4


def tone(seconds: float, *, rate_hz: int = RATE_HZ, hz: float = 1_000.0, peak: int = 1_000) -> "array[int]":
    return array("h", (round(peak * math.sin(2 * math.pi * hz * n / rate_hz)) for n in range(round(seconds * rate_hz))))


class Robot:
    """Hums everything in less than half a second; or cannot. `mute`: the languages it has no voice for."""

    def __init__(self, *, mute: tuple[Language, ...] = ()) -> None:
        self.said: list[tuple[str, Language]] = []
        self._mute = mute
        self.may_speak = threading.Event()
        self.may_speak.set()

    def speak(self, text: str, language: Language) -> Sound:
        self.may_speak.wait(5)
        if language in self._mute:
            raise Unavailable("it has no voice")
        self.said.append((text, language))
        return Sound(RATE_HZ, tone(SPOKEN_S))
