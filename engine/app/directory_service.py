"""The directory through the API: one entry at a time, by the same strict rules as a directory file."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from engine.app import telephone_settings
from engine.app.auditing import Audit, note
from engine.app.changes import Changes, Made
from engine.app.directories import CurrentDirectory
from engine.app.rollback import missing, rolled_back
from engine.ari.errors import as_away
from engine.calls.contract import Actor
from engine.domain import calendar_findings, directory_plan
from engine.domain.calendar_findings import Doubt
from engine.domain.directory import Calendar, Directory, ToAgent, ToApplication, ToGroup
from engine.domain.directory_kinds import SECTIONS, Kind, entries_of, target_kind, users_of
from engine.domain.directory_plan import SECRET_FIELDS
from engine.domain.values import Slug
from engine.errors import Refused, StandardisteError, Unavailable, UnknownThing
from engine.http.ports import DirectoryChange, DirectoryRevision, Enrolled
from engine.settings import AsteriskSettings
from engine.store import directory
from engine.store.pool import Database

log = structlog.get_logger(__name__)

Adopt = Callable[[Directory], Awaitable[None]]
WantedFrom = Callable[[Directory], Directory]
IN_USE: dict[Kind, str] = {
    "site": "site-in-use",
    "trunk": "trunk-in-use",
    "agent": "agent-in-use",
    "group": "group-in-use",
    "application": "application-in-use",
}
"""The rule that keeps an entry which others name; nothing names the kinds that are not here."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants what, for history and audit; `base` is the revision the asker looked at, if it matters."""

    actor: Actor
    action: str
    request: Mapping[str, Any] = {}
    base: int | None = None


class DirectoryService:
    """Implements `http.ports.DirectoryBook`. `adopt` makes a directory the one this engine works with."""

    def __init__(
        self,
        *,
        changes: Changes,
        db: Database,
        current: CurrentDirectory,
        adopt: Adopt,
        journal: Audit,
        asterisk: AsteriskSettings,
    ) -> None:
        self._changes, self._db, self._current, self._adopt = changes, db, current, adopt
        self._journal, self._asterisk = journal, asterisk
        self._landing: set[asyncio.Task[Made]] = set()

    @property
    def revision(self) -> int:
        return self._current.directory.revision

    def entries(self, kind: Kind) -> list[dict[str, Any]]:
        found = entries_of(self._current.directory, kind)
        return [_shown(found[name]) for name in sorted(found)]

    def entry(self, kind: Kind, name: str) -> dict[str, Any]:
        return _shown(_existing(self._current.directory, kind, name))

    async def put(
        self, kind: Kind, name: str, body: Mapping[str, Any], actor: Actor, base: int | None = None
    ) -> DirectoryChange:
        """Create or replace an entry; what was generated for it before stays unless given anew."""
        order = Order(actor=actor, action=f"put {kind} {name}", request=body, base=base)
        made = await self._carry_out(order, lambda current: _with(kind, name, body, current))
        return _told(made, await _doubts(made.now.calendars[Slug(name)]) if kind == "calendar" else ())

    async def remove(self, kind: Kind, name: str, actor: Actor, base: int | None = None) -> DirectoryChange:
        """Remove an entry that nothing refers to; an agent in a call stays, and the call is named (feature G2)."""

        def wanted(current: Directory) -> Directory:
            gone = _existing(current, kind, name)
            _in_no_use(current, kind, gone.id)
            kept = {key: entry for key, entry in entries_of(current, kind).items() if key != gone.id}
            return msgspec.structs.replace(current, **{SECTIONS[kind].name: kept})

        return _told(await self._carry_out(Order(actor=actor, action=f"remove {kind} {name}", base=base), wanted))

    async def enrol(self, name: str, body: Mapping[str, Any], actor: Actor) -> Enrolled:
        """A new agent with a free extension, a seat and a secret, told this once (feature G1)."""

        def wanted(current: Directory) -> Directory:
            if name in current.agents:
                raise Refused(f"there is an agent {name!r} already", rule="agent-exists", status=409)
            return _with("agent", name, body, current)

        made = await self._carry_out(Order(actor=actor, action=f"enrol agent {name}", request=body), wanted)
        agent = made.now.agents[Slug(name)]
        return Enrolled(
            revision=made.now.revision,
            agent=_shown(agent),
            settings=telephone_settings.of_telephone(agent, self._asterisk),
            webrtc=telephone_settings.of_browser(agent, self._asterisk),
        )

    async def revisions(self, limit: int) -> list[DirectoryRevision]:
        async with self._db.connection() as connection:
            found = await directory.history(connection, limit)
        return [DirectoryRevision(**msgspec.structs.asdict(revision)) for revision in found]

    async def rollback(self, revision: int, actor: Actor) -> DirectoryChange:
        """An old revision as a new one. Old secrets and disabled accounts do not come back."""
        order = Order(actor=actor, action=f"rollback to {revision}")
        try:
            wanted = await wanted_by_rollback(self._db, revision)
        except UnknownThing as unknown:
            await self._note(order, unknown.message, rule=unknown.stable_code)
            raise
        return _told(await self._carry_out(order, wanted))

    # -- how -----------------------------------------------------------------------------------------------------------

    async def _carry_out(self, order: Order, wanted_from: WantedFrom) -> Made:
        """To its end even if the asker leaves: half a change is for nobody."""
        return await asyncio.shield(self._land(self._change(order, wanted_from)))

    def _land(self, work: Coroutine[Any, Any, Made]) -> asyncio.Task[Made]:
        landing = asyncio.create_task(work)
        self._landing.add(landing)
        landing.add_done_callback(self._landed)
        return landing

    def _landed(self, landing: asyncio.Task[Made]) -> None:
        self._landing.discard(landing)
        if not landing.cancelled():
            landing.exception()  # whoever asked may be gone: it was raised to them if they are not

    async def _change(self, order: Order, wanted_from: WantedFrom) -> Made:
        def wanted(current: Directory) -> Directory:
            if order.base is not None:
                directory.check_base(current, order.base)
            return wanted_from(current)

        try:
            with as_away():
                made = await self._changes.make(wanted, author=order.actor.name, comment=order.action)
        except StandardisteError as refused:
            if not isinstance(refused, Unavailable):
                await self._note(order, refused.message, rule=refused.stable_code)
            raise
        await self._adopt(made.now)
        if made.now != made.before:
            await self._note(order, "\n".join(_lines(made)))
        return made

    async def _note(self, order: Order, message: str, rule: str | None = None) -> None:
        """The audit row of a change that was made, or of one that was refused by `rule`."""
        log.info("directory.refused" if rule else "directory.changed", action=order.action, rule=rule)
        given = {key: value for key, value in order.request.items() if key not in SECRET_FIELDS}
        await note(self._journal, order.actor, f"directory: {order.action}", message, rule=rule, request=given)


