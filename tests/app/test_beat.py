"""The beat stops when anything on a call's way does; admission refuses before the edge."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from engine.app import beat as module
from engine.app.beat import VARIABLE, Admission, Beat
from engine.ari.requests import AriRequests
from engine.calls.clock import Anchor, Clock
from engine.errors import JournalUnwritable
from engine.journal import Journal
from tests.ari.conftest import ari, fake, pools
from tests.ari.fake_asterisk import FakeAsterisk, answers, never
from tests.clockwork import Hands

__all__ = ["ari", "fake", "pools"]


class Times:
    """The module's own clocks."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mono, self.wall = 1000.0, 1_795_200_000.4
        clocks = SimpleNamespace(monotonic=lambda: self.mono, time=lambda: self.wall)
        monkeypatch.setattr(module, "time", clocks)


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    return Times(monkeypatch)


def admission(**more: Any) -> Admission:
    plain: dict[str, Any] = {"live_calls": 3, "setups_per_s": 2.0, "loop_lag_s": 0.25, "ready": lambda: True}
    return Admission(**(plain | more))


# -- admission ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "lag_s", "live", "rule"),
    [
        ({"ready": lambda: False}, 0.0, 0, "not-ready"),
        ({"disk_full": lambda: True}, 0.0, 0, "disk-full"),
        ({}, 0.0, 3, "engine-full"),
        ({}, 0.0, 4, "engine-full"),
        ({}, 0.26, 0, "engine-behind"),
    ],
)
def test_new_work_is_refused_before_the_edge(
    times: Times, given: dict[str, Any], lag_s: float, live: int, rule: str
) -> None:
    edge = admission(**given)
    edge.loop_lag_s = lag_s
    refused = edge.refusal(live)
    assert refused is not None
    assert (refused.rule, refused.status, refused.retry_after_s) == (rule, 503, 2)


def test_just_below_the_edge_nobody_is_refused(times: Times) -> None:
    edge = admission()
    edge.loop_lag_s = 0.25
    assert edge.refusal(2) is None


def test_the_pace_is_so_many_a_second(times: Times) -> None:
    edge = admission()
    told = [edge.refusal(0) for _ in range(4)]
    assert [refused.rule if refused else None for refused in told] == [None, None, "engine-pace", "engine-pace"]
    times.mono += 0.5  # half a second earns one
    assert [edge.refusal(0) is None for _ in range(2)] == [True, False]
    times.mono += 3600  # an hour earns no more than a second does
    assert [edge.refusal(0) is None for _ in range(3)] == [True, True, False]


def test_a_refusal_for_another_reason_costs_nothing_of_the_pace(times: Times) -> None:
    ready = [False]
    edge = admission(ready=lambda: ready[0])
    assert all(edge.refusal(0) is not None for _ in range(10))
    ready[0] = True
    assert [edge.refusal(0) is None for _ in range(2)] == [True, True]


@pytest.mark.parametrize(
    ("given", "lag_s", "live", "full"),
    [({}, 0.0, 2, False), ({}, 0.0, 3, True), ({}, 0.3, 0, True), ({"disk_full": lambda: True}, 0.0, 0, True)],
)
def test_callers_are_kept_away_at_the_edge(given: dict[str, Any], lag_s: float, live: int, full: bool) -> None:
    edge = admission(**given)
    edge.loop_lag_s = lag_s
    assert edge.full(live) is full


# -- the beat ----------------------------------------------------------------------------------------------------------


class Heart:
    """A beat over a real journal and a scripted Asterisk, a second a turn of the hands."""

    def __init__(self, journal: Journal, ari: AriRequests, hands: Hands) -> None:
        self.journal, self.hands = journal, hands
        self.broken = False
        self.live = 0
        self.clock = Clock()
        self.admission = admission()
        self.beat = Beat(journal=self, ari=ari, clock=self.clock, admission=self.admission, live=lambda: self.live)
        self.wrote = 0

    async def put(self, name: str, value: bytes) -> None:
        self.wrote += 1
        if self.broken:
            raise JournalUnwritable("the disk is full")
        await self.journal.put(name, value)

    async def next(self) -> None:
        """One more beat has been tried."""
        before = self.wrote
        self.hands.turn(module.EVERY_S)
        await self.until(lambda: self.wrote > before)

    async def until(self, true: Any) -> None:
        async with asyncio.timeout(30):
            while not true():  # noqa: ASYNC110 - bounded, and what it looks at has no bell
                await asyncio.sleep(0.001)


