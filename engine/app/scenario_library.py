"""What people do with scenarios: check, publish, roll back, look at them.

Nothing is published before it was checked, tried by its own conversations, and can be heard: here, by the node that is
asked.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog

from engine.app.auditing import Audit, note
from engine.app.scenario_shelf import ScenarioShelf, leads_of
from engine.calls.clock import Clock
from engine.calls.contract import Actor
from engine.calls.ports import DirectorySource
from engine.domain.directory import Alias, Directory
from engine.domain.scenario.graph import Program
from engine.domain.values import Slug
from engine.errors import FaultyScenario, InvalidValue, Refused, RowFault, UnknownThing
from engine.http.scenario_port import Published, ScenarioEntry, ScenarioLead, ScenarioMove, ScenarioPicture
from engine.scenarios import drawing, trying
from engine.scenarios.bundles import Bundle, Deployment, Judged
from engine.scenarios.coverage import Edge, counted
from engine.scenarios.trying import Attempt, Tried
from engine.store import prompts
from engine.store import scenarios as rows
from engine.store.pool import Connection, Database
from engine.store.scenarios import Aliases, Move, Version

log = structlog.get_logger(__name__)

HISTORY = 100
Deployed = Callable[[Directory], Deployment]


class ScenarioLibrary:
    """Implements `http.scenario_port.Scenarios`. `deployed`: where scenarios are to work, as the directory says it.
    `left`: how often callers have left each node, by outcome; it goes on counting."""

    def __init__(
        self,
        shelf: ScenarioShelf,
        db: Database,
        journal: Audit,
        clock: Clock,
        source: DirectorySource,
        *,
        deployed: Deployed,
        left: Mapping[Edge, int],
    ) -> None:
        self.shelf = shelf
        self._db, self._journal, self._clock, self._source, self._deployed = db, journal, clock, source, deployed
        self._left = left
        self._landing: set[asyncio.Task[Published]] = set()

    def entries(self) -> list[ScenarioEntry]:
        names = sorted({name for name, _ in self.shelf.leads})
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
        directory, whole = self._source.directory, await self._completed(bundle)
        return await asyncio.to_thread(lambda: _judged(whole, name, self._deployed(directory)))

    async def _completed(self, bundle: Bundle) -> Bundle:
        """With the house's recordings where a scenario has none of its own; raises DatabaseAway where it needs one."""
        from engine.scenarios.house_recordings import completed, lacking  # the loader of scenarios, and YAML, with them

        wanted = await asyncio.to_thread(lacking, bundle)
        if not wanted:
            return bundle
        async with self._db.connection() as connection:
            house = await prompts.contents(connection, sorted(set[str]().union(*wanted.values())))
        return completed(bundle, wanted, house)

    async def attempt(self, name: Slug, what: Bundle | Alias, wish: Attempt) -> Tried:
        program, directory = await self._program(name, what), self._source.directory

        def tried() -> Tried:
            deployment = self._deployed(directory)
            return trying.attempt(program, wish, deployment.beyond, deployment.ears({}))

        return await asyncio.to_thread(tried)

    async def _program(self, name: Slug, what: Bundle | Alias) -> Program:
        if isinstance(what, Bundle):
            judged = await self.check(name, what)
            if judged.program is None:
                raise _faulty(name, judged)
            return judged.program
        found = await self.shelf.kept(name, what)
        if found is None:
            raise _unknown(name)
        return found.program

    async def publish(self, name: Slug, bundle: Bundle, alias: Alias, actor: Actor) -> Published:
        """To its end even if the asker leaves: words and recordings take their time."""
        landing = asyncio.create_task(self._publish(name, bundle, alias, actor))
        self._landing.add(landing)
        landing.add_done_callback(self._landing.discard)
        return await asyncio.shield(landing)

    async def _publish(self, name: Slug, bundle: Bundle, alias: Alias, actor: Actor) -> Published:
        judged = await self.check(name, bundle)
        try:
            made = await self._made(name, judged, actor)
        except FaultyScenario as faulty:
            await note(self._journal, actor, f"scenarios: publish {name}", faulty.message, rule=faulty.stable_code)
            raise

        async def write(connection: Connection, before: Aliases) -> list[Move]:
            await rows.keep(connection, made, judged.sounds)
            return self._moves(before, name, alias, made.version, actor)

        moves = await self.shelf.change(write)
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

    async def _made(self, name: Slug, judged: Judged, actor: Actor) -> Version:
        """The version, with all its callers hear, on this node; raises FaultyScenario."""
        if judged.program is None or judged.failures:
            raise _faulty(name, judged)
        made = Version(
            version=judged.program.version,
            name=name,
            program=judged.program,
            sources=judged.sources,
            recordings=judged.takes,
            author=actor.name,
            created_at=self._clock.now().utc,
        )
        try:
            await self.shelf.keep(made, judged.sounds)
        except InvalidValue as wrong:
            raise FaultyScenario(
                f"{name} is not published: {wrong}", [RowFault("/recordings", wrong.message)]
            ) from wrong
        if unsaid := await self.shelf.say(made.program):
            told = [RowFault("/files", f"{one.language}: {one.text[:60]!r} is not said: {one.why}") for one in unsaid]
            raise FaultyScenario(f"{name} is not published: {told[0].detail}", told)
        return made

    async def rollback(self, name: Slug, actor: Actor) -> ScenarioEntry:
        async def write(_connection: Connection, before: Aliases) -> list[Move]:
            previous = leads_of(before).get((name, "previous"))
            if previous is None:
                raise Refused(
                    f"{name} has no previous version", rule="no-previous-version", status=409, what_next="Publish one."
                )
            return self._moves(before, name, "live", previous.version, actor)

        moves = await self.shelf.change(write)
        await self._tell(actor, f"roll back {name}", f"live is {moves[-1].version}")
        return next(entry for entry in self.entries() if entry.name == name)

    async def picture(self, name: Slug, alias: Alias, *, heat: bool) -> ScenarioPicture:
        program = await self._program(name, alias)  # with the recordings' own names
        counts = counted(program, self._left) if heat else None
        return ScenarioPicture(
            version=program.version, mermaid=drawing.mermaid(program, counts), dot=drawing.dot(program, counts)
        )

    def _moves(self, before: Aliases, name: Slug, alias: Alias, version: str, actor: Actor) -> list[Move]:
        """What is live when another version comes is the previous one from then on."""
        leads, at = leads_of(before), self._clock.now().utc
        now, live = leads.get((name, alias)), leads.get((name, "live"))
        if now is not None and now.version == version:
            return []
        made = [Move(name=name, alias=alias, version=version, author=actor.name, at=at)]
        if alias == "live" and live is not None:
            made.insert(0, Move(name=name, alias="previous", version=live.version, author=actor.name, at=at))
        return made

    def _lead(self, name: Slug, alias: Alias) -> ScenarioLead | None:
        move = self.shelf.leads.get((name, alias))
        return None if move is None else ScenarioLead(version=move.version, author=move.author, at=move.at)

    async def _tell(self, actor: Actor, action: str, message: str) -> None:
        log.info("scenarios.changed", action=action, by=actor.name, message=message)
        await note(self._journal, actor, f"scenarios: {action}", message)


def _unknown(name: Slug) -> UnknownThing:
    return UnknownThing(f"no scenario {name!r} is published under that alias")


def _judged(bundle: Bundle, name: Slug, deployment: Deployment) -> Judged:
    from engine.scenarios.publishing import judge  # the checker: nothing that an engine that starts needs

    return judge(bundle, name, deployment)


def _faulty(name: Slug, judged: Judged) -> FaultyScenario:
    wrong = [
        RowFault(_pointer(finding.file), str(finding)) for finding in judged.findings if finding.severity == "error"
    ]
    wrong += [RowFault(_pointer(failure.partition(":")[0]), failure) for failure in judged.failures]
    return FaultyScenario(f"{name} is not published: {wrong[0].detail}", wrong)


def _pointer(path: str) -> str:
    """RFC 6901, in what was sent."""
    return "/files/" + path.replace("~", "~0").replace("/", "~1")
