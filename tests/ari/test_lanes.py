"""Commands to one channel keep their order; nothing else waits."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ari.errors import LaneBusy, NotFound, OutcomeUnknown
from engine.ari.events import decode
from engine.ari.lanes import Lanes
from engine.ari.pools import Request
from tests.ari.fake_asterisk import channel, event


class Gate:
    """A transport whose answers are given by hand."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.open: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.fails: dict[str, Exception] = {}

    async def send(self, request: Request) -> bytes:
        self.sent.append(request.path)
        if not request.urgent:
            await self.open[request.path].wait()
        if request.path in self.fails:
            raise self.fails[request.path]
        return b""


def to(path: str, *lanes: str, **more: object) -> Request:
    return Request(method="POST", path=path, lanes=lanes, **more)  # type: ignore[arg-type]


async def settle() -> None:
    """Let every task that can go on go on."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def lanes(gate: Gate) -> Lanes:
    return Lanes(gate, limit_s=0.2)


async def test_two_commands_to_one_channel_go_one_after_the_other(lanes: Lanes, gate: Gate) -> None:
    first = asyncio.create_task(lanes.send(to("1", "a")))
    second = asyncio.create_task(lanes.send(to("2", "a")))
    await settle()
    assert gate.sent == ["1"]
    gate.open["1"].set()
    await first
    await settle()
    assert gate.sent == ["1", "2"]
    gate.open["2"].set()
    await second
    assert len(lanes) == 0


async def test_another_channel_does_not_wait(lanes: Lanes, gate: Gate) -> None:
    held = asyncio.create_task(lanes.send(to("1", "a")))
    await settle()
    gate.open["2"].set()
    await lanes.send(to("2", "b"))
    assert gate.sent == ["1", "2"]
    gate.open["1"].set()
    await held


async def test_a_bridge_operation_takes_both_lanes(lanes: Lanes, gate: Gate) -> None:
    gate.open["add"].set()
    gate.open["later"].set()
    on_bridge = asyncio.create_task(lanes.send(to("b", "bridge")))
    on_channel = asyncio.create_task(lanes.send(to("c", "channel")))
    add = asyncio.create_task(lanes.send(to("add", "bridge", "channel")))
    later = asyncio.create_task(lanes.send(to("later", "channel")))
    await settle()
    assert gate.sent == ["b", "c"]
    gate.open["b"].set()
    await settle()
    assert gate.sent == ["b", "c"]
    gate.open["c"].set()
    await asyncio.gather(on_bridge, on_channel, add, later)
    assert gate.sent == ["b", "c", "add", "later"]


async def test_urgent_passes_beside_the_lane(lanes: Lanes, gate: Gate) -> None:
    held = asyncio.create_task(lanes.send(to("slow", "a")))
    await settle()
    await lanes.send(to("hang-up", "a", urgent=True))
    assert gate.sent == ["slow", "hang-up"]
    gate.open["slow"].set()
    await held


async def test_a_command_whose_turn_does_not_come_is_never_sent_and_lets_no_one_overtake(
    lanes: Lanes, gate: Gate
) -> None:
    held = asyncio.create_task(lanes.send(to("stuck", "a")))
    await settle()
    with pytest.raises(LaneBusy):
        await lanes.send(to("late", "a"))
    after = asyncio.create_task(lanes.send(to("after", "a")))
    await settle()
    assert gate.sent == ["stuck"]
    gate.open["after"].set()
    gate.open["stuck"].set()
    await asyncio.gather(held, after)
    assert gate.sent == ["stuck", "after"]
    assert len(lanes) == 0


async def test_a_failed_or_cancelled_command_frees_its_lane(lanes: Lanes, gate: Gate) -> None:
    gate.fails["1"] = NotFound("1", "gone", 404)
    gate.open["1"].set()
    with pytest.raises(NotFound):
        await lanes.send(to("1", "a"))
    cancelled = asyncio.create_task(lanes.send(to("2", "a")))
    await settle()
    cancelled.cancel()
    gate.open["3"].set()
    await lanes.send(to("3", "a"))
    assert len(lanes) == 0


async def test_a_running_prompt_is_stopped_before_a_command_its_thread_must_run(lanes: Lanes, gate: Gate) -> None:
    gate.open["play"].set()
    gate.open["add"].set()
    await lanes.send(to("play", "a", starts_playback="p1"))
    assert lanes.playing_on("a") == {"p1"}
    await lanes.send(to("add", "bridge", "a", needs_thread="a"))
    assert gate.sent == ["play", "/playbacks/p1", "add"]
    assert lanes.playing_on("a") == frozenset()


async def test_a_prompt_that_ended_is_not_stopped(lanes: Lanes, gate: Gate) -> None:
    gate.open["play"].set()
    gate.open["add"].set()
    await lanes.send(to("play", "a", starts_playback="p1"))
    lanes.observe(decode(event("PlaybackFinished", playback={"id": "p1", "target_uri": "channel:a"})))
    await lanes.send(to("add", "a", needs_thread="a"))
    assert gate.sent == ["play", "add"]


async def test_the_end_of_a_prompt_may_be_told_before_the_answer(lanes: Lanes, gate: Gate) -> None:
    playing = asyncio.create_task(lanes.send(to("play", "a", starts_playback="p1")))
    await settle()
    lanes.observe(decode(event("PlaybackFinished", playback={"id": "p1", "target_uri": "channel:a"})))
    gate.open["play"].set()
    await playing
    assert lanes.playing_on("a") == frozenset()


async def test_a_prompt_that_may_play_is_remembered_and_a_refused_one_is_not(lanes: Lanes, gate: Gate) -> None:
    for path, error in (("lost", OutcomeUnknown("play", "lost")), ("refused", NotFound("play", "gone", 404))):
        gate.open[path].set()
        gate.fails[path] = error
        with pytest.raises(type(error)):
            await lanes.send(to(path, "a", starts_playback=path))
    assert lanes.playing_on("a") == {"lost"}


async def test_nothing_is_kept_of_a_channel_that_is_gone(lanes: Lanes, gate: Gate) -> None:
    gate.open["play"].set()
    await lanes.send(to("play", "a", starts_playback="p1"))
    lanes.observe(decode(event("ChannelDestroyed", channel=channel("a"), cause=16)))
    assert lanes.playing_on("a") == frozenset()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.sampled_from("abc"), min_size=1), max_size=25), st.randoms())
def test_any_mixture_keeps_each_lane_in_order_and_ends(wanted: list[set[str]], random: object) -> None:
    async def run() -> None:
        order: list[int] = []

        class Shuffled:
            async def send(self, request: Request) -> bytes:
                for _ in range(random.randrange(4)):  # type: ignore[attr-defined]
                    await asyncio.sleep(0)
                order.append(int(request.path))
                return b""

        lanes = Lanes(Shuffled(), limit_s=5)
        async with asyncio.TaskGroup() as group:
            for number, ids in enumerate(wanted):
                group.create_task(lanes.send(to(str(number), *sorted(ids))))
        for lane in "abc":
            mine = [number for number in order if lane in wanted[number]]
            assert mine == sorted(mine)
        assert sorted(order) == list(range(len(wanted)))
        assert len(lanes) == 0

    asyncio.run(run())


async def test_after_a_restart_nothing_plays(lanes: Lanes, gate: Gate) -> None:
    gate.open["play"].set()
    await lanes.send(to("play", "a", starts_playback="p1"))
    lanes.forget_all()
    assert lanes.playing_on("a") == frozenset()