async def wanted_by_rollback(db: Database, revision: int) -> WantedFrom:
    """What a rollback to this revision makes of the current directory; raises UnknownThing, DatabaseAway."""
    async with db.connection() as connection:
        old = await directory.at_revision(connection, revision)
        current = await directory.load(connection)
        last = await directory.last_seen(connection, *missing(old, current))
    return lambda now: rolled_back(old, now, last)


def _with(kind: Kind, name: str, body: Mapping[str, Any], current: Directory) -> Directory:
    from engine.config.directory_file import with_entry  # YAML: an engine that starts has no time for it

    return with_entry(kind, name, body, current)


def _existing(of: Directory, kind: Kind, name: str) -> Any:
    found = entries_of(of, kind).get(name)
    if found is None:
        raise UnknownThing(f"there is no {kind} {name!r}")
    return found


def _in_no_use(current: Directory, kind: Kind, entry: str) -> None:
    if users := users_of(current, kind, entry):
        more = f" and {len(users) - 10} more" if users[10:] else ""
        raise Refused(
            f"{kind} {entry} is used by {', '.join(users[:10])}{more}",
            rule=IN_USE[kind],
            status=409,
            what_next="Change or remove them first.",
        )


def _shown(entry: Any) -> dict[str, Any]:
    """An entry as anybody may see it: never with its secret; what is shown may be sent back as a PUT."""
    fields: dict[str, Any] = msgspec.structs.asdict(entry)
    told = {name: list(v) if isinstance(v, tuple) else v for name, v in fields.items() if name not in SECRET_FIELDS}
    if "extensions" in told:
        told["extensions"] = "{}-{}".format(*told["extensions"])
    if isinstance(target := told.get("target"), ToAgent | ToGroup | ToApplication):
        told["target"] = {target_kind(target): target.id}
    return told


def _lines(made: Made) -> list[str]:
    return directory_plan.as_lines(directory_plan.plan(made.before, made.now))


async def _doubts(calendar: Calendar) -> tuple[Doubt, ...]:
    """In a thread: the longest hours take most of a second, and calls must not wait for them."""
    return await asyncio.to_thread(calendar_findings.findings, calendar, datetime.now(UTC).date())


def _told(made: Made, findings: Sequence[Doubt] = ()) -> DirectoryChange:
    return DirectoryChange(
        revision=made.now.revision,
        changes=_lines(made),
        asterisk=list(made.asterisk.changed),
        findings=list(findings),
    )
