"""The published scenarios of this node: PostgreSQL's, or what is kept here; implements `calls.ports.Programs`.

Callers are led from memory. PostgreSQL is looked at every second, for what another process published. A version is on
this node's disk before any alias leads to it, and stays there: whoever is in it when the engine dies goes on in it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog

from engine.app.auditing import Audit, note
from engine.calls.clock import Clock
from engine.calls.contract import Actor
from engine.calls.ports import DirectorySource
from engine.domain.directory import Alias, Directory
from engine.domain.scenario.graph import Program
from engine.domain.values import Slug
from engine.errors import BadFile, FaultyScenario, Refused, RowFault, StandardisteError, UnknownThing
from engine.http.scenario_port import Published, ScenarioEntry, ScenarioLead, ScenarioMove, ScenarioPicture
from engine.scenarios import drawing
from engine.scenarios.publishing import Bundle, Deployment, Judged, judge
from engine.sounds.recorded import Recordings, named
from engine.store import scenario_files as files
from engine.store import scenarios as rows
from engine.store.pool import Connection, Database
from engine.store.scenarios import Aliases, Move, Version

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
HISTORY = 100
Deployed = Callable[[Directory], Deployment]
Write = Callable[[Connection, Aliases], Awaitable[list[Move]]]


class ScenarioLibrary:
    """Implements `http.scenario_port.Scenarios`, too. `folder`: where this node keeps versions; `recorded`: the files
    of their recordings; `deployed`: where scenarios are to work, as the directory says it."""

    def __init__(
        self,
        db: Database,
        journal: Audit,
        clock: Clock,
        source: DirectorySource,
        *,
        folder: Path,
        recorded: Recordings,
        deployed: Deployed,
    ) -> None:
        self._db, self._journal, self._clock, self._source = db, journal, clock, source
        self._folder, self._recorded, self._deployed = folder, recorded, deployed
        self._aliases = Aliases()
        self._leads: dict[tuple[Slug, Alias], Move] = {}
        self._programs: dict[str, Program] = {}

    # -- calls ---------------------------------------------------------------------------------------------------------

    def published(self, name: Slug, alias: Alias = "live") -> Program | None:
        move = self._leads.get((name, alias))
        return None if move is None else self._programs.get(move.version)

    def of_version(self, version: str) -> Program | None:
        """From memory, or, for a call that an engine before this one began, from the disk."""
        return self._programs.get(version) or self._load(version)

    # -- people --------------------------------------------------------------------------------------------------------

    def entries(self) -> list[ScenarioEntry]:
        names = sorted({name for name, _ in self._leads})
        return [
            ScenarioEntry(
                name=name,
                live=self._lead(name, "live"),
                previous=self._lead(name, "previous"),
                test=self._lead(name, "test"),
            )
            for name in names
        ]

    async def history(self, name: Slug) -> list[ScenarioMove]:
        async with self._db.connection() as connection:
            moves = await rows.history(connection, name, HISTORY)
        if not moves:
            raise _unknown(name)
        return [ScenarioMove(alias=m.alias, version=m.version, author=m.author, at=m.at) for m in moves]

    async def check(self, name: Slug, bundle: Bundle) -> Judged:
        return await asyncio.to_thread(judge, bundle, name, self._deployed(self._source.directory))

    async def publish(self, name: Slug, bundle: Bundle, alias: Alias, actor: Actor) -> Published:
        judged = await self.check(name, bundle)
        if judged.program is None or judged.failures:
            faulty = _faulty(name, judged)
            await note(self._journal, actor, f"scenarios: publish {name}", faulty.message, rule=faulty.stable_code)
            raise faulty
        made = Version(
            version=judged.program.version,
            name=name,
            program=judged.program,
            sources=judged.sources,
            recordings=judged.takes,
            author=actor.name,
            created_at=self._clock.now().utc,
        )
        await self._keep(made, judged.sounds)

        async def write(connection: Connection, before: Aliases) -> list[Move]:
            await rows.keep(connection, made, judged.sounds)
            return self._moves(before, name, alias, made.version, actor)

        moves = await self._change(write)
        if moves:
            await self._tell(actor, f"publish {name}", f"{alias} is {made.version}")
        return Published(
            name=name,
            alias=alias,
            version=made.version,
            changed=bool(moves),
            findings=list(judged.findings),
            proof=[str(proof) for proof in judged.proof],
        )

    async def rollback(self, name: Slug, actor: Actor) -> ScenarioEntry:
        async def write(_connection: Connection, before: Aliases) -> list[Move]:
            previous = _leads(before).get((name, "previous"))
            if previous is None:
                raise Refused(
                    f"{name} has no previous version", rule="no-previous-version", status=409, what_next="Publish one."
                )
            return self._moves(before, name, "live", previous.version, actor)

        moves = await self._change(write)
        await self._tell(actor, f"roll back {name}", f"live is {moves[-1].version}")
        return next(entry for entry in self.entries() if entry.name == name)

    async def picture(self, name: Slug, alias: Alias) -> ScenarioPicture:
        move = self._leads.get((name, alias))
        found = None if move is None else await asyncio.to_thread(files.saved, self._folder, move.version)
        if found is None:
            raise _unknown(name)
        program = found.program  # with the recordings' own names
        return ScenarioPicture(version=found.version, mermaid=drawing.mermaid(program), dot=drawing.dot(program))

    # -- in step with PostgreSQL ---------------------------------------------------------------------------------------

    async def load_local(self) -> None:
        """What this node kept; what cannot be read is reported and done without."""
        try:
            aliases = await asyncio.to_thread(files.saved_aliases, self._folder)
        except BadFile as bad:
            log.error("scenarios.copy_unusable", why=bad.message, next=bad.what_next)
            return
        self._lead_by(aliases)

    async def look(self) -> None:
        """Follow PostgreSQL. Never raises: it is asked again soon."""
        if not self._db.available:
            return
        before = self._aliases
        try:
            async with self._db.connection() as connection:
                if await rows.last_move(connection) == before.number and not self._missing(before):
                    return
                found = await rows.aliases(connection)
                for version in self._missing(found):
                    await self._fetch(connection, version)
            if self._aliases is before:  # else a change of our own was faster
                await self._adopt(found)
                log.info("scenarios.loaded", move=found.number)
        except (StandardisteError, OSError) as failed:
            log.warning("scenarios.not_followed", why=str(failed))

    async def _change(self, write: Write) -> list[Move]:
        """Move aliases as `write` says, in one transaction with what else it writes; in force here when it is made."""
        async with self._db.connection() as connection, rows.changing(connection) as before:
            moves = await write(connection, before)
            await rows.move(connection, moves)
            after = await rows.aliases(connection)
        await self._adopt(after)
        return moves

    def _moves(self, before: Aliases, name: Slug, alias: Alias, version: str, actor: Actor) -> list[Move]:
        """What is live when another version comes is the previous one from then on."""
        leads, at = _leads(before), self._clock.now().utc
        now, live = leads.get((name, alias)), leads.get((name, "live"))
        if now is not None and now.version == version:
            return []
        made = [Move(name=name, alias=alias, version=version, author=actor.name, at=at)]
        if alias == "live" and live is not None:
            made.insert(0, Move(name=name, alias="previous", version=live.version, author=actor.name, at=at))
        return made

    async def _fetch(self, connection: Connection, version: str) -> None:
        found = await rows.version(connection, version)
        if found is None:
            raise UnknownThing(f"version {version} is not in the database")
        sounds = await rows.recordings(connection, self._recorded.missing(found.recordings))
        await self._keep(found, sounds)

    async def _keep(self, version: Version, sounds: Mapping[str, bytes]) -> None:
        """On this node's disk, then in its memory; raises BadFile for a recording that is none, and OSError."""
        await asyncio.to_thread(self._recorded.keep, version.recordings, sounds)
        await asyncio.to_thread(files.save, self._folder, version)
        self._programs[version.version] = named(version.program, version.recordings)

    async def _adopt(self, aliases: Aliases) -> None:
        self._lead_by(aliases)
        try:
            await asyncio.to_thread(files.save_aliases, self._folder, aliases)
        except OSError as error:  # a full disk: what was published counts all the same
            log.error("scenarios.copy_failed", path=str(self._folder), why=str(error))

    def _lead_by(self, aliases: Aliases) -> None:
        """Only what an alias leads to stays in memory; what a call in it needs besides is on the disk."""
        self._aliases, self._leads = aliases, _leads(aliases)
        wanted = {move.version for move in aliases.moves}
        for version in self._programs.keys() - wanted:
            del self._programs[version]
        for version in wanted - self._programs.keys():
            self._load(version)

    def _missing(self, aliases: Aliases) -> list[str]:
        return sorted({move.version for move in aliases.moves} - self._programs.keys())

    def _load(self, version: str) -> Program | None:
        try:
            found = files.saved(self._folder, version)
        except BadFile as bad:
            log.error("scenarios.version_unusable", why=bad.message, next=bad.what_next)
            return None
        if found is None:
            return None
        program = self._programs[version] = named(found.program, found.recordings)
        return program

    def _lead(self, name: Slug, alias: Alias) -> ScenarioLead | None:
        move = self._leads.get((name, alias))
        return None if move is None else ScenarioLead(version=move.version, author=move.author, at=move.at)

    async def _tell(self, actor: Actor, action: str, message: str) -> None:
        log.info("scenarios.changed", action=action, by=actor.name, message=message)
        await note(self._journal, actor, f"scenarios: {action}", message)


def _leads(aliases: Aliases) -> dict[tuple[Slug, Alias], Move]:
    return {(move.name, move.alias): move for move in aliases.moves}


def _unknown(name: Slug) -> UnknownThing:
    return UnknownThing(f"no scenario {name!r} is published under that alias")


def _faulty(name: Slug, judged: Judged) -> FaultyScenario:
    wrong = [
        RowFault(_pointer(finding.file), str(finding)) for finding in judged.findings if finding.severity == "error"
    ]
    wrong += [RowFault(_pointer(failure.partition(":")[0]), failure) for failure in judged.failures]
    return FaultyScenario(f"{name} is not published: {wrong[0].detail}", wrong)


def _pointer(path: str) -> str:
    """RFC 6901, in what was sent."""
    return "/files/" + path.replace("~", "~0").replace("/", "~1")
