"""The engine as a whole, over a real journal and a real PostgreSQL; its Asterisk is scripted, to misbehave on order.

What a real Asterisk does is `tests/live`'s business.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from engine import __version__
from engine.app import engine as module
from engine.app import measuring, pruning
from engine.app.engine import Engine, ari_secret
from engine.domain import ids
from engine.domain.values import CallId, ChannelId
from engine.errors import DatabaseAway, DatabaseMismatch, JournalUnwritable, NotListening, Replaced
from engine.http.ports import PartState
from engine.journal import OutboxRow
from engine.sections import Secret
from engine.settings import AriSettings, AsteriskSettings, HttpSettings, JournalSettings, Settings
from engine.store import callbacks, tokens
from engine.store import directory as stored
from engine.store.migrate import Migration, migrate, migrations
from engine.store.pool import Database
from tests.ari.conftest import fake
from tests.ari.fake_asterisk import FakeAsterisk, answers, channel, event
from tests.calls.room import agent, directory, trunk
from tests.http.fakes import CALLBACK
from tests.store.conftest import empty_dsn, postgres

__all__ = ["empty_dsn", "fake", "postgres"]

OWNER = "ARI_OWNER_standardiste"
APP = {"dialplan": {"app_name": "Stasis", "app_data": "standardiste"}}
ORDER = {"agent": "alice", "to": "01 40 00 00 02"}


class Running:
    """One engine that serves, and an application that talks to it."""

    def __init__(self, engine: Engine, fake: FakeAsterisk, bearer: str) -> None:
        self.engine, self.fake, self._bearer = engine, fake, bearer
        self.url = ""
        self.ended: asyncio.Task[None]

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._bearer}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, self.url + path, **more) as answer,
        ):
            text = await answer.text()
            return answer.status, msgspec.json.decode(text) if text.startswith(("{", "[")) else text

    async def until(self, true: Callable[[], object], bound_s: float = 30.0) -> None:
        async with asyncio.timeout(bound_s):
            while not true():  # noqa: ASYNC110 - bounded, and what it looks at has no bell
                await asyncio.sleep(0.005)

    async def call(self) -> CallId:
        """A call whose agent's leg was dialled."""
        status, body = await self.ask("POST", "/v1/calls", json=ORDER)
        assert status == 202, body
        call_id = CallId(body["id"])
        await self.fake.until(lambda: "POST /channels/create" in self.fake.seen)
        leg = ids.channel_id(call_id, "agent", 1)
        self.fake.channels.append(channel(leg, "Down", **APP))
        await self.fake.say(event("StasisStart", channel=channel(leg, "Down")))
        await self.fake.until(lambda: f"POST /channels/{leg}/dial" in self.fake.seen)
        return call_id

    async def leg_ends(self, leg: ChannelId, cause: int, sip: int) -> None:
        self.fake.channels = [c for c in self.fake.channels if c["id"] != leg]
        await self.fake.say(event("ChannelDestroyed", channel=channel(leg), cause=cause, tech_cause=sip))

    async def cdr(self, call_id: str) -> dict[str, Any]:
        """Its row, read back through the API."""
        async with asyncio.timeout(10):
            while True:
                _, page = await self.ask("GET", "/v1/cdrs")
                found = [row for row in page["items"] if row["call_id"] == call_id]
                if found:
                    return dict(found[0])
                await asyncio.sleep(0.02)


@pytest.fixture
async def dsn(empty_dsn: str) -> str:
    """A database with one agent to call and two trunks to call by."""
    async with Database(empty_dsn) as db:
        await migrate(db)
        async with db.connection() as connection:
            held = directory(agent("alice"), trunk("paris-1"), trunk("paris-2", priority=20, host="127.0.0.3"))
            await stored.apply(connection, held, "test", "a test", base=0)
    return empty_dsn


