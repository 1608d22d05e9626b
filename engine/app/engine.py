"""The composition root: builds each object once, starts the tasks that own things, and ends them in order.

Stopping (SIGTERM, SIGINT) is quick and touches no call: they live on in Asterisk and the next engine takes them over,
as after a kill.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack, suppress
from contextvars import Context
from typing import Any

import msgspec
import structlog

from engine import __version__, secret_file, sounds
from engine.app import guarding, open_files, pruning, scenario_side
from engine.app.adapters import Archive, Cdrs, Health, Tokens
from engine.app.asterisk_side import AsteriskSide
from engine.app.beat import Admission, Beat
from engine.app.call_links import CallLinks
from engine.app.callback_desk import CallbackDesk
from engine.app.certificates import Certificates, named
from engine.app.changes import Changes
from engine.app.contact_book import ContactBook
from engine.app.control import Control, asterisk_settings
from engine.app.credit_side import CreditHook
from engine.app.directories import CurrentDirectory
from engine.app.directory_service import DirectoryService
from engine.app.door import Door
from engine.app.emergency_records import EmergencyRecords
from engine.app.incident_board import IncidentBoard
from engine.app.incident_codes import IncidentCodes
from engine.app.incident_mirror import IncidentMirror
from engine.app.interrupted import agree, put_back
from engine.app.keeping import DirectoryKeeper
from engine.app.listening import Listener
from engine.app.manager_side import manager_connection
from engine.app.measuring import MeasuredAnswers, MeasuredPools, measure
from engine.app.phones import AsteriskPhones
from engine.app.prompt_book import PromptBook
from engine.app.readiness import health_of
from engine.app.scenario_counts import ScenarioCounts
from engine.app.unmatched_numbers import UnmatchedNumbers
from engine.app.webhook_side import Rows, WebhookBook
from engine.ari.connection import AriConnection, Hooks
from engine.ari.events import AriEvent
from engine.ari.execute import Executor
from engine.ari.lanes import Lanes
from engine.ari.pools import HttpPools
from engine.ari.requests import AriRequests
from engine.ari.settings import AriSettings
from engine.calls.acceptance import House
from engine.calls.accepting import Limits
from engine.calls.clock import Anchor, Clock
from engine.calls.feed import EventFeed
from engine.calls.limits import LimitBoard
from engine.calls.reconcile import Reconciler
from engine.calls.service import CallService
from engine.calls.trunks import TrunkBoard
from engine.config.apply import AsteriskFiles
from engine.domain import record
from engine.domain.call import Call
from engine.domain.events import CallRequested, Event
from engine.domain.limits import Reading, kind_of
from engine.domain.stages import Ended
from engine.errors import DatabaseMismatch, NotListening, Replaced
from engine.http.server import ApiServer, build_app
from engine.journal import Journal
from engine.observe.metrics import Metrics
from engine.settings import Settings
from engine.store.pool import Database
from engine.store.shipper import Shipper
from engine.store.tokens import TokenBook
from engine.webhooks.deliverer import Deliverer
from engine.webhooks.poster import Poster

log = structlog.get_logger(__name__)

SHIP_AT_END_S = 3.0
PERIODIC_AFTER_S = 10.0
DEAF_AFTER_S = 0.5
FOLLOW_EVERY_S = 0.5
"""What another process published, or set, counts here within a second."""
LOOK_EVERY_S = 0.05
"""Asterisk takes a beat in some milliseconds; one that does not for this long is hung, and tells nothing either."""


def ari_secret(settings: Settings) -> str:
    """The ARI password: the one set, else the one kept in the state directory, made at the first start."""
    if settings.ari.secret is not None:
        return settings.ari.secret.get_secret_value()
    return secret_file.read_or_make(settings.state_dir / "ari.secret")


class Engine:
    """One engine: `async with Engine(settings, dsn) as engine: await engine.serve()`."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.metrics.process.build.labels(__version__, settings.node_id).set(1)
        self.counts = ScenarioCounts(self.metrics)
        self.directory = CurrentDirectory()
        self._dsn = dsn
        self._stack = AsyncExitStack()
        self._group: asyncio.TaskGroup | None = None

    async def __aenter__(self) -> "Engine":
        try:
            await self._build()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _build(self) -> None:
        settings, enter = self.settings, self._stack.enter_async_context
        settings.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.journal = await enter(
            Journal.open(
                settings.journal_path, settings.node_id, ballast_bytes=settings.journal.ballast_mb * 1024 * 1024
            )
        )
        self.feed = EventFeed(self.journal)
        self.certificates = Certificates(
            named(settings.asterisk), lambda use, end: self.metrics.process.certificate.labels(use).set(end)
        )
        self.journal.on_event = self.feed.poke
        self.journal.on_kept = self._kept
        self.clock = Clock(await self._anchor())
        self.db = await enter(Database(self._dsn, size=settings.postgres.pool_size))
        self.tokens = TokenBook(settings.state_dir / "tokens.json")
        self.keeper = DirectoryKeeper(
            self.db, self.directory, self.tokens, last_good=settings.state_dir / "directory.json"
        )
        await self.keeper.load_local()
        self.incidents = IncidentBoard(
            settings.incidents, self.db, self.journal, self.clock, copy=settings.state_dir / "incidents.json"
        )
        await self.incidents.load_local()
        self.unmatched = UnmatchedNumbers(self.directory, self.clock)
        self.scenarios = scenario_side.library(
            settings, self.db, self.journal, self.clock, self.directory, left=self.counts.left
        )
        await self.scenarios.shelf.load_local()
        self.shipper = Shipper(self.journal, self.db, on_dead_letter=lambda _: self.metrics.keeping.dead_letters.inc())
        self.journal.on_record = self.shipper.poke
        self.poster = await enter(Poster(private=settings.webhooks.private_addresses))
        self.deliveries = Rows(self.db, settings.node_id)
        self.deliverer = Deliverer(self.feed, self.deliveries, self.poster)
        self.credit = await self._credit()
        await self._build_ari()
        self.voicemails = scenario_side.voicemails(settings, self.db, self.journal)
        self.answers = await enter(
            scenario_side.answers(
                settings,
                self._dsn,
                source=self.directory,
                incidents=self.incidents,
                db=self.db,
                journal=self.journal,
                clock=self.clock,
                spool=self.ari,
            )
        )
        self._build_calls()

    async def _anchor(self) -> Anchor | None:
        kept = await self.journal.get("clock")
        return None if kept is None else msgspec.json.decode(kept, type=Anchor)

    async def _credit(self) -> CreditHook | None:
        settings = self.settings.credit
        if settings.url is None:
            return None
        poster = await self._stack.enter_async_context(Poster(private=settings.private_addresses))
        return CreditHook(settings, poster)

    async def _build_ari(self) -> None:
        settings = self.settings
        ari = AriSettings(
            base_url=settings.ari.url,
            username=settings.ari.user,
            password=ari_secret(settings),
            app=settings.ari.app,
        )
        pools = await self._stack.enter_async_context(HttpPools(ari))
        self.lanes = Lanes(MeasuredPools(pools, self.metrics))
        self.ari = AriRequests(self.lanes, ari.app)
        self.side = AsteriskSide(self.ari, self.directory, self.clock, settings.asterisk.cel_path)
        prompts = sounds.playable(settings.asterisk.config_dir, settings.asterisk.sounds_dir or sounds.FOLDER)
        voices = scenario_side.voices(settings.asterisk.config_dir, prompts)
        self.world = Executor(self.ari, sounds=prompts, now=self.clock.now, voices=voices)
        self.manager = manager_connection(settings)
        self.listener = Listener(
            self.clock, self.journal, on_connected=self._count_epoch, in_the_clear=self.side.ends_in_the_clear
        )
        self.connection = AriConnection(ari, self.ari, self.listener.take, hooks=Hooks(event=self._heard))

    def _build_calls(self) -> None:
        limits = self.settings.limits
        self.admission = Admission(
            live_calls=limits.live_calls,
            setups_per_s=limits.setups_per_s,
            loop_lag_s=limits.loop_lag_s,
            ready=lambda: self.connection.ready,
            disk_full=lambda: self.journal.disk_full,
        )
        self.limits = LimitBoard(
            rules=guarding.rules(self.settings.fraud),
            prices=guarding.prices(self.settings.fraud),
            closed_share=self.settings.fraud.closed_share,
            source=self.directory,
            clock=self.clock,
            journal=self.journal,
            spawn=self.spawn,
            told=self._limit_told,
        )
        self.trunks = TrunkBoard(self.directory, self.side, shut=self.limits.shut)
        self.calls = CallService(
            journal=self.journal,
            archive=Archive(self.db),
            world=self.world,
            asterisk=self.side,
            source=self.directory,
            trunks=self.trunks,
            clock=self.clock,
            admission=self.admission,
            house=House(
                node=self.settings.node_id,
                max_talk_s=self.settings.calls.longest_s,
                warn_s=self.settings.calls.warn_s,
            ),
            limits=Limits(per_agent_minute=limits.calls_per_minute_per_agent),
            spawn=self.spawn,
            changed=self._changed,
            refused=lambda rule: self.metrics.calls.refused.labels(rule).inc(),
            hearing=lambda: self.connection.ready and self.beat.unanswered_s() < DEAF_AFTER_S,
            unused=lambda event: self.metrics.calls.illegal_events.labels(type(event).__name__).inc(),
            guard=self.limits,
            credit=self.credit,
            answering=MeasuredAnswers(self.answers, self.metrics),
            programs=self.scenarios.shelf,
            unmatched=self.unmatched.note,
        )
        self.limits.attach(self.calls.registry)
        self.changes = Changes(
            self.db,
            AsteriskFiles(asterisk_settings(self.settings, ari_secret(self.settings)), Control(self.ari)),
            AsteriskPhones(self.ari),
            seats=limits.seats,
            call_of=self.calls.registry.of_agent,
        )
        reconciler = Reconciler(self.calls.registry, self.world, self.side, self.clock)
        codes = IncidentCodes(self.incidents, self.directory, self.journal)
        door = Door(self.calls, self.ari, self.spawn, self._takes_calls, codes)
        self.listener.attach(self.calls.registry, reconciler, self.ari, door)
        self.beat = Beat(
            journal=self.journal,
            ari=self.ari,
            clock=self.clock,
            admission=self.admission,
            live=lambda: len(self.calls.registry),
        )

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Start a task the application owns. It inherits nothing of who asked: a call outlives the request."""
        if self._group is None:
            work.close()
            raise RuntimeError("the engine does not run")
        self._group.create_task(work, context=Context())

    async def serve(self, *, listening: Callable[[str], None] = lambda url: None) -> None:
        """Run until cancelled, or until another engine takes our place in Asterisk."""
        open_files.allow(self.settings.http.connections)
        app = build_app(
            calls=self.calls,
            cdrs=Cdrs(self.db),
            tokens=Tokens(self.tokens),
            health=self._health(),
            metrics=self.metrics,
            limits=self.settings.http,
            directory=self._directory_book(),
            feed=self.feed,
            call_limits=self.limits,
            call_links=self._call_links(),
            webhooks=WebhookBook(self.db, self.poster, self.journal, private=self.settings.webhooks.private_addresses),
            contacts=ContactBook(self.db, self.journal),
            incidents=self.incidents,
            scenarios=self.scenarios,
            unmatched=self.unmatched,
            callbacks=CallbackDesk(self.db, self.journal),
            prompts=PromptBook(self.db, self.journal),
            voicemails=self.voicemails,
        )
        try:
            async with asyncio.TaskGroup() as self._group:
                await self._start(self._group)
                async with ApiServer(app, self.settings.http) as server:
                    listening(server.url)
                    await self.listener.replaced.wait()
                    log.error("engine.replaced", why="another engine took our application; this one stops")
                    raise asyncio.CancelledError
        finally:
            self._group = None
            await self.shipper.drain(SHIP_AT_END_S)

    def _directory_book(self) -> DirectoryService:
        return DirectoryService(
            changes=self.changes,
            db=self.db,
            current=self.directory,
            adopt=self.keeper.adopt,
            journal=self.journal,
            asterisk=self.settings.asterisk,
        )

    def _call_links(self) -> CallLinks | None:
        sources = self.settings.http.call_links
        return CallLinks(self.calls, self.directory, self.journal, sources) if sources else None

    async def _start(self, group: asyncio.TaskGroup) -> None:
        counted = await self.limits.load()
        resumed = await self.calls.resume()
        log.info("engine.started", node=self.settings.node_id, resumed_calls=resumed, counted_calls=counted)
        self.metrics.calls.recovered.inc(resumed)
        for name, work in {
            "ari": self.connection.run(),
            "shipper": self.shipper.run(),
            "webhooks": self.deliverer.run(),
            "directory": self.keeper.run(),
            "trunks": self.side.watch_trunks(),
            "metrics": measure(self),
            "limits": self.limits.run(),
            "certificates": self.certificates.run(),
            "files": self._files_in_order(),
            "periodic": self._periodic(),
            "emergencies": self._emergencies().run(),
            "beat": self.beat.run(lambda: msgspec.json.encode(self.clock.anchor())),
        }.items():
            group.create_task(work, name=name)
        if self.manager is not None:
            group.create_task(self.manager.run(), name="manager")
            group.create_task(IncidentMirror(self.incidents, self.manager).run(), name="incidents")

    def _emergencies(self) -> EmergencyRecords:
        log_file = self.settings.asterisk.cel_path
        return EmergencyRecords(log_file, self.directory, self.journal, self.clock, node=self.settings.node_id)

    async def _files_in_order(self) -> None:
        await put_back(self.settings, ari_secret(self.settings), self.ari)
        await self.connection.wait_ready()  # the living calls come first
        await agree(self.changes)

    async def _takes_calls(self) -> None:
        """Asterisk is connected, and what the numbers stand for is known. The caller bounds the wait."""
        await self.connection.wait_ready()
        while not (self.keeper.loaded or self.directory.directory.revision):  # noqa: ASYNC110 - each is another room's
            await asyncio.sleep(LOOK_EVERY_S)

    async def _periodic(self) -> None:
        """Periodic work; what is due lives in rows, this only looks."""
        with suppress(TimeoutError):  # Asterisk may be away for long: what is due is due
            async with asyncio.timeout(PERIODIC_AFTER_S):
                await self.connection.wait_ready()  # the living calls come first
        from apscheduler.schedulers.asyncio import AsyncIOScheduler  # an engine that starts has no time for it

        scheduler = AsyncIOScheduler(timezone="UTC")
        for minutes, work in ((10, pruning.prune), (60, pruning.forget_recordings)):
            scheduler.add_job(work, "interval", [self], minutes=minutes, max_instances=1, coalesce=True)
        for look in (self.incidents.look, self.scenarios.shelf.look):
            scheduler.add_job(look, "interval", seconds=FOLLOW_EVERY_S, max_instances=1, coalesce=True)
        scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)

    # -- what is told ------------------------------------------------------------------------------------------------

    def _heard(self, event: AriEvent) -> None:
        self.lanes.observe(event)
        self.metrics.ari.events.labels(type(event).__name__).inc()

    def _count_epoch(self, epoch: int, restarted: bool) -> None:
        self.metrics.ari.epoch.set(epoch)
        self.beat.soon()
        if restarted:
            self.metrics.ari.asterisk_restarts.inc()
            self.lanes.forget_all()

    def _changed(self, before: Call | None, event: Event, call: Call) -> None:
        self.metrics.calls.live.set(len(self.calls.registry))
        self.counts.step(before, call)
        if isinstance(event, CallRequested):
            self.metrics.calls.requested.inc()
        if isinstance(call.stage, Ended) and call.ended is not None and event.at == call.ended:
            verdict = call.stage.verdict
            log.info("call.ended", call=call.id, outcome=verdict.outcome, by=verdict.hangup_by, cause=verdict.cause)
            self.metrics.calls.ended.labels(verdict.outcome).inc()
            self.metrics.calls.talk_s.observe(record.of(call).talk_s)

    def _kept(self, durable: bool, seconds: float) -> None:
        self.metrics.keeping.append_s.labels("yes" if durable else "no").observe(seconds)

    def _limit_told(self, reading: Reading) -> None:
        self.metrics.calls.limits.labels(kind_of(reading.scope), reading.measure, reading.level).inc()

    def _health(self) -> Health:
        return health_of(
            connection=self.connection,
            journal=self.journal,
            beat=self.beat,
            db=self.db,
            keeper=self.keeper,
            certificates=self.certificates if named(self.settings.asterisk) else None,
        )


async def run(settings: Settings, dsn: str, *, listening: Callable[[str], None] = lambda url: None) -> None:
    """The whole life of an engine; raises Replaced when another one took its place, NotListening without an address,
    DatabaseMismatch when PostgreSQL's schema is not its own."""
    async with Engine(settings, dsn) as engine:
        try:
            await engine.serve(listening=listening)
        except BaseExceptionGroup as faults:
            if (told := faults.subgroup((NotListening, DatabaseMismatch))) is None:
                raise
            raise told.exceptions[0] from None
        except asyncio.CancelledError:
            if not engine.listener.replaced.is_set():
                raise
            raise Replaced(
                "another engine took our application in Asterisk; this one has stopped",
                what_next="Stop the other one first if this one is to serve.",
            ) from None
