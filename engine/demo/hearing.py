"""What the two parties heard, measured in the far end's recordings of it once the call is over.

(Asterisk writes a recording in blocks of four seconds, so nothing can be measured while they talk.)
"""

import math
from dataclasses import dataclass
from pathlib import Path

from engine import sounds
from engine.errors import Unavailable
from engine.sandbox import audio
from engine.sandbox.behaviours import tone_of
from engine.sandbox.farend import FarEnd
from engine.sandbox.parties import FarCall
from engine.sounds import PROMPTS, Language, Prompt

SETTLE_S = 0.1  # after the answer and before the hang-up: packets of both ways are under way
FRAME = audio.RATE // 100
END_FRAMES = 50  # what may follow the last prompt: half a second
QUIET = 100.0  # RMS of 16-bit samples, -50 dB: below it nothing is told apart


@dataclass(frozen=True)
class Ear:
    """One party's recording of what it heard, with the seconds of it in which both talked."""

    recording: Path
    own_hz: int
    other_hz: int
    talk: tuple[float, float]

    @property
    def talk_s(self) -> float:
        return self.talk[1] - self.talk[0]

    def levels(self) -> tuple[float, float]:
        """The other's tone in dB, and how far below it one's own is."""
        start, end = self.talk
        found = audio.tone_levels(self.recording, (self.other_hz, self.own_hz), start_s=start, end_s=end)
        return found[self.other_hz], found[self.other_hz] - found[self.own_hz]

    def longest_gap_ms(self) -> int | None:
        """The longest time without the other's tone, seen in steps of 10 ms; None when it was never heard."""
        start, end = self.talk
        gaps = audio.gaps(self.recording, self.other_hz, 0, start_s=start, end_s=end)
        if any(gap.length_ms == 0 for gap in gaps):
            return None
        return max((gap.length_ms for gap in gaps), default=0)

    def longest_silence_before_s(self) -> float:
        """The longest silence before the conversation."""
        return audio.longest_silence_s(self.recording, end_s=self.talk[0])


async def ears(farend: FarEnd, agent: str, customer: str) -> tuple[Ear, Ear]:
    """The agent's and the customer's, of their last call, once it is over; raises Unavailable without a talk."""
    recordings = {number: await farend.heard_whole(number) for number in (agent, customer)}
    calls = {number: _last_answered(farend, number) for number in (agent, customer)}
    start = max(_answered_at(call) for call in calls.values()) + SETTLE_S
    end = min(call.ended_at or math.inf for call in calls.values()) - SETTLE_S

    def ear(number: str, other: str) -> Ear:
        since = _answered_at(calls[number])
        return Ear(recordings[number], tone_of(number), tone_of(other), (start - since, end - since))

    return ear(agent, customer), ear(customer, agent)


def last_prompt(recording: Path, language: Language) -> tuple[Prompt, float, float]:
    """Which of the engine's prompts `recording` ends with, how alike it is, and how alike the next best one is.

    1 is the same, 0 nothing alike. Compares loudness in steps of 10 ms: enough to tell a dozen prompts apart.
    """
    heard = _loudness(recording)
    alike = {name: _likeness(heard, _loudness(sounds.prompt(name, language).with_suffix(".wav"))) for name in PROMPTS}
    best, second, *_ = sorted(PROMPTS, key=lambda name: alike[name], reverse=True)
    return best, alike[best], alike[second]


def _likeness(heard: list[float], wanted: list[float]) -> float:
    first = max(0, len(heard) - len(wanted) - END_FRAMES)
    places = range(first, len(heard) - len(wanted) + 1)
    return max((_correlation(heard[at : at + len(wanted)], wanted) for at in places), default=0.0)


def _loudness(path: Path) -> list[float]:
    samples = audio.samples(path)
    frames = [samples[at : at + FRAME] for at in range(0, len(samples) - FRAME + 1, FRAME)]
    return [math.log10(QUIET + math.sqrt(sum(s * s for s in frame) / FRAME)) for frame in frames]


def _correlation(left: list[float], right: list[float]) -> float:
    a, b = _centred(left), _centred(right)
    norm = math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / norm if norm else 0.0


def _centred(values: list[float]) -> list[float]:
    mean = sum(values) / len(values)
    return [value - mean for value in values]


def _last_answered(farend: FarEnd, number: str) -> FarCall:
    for call in reversed(farend.calls(number)):
        if call.answered_at is not None:
            return call
    raise Unavailable(f"the far end answered no call at {number}")


def _answered_at(call: FarCall) -> float:
    return call.answered_at or 0.0