@pytest.fixture
async def bearer(dsn: str) -> str:
    async with Database(dsn) as db, db.connection() as connection:
        _, plain = await tokens.create(connection, "crm", ["calls:create", "calls:read", "calls:control", "cdr:read"])
    return plain


@pytest.fixture
def settings(tmp_path: Path, fake: FakeAsterisk) -> Settings:
    return Settings(
        state_dir=tmp_path / "state",
        node_id="test",
        http=HttpSettings(port=0),
        ari=AriSettings(url=fake.settings.base_url),
        asterisk=AsteriskSettings(config_dir=tmp_path / "etc", cel_path=tmp_path / "cel.csv"),
        journal=JournalSettings(ballast_mb=1),
    )


@contextlib.asynccontextmanager
async def serving(settings: Settings, dsn: str, fake: FakeAsterisk, bearer: str) -> AsyncIterator[Running]:
    async with Engine(settings, dsn) as engine:
        running = Running(engine, fake, bearer)
        heard = asyncio.Event()

        def listening(url: str) -> None:
            running.url = url
            heard.set()

        running.ended = asyncio.create_task(engine.serve(listening=listening))
        try:
            await asyncio.wait_for(heard.wait(), 10)
            await running.until(lambda: engine.connection.ready and engine.keeper.loaded and engine.beat.last)
            yield running
        finally:
            running.ended.cancel()
            await asyncio.gather(running.ended, return_exceptions=True)


@pytest.fixture
async def running(
    settings: Settings, dsn: str, fake: FakeAsterisk, bearer: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Running]:
    monkeypatch.setattr(measuring, "LOOK_EVERY_S", 0.02)
    async with serving(settings, dsn, fake, bearer) as running:
        yield running


# -- a call ------------------------------------------------------------------------------------------------------------


async def test_an_order_becomes_a_call_and_a_row(running: Running) -> None:
    call_id = await running.call()
    await running.until(lambda: "standardiste_calls_live 1.0" in running.engine.metrics.text().decode())
    await running.leg_ends(ids.channel_id(call_id, "agent", 1), 17, 486)
    row = await running.cdr(call_id)
    assert (row["outcome"], row["cause"], row["sip_code"], row["engine_node"]) == ("agent_busy", 17, 486, "test")
    status, view = await running.ask("GET", f"/v1/calls/{call_id}")
    assert (status, view["live"], view["outcome"]) == (200, False, "agent_busy")
    numbers = running.engine.metrics.text().decode()
    assert 'standardiste_calls_ended_total{outcome="agent_busy"} 1.0' in numbers
    assert 'standardiste_ari_requests_total{status="ok",verb="POST"}' in numbers
    assert 'standardiste_journal_append_seconds_count{durable="yes"} ' in numbers
    assert f'standardiste_build_info{{node="test",version="{__version__}"}} 1.0' in numbers
    await running.until(lambda: "standardiste_calls_live 0.0" in running.engine.metrics.text().decode())


async def test_a_call_the_journal_let_go_is_found_in_postgresql(running: Running) -> None:
    call_id = await running.call()
    await running.leg_ends(ids.channel_id(call_id, "agent", 1), 17, 486)
    await running.cdr(call_id)
    before = await running.ask("GET", f"/v1/calls/{call_id}/events")
    await pruning.prune(running.engine)
    assert await running.engine.journal.steps(call_id)  # kept as long as the settings say
    running.engine.settings = replace(running.engine.settings, journal=JournalSettings(keep_h=0.0001, ballast_mb=1))
    async with asyncio.timeout(10):
        while await running.engine.journal.steps(call_id):
            await pruning.prune(running.engine)
    assert await running.ask("GET", f"/v1/calls/{call_id}/events") == before


async def test_a_request_to_be_called_back_goes_when_it_was_done_long_ago(running: Running) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=91)
    waiting = replace(CALLBACK, at=long_ago)
    done = replace(waiting, id=CALLBACK.id[:-1] + "2", status="done", changed_by="crm", changed_at=long_ago)
    async with running.engine.db.connection() as connection:
        for one in (waiting, done):
            await callbacks.insert(connection, one)
    await pruning.prune(running.engine)
    _, page = await running.ask("GET", "/v1/callbacks")
    assert [one["id"] for one in page["items"]] == [waiting.id]


