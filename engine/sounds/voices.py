"""Where Asterisk finds what a scenario says: every thing said as the name of a file, or digits it has sounds for.

Words are rendered once, when the scenario is published or, with variables in them, when they are first said; the file
is named after language and text. Numbers and days are words too: Asterisk's own way of saying them cannot be stopped by
a key (`number:` answers 500 to a stop).
"""

import asyncio
import hashlib
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import structlog

from engine.domain.directory import Language
from engine.domain.scenario.talk import (
    AnyHeard,
    AsteriskSound,
    Day,
    DigitByDigit,
    House,
    Recording,
    Silence,
    WholeNumber,
    Words,
)
from engine.domain.values import Slug
from engine.errors import StandardisteError
from engine.scenarios.hearing import DEAF
from engine.sounds.speech import Speech

log = structlog.get_logger(__name__)

RENDER_S = 4.0
"""A caller waits no longer for words that were never said before: they are passed over, and there the next time."""
OWN_SILENCE_S = 10
"""Asterisk has silences of one to so many whole seconds; others are made, as words are."""
_SAFE = re.compile(r"[A-Za-z0-9/_.-]+", re.ASCII)
"""Of one of Asterisk's own sounds: a comma would begin another."""
Recorded = Callable[[Slug, Language], Path | None]


class Voices:
    """Implements `ari.execute.Voices`. `prompts`: the engine's own; `said`: where words are rendered to, a directory
    Asterisk can read; `recorded`: the file of a recording; `speech` None: nothing is rendered here."""

    def __init__(self, *, prompts: Path, said: Path, recorded: Recorded, speech: Speech | None) -> None:
        self._prompts, self._said, self._recorded, self._speech = prompts, said, recorded, speech
        self._rendering: dict[Path, asyncio.Task[bool]] = {}

    async def media(self, items: tuple[AnyHeard, ...], language: Language) -> list[str]:
        """Media URIs to be played one after the other. What cannot be had is passed over, and in the log."""
        found = [await self._of(item, language) for item in items]
        return [uri for uri in found if uri is not None]

    async def _of(self, item: AnyHeard, language: Language) -> str | None:
        match item:
            case Words(text=text):
                uri = await self._spoken(text, language)
            case WholeNumber() | Day():
                uri = await self._spoken(DEAF.text([item], language), language)
            case DigitByDigit(digits=digits):
                uri = f"digits:{digits}"
            case Recording(name=name):
                uri = self._recording(name, language)
            case AsteriskSound(name=name):
                uri = f"sound:{name}" if _SAFE.fullmatch(name) else None
            case House(prompt=prompt):
                uri = f"sound:{self._prompts / language / prompt}"
            case Silence(seconds=seconds):
                uri = await self._silent(seconds)
        return uri

    async def _silent(self, seconds: float) -> str:
        """As long as it was written; where the disk takes nothing, as Asterisk has it."""
        near = min(max(round(seconds), 1), OWN_SILENCE_S)
        file = self._said / "silence" / f"{round(seconds * 1_000)}.wav"
        if near == seconds or not (file.exists() or await self._rendered(file, partial(silence, seconds, file))):
            return f"sound:silence/{near}"
        return f"sound:{file.with_suffix('')}"

    async def _spoken(self, text: str, language: Language) -> str | None:
        if not text.strip():
            return None
        file = said_file(self._said, text, language)
        if not file.exists() and not await self._said_into(text, language, file):
            log.error("scenario.words_not_said", language=language, characters=len(text))
            return None
        return f"sound:{file.with_suffix('')}"

    async def _said_into(self, text: str, language: Language, file: Path) -> bool:
        if self._speech is None:
            return False
        return await self._rendered(file, partial(render, self._speech, text, language, file))

    async def _rendered(self, file: Path, make: Callable[[], None]) -> bool:
        """Whether it is there in time; two calls that want the same words have them rendered once."""
        task = self._rendering.get(file)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(_try, make))
            self._rendering[file] = task
            task.add_done_callback(lambda _: self._rendering.pop(file, None))
        done, _ = await asyncio.wait([task], timeout=RENDER_S)
        return bool(done) and task.result()

    def _recording(self, name: Slug, language: Language) -> str | None:
        file = self._recorded(name, language)
        if file is None:
            log.error("scenario.recording_missing", recording=name, language=language)
            return None
        return f"sound:{file.with_suffix('')}"


def said_file(folder: Path, text: str, language: Language) -> Path:
    """Where words are, or will be, in a folder of rendered words."""
    return folder / language / f"{hashlib.sha256(text.encode()).hexdigest()[:40]}.wav"


def render(speech: Speech, text: str, language: Language, file: Path) -> None:
    """Say a text into a file, in the forms Asterisk plays; raises Unavailable or OSError. Blocking."""
    from engine.sounds.conditioning import forms, samples_of, write  # NumPy: an engine that starts has no time for it

    spoken = speech.speak(text, language)
    write(forms(samples_of(spoken), spoken.rate_hz), file)


def silence(seconds: float, file: Path) -> None:
    """Nothing, for so many seconds; raises OSError. Blocking."""
    from engine.sounds.conditioning import nothing, write

    write(nothing(seconds), file)


def _try(make: Callable[[], None]) -> bool:
    """Whether it went well."""
    try:
        make()
    except (StandardisteError, OSError) as failed:
        log.error("scenario.speech_failed", why=str(failed))
        return False
    return True
