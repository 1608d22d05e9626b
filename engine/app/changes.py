"""Changing the directory: PostgreSQL and Asterisk, both or neither.

The one way for every author of a change: a file that is imported, the API, a rollback.

    lock in PostgreSQL -> rows written -> Asterisk takes the files -> commit -> registrations of ended accounts dropped
                                     \\-> refused, or no commit: rows never were, Asterisk gets its former files back

Whoever dies in between leaves PostgreSQL as it was; `enforce`, which every engine does when it starts, brings Asterisk
back to it.
"""

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from engine.app.phones import Phones
from engine.config.apply import AsteriskFiles, FilesPlan
from engine.domain.dialstring import accounts
from engine.domain.directory import Agent, Directory
from engine.domain.directory_check import problems
from engine.domain.values import CallId, Slug
from engine.errors import InvalidValue, Refused, StandardisteError, Unavailable
from engine.store import directory, tokens
from engine.store.pool import Connection, Database

log = structlog.get_logger(__name__)

CallOf = Callable[[Slug], CallId | None]


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A change that is in force; `asterisk` is what had to be written there."""

    before: Directory
    now: Directory
    asterisk: FilesPlan


class Changes:
    """One change at a time, in this process by a lock of its own, across processes by PostgreSQL's.

    `call_of` says which call an agent is in: who is in one is not removed.
    """

    def __init__(
        self,
        db: Database,
        files: AsteriskFiles,
        phones: Phones,
        *,
        seats: int,
        call_of: CallOf = lambda agent: None,
    ) -> None:
        self._db, self._files, self._phones = db, files, phones
        self._seats, self._call_of = seats, call_of
        self._alone = asyncio.Lock()

    async def current(self) -> Directory:
        """The directory as PostgreSQL has it; raises DatabaseAway."""
        async with self._db.connection() as connection:
            return await directory.load(connection)

    async def enforce(self) -> Made:
        """Make Asterisk have what PostgreSQL has; touches nothing where it has it already."""
        return await self.make(lambda current: current, author="", comment="")

    async def make(self, wanted_from: Callable[[Directory], Directory], *, author: str, comment: str) -> Made:
        """Bring into force what `wanted_from` makes of the current directory; a new revision unless it is the same.

        Whatever it raises, and ConfigRejected, Refused, InvalidValue, DatabaseAway or Unavailable of ours: then nothing
        is changed anywhere.
        """
        async with self._alone:
            async with self._db.connection(directory.CHANGE_S) as connection:
                made, ended = await self._in_both(connection, wanted_from, author, comment)
            await self._phones.drop(ended)
            return made

    async def _in_both(
        self, connection: Connection, wanted_from: Callable[[Directory], Directory], author: str, comment: str
    ) -> tuple[Made, list[str]]:
        given_to_asterisk: Directory | None = None
        try:
            async with directory.changing(connection) as before:
                wanted = wanted_from(before)
                self._check(before, wanted)
                now = await directory.write(connection, before, wanted, author, comment)
                await tokens.revoke_of_agents(connection, _without_account(before, now))
                ended = await self._phones.registrations(_ended_accounts(before, now))
                given_to_asterisk = before
                made = Made(before=before, now=now, asterisk=await self._apply(now))
                self._in_no_call(before, now)  # again: a call may have begun while Asterisk was busy
        except BaseException:
            if given_to_asterisk is not None:
                await self._take_back(given_to_asterisk)
            raise
        return made, ended

    async def _apply(self, wanted: Directory) -> FilesPlan:
        try:
            return await self._files.apply(wanted)
        except TimeoutError as late:
            raise Unavailable("Asterisk did not take the files in time", what_next="Nothing was changed.") from late

    async def _take_back(self, before: Directory) -> None:
        """What Asterisk was given and PostgreSQL does not have. The error that led here is the one to be told."""
        try:
            await self._files.apply(before)
        except (StandardisteError, TimeoutError, OSError) as failed:
            log.error("directory.asterisk_ahead", why=str(failed), next="engine config apply, once Asterisk answers")

    # -- what may refuse ---------------------------------------------------------------------------------------------

    def _check(self, before: Directory, wanted: Directory) -> None:
        self._in_no_call(before, wanted)
        if wrong := problems(wanted):
            raise InvalidValue("; ".join(map(str, wrong)))
        taken, were = _seats_taken(wanted), _seats_taken(before)
        if taken > self._seats and taken > were:
            raise Refused(
                f"{taken} enabled agents, and there are {self._seats} seats",
                rule="seats-taken",
                status=409,
                what_next="Remove or disable an agent, or raise limits.seats.",
            )

    def _in_no_call(self, before: Directory, wanted: Directory) -> None:
        for agent in before.agents.keys() - wanted.agents.keys():
            if (call := self._call_of(agent)) is not None:
                raise Refused(
                    f"agent {agent} is in call {call}",
                    rule="agent-busy",
                    status=409,
                    what_next="Wait for its end, or finish it.",
                    call_id=call,
                )


def _seats_taken(of: Directory) -> int:
    return sum(agent.enabled for agent in of.agents.values())


def _live(agents: dict[Slug, Agent], name: Slug) -> Agent | None:
    found = agents.get(name)
    return found if found is not None and found.enabled else None


def _without_account(before: Directory, now: Directory) -> list[Slug]:
    """Agents who were removed or disabled."""
    return [name for name in before.agents if _live(before.agents, name) and not _live(now.agents, name)]


def _ended_accounts(before: Directory, now: Directory) -> list[str]:
    """Those whose registrations must not outlive the change: removed, disabled, renamed, without browsers any more, or
    with another secret."""
    ended: list[str] = []
    for name in before.agents:
        if old := _live(before.agents, name):
            new = _live(now.agents, name)
            kept = accounts(new) if new and new.secret == old.secret else ()
            ended += [account for account in accounts(old) if account not in kept]
    return ended