@pytest.fixture
async def heart(tmp_path: Path, ari: AriRequests) -> AsyncIterator[Heart]:
    async with Journal.open(tmp_path / "journal.db", "n", ballast_bytes=4096) as journal:
        heart = Heart(journal, ari, Hands())
        running = asyncio.create_task(heart.beat.run(lambda: msgspec.json.encode(heart.clock.anchor())))
        await asyncio.sleep(0)
        yield heart
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_each_second_asterisk_hears_the_time(heart: Heart, fake: FakeAsterisk, times: Times) -> None:
    assert heart.beat.age_s() is None
    await heart.next()
    await heart.until(lambda: fake.globals)
    await heart.until(lambda: heart.beat.last)
    assert (fake.globals[VARIABLE], heart.beat.age_s()) == ("1795200000", 0.0)
    times.wall += 1
    await heart.next()
    await heart.until(lambda: fake.globals[VARIABLE] == "1795200001")


async def test_the_journal_keeps_the_clock_with_each_beat(heart: Heart) -> None:
    await heart.next()
    await heart.until(lambda: heart.beat.last)
    kept = msgspec.json.decode(await heart.journal.get("clock") or b"", type=Anchor)
    assert kept.boot == heart.clock.anchor().boot


async def test_it_beats_at_once_when_asterisk_is_reached(heart: Heart, fake: FakeAsterisk) -> None:
    heart.beat.soon()
    await heart.until(lambda: VARIABLE in fake.globals)
    assert heart.admission.loop_lag_s == 0.0


async def test_it_stops_when_nothing_can_be_written_and_goes_on_afterwards(heart: Heart, fake: FakeAsterisk) -> None:
    heart.broken = True
    await heart.next()
    await heart.next()
    assert (fake.globals, heart.beat.last) == ({}, None)
    heart.broken = False
    await heart.next()
    await heart.until(lambda: heart.beat.last)
    assert VARIABLE in fake.globals


@pytest.mark.parametrize("status", [401, 500, 503])
async def test_it_stops_when_asterisk_does_not_take_it(heart: Heart, fake: FakeAsterisk, status: int) -> None:
    for _ in range(5):
        fake.next_answer("POST /asterisk/variable", answers(status))
    heart.beat.soon()
    await fake.until(lambda: "POST /asterisk/variable" in fake.seen)
    await heart.until(lambda: not fake.scripted["POST /asterisk/variable"] or heart.wrote)
    assert heart.beat.last is None
    fake.scripted.clear()
    await heart.next()
    await heart.until(lambda: heart.beat.last)


async def test_a_deaf_asterisk_lets_it_age(heart: Heart, fake: FakeAsterisk, times: Times) -> None:
    await heart.next()
    await heart.until(lambda: heart.beat.last)
    release = asyncio.Event()
    fake.next_answer("POST /asterisk/variable", never(release))
    seen = len(fake.seen)
    heart.hands.turn(module.EVERY_S)
    await fake.until(lambda: len(fake.seen) > seen)
    times.mono += 4
    assert (heart.beat.age_s(), heart.beat.unanswered_s()) == (4.0, 4.0)
    release.set()
    await heart.until(lambda: heart.beat.age_s() == 0.0)
    assert heart.beat.unanswered_s() == 0.0


async def test_a_full_disk_makes_nobody_deaf(heart: Heart, fake: FakeAsterisk, times: Times) -> None:
    """Timers wait while Asterisk does not answer; where it is not even asked, it is not at fault."""
    for _ in range(5):
        fake.next_answer("POST /asterisk/variable", answers(403))
    await heart.next()
    await heart.until(lambda: heart.beat._unanswered)
    times.mono += 2
    assert heart.beat.unanswered_s() == 2.0
    heart.broken = True
    await heart.next()
    await heart.until(lambda: heart.beat.unanswered_s() == 0.0)


async def test_at_the_edge_callers_are_told_so(heart: Heart, fake: FakeAsterisk) -> None:
    heart.live = 3
    await heart.next()
    await heart.until(lambda: fake.globals.get(VARIABLE) == module.FULL)
    await heart.until(lambda: heart.beat.last)  # it is alive all the same
    heart.live = 2
    await heart.next()
    await heart.until(lambda: fake.globals[VARIABLE] != module.FULL)


async def test_a_loop_that_lags_is_measured(heart: Heart) -> None:
    await heart.next()
    await heart.until(lambda: heart.beat.last)
    heart.hands.turn(module.EVERY_S + 0.7)
    before = heart.wrote
    await heart.until(lambda: heart.wrote > before)
    assert 0.6 < heart.admission.loop_lag_s < 5
