"""Everything a scenario says that can be said before anybody calls, rendered before it goes live.

    missing = await render_all(speech, words_of(program), said)

Idempotent: words that are there are not said again, so a second node, and an engine that starts, ask for the same.
"""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import structlog

from engine.domain.directory import Language
from engine.domain.scenario.graph import Program, Say
from engine.domain.scenario.prompts import variables_of
from engine.errors import StandardisteError, Unavailable
from engine.sounds.speech import VOICES, Speech, found
from engine.sounds.voices import render, said_file

log = structlog.get_logger(__name__)

AT_ONCE = 2
"""Of the speech engine's processes: calls come first on a machine of two cores."""
_TRIAL = "1"


class Unsaid(NamedTuple):
    """Words that could not be rendered, and why."""

    language: Language
    text: str
    why: str


def words_of(program: Program) -> list[tuple[Language, str]]:
    """What a program says without variables in it, each text once, in every language of its scenario."""
    from engine.scenarios.check.uses import items_of  # the whole checker comes with it

    words = {
        (language, str(text)): None
        for scenario in program.scenarios.values()
        for node in scenario.nodes.values()
        for _, item in items_of(node)
        if isinstance(item, Say)
        for language, text in item.say.items()
        if language in scenario.languages and text.strip() and not variables_of(text)
    }
    return list(words)


async def render_all(speech: Speech | None, words: Iterable[tuple[Language, str]], said: Path) -> list[Unsaid]:
    """Render what is not there yet, beside the event loop; tells what could not be. Never raises for a text."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(language: Language, text: str) -> Unsaid | None:
        async with room:
            return await asyncio.to_thread(_rendered, speech, language, text, said)

    results = await asyncio.gather(*(one(language, text) for language, text in words))
    unsaid = [result for result in results if result is not None]
    if unsaid:
        log.error("scenario.words_not_rendered", texts=len(unsaid), why=unsaid[0].why)
    return unsaid


def _rendered(speech: Speech | None, language: Language, text: str, said: Path) -> Unsaid | None:
    file = said_file(said, text, language)
    if file.exists():
        return None
    if speech is None:
        return Unsaid(language, text, "no speech engine on this machine")
    try:
        render(speech, text, language, file)
    except (StandardisteError, OSError) as failed:
        return Unsaid(language, text, str(failed))
    return None


def speech_here() -> Speech | None:
    """This machine's speech engine, None where there is none: scenarios then play recordings only."""
    try:
        return found()
    except Unavailable as none:
        log.warning("speech.none", why=none.message, next=none.what_next)
        return None


def spoken_languages(speech: Speech | None) -> frozenset[str]:
    """The languages it really speaks, for `scenarios.house.House.speech`. Blocking: it says a word in each."""
    return frozenset(language for language in VOICES if speech is not None and _speaks(speech, language))


def _speaks(speech: Speech, language: Language) -> bool:
    try:
        return any(speech.speak(_TRIAL, language).samples)
    except Unavailable:
        return False