async def test_a_link_from_an_address_that_is_named_is_a_call_of_the_agents(
    settings: Settings, dsn: str, fake: FakeAsterisk, bearer: str
) -> None:
    link = "/CALL&alice&2001&01%2040%2000%2000%2002"
    async with serving(settings, dsn, fake, bearer) as closed:
        assert (await closed.ask("GET", link))[0] == 404
    opened = replace(settings, http=HttpSettings(port=0, call_links=("127.0.0.0/8",)))
    async with serving(opened, dsn, fake, bearer) as running:
        status, page = await running.ask("GET", link)
        assert (status, "<h1>Call placed</h1>" in page) == (202, True)
        ((call),) = (await running.ask("GET", "/v1/calls"))[1]["items"]
        assert (call["agent"], call["to"]) == ("alice", "+33140000002")
        assert (await running.ask("GET", link))[0] == 409
        assert (await running.ask("GET", link.replace("2001", "2002")))[0] == 404


async def test_what_a_call_cannot_use_is_counted(running: Running) -> None:
    call_id = await running.call()
    leg = channel(ids.channel_id(call_id, "agent", 1), "Ringing")
    for _ in range(2):
        await running.fake.say(event("Dial", peer=leg, dialstatus="RINGING"))
    counted = 'standardiste_illegal_events_total{event="ChannelRinging"} 1.0'
    await running.until(lambda: counted in running.engine.metrics.text().decode())


