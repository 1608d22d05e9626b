"""A running engine in a box of its own, and the history as it grows: what the live tests of calls stand on."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

import asyncpg
import msgspec

from engine.config.directory_export import export
from engine.journal import StepRow
from engine.sandbox.farend import FarEnd
from engine.sandbox.gate import SILENT
from engine.sandbox.parties import Phone
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from engine.store.steps import call_steps
from tests.crowding import Crowding
from tests.live import company
from tests.live.company import Member

LIMITS = {"limits": {"setups_per_s": 1000.0, "loop_lag_s": 5.0}}  # many calls begin at once here, on a shared machine
ANNOUNCEMENTS = {"not-in-service": "ss-noservice", "cannot-complete": "cannot-complete-as-dialed"}
LOOK_EVERY_S = 0.05
STAGE_EVERY_S = 0.05


WATCH = """
CREATE TABLE written (call_id uuid PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE FUNCTION note_written() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO written (call_id) VALUES (NEW.call_id); RETURN NEW; END';
CREATE TRIGGER note_written AFTER INSERT ON call_history FOR EACH ROW EXECUTE FUNCTION note_written();
"""
NEW_ROWS = """
SELECT call_history.*, written.at AS written_at FROM call_history JOIN written USING (call_id)
WHERE call_id <> ALL($1::uuid[])
"""


class Written(NamedTuple):
    """A row of call_history, and when PostgreSQL wrote it."""

    row: dict[str, Any]
    at: datetime


class House:
    """``async with House(members) as house:`` - `engine`, `farend`, and the history."""

    engine: RunningEngine

    def __init__(self, members: Iterable[Member]) -> None:
        self._members = tuple(members)
        self._written: dict[str, Written] = {}
        self._leaving = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            self.box = await stack.enter_async_context(Sandbox("calls"))
            await company.open_doors(self.farend)
            self.announcements = await self._announcements()
            file = self.box.dir / "directory.yaml"
            file.write_text(export(company.directory(self.farend, self._members), with_secrets=True))
            self.engine = await stack.enter_async_context(RunningEngine(self.box, file, settings=LIMITS))
            stack.push_async_callback(_ended, asyncio.create_task(self._watch_history(), name="the history"))
            self._crowding = await stack.enter_async_context(Crowding())
            self._leaving = stack.pop_all()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._leaving.__aexit__(*error)

    @property
    def farend(self) -> FarEnd:
        return self.box.farend

    async def phones(self, *wanted: tuple[Member, str]) -> list[Phone]:
        """Switch on telephones: whose each is, and the digits (behaviours.coded) that say how it behaves."""
        entries = [company.agent(self._members.index(member), member) for member, _ in wanted]
        named = [(entry.sip_user, entry.secret, digits) for entry, (_, digits) in zip(entries, wanted, strict=True)]
        return await self.farend.phones(*named)

    async def place(self, agent: str, to: str, **more: Any) -> str:
        """Ask for a call; its id."""
        answer = await self.engine.post("/v1/calls", {"agent": agent, "to": to, **more})
        assert answer.status == 202, answer.body
        return str(answer.body["id"])

    @property
    def crowding(self) -> float:
        """How many tasks wanted each core of this machine since the beginning (tests/crowding.py)."""
        return self._crowding.factor

    async def trunks_of(self, site: str) -> None:
        """Return once the trunks of a site are as the company's doors say: dead ones known to be, dying ones dead."""
        for door in company.DOORS:
            if door.site == site and (door.dies or door.refuses == SILENT):
                await self._contact(door.trunk, "Avail" if door.dies else "Unavail")
                self.farend.trunk_refuses(door.address, SILENT)

    async def _contact(self, trunk: str, status: str) -> None:
        async with asyncio.timeout(15):
            while True:
                lines = (await self.box.asterisk.cli("pjsip show contacts")).splitlines()
                if any(f"trunk-{trunk}/" in line and status in line.split() for line in lines):
                    return
                await asyncio.sleep(LOOK_EVERY_S)

    async def view(self, call_id: str) -> dict[str, Any]:
        return dict((await self.engine.get(f"/v1/calls/{call_id}")).body)

    async def reached(self, call_id: str, stage: str, *, timeout_s: float = 30.0) -> dict[str, Any]:
        """The call's view once it is in this stage; raises AssertionError when it ends without."""
        async with asyncio.timeout(timeout_s):
            while (view := await self.view(call_id))["stage"] != stage:
                assert view["stage"] != "ended", f"never {stage}: {view}"
                await asyncio.sleep(STAGE_EVERY_S)
        return view

    async def written(self, call_id: str, *, timeout_s: float = 60.0) -> Written:
        """The call's row, once it is in PostgreSQL."""
        try:
            async with asyncio.timeout(timeout_s):
                while call_id not in self._written:  # noqa: ASYNC110 - the condition is in PostgreSQL
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            raise AssertionError(f"no row after {timeout_s} s: {await self.view(call_id)}") from None
        return self._written[call_id]

    async def row_count(self, call_id: str) -> int:
        connection = await asyncpg.connect(self.box.postgres.dsn)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM call_history WHERE call_id = $1", call_id))
        finally:
            await connection.close()

    async def steps(self, call_id: str) -> list[StepRow]:
        """The call's journal as PostgreSQL has it."""
        connection = await asyncpg.connect(self.box.postgres.dsn)
        try:
            stored = await call_steps(connection, call_id)
        finally:
            await connection.close()
        return [msgspec.convert(step, StepRow, from_attributes=True) for step in stored]

    async def _announcements(self) -> dict[str, Path]:
        """What the far end says in early media, as recordings that can be compared."""
        await self.box.asterisk.cli("module load res_convert.so")
        made = {}
        for word, name in ANNOUNCEMENTS.items():
            made[word] = self.box.dir / f"{name}.wav"
            voice = self.box.asterisk_settings.paths.data / "sounds" / "fr" / f"{name}.gsm"  # its language, as ours
            source = self.box.dir / voice.name  # the console takes no path with a blank in it
            shutil.copyfile(voice, source)
            said = await self.box.asterisk.cli(f"file convert {source} {made[word]}")
            assert made[word].is_file(), said
        return made

    async def _watch_history(self) -> None:
        connection = await asyncpg.connect(self.box.postgres.dsn)
        try:
            await connection.execute(WATCH)
            await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
            while True:
                known = list(self._written)
                for found in map(dict, await connection.fetch(NEW_ROWS, known)):
                    at = found.pop("written_at")
                    self._written[str(found["call_id"])] = Written(found, at)
                await asyncio.sleep(LOOK_EVERY_S)
        finally:
            await connection.close()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
