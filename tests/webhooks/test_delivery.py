"""From the journal to a receiver, with a real PostgreSQL in between: signed, in order, at least once, none lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from engine.app.webhook_side import Rows
from engine.calls.feed import EventFeed
from engine.errors import DatabaseAway
from engine.journal import Journal, OutboxRow
from engine.sandbox.postgres import PostgresServer
from engine.store import webhooks
from engine.store.migrate import migrate
from engine.store.pool import Database
from engine.webhooks import deliverer, signing
from engine.webhooks.deliverer import Deliverer
from engine.webhooks.poster import Poster
from tests.store.conftest import db, mortal, postgres
from tests.store.waiting import eventually
from tests.webhooks.receiver import Receiver

__all__ = ["db", "mortal", "postgres"]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def event(call: str, kind: str = "call.requested", number: int = 0) -> OutboxRow:
    payload = {"type": kind, "at": "2026-11-20T09:00:00Z", "call_id": call, "data": {"agent": "alice", "n": number}}
    return OutboxRow(kind="event", call_id=call, payload=msgspec.json.encode(payload))


class Post:
    """One life of an engine's post room. `stop` is what kill -9 does to it: no last word."""

    def __init__(self, path: Path, database: Database) -> None:
        self.path, self.db = path, database
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        enter = self._stack.enter_async_context
        self.journal = await enter(Journal.open(self.path / "journal.db", "node-1", ballast_bytes=0))
        feed = EventFeed(self.journal)
        self.journal.on_event = feed.poke
        poster = await enter(Poster(private=True))
        self.deliverer = Deliverer(feed, Rows(self.db, "node-1"), poster)
        self._task = asyncio.create_task(self.deliverer.run())

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._stack.aclose()

    async def tell(self, *rows: OutboxRow) -> None:
        await self.journal.report(rows)

    async def log(self, name: str = "crm") -> list[webhooks.Delivery]:
        async with self.db.connection() as connection:
            return await webhooks.log(connection, name, state=None, before=None, limit=1000)

    async def subscribe(self, url: str, name: str = "crm", types: tuple[str, ...] = ()) -> None:
        async with self.db.connection() as connection:
            await webhooks.put(connection, name, url=url, types=types, enabled=True, secret=SECRET)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three days in a moment."""
    monkeypatch.setattr(deliverer, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(deliverer, "delay_s", lambda tries: 0.05 if tries < 10 else None)


@asynccontextmanager
async def room(path: Path, database: Database) -> AsyncIterator[Post]:
    post = Post(path, database)
    await post.start()
    try:
        yield post
    finally:
        await post.stop()


@pytest.fixture
async def post(tmp_path: Path, db: Database) -> AsyncIterator[Post]:
    async with room(tmp_path, db) as post:
        yield post


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


def states(entries: list[webhooks.Delivery]) -> list[tuple[str, int, int | None]]:
    return [(one.state, one.tries, one.status) for one in reversed(entries)]


async def settled(post: Post, count: int, name: str = "crm") -> list[webhooks.Delivery]:
    async def done() -> bool:
        try:
            entries = await post.log(name)
        except DatabaseAway:
            return False
        return len(entries) == count and all(one.state != "waiting" for one in entries)

    await eventually(done, 20)
    return await post.log(name)


async def test_signed_as_the_specification_wants_it(post: Post, receiver: Receiver) -> None:
    await post.subscribe(receiver.url)
    await post.tell(event("c1"))
    assert states(await settled(post, 1)) == [("delivered", 1, 204)]
    (one,) = receiver.received
    assert (one.id, one.headers["content-type"]) == ("c1.1", "application/json")
    assert msgspec.json.decode(one.body)["id"] == one.id
    at = datetime.fromtimestamp(int(one.headers["webhook-timestamp"]), UTC)
    assert one.headers["webhook-signature"] == signing.headers(SECRET, one.id, at, one.body)["webhook-signature"]


async def test_only_the_types_asked_for_and_nothing_from_before(post: Post, receiver: Receiver) -> None:
    await post.tell(event("c0", "call.ended"))
    await eventually(lambda: at(post, 1))
    await post.subscribe(receiver.url, types=("call.ended",))
    await post.tell(event("c1"), event("c1", "call.ended"))
    await settled(post, 1)
    assert [(one.call_id, one.type) for one in receiver.received] == [("c1", "call.ended")]


async def at(post: Post, position: int) -> bool:
    return post.deliverer.position == position


async def test_events_of_one_call_never_overtake_each_other(post: Post, receiver: Receiver) -> None:
    """Every call's second event fails three times; its third waits for it, other calls do not."""
    failures: dict[str, int] = {}

    def answer(one: object) -> web.Response:
        received = receiver.received[-1]
        if received.type == "call.agent_ringing" and failures.setdefault(received.call_id, 0) < 3:
            failures[received.call_id] += 1
            return web.Response(status=500)
        return web.Response(status=200)

    receiver.answer = answer
    await post.subscribe(receiver.url)
    kinds = ("call.requested", "call.agent_ringing", "call.ended")
    await post.tell(*(event(f"c{call}", kind) for kind in kinds for call in range(10)))
    await settled(post, 30)
    for call in range(10):
        seen = [one.type for one in receiver.received if one.call_id == f"c{call}"]
        assert seen == ["call.requested", *["call.agent_ringing"] * 4, "call.ended"]


async def test_ten_tries_then_it_is_given_up_and_the_next_one_goes(post: Post, receiver: Receiver) -> None:
    receiver.answer = lambda one: web.Response(status=503 if one.type == "call.requested" else 200)
    await post.subscribe(receiver.url)
    await post.tell(event("c1"), event("c1", "call.ended"))
    assert states(await settled(post, 2)) == [("failed", 10, 503), ("delivered", 1, 200)]
    assert len({one.id for one in receiver.received[:10]}) == 1


