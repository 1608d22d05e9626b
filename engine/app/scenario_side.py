"""What calls in scenarios need of the rest of the house: voices, and answers. Built here, for the composition root."""

from pathlib import Path

import structlog

from engine.app.asked_once import AskedOnce, Reports
from engine.app.house_answers import Flags, HouseAnswers, Source
from engine.app.scenario_answers import ScenarioAnswers
from engine.app.table_answers import TableAnswers
from engine.calls.clock import Clock
from engine.errors import Unavailable
from engine.sounds import speech
from engine.sounds.speech import Speech
from engine.sounds.voices import Recorded, Voices
from engine.store.pool import Database

log = structlog.get_logger(__name__)

SAID = "said"
"""Where words are rendered to, beside Asterisk's files: it must be able to read them."""


def voices(config_dir: Path, prompts: Path, recorded: Recorded) -> Voices:
    """What a scenario says, as files Asterisk plays."""
    return Voices(prompts=prompts, said=config_dir / SAID, recorded=recorded, speech=_speech())


def answers(*, source: Source, incidents: Flags, db: Database, journal: Reports, clock: Clock) -> ScenarioAnswers:
    """Who knows what a scenario asks."""
    return ScenarioAnswers(
        house=HouseAnswers(source, incidents), tables=TableAnswers(db), once=AskedOnce(journal, clock)
    )


def _speech() -> Speech | None:
    """The machine's own speech engine, if it has one: scenarios of recordings need none."""
    try:
        return speech.found()
    except Unavailable as none:
        log.info("scenario.no_speech", why=none.message, next=none.what_next)
        return None
