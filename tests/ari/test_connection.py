"""Epochs: what the consumer is told, and in which order, when the socket or Asterisk misbehaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.ari.connection import AriConnection, Hooks
from engine.ari.messages import Connected, Disconnected, Message, Received, Replaced, Resnapshot
from engine.ari.requests import AriRequests
from tests.ari.fake_asterisk import FakeAsterisk, answers, channel, event

DESTROYED = event("ChannelDestroyed", channel=channel("c"), cause=17)


class Consumer:
    """Notes every message; can be held in the middle of one."""

    def __init__(self) -> None:
        self.told: list[Message] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.changed = asyncio.Condition()
        self.begun = 0

    async def deliver(self, message: Message) -> None:
        self.begun += 1
        async with self.changed:
            self.changed.notify_all()
        await self.may_go_on.wait()
        self.told.append(message)
        async with self.changed:
            self.changed.notify_all()

    async def until(self, true: Callable[[], object], limit_s: float = 5) -> None:
        async with asyncio.timeout(limit_s), self.changed:
            await self.changed.wait_for(lambda: bool(true()))

    def kinds(self) -> list[str]:
        return [
            type(message.event).__name__ if isinstance(message, Received) else type(message).__name__
            for message in self.told
        ]

    def count(self, kind: type[Any]) -> int:
        return sum(isinstance(message, kind) for message in self.told)


@pytest.fixture
def consumer() -> Consumer:
    return Consumer()


@pytest.fixture
def connection(fake: FakeAsterisk, ari: AriRequests, consumer: Consumer) -> AriConnection:
    return AriConnection(fake.settings, ari, consumer.deliver)


@pytest.fixture
async def running(connection: AriConnection) -> AsyncIterator[asyncio.Task[None]]:
    before = asyncio.all_tasks()
    task = asyncio.create_task(connection.run())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert {left for left in asyncio.all_tasks() - before if "ari" in left.get_name()} == set()
    assert not connection.ready


async def test_first_the_state_then_what_was_kept_then_the_state_again(
    fake: FakeAsterisk, consumer: Consumer, connection: AriConnection, running: asyncio.Task[None]
) -> None:
    fake.channels = [channel("c")]
    fake.bridges = [{"id": "b", "channels": ["c"]}]
    fake.hello = [event("ChannelDtmfReceived", channel=channel("c"), digit="1")]
    await asyncio.wait_for(connection.wait_ready(), 5)
    assert consumer.kinds() == ["Connected", "ChannelDtmfReceived", "Resnapshot"]
    first = consumer.told[0]
    assert isinstance(first, Connected)
    assert (first.epoch, first.asterisk_restarted) == (1, False)
    assert first.snapshot.bridge_of("c") == first.snapshot.bridges["b"]
    assert first.snapshot.bridge_of("x") is None
    assert fake.seen[:3] == [
        *("GET /events", "POST /asterisk/variable", "PUT /applications/standardiste/eventFilter"),
    ]


async def test_old_news_is_dropped_and_counted(fake: FakeAsterisk, ari: AriRequests, consumer: Consumer) -> None:
    dropped: list[int] = []
    fake.hello = [
        event("ChannelStateChange", "2001-01-01T00:00:00.000+0000", channel=channel("c", "Ringing")),
        event("ChannelDestroyed", "2001-01-01T00:00:00.000+0000", channel=channel("d"), cause=16),
    ]
    connection = AriConnection(fake.settings, ari, consumer.deliver, hooks=Hooks(superseded=dropped.append))
    task = asyncio.create_task(connection.run())
    await asyncio.wait_for(connection.wait_ready(), 5)
    assert consumer.kinds() == ["Connected", "ChannelDestroyed", "Resnapshot"]
    assert sum(dropped) == 1
    task.cancel()


async def test_a_lost_socket_begins_a_new_epoch(
    fake: FakeAsterisk, consumer: Consumer, connection: AriConnection, running: asyncio.Task[None]
) -> None:
    await asyncio.wait_for(connection.wait_ready(), 5)
    await fake.say(DESTROYED)
    await consumer.until(lambda: "ChannelDestroyed" in consumer.kinds())
    await fake.cut()
    await consumer.until(lambda: consumer.count(Resnapshot) == 2)
    assert consumer.kinds() == [
        *("Connected", "Resnapshot", "ChannelDestroyed", "Disconnected"),
        *("Connected", "Resnapshot"),
    ]
    assert [message.epoch for message in consumer.told] == [1, 1, 1, 1, 2, 2]
    await asyncio.wait_for(connection.wait_ready(), 5)


async def test_a_new_start_time_says_that_asterisk_restarted(
    fake: FakeAsterisk, consumer: Consumer, connection: AriConnection, running: asyncio.Task[None]
) -> None:
    await asyncio.wait_for(connection.wait_ready(), 5)
    fake.startup_time = "2026-11-20T19:00:00.000+0000"
    await fake.cut()
    await consumer.until(lambda: consumer.count(Connected) == 2)
    assert [m.asterisk_restarted for m in consumer.told if isinstance(m, Connected)] == [False, True]


async def test_a_loss_does_not_cut_a_delivery_short_and_what_came_is_delivered(
    fake: FakeAsterisk, consumer: Consumer, connection: AriConnection, running: asyncio.Task[None]
) -> None:
    await asyncio.wait_for(connection.wait_ready(), 5)
    consumer.may_go_on.clear()
    await fake.say(event("StasisStart", channel=channel("c")))
    await consumer.until(lambda: consumer.begun == 3)
    await fake.say(DESTROYED)
    await eventually(lambda: connection.backlog == 1)
    await fake.cut()
    await eventually(lambda: not connection.ready)
    consumer.may_go_on.set()
    await consumer.until(lambda: consumer.count(Connected) == 2)
    assert consumer.kinds()[2:5] == ["StasisStart", "ChannelDestroyed", "Disconnected"]


OWNER = "ARI_OWNER_standardiste"


async def test_being_replaced_by_another_engine_ends_it_at_once(
    fake: FakeAsterisk, consumer: Consumer, connection: AriConnection, running: asyncio.Task[None]
) -> None:
    await asyncio.wait_for(connection.wait_ready(), 5)
    consumer.may_go_on.clear()
    await fake.say(event("StasisStart", channel=channel("c")))
    await consumer.until(lambda: consumer.begun == 3)
    await fake.say(DESTROYED)
    await fake.say(event("ApplicationReplaced"))
    await eventually(lambda: not connection.ready)
    fake.globals[OWNER] = "another engine"
    consumer.may_go_on.set()
    await asyncio.wait_for(running, 5)
    assert consumer.kinds() == ["Connected", "Resnapshot", "StasisStart", "Replaced"]
    assert consumer.count(Replaced) == 1
    assert len(fake.sockets) == 1


async def test_being_replaced_by_a_socket_of_nobody_is_a_loss_like_another(
    fake: FakeAsterisk, consumer: Consumer, connection: AriConnection, running: asyncio.Task[None]
) -> None:
    """An attempt to connect that we gave up, and that Asterisk got round to late."""
    await asyncio.wait_for(connection.wait_ready(), 5)
    await fake.say(event("ApplicationReplaced"))
    await consumer.until(lambda: consumer.count(Connected) == 2)
    assert consumer.kinds()[2] == "Disconnected"
    await asyncio.wait_for(connection.wait_ready(), 5)


async def test_an_engine_that_comes_back_does_not_take_the_application_from_its_successor(
    fake: FakeAsterisk, consumer: Consumer, connection: AriConnection, running: asyncio.Task[None]
) -> None:
    """It was stopped and thaws: its socket is long gone and nobody told it."""
    await asyncio.wait_for(connection.wait_ready(), 5)
    fake.globals[OWNER] = "another engine"
    await fake.cut()
    await asyncio.wait_for(running, 5)
    assert consumer.kinds() == ["Connected", "Resnapshot", "Disconnected", "Replaced"]
    assert len(fake.sockets) == 1


async def test_an_asterisk_that_restarted_belongs_to_nobody(
    fake: FakeAsterisk, consumer: Consumer, connection: AriConnection, running: asyncio.Task[None]
) -> None:
    await asyncio.wait_for(connection.wait_ready(), 5)
    fake.globals.clear()
    await fake.cut()
    await consumer.until(lambda: consumer.count(Connected) == 2)
    assert fake.globals[OWNER]


async def test_a_new_engine_takes_the_application_whoever_had_it(
    fake: FakeAsterisk, connection: AriConnection, running: asyncio.Task[None]
) -> None:
    fake.globals[OWNER] = "the engine before"
    await asyncio.wait_for(connection.wait_ready(), 5)
    assert fake.globals[OWNER] != "the engine before"


async def test_a_consumer_that_fails_is_not_hidden(fake: FakeAsterisk, ari: AriRequests) -> None:
    async def deliver(message: Message) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(AriConnection(fake.settings, ari, deliver).run(), 5)


async def test_a_consumer_that_is_too_slow_gets_the_state_instead_of_old_news(
    fake: FakeAsterisk, ari: AriRequests, consumer: Consumer
) -> None:
    connection = AriConnection(replace(fake.settings, backlog_limit=5), ari, consumer.deliver)
    task = asyncio.create_task(connection.run())
    await asyncio.wait_for(connection.wait_ready(), 5)
    consumer.may_go_on.clear()
    await fake.say(DESTROYED)
    await consumer.until(lambda: consumer.begun == 3)
    for _ in range(10):
        await fake.say(DESTROYED)
    await eventually(lambda: not connection.ready)
    consumer.may_go_on.set()
    await consumer.until(lambda: consumer.count(Connected) == 2)
    assert consumer.kinds().count("ChannelDestroyed") == 1
    lost = next(message for message in consumer.told if isinstance(message, Disconnected))
    assert "5 events" in lost.reason
    task.cancel()


async def test_a_state_that_cannot_be_read_is_tried_again(
    fake: FakeAsterisk, consumer: Consumer, connection: AriConnection
) -> None:
    for _ in range(2):
        fake.next_answer("GET /channels", answers(500, {"error": "Internal"}))
    task = asyncio.create_task(connection.run())
    await asyncio.wait_for(connection.wait_ready(), 5)
    assert consumer.kinds() == ["Disconnected", "Disconnected", "Connected", "Resnapshot"]
    task.cancel()


async def test_a_wrong_password_is_said_and_tried_again(
    fake: FakeAsterisk, consumer: Consumer, connection: AriConnection, running: asyncio.Task[None]
) -> None:
    fake.refuse_socket = 401
    await fake.until(lambda: fake.seen.count("GET /events") >= 3)
    assert consumer.told == []
    fake.refuse_socket = 0
    await asyncio.wait_for(connection.wait_ready(), 5)
    assert connection.epoch == 1


async def test_the_state_is_read_when_asked_and_now_and_then(
    fake: FakeAsterisk, ari: AriRequests, consumer: Consumer
) -> None:
    connection = AriConnection(replace(fake.settings, resnapshot_every_s=0.05), ari, consumer.deliver)
    task = asyncio.create_task(connection.run())
    await consumer.until(lambda: consumer.count(Resnapshot) >= 3)
    task.cancel()
    slow = AriConnection(fake.settings, ari, consumer.deliver)
    task = asyncio.create_task(slow.run())
    await asyncio.wait_for(slow.wait_ready(), 5)
    before = consumer.count(Resnapshot)
    slow.audit_soon()
    await consumer.until(lambda: consumer.count(Resnapshot) == before + 1)
    task.cancel()


async def test_an_event_of_tomorrow_is_delivered_as_it_is(
    fake: FakeAsterisk, consumer: Consumer, connection: AriConnection, running: asyncio.Task[None]
) -> None:
    await asyncio.wait_for(connection.wait_ready(), 5)
    await fake.say(event("ChannelTeleported", channel=channel("c")))
    await consumer.until(lambda: "UnknownEvent" in consumer.kinds())


async def eventually(true: Callable[[], bool]) -> None:
    """For what changes without telling anyone."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - a property, not an event
            await asyncio.sleep(0.001)