async def test_what_postgresql_does_not_know_has_an_age(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def lag() -> float | None:
        return running.engine.metrics.registry.get_sample_value("standardiste_shipper_lag_seconds")

    async def away(count: int) -> list[OutboxRow]:
        raise DatabaseAway("stopped")

    await running.until(lambda: lag() == 0)
    monkeypatch.setattr(running.engine.journal, "outbox", away)
    await running.engine.journal.report((OutboxRow(kind="audit", payload=b"{}"),))
    await running.until(lambda: (lag() or 0) > 0)


async def test_a_refusal_of_asterisk_is_counted(running: Running) -> None:
    running.fake.next_answer("POST /channels/create", answers(500, {"error": "Allocation failed"}))
    running.fake.next_answer("POST /channels/create", answers(500, {"error": "Allocation failed"}))
    _, body = await running.ask("POST", "/v1/calls", json=ORDER)
    row = await running.cdr(body["id"])
    assert row["outcome"] in {"agent_unreachable", "trunk_down", "congestion"}
    assert 'status="500",verb="POST"' in running.engine.metrics.text().decode()


# -- health ------------------------------------------------------------------------------------------------------------


async def test_ready_says_which_part_is_not(running: Running) -> None:
    status, told = await running.ask("GET", "/readyz")
    assert (status, [part for part in told["parts"].values() if not part["ok"]]) == (200, [])
    running.fake.refuse_socket = 503
    await running.fake.cut()
    await running.until(lambda: not running.engine.connection.ready)
    status, told = await running.ask("GET", "/readyz")
    assert (status, told["parts"]["ari"]["ok"]) == (503, False)
    status, refused = await running.ask("POST", "/v1/calls", json=ORDER)
    assert (status, refused["code"]) == (503, "not-ready")
    running.fake.refuse_socket = 0
    await running.until(lambda: running.engine.connection.ready)
    assert (await running.ask("GET", "/readyz"))[0] == 200


async def test_each_part_answers_for_itself(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = running.engine
    parts = engine._health()
    engine.beat.last = None
    engine.keeper.loaded = False
    engine.db.available, engine.db.reason = False, "stopped"
    monkeypatch.setattr(engine.journal._writer, "disk_full", True)
    told = parts.ready()
    engine.db.available = True
    assert {name: part.ok for name, part in told.items()} == {
        "ari": True,
        "journal": False,
        "beat": False,
        "directory": False,
        "postgres": False,
    }
    assert told["postgres"] == PartState(ok=False, why="stopped", needed=False)
    assert all(part.why for name, part in told.items() if name != "ari")
    status, refused = await running.ask("POST", "/v1/calls", json=ORDER)
    assert (status, refused["code"]) == (503, "disk-full")


# -- lives and deaths --------------------------------------------------------------------------------------------------


async def test_the_next_engine_takes_the_calls_over(
    settings: Settings, dsn: str, fake: FakeAsterisk, bearer: str
) -> None:
    async with serving(settings, dsn, fake, bearer) as first:
        call_id = await first.call()
    assert not any(name.startswith("DELETE /channels/") for name in fake.seen)  # stopping touches no call
    async with serving(settings, dsn, fake, bearer) as second:
        assert [view["id"] for view in (await second.ask("GET", "/v1/calls?live=true"))[1]["items"]] == [call_id]
        leg = ids.channel_id(call_id, "agent", 1)
        await fake.say(event("Dial", peer=channel(leg, "Ringing"), dialstatus="RINGING"))
        await second.leg_ends(leg, 19, 480)
        row = await second.cdr(call_id)
        assert (row["outcome"], row["recovered"]) == ("agent_no_answer", True)
        assert "standardiste_calls_recovered_total 1.0" in second.engine.metrics.text().decode()
    assert sum(name.endswith("/dial") for name in fake.seen) == 1


@pytest.mark.parametrize("engine_lives", [True, False])
async def test_calls_end_with_their_asterisk(
    settings: Settings, dsn: str, fake: FakeAsterisk, bearer: str, engine_lives: bool
) -> None:
    """Also where the engine was away when Asterisk restarted."""

    def restarts() -> None:
        fake.startup_time = "2026-11-20T19:00:00.000+0000"
        fake.channels, fake.globals = [], {}

    async with serving(settings, dsn, fake, bearer) as first:
        call_id = await first.call()
        if engine_lives:
            restarts()
            await fake.cut()
            assert (await first.cdr(call_id))["outcome"] == "asterisk_lost"
            assert "standardiste_asterisk_restarts_total 1.0" in first.engine.metrics.text().decode()
            return
    restarts()
    async with serving(settings, dsn, fake, bearer) as second:
        assert (await second.cdr(call_id))["outcome"] == "asterisk_lost"


async def test_another_engine_in_our_place_ends_this_one(running: Running) -> None:
    running.fake.globals[OWNER] = "another engine"
    with capture_logs() as logs:
        await running.fake.say(event("ApplicationReplaced"))
        await asyncio.wait([running.ended], timeout=10)
    assert running.ended.done()
    assert "engine.replaced" in [line["event"] for line in logs]
    with pytest.raises(RuntimeError, match="does not run"):
        running.engine.spawn(asyncio.sleep(0))


async def test_a_stranger_is_sent_where_people_answer_and_an_orphan_is_ended(running: Running) -> None:
    orphan = ids.channel_id(CallId("01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e01"), "agent", 1)
    await running.fake.say(event("StasisStart", channel=channel("1795201746.1"), args=["inbound", "trunk-x", "33"]))
    await running.fake.say(event("StasisStart", channel=channel(orphan), args=[]))
    await running.fake.say(event("StasisStart", channel=channel("1795201746.2"), args=["else"]))
    await running.fake.say(event("StasisEnd", channel=channel("1795201746.3")))
    await running.fake.until(lambda: f"DELETE /channels/{orphan}" in running.fake.seen)
    await running.fake.until(lambda: "POST /channels/1795201746.1/continue" in running.fake.seen)
    assert not [name for name in running.fake.seen if "1795201746.2" in name or "1795201746.3" in name]


async def test_a_stranger_who_cannot_be_sent_on_is_reported(running: Running) -> None:
    running.fake.next_answer("POST /channels/1795201746.1/continue", answers(409, {"message": "not ours"}))
    with capture_logs() as logs:
        await running.fake.say(event("StasisStart", channel=channel("1795201746.1"), args=["inbound", "x", "1"]))
        await running.until(lambda: "ari.stranger_stays" in [line["event"] for line in logs])


async def test_two_engines_cannot_share_a_journal(running: Running, settings: Settings, dsn: str) -> None:
    with pytest.raises(JournalUnwritable):
        async with Engine(settings, dsn):
            pass
    assert (await running.ask("GET", "/healthz"))[0] == 200


async def test_the_whole_life_of_an_engine(
    settings: Settings, dsn: str, fake: FakeAsterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    life = asyncio.create_task(module.run(settings, dsn, listening=heard.put_nowait))
    assert (await asyncio.wait_for(heard.get(), 10)).startswith("http://127.0.0.1:")
    life.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(life, 10)
    async with Engine(settings, dsn) as again:  # everything was let go
        assert await again.journal.open_calls() == []


async def test_a_life_that_ends_by_another_engine_says_so(settings: Settings, dsn: str, fake: FakeAsterisk) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    life = asyncio.create_task(module.run(settings, dsn, listening=heard.put_nowait))
    await asyncio.wait_for(heard.get(), 10)
    await fake.until(lambda: fake.globals.get(OWNER) and fake.sockets)
    fake.globals[OWNER] = "another engine"
    await fake.say(event("ApplicationReplaced"))
    with pytest.raises(Replaced):
        await asyncio.wait_for(life, 10)


async def test_an_address_that_is_not_to_be_had_is_said_in_words(settings: Settings, dsn: str) -> None:
    """The commonest mistake of all: an engine runs already. It was a page of traces."""
    async with asyncio.timeout(20), await asyncio.start_server(lambda *_: None, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        with pytest.raises(NotListening, match=f"127.0.0.1:{port}"):
            await module.run(replace(settings, http=HttpSettings(port=port)), dsn)


async def test_a_schema_of_a_newer_engine_is_refused_and_not_written_into(
    settings: Settings, empty_dsn: str, fake: FakeAsterisk
) -> None:
    """Who goes back to an older engine is told so. It ran on for ever, without directory and without a word."""
    async with Database(empty_dsn) as db:
        await migrate(db, [*migrations(), Migration(len(migrations()) + 1, "later", "CREATE TABLE later (a int)")])
    async with asyncio.timeout(20):
        with pytest.raises(DatabaseMismatch, match=f"this engine knows {len(migrations())}"):
            await module.run(settings, empty_dsn)


async def test_it_starts_without_postgresql_from_its_copies(
    settings: Settings, dsn: str, fake: FakeAsterisk, bearer: str
) -> None:
    async with serving(settings, dsn, fake, bearer) as first:
        await first.until((settings.state_dir / "directory.json").exists)
        await first.until((settings.state_dir / "tokens.json").exists)
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    async with serving(settings, nowhere, fake, bearer) as second:
        call_id = await second.call()
        await second.leg_ends(ids.channel_id(call_id, "agent", 1), 17, 486)
        await second.until(lambda: len(second.engine.calls.registry) == 0)
        status, told = await second.ask("GET", "/readyz")
        assert (status, told["parts"]["postgres"]["ok"]) == (200, False)
    async with serving(settings, dsn, fake, bearer) as third:
        assert (await third.cdr(call_id))["outcome"] == "agent_busy"


def test_the_secret_is_the_one_set_or_one_made_once(settings: Settings) -> None:
    settings.state_dir.mkdir()
    made = ari_secret(settings)
    assert (len(made) >= 20, ari_secret(settings)) == (True, made)
    given = replace(settings, ari=AriSettings(secret=Secret("theirs")))
    assert ari_secret(given) == "theirs"
