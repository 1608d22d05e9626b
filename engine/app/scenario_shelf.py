"""The published scenarios of this node: PostgreSQL's, or what is kept here; implements `calls.ports.Programs`.

Callers are led from memory. PostgreSQL is looked at every half second, for what another process published. A version is
on this node's disk before any alias leads to it, and stays there: whoever is in it when the engine dies goes on in it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import structlog

from engine.domain.directory import Alias
from engine.domain.scenario.graph import Program
from engine.domain.values import Slug
from engine.errors import BadFile, StandardisteError, UnknownThing
from engine.sounds.publishing import Unsaid
from engine.sounds.recorded import Recordings, named
from engine.store import scenario_files as files
from engine.store import scenarios as rows
from engine.store.pool import Connection, Database
from engine.store.scenarios import Aliases, Move, Version

log = structlog.get_logger(__name__)

Say = Callable[[Program], Awaitable[Sequence[Unsaid]]]
Write = Callable[[Connection, Aliases], Awaitable[list[Move]]]


class ScenarioShelf:
    """`folder`: where this node keeps versions; `recorded`: the files of their recordings; `say`: has a program's words
    rendered."""

    def __init__(self, db: Database, *, folder: Path, recorded: Recordings, say: Say) -> None:
        self._db, self._folder, self._recorded, self.say = db, folder, recorded, say
        self._aliases = Aliases()
        self.leads: dict[tuple[Slug, Alias], Move] = {}
        self._programs: dict[str, Program] = {}

    def published(self, name: Slug, alias: Alias = "live") -> Program | None:
        move = self.leads.get((name, alias))
        return None if move is None else self._programs.get(move.version)

    def of_version(self, version: str) -> Program | None:
        """From memory, or, for a call that an engine before this one began, from the disk."""
        return self._programs.get(version) or self._load(version)

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
                fetched = [await self._fetch(connection, version) for version in self._missing(found)]
            if self._aliases is before:  # else a change of our own was faster
                await self._adopt(found)
                log.info("scenarios.loaded", move=found.number)
            for version in fetched:  # callers wait for none of it: what is not rendered yet is when it is first said
                await self.say(version.program)
        except (StandardisteError, OSError) as failed:
            log.warning("scenarios.not_followed", why=str(failed))

    async def change(self, write: Write) -> list[Move]:
        """Move aliases as `write` says, in one transaction with what else it writes; in force here when it is made."""
        async with self._db.connection() as connection, rows.changing(connection) as before:
            moves = await write(connection, before)
            await rows.move(connection, moves)
            after = await rows.aliases(connection)
        if after.number > self._aliases.number:  # else a later change was faster
            await self._adopt(after)
        return moves

    async def keep(self, version: Version, sounds: Mapping[str, bytes]) -> None:
        """On this node's disk, then in its memory; raises InvalidValue for a recording that cannot be used, and
        OSError."""
        await asyncio.to_thread(self._recorded.keep, version.recordings, sounds)
        await asyncio.to_thread(files.save, self._folder, version)
        self._programs[version.version] = named(version.program, version.recordings)

    async def _fetch(self, connection: Connection, version: str) -> Version:
        found = await rows.version(connection, version)
        if found is None:
            raise UnknownThing(f"version {version} is not in the database")
        sounds = await rows.recordings(connection, self._recorded.missing(found.recordings))
        await self.keep(found, sounds)
        return found

    async def _adopt(self, aliases: Aliases) -> None:
        self._lead_by(aliases)
        try:
            await asyncio.to_thread(files.save_aliases, self._folder, aliases)
        except OSError as error:  # a full disk: what was published counts all the same
            log.error("scenarios.copy_failed", path=str(self._folder), why=str(error))

    def _lead_by(self, aliases: Aliases) -> None:
        """Only what an alias leads to stays in memory; what a call in it needs besides is on the disk."""
        self._aliases, self.leads = aliases, leads_of(aliases)
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

    async def kept(self, name: Slug, alias: Alias) -> Version | None:
        """A version with the files it was made of, from this node's disk."""
        move = self.leads.get((name, alias))
        return None if move is None else await asyncio.to_thread(files.saved, self._folder, move.version)


def leads_of(aliases: Aliases) -> dict[tuple[Slug, Alias], Move]:
    """Where each scenario's aliases lead."""
    return {(move.name, move.alias): move for move in aliases.moves}
