"""What calls in scenarios need of the rest of the house: voices, and answers. Built here, for the composition root."""

import asyncio
from collections.abc import AsyncIterator, Mapping
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
from engine.app.voicemail_box import MessageAnswers, Spool, VoicemailBox
from engine.app.web_answers import WebAnswers
from engine.calls.clock import Clock
from engine.scenarios.coverage import Edge
from engine.settings import Settings
from engine.sounds.publishing import render_all, speech_here, words_of
from engine.sounds.recorded import Recordings
from engine.sounds.voices import Voices
from engine.store.message_files import MessageFiles
from engine.store.pool import Database
from engine.webhooks.fetcher import Fetcher

SAID, RECORDED = "said", "recorded"
"""Where words are rendered to, and recordings kept, beside Asterisk's files: it must be able to read them."""


def voices(config_dir: Path, prompts: Path) -> Voices:
    """What a scenario says, as files Asterisk plays."""
    return Voices(
        prompts=prompts, said=config_dir / SAID, recorded=Recordings(config_dir / RECORDED), speech=speech_here()
    )


def library(
    settings: Settings, db: Database, journal: Audit, clock: Clock, source: Source, *, left: Mapping[Edge, int]
) -> ScenarioLibrary:
    """The published scenarios. `left`: how often callers have left each node, by outcome; it goes on counting."""
    flags, speaks, data = settings.incidents.flags, speech_here(), settings.asterisk.data_dir
    tables = settings.scenarios.tables
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
        deployed=lambda directory: deployed(directory, flags, speaks, clock.now().utc.date(), data=data, tables=tables),
        left=left,
    )


@asynccontextmanager
async def answers(
    settings: Settings,
    dsn: str,
    *,
    source: Source,
    incidents: Flags,
    db: Database,
    journal: Reports,
    clock: Clock,
    spool: Spool,
) -> AsyncIterator[ScenarioAnswers]:
    """Who knows what a scenario asks. `dsn` is the engine's own database, where declared tables may be, too."""
    once, wanted = AskedOnce(journal, clock), settings.scenarios
    await asyncio.to_thread(_messages(settings).sweep)
    async with (
        DeclaredTables(wanted.tables, dsn) as declared,
        Fetcher(private=wanted.private_addresses, hosts=wanted.web_hosts) as fetcher,
    ):
        yield ScenarioAnswers(
            house=HouseAnswers(source, incidents),
            tables=TableAnswers(db, declared),
            web=WebAnswers(fetcher),
            callbacks=CallbackAnswers(source, once),
            messages=MessageAnswers(spool, _messages(settings), once, settings.node_id),
            once=once,
        )


def voicemails(settings: Settings, db: Database, journal: Audit) -> VoicemailBox:
    """The messages that callers left."""
    keep_days = settings.scenarios.voicemail_keep_days
    return VoicemailBox(db, _messages(settings), journal, node=settings.node_id, keep_days=keep_days)


def _messages(settings: Settings) -> MessageFiles:
    return MessageFiles(settings.state_dir / "voicemail")