async def test_whoever_is_gone_is_switched_off(post: Post, receiver: Receiver) -> None:
    receiver.answer = lambda _: web.Response(status=410)
    await post.subscribe(receiver.url)
    await post.tell(event("c1"), event("c1", "call.ended"))
    assert {one.state for one in await settled(post, 2)} == {"dropped"}
    async with post.db.connection() as connection:
        webhook, _ = await webhooks.one(connection, "crm")
    assert (webhook.enabled, webhook.disabled_why) == (False, "it answered 410 Gone")
    await post.tell(event("c2"))
    await eventually(lambda: at(post, 3))
    assert len(await post.log()) == 2


async def test_a_redirection_is_followed_nowhere(post: Post, receiver: Receiver) -> None:
    async with Receiver() as elsewhere:
        receiver.answer = lambda _: web.Response(status=302, headers={"Location": elsewhere.url})
        await post.subscribe(receiver.url)
        await post.tell(event("c1"))
        (one,) = await settled(post, 1)
        assert (one.state, one.error) == ("failed", "answered 302, and redirections are not followed")
        assert elsewhere.received == []


async def test_an_answer_without_end_is_not_read(post: Post, receiver: Receiver) -> None:
    async def endless(_: object) -> web.StreamResponse:
        return web.Response(body=b"x" * 20_000_000)

    receiver.answer = endless
    await post.subscribe(receiver.url)
    await post.tell(event("c1"))
    assert states(await settled(post, 1)) == [("delivered", 1, 200)]


async def test_a_dead_receiver_delays_no_other(post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    forever = asyncio.Event()

    async def never(_: object) -> web.StreamResponse:
        await forever.wait()
        return web.Response()

    async with Receiver() as dead:
        dead.answer = never
        await post.subscribe(dead.url, "dead")
        await post.subscribe(receiver.url)
        await post.tell(*(event(f"c{number}") for number in range(100)))
        await settled(post, 100)
        assert all(one.state == "waiting" for one in await post.log("dead"))
        assert len(dead.received) == deliverer.PARALLEL
        forever.set()


async def test_killed_between_event_and_delivery(tmp_path: Path, db: Database, receiver: Receiver) -> None:
    """The receiver has taken it, nobody wrote that down: it comes again under the same id, and before the next."""
    reached, hold = asyncio.Event(), asyncio.Event()

    async def slow(_: object) -> web.StreamResponse:
        reached.set()
        await hold.wait()
        return web.Response()

    receiver.answer = slow
    async with room(tmp_path, db) as first:
        await first.subscribe(receiver.url)
        await first.tell(event("c1"), event("c1", "call.ended"))
        await asyncio.wait_for(reached.wait(), 10)
    hold.set()
    receiver.answer = lambda _: web.Response()
    async with room(tmp_path, db) as second:
        await settled(second, 2)
    assert [one.id for one in receiver.received] == ["c1.1", "c1.1", "c1.2"]
    assert receiver.received[0].body == receiver.received[1].body


async def test_killed_before_the_event_was_written_down(tmp_path: Path, db: Database, receiver: Receiver) -> None:
    async with Journal.open(tmp_path / "journal.db", "node-1", ballast_bytes=0) as journal:
        await journal.report([event("c1"), event("c1", "call.ended")])
    async with db.connection() as connection:
        await webhooks.put(connection, "crm", url=receiver.url, types=(), enabled=True, secret=SECRET)
    async with room(tmp_path, db) as post:
        await settled(post, 2)
    assert [one.id for one in receiver.received] == ["c1.1", "c1.2"]


async def test_postgresql_goes_away_and_nothing_is_lost_or_reordered(
    tmp_path: Path, mortal: PostgresServer, receiver: Receiver
) -> None:
    async with Database(mortal.dsn) as database:
        await migrate(database)
        async with room(tmp_path, database) as post:
            await post.subscribe(receiver.url)
            await post.tell(*(event(f"c{number % 3}", number=number) for number in range(30)))
            await receiver.until(lambda: len(receiver.received) >= 5)
            await mortal.stop()
            await post.tell(*(event(f"c{number % 3}", number=number) for number in range(30, 60)))
            await mortal.start()
            await settled(post, 60)
    for call in range(3):
        numbers = [msgspec.json.decode(one.body)["data"]["n"] for one in receiver.received if one.call_id == f"c{call}"]
        assert list(dict.fromkeys(numbers)) == list(range(call, 60, 3))
        assert numbers == sorted(numbers)


async def test_written_down_once_though_two_try(db: Database, tmp_path: Path, receiver: Receiver) -> None:
    async with Journal.open(tmp_path / "journal.db", "node-1", ballast_bytes=0) as journal:
        await journal.report([event("c1"), event("c2")])
        events = await EventFeed(journal).page(0, 10)
        rows = Rows(db, "node-1")
        async with db.connection() as connection:
            await webhooks.put(connection, "crm", url=receiver.url, types=(), enabled=True, secret=SECRET)
        await rows.write_down(journal.journal_id, 0, events)
        await rows.write_down(journal.journal_id, 0, events)
        assert await rows.position(journal.journal_id) == 2
        assert [one.event_id for one in await rows.due("crm", 9)] == ["c1.1", "c2.2"]
        assert await Rows(db, "node-2").due("crm", 9) == []


async def test_old_log_entries_are_forgotten(post: Post, receiver: Receiver) -> None:
    await post.subscribe(receiver.url)
    await post.tell(event("c1"))
    await settled(post, 1)
    async with post.db.connection() as connection:
        await connection.execute("UPDATE webhook_deliveries SET created_at = now() - interval '31 days'")
    await Rows(post.db, "node-1").forget_old()
    assert await post.log() == []
