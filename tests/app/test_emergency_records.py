"""Emergency calls find their way into the history, once each, whenever the engine looks."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from engine.app import emergency_records
from engine.app.directories import CurrentDirectory
from engine.app.emergency_records import EmergencyRecords
from engine.calls.clock import Clock
from engine.errors import JournalUnwritable
from engine.journal import OutboxRow
from tests.ari.test_emergencies import NOTE, START, line


class Notebook:
    """The journal, as far as this goes."""

    def __init__(self) -> None:
        self.facts: dict[str, bytes] = {}
        self.rows: list[OutboxRow] = []
        self.full, self.refused = False, 0

    async def get(self, name: str) -> bytes | None:
        return self.facts.get(name)

    async def put(self, name: str, value: bytes) -> None:
        self.facts[name] = value

    async def report(self, rows: Sequence[OutboxRow]) -> None:
        if self.full:
            self.refused += 1
            raise JournalUnwritable("the disk is full")
        self.rows += rows


def records(tmp_path: Path, notebook: Notebook) -> EmergencyRecords:
    clock = Clock(kernel=lambda: 1000.0, wall=lambda: datetime.fromtimestamp(START + 3600, UTC), boot="b")
    return EmergencyRecords(tmp_path / "cel.csv", CurrentDirectory(), notebook, clock, node="n1")


async def test_each_call_is_written_down_once(tmp_path: Path) -> None:
    notebook = Notebook()
    looking = records(tmp_path, notebook)
    assert await looking.look() == 0  # no file yet
    log = tmp_path / "cel.csv"
    log.write_text(line(9))
    assert [await looking.look(), await looking.look()] == [1, 0]
    log.write_text(line(9) + line(12, channel="a.2", note=NOTE.replace("112", "15")))
    assert await looking.look() == 1
    told = [msgspec.json.decode(row.payload)["record"] for row in notebook.rows]
    assert [(row["kind"], row["handled_by"], row["callee"]) for row in told] == [
        ("emergency", "understudy", "112"),
        ("emergency", "understudy", "15"),
    ]
    assert {row.kind for row in notebook.rows} == {"cdr"}


async def test_after_a_restart_only_what_came_since_may_be_written_again(tmp_path: Path) -> None:
    notebook = Notebook()
    (tmp_path / "cel.csv").write_text(line(9) + line(600, channel="a.2"))
    await records(tmp_path, notebook).look()
    before = {row.call_id for row in notebook.rows}
    notebook.rows.clear()
    await records(tmp_path, notebook).look()
    assert {row.call_id for row in notebook.rows} < before  # the last one, under the same id


async def test_what_cannot_be_kept_now_is_kept_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emergency_records, "LOOK_EVERY_S", 0.01)
    notebook = Notebook()
    notebook.full = True
    (tmp_path / "cel.csv").write_text(line(9))
    running = asyncio.create_task(records(tmp_path, notebook).run())
    async with asyncio.timeout(10):
        while notebook.refused < 2:  # noqa: ASYNC110 - bounded, and what it looks at has no bell
            await asyncio.sleep(0.01)
        assert notebook.rows == []
        notebook.full = False
        while not notebook.rows:  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.01)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
