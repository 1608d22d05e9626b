"""What goes wrong around the calls stays there: no full disk, unreadable log or foreign engine costs a living call."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from engine.app.asterisk_side import AsteriskSide
from engine.app.directories import CurrentDirectory
from engine.app.keeping import DirectoryKeeper
from engine.app.listening import STARTED, Listener, picture_of
from engine.app.measuring import measure
from engine.ari.messages import Connected
from engine.ari.resources import BridgeSnapshot, ChannelSnapshot, Dialplan
from engine.ari.snapshot import Snapshot
from engine.calls.clock import Clock
from engine.calls.reconcile import Picture
from engine.domain import ids
from engine.domain.directory import EMPTY
from engine.domain.values import CallId
from engine.errors import JournalUnwritable
from engine.journal import Backlog
from engine.observe.metrics import Metrics

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
CALL = CallId("01a1fa8b-a623-7c62-ad4b-2564114e4c53")
CHANNEL, BRIDGE = ids.channel_id(CALL, "agent", 1), ids.bridge_id(CALL)


class Facts:
    """A journal whose disk may be full."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.full = False

    async def get(self, name: str) -> bytes | None:
        return self.kept.get(name)

    async def put(self, name: str, value: bytes) -> None:
        if self.full:
            raise JournalUnwritable("the disk is full")
        self.kept[name] = value


class Reconciler:
    """Notes what it is told, and what the journal knew then."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.told: list[tuple[str, bytes | None]] = []

    def asterisk_restarted(self) -> None:
        self.told.append(("restarted", self.facts.kept.get(STARTED)))

    async def connected(self, picture: Picture) -> None:
        self.told.append(("connected", self.facts.kept.get(STARTED)))


def snapshot(started: str, *channels: ChannelSnapshot, bridges: tuple[BridgeSnapshot, ...] = ()) -> Snapshot:
    return Snapshot(
        taken_at=NOW,
        startup_time=started,
        channels={channel.id: channel for channel in channels},
        bridges={bridge.id: bridge for bridge in bridges},
    )


@pytest.fixture
def facts() -> Facts:
    return Facts()


@pytest.fixture
def reconciler(facts: Facts) -> Reconciler:
    return Reconciler(facts)


def listener(facts: Facts, reconciler: Reconciler) -> Listener:
    made = Listener(Clock(boot="b"), facts)
    made.attach(
        cast("Any", None), cast("Any", reconciler), cast("Any", SimpleNamespace(app="standardiste")), cast("Any", None)
    )
    return made


async def test_a_restart_of_asterisk_is_remembered_once_every_call_knows_it(
    facts: Facts, reconciler: Reconciler
) -> None:
    """Else an engine that dies in between would take the calls of the old Asterisk for calls of the new one."""
    facts.kept[STARTED] = b"before"
    await listener(facts, reconciler).take(Connected(1, snapshot("after"), False))
    assert reconciler.told == [("restarted", b"before"), ("connected", b"before")]
    assert facts.kept[STARTED] == b"after"


async def test_a_full_disk_does_not_end_the_connection(facts: Facts, reconciler: Reconciler) -> None:
    facts.kept[STARTED], facts.full = b"before", True
    one = listener(facts, reconciler)
    with capture_logs() as logs:
        await one.take(Connected(1, snapshot("after"), False))
        await one.take(Connected(2, snapshot("after"), False))
    assert [what for what, _ in reconciler.told] == ["restarted", "connected", "connected"]
    assert "asterisk.start_not_kept" in [line["event"] for line in logs]


async def test_a_log_of_hang_ups_that_cannot_be_read_costs_the_causes_only(tmp_path: Path) -> None:
    side = AsteriskSide(cast("Any", None), CurrentDirectory(), Clock(boot="b"), tmp_path)  # a directory is no log
    with capture_logs() as logs:
        assert side.past(frozenset({CHANNEL}), NOW) == ({}, {})
    assert logs[0]["event"] == "cel.unreadable"


async def test_a_directory_that_cannot_be_copied_counts_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    current = CurrentDirectory()
    keeper = DirectoryKeeper(
        cast("Any", SimpleNamespace(on_change=lambda listener: None)),
        current,
        cast("Any", None),
        last_good=tmp_path / "file" / "directory.json",
    )
    with capture_logs() as logs:
        await keeper._keep_copy(EMPTY)
    assert logs[0]["event"] == "directory.copy_failed"


async def test_a_row_nobody_foresaw_does_not_end_the_keeping(tmp_path: Path) -> None:
    """What the database says is nobody's promise: an administrator may write in it by hand."""

    class Database:
        available = True
        asked = asyncio.Event()

        def on_change(self, listener: object) -> None:
            pass

        def connection(self) -> Any:
            self.asked.set()
            raise ValueError("a row that is no agent")

    database = Database()
    keeper = DirectoryKeeper(
        cast("Any", database), CurrentDirectory(), cast("Any", None), last_good=tmp_path / "directory.json"
    )
    keeper._migrated = True
    running = asyncio.create_task(keeper.run())
    async with asyncio.timeout(30):
        await database.asked.wait()
        database.asked.clear()
        await database.asked.wait()  # it asks again
    running.cancel()


async def test_numbers_that_cannot_be_read_end_nothing() -> None:
    looked = asyncio.Event()

    async def backlog() -> Backlog:
        looked.set()
        raise JournalUnwritable("the disk is full")

    engine = SimpleNamespace(
        calls=SimpleNamespace(registry=[]),
        metrics=Metrics(),
        connection=SimpleNamespace(ready=True),
        db=SimpleNamespace(available=True),
        journal=SimpleNamespace(disk_full=True, backlog=backlog),
        admission=SimpleNamespace(loop_lag_s=0.0),
        beat=SimpleNamespace(age_s=lambda: None),
        limits=SimpleNamespace(ledger=SimpleNamespace(locks={})),
    )
    measuring = asyncio.create_task(measure(cast("Any", engine)))
    async with asyncio.timeout(30):
        await looked.wait()
    await asyncio.sleep(0)
    assert not measuring.done()
    measuring.cancel()


def test_what_another_application_made_is_foreign() -> None:
    """Two engines on one Asterisk, each with an application of its own, name their channels alike."""

    def channel(number: int, where: Dialplan) -> ChannelSnapshot:
        return ChannelSnapshot(id=ids.channel_id(CALL, "customer", number), name="PJSIP/x", state="Up", dialplan=where)

    ours = channel(1, Dialplan(app_name="Stasis", app_data="standardiste"))
    theirs = channel(2, Dialplan(app_name="Stasis", app_data="other"))
    nobodys = channel(3, Dialplan(app_name="AppDial2", app_data="(Outgoing Line)"))
    bridges = (BridgeSnapshot(id=BRIDGE, name="other"), BridgeSnapshot(id=ids.bridge_id(CALL, 2), name="standardiste"))
    picture = picture_of(snapshot("now", ours, theirs, nobodys, bridges=bridges), "standardiste")
    assert picture.foreign == {theirs.id, nobodys.id, BRIDGE}
    assert set(picture.channels) == {ours.id, theirs.id, nobodys.id}
