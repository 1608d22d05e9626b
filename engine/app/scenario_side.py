"""What calls in scenarios need of the rest of the house: voices, and answers. Built here, for the composition root."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from engine.app.asked_once import AskedOnce, Reports
from engine.app.auditing import Audit
from engine.app.callback_desk import CallbackAnswers
from engine.app.declared_tables import DeclaredTables
from engine.app.house_answers import Flags, HouseAnswers, Source
from engine.app.scenario_answers import ScenarioAnswers
from engine.app.scenario_deployment import deployed
from engine.app.scenario_library import ScenarioLibrary
from engine.app.scenario_shelf import ScenarioShelf
from engine.app.table_answers import TableAnswers
from engine.app.web_answers import WebAnswers
from engine.calls.clock import Clock
from engine.scenario_settings import ScenarioSettings
from engine.settings import Settings
from engine.sounds.publishing import render_all, speech_here, words_of
from engine.sounds.recorded import Recordings
from engine.sounds.voices import Voices
from engine.store.pool import Database
from engine.webhooks.fetcher import Fetcher

SAID, RECORDED = "said", "recorded"
"""Where words are rendered to, and recordings kept, beside Asterisk's files: it must be able to read them."""


def voices(config_dir: Path, prompts: Path) -> Voices:
    """What a scenario says, as files Asterisk plays."""
    return Voices(
        prompts=prompts, said=config_dir / SAID, recorded=Recordings(config_dir / RECORDED), speech=speech_here()
    )


def library(settings: Settings, *, db: Database, journal: Audit, clock: Clock, source: Source) -> ScenarioLibrary:
    """The published scenarios."""
    flags, speaks, data = settings.incidents.flags, speech_here(), settings.asterisk.data_dir
    shelf = ScenarioShelf(
        db,
        folder=settings.state_dir / "scenarios",
        recorded=Recordings(settings.asterisk.config_dir / RECORDED),
        say=lambda program: render_all(speaks, words_of(program), settings.asterisk.config_dir / SAID),
    )
    return ScenarioLibrary(
        shelf,
        db,
        journal,
        clock,
        source,
        deployed=lambda directory: deployed(directory, flags, speaks, data),
    )


@asynccontextmanager
async def answers(
    settings: ScenarioSettings,
    dsn: str,
    *,
    source: Source,
    incidents: Flags,
    db: Database,
    journal: Reports,
    clock: Clock,
) -> AsyncIterator[ScenarioAnswers]:
    """Who knows what a scenario asks. `dsn` is the engine's own database, where declared tables may be, too."""
    once = AskedOnce(journal, clock)
    async with (
        DeclaredTables(settings.tables, dsn) as declared,
        Fetcher(private=settings.private_addresses, hosts=settings.web_hosts) as fetcher,
    ):
        yield ScenarioAnswers(
            house=HouseAnswers(source, incidents),
            tables=TableAnswers(db, declared),
            web=WebAnswers(fetcher),
            callbacks=CallbackAnswers(source, once),
            once=once,
        )
