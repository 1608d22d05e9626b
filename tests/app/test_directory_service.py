"""One way to change the directory: PostgreSQL and Asterisk, both or neither, and what happens to those who leave."""

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine import settings
from engine.app.changes import Changes
from engine.app.directories import CurrentDirectory
from engine.app.directory_service import DirectoryService
from engine.app.keeping import DirectoryKeeper
from engine.ari.errors import ServerFailed
from engine.calls.contract import Actor
from engine.config import apply, last_good
from engine.config.apply import AsteriskFiles
from engine.config.asterisk import AsteriskPaths, AsteriskSettings
from engine.config.errors import ConfigRejected
from engine.config.render import FOLDER, base_files
from engine.domain.calendar_findings import Doubt
from engine.domain.directory import EMPTY
from engine.domain.directory_kinds import Kind
from engine.domain.values import CallId, Slug
from engine.errors import DatabaseAway, InvalidValue, Refused, StandardisteError, Unavailable, UnknownThing
from engine.journal import OutboxRow
from engine.store import directory, tokens
from engine.store import last_good as copies
from engine.store.outbox import AuditPayload
from engine.store.pool import Database
from engine.store.tokens import TokenBook
from tests.config.fake_asterisk import FakeAsterisk

OPS = Actor(token_id="t", name="ops", scopes=frozenset({"admin"}))
SITE = {"name": "Paris", "extensions": "2000-2009"}
PEER = {"site": "paris", "kind": "peer", "host": "192.0.2.10"}
GSM = {"site": "paris", "kind": "register", "host": "192.0.2.11", "username": "gsm", "secret": "their-secret-1"}
MARIE = {"name": "Marie", "site": "paris", "mobile": "06 12 34 56 78"}


class Phones:
    """Telephones by SIP user, as Asterisk would name them."""

    def __init__(self) -> None:
        self.dropped: list[str] = []

    async def registrations(self, accounts: Collection[str]) -> list[str]:
        return [f"{user};@1" for user in accounts]

    async def drop(self, registrations: Collection[str]) -> None:
        self.dropped += registrations


class Audit:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    async def report(self, rows: Sequence[OutboxRow]) -> None:
        self.rows += [msgspec.structs.asdict(msgspec.json.decode(row.payload, type=AuditPayload)) for row in rows]


class Room:
    """One engine's directory over a real PostgreSQL and an Asterisk that can misbehave."""

    def __init__(self, db: Database, home: Path, asterisk: FakeAsterisk, *, seats: int = 3, engine: str = "a") -> None:
        self.db, self.home, self.asterisk, self.phones, self.audit = db, home, asterisk, Phones(), Audit()
        self.calls: dict[Slug, CallId] = {}
        self.current = CurrentDirectory()
        self.tokens = TokenBook(home / f"{engine}-tokens.json")
        self.copy = home / f"{engine}-directory.json"
        keeper = DirectoryKeeper(db, self.current, self.tokens, last_good=self.copy)
        files = AsteriskFiles(settings_of(home), asterisk)
        self.changes = Changes(db, files, self.phones, seats=seats, call_of=self.calls.get)
        self.files = files
        self.book = DirectoryService(
            changes=self.changes,
            db=db,
            current=self.current,
            adopt=keeper.adopt,
            journal=self.audit,
            asterisk=settings.AsteriskSettings(sip_host="192.0.2.1", webrtc_url="wss://192.0.2.1/ws"),
        )

    async def furnished(self) -> "Room":
        await self.book.put("site", "paris", SITE, OPS)
        await self.book.put("trunk", "yeastar", PEER, OPS)
        await self.book.put("agent", "marie", MARIE, OPS)
        return self

    @property
    def endpoints(self) -> set[str]:
        return {name for kind, name in self.asterisk.objects if kind == "endpoint"}

    async def same_everywhere(self) -> bool:
        """Memory, PostgreSQL and Asterisk have one and the same directory."""
        kept = await self.changes.current()
        return kept == self.current.directory and await self.files.verify(kept) == []


def settings_of(home: Path) -> AsteriskSettings:
    paths = AsteriskPaths.under(home, modules=Path("/modules"), data=Path("/data"))
    return AsteriskSettings(paths=paths, ari_port=8088, ari_secret="a-generated-secret", webrtc=True)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apply, "READ_BACK_S", 0.05)
    monkeypatch.setattr(apply, "READ_BACK_EVERY_S", 0.01)


@pytest.fixture
def asterisk(tmp_path: Path) -> FakeAsterisk:
    settings = settings_of(tmp_path)
    last_good.write_files(settings.paths.etc, base_files(settings))
    fake = FakeAsterisk(settings.paths.etc)
    fake.start()
    return fake


@pytest.fixture
async def room(db: Database, tmp_path: Path, asterisk: FakeAsterisk) -> Room:
    return await Room(db, tmp_path, asterisk).furnished()


async def refusal(work: Any, kind: type[StandardisteError] = Refused) -> StandardisteError:
    with pytest.raises(kind) as refused:
        await work
    return refused.value


# -- enrolling, changing, removing -------------------------------------------------------------------------------------


async def test_what_is_put_is_everywhere_at_once(room: Room) -> None:
    assert await room.same_everywhere()
    assert room.endpoints == {"trunk-yeastar", room.current.directory.agents[Slug("marie")].sip_user}
    assert copies.load(room.copy) == room.current.directory


async def test_the_same_again_changes_nothing(room: Room) -> None:
    revision, rows = room.book.revision, len(room.audit.rows)
    again = await room.book.put("agent", "marie", MARIE, OPS)
    assert (again.revision, again.changes, again.asterisk) == (revision, [], [])
    assert len(room.audit.rows) == rows


async def test_what_was_read_may_be_sent_back(room: Room) -> None:
    for kind in ("site", "trunk", "agent"):
        for entry in room.book.entries(kind):
            name = entry.pop("id")
            assert (await room.book.put(kind, name, entry, OPS)).changes == []


async def test_enrolling_allots_an_extension_and_tells_the_secret_once(room: Room) -> None:
    enrolled = await room.book.enrol("zoe", {"name": "Zoé \N{WAVING HAND SIGN}", "site": "paris"}, OPS)
    agent = room.current.directory.agents[Slug("zoe")]
    assert (agent.extension, agent.name) == ("2001", "Zoé \N{WAVING HAND SIGN}")
    assert (enrolled.settings.user, enrolled.settings.secret) == (agent.sip_user, agent.secret)
    assert (enrolled.settings.server, enrolled.settings.port) == ("192.0.2.1", 5060)
    assert agent.sip_user in room.endpoints
    told = msgspec.json.encode([enrolled.agent, room.book.entry("agent", "zoe"), room.audit.rows]).decode()
    assert agent.secret not in told


async def test_enrolling_twice_or_beyond_the_seats_is_refused(room: Room) -> None:
    await room.book.enrol("zoe", {"name": "Zoe", "site": "paris"}, OPS)
    again = await refusal(room.book.enrol("zoe", {"name": "Zoe", "site": "paris"}, OPS))
    assert again.stable_code == "agent-exists"
    await room.book.enrol("paul", {"name": "Paul", "site": "paris"}, OPS)
    for order in (room.book.enrol, lambda name, body, who: room.book.put("agent", name, body, who)):
        assert (await refusal(order("luc", {"name": "Luc", "site": "paris"}, OPS))).stable_code == "seats-taken"
    await room.book.put("agent", "paul", {"name": "Paul", "site": "paris", "enabled": False}, OPS)
    await room.book.enrol("luc", {"name": "Luc", "site": "paris"}, OPS)
    await room.book.put("agent", "luc", {"name": "Luc B.", "site": "paris"}, OPS)
    back = room.book.put("agent", "paul", {"name": "Paul", "site": "paris"}, OPS)
    assert (await refusal(back)).stable_code == "seats-taken"


async def test_a_range_that_is_used_up_is_said_at_the_site(room: Room) -> None:
    await room.book.put("site", "tiny", {"name": "Tiny", "extensions": "3000-3000"}, OPS)
    await room.book.enrol("one", {"name": "One", "site": "tiny"}, OPS)
    full = await refusal(room.book.enrol("two", {"name": "Two", "site": "tiny"}, OPS), InvalidValue)
    assert isinstance(full, InvalidValue)
    assert full.pointer == "/site"
    assert "no extension is free" in full.message


async def test_a_site_in_use_names_who_uses_it(room: Room) -> None:
    used = await refusal(room.book.remove("site", "paris", OPS))
    assert used.stable_code == "site-in-use"
    assert "trunk yeastar, agent marie" in used.message
    await room.book.remove("trunk", "yeastar", OPS)
    await room.book.remove("agent", "marie", OPS)
    await room.book.remove("site", "paris", OPS)
    assert await room.same_everywhere()
    await refusal(room.book.remove("site", "paris", OPS), UnknownThing)


SALES = {"name": "Sales", "site": "paris", "members": ["marie"]}
MAIN = {"trunk": "yeastar", "target": {"group": "sales"}, "valid_from": "2026-12-01"}
MINE = {"trunk": "yeastar", "target": {"agent": "marie"}}
HOTLINE = {"name": "Hotline", "site": "paris", "scenario": "standard", "any_number_of": ["yeastar"]}
HOT = {"trunk": "yeastar", "target": {"application": "hotline"}}
SALE = {"label_fr": "Vente", "label_en": "Sale"}
WEEK = {"name": "Week", "site": "paris", "hours": "Mo-Fr 08:00-18:00; PH off", "holidays": ["05-02 Pont"]}


async def with_numbers(room: Room) -> Room:
    await room.book.put("group", "sales", SALES, OPS)
    await room.book.put("number", "+33140000001", MAIN, OPS)
    await room.book.put("number", "+33140000002", MINE, OPS)
    await room.book.put("application", "hotline", HOTLINE, OPS)
    await room.book.put("number", "+33140000003", HOT, OPS)
    await room.book.put("disposition", "Sale.1", SALE, OPS)
    await room.book.put("calendar", "week", WEEK, OPS)
    return room


async def test_what_is_doubtful_in_a_calendar_is_told_whenever_it_is_put(room: Room) -> None:
    for is_new in (True, False):
        put = await room.book.put("calendar", "attic", {**WEEK, "hours": "off"}, OPS)
        told = Doubt("never-open", "`off` is not open once in the coming year")  # as `engine import` says it
        assert (bool(put.changes), put.findings) == (is_new, [told])
    assert (await room.book.put("calendar", "attic", WEEK, OPS)).findings == []
    assert (await room.book.remove("calendar", "attic", OPS)).findings == []


async def test_what_the_directory_builds_on_is_kept_and_shown(room: Room) -> None:
    await with_numbers(room)
    assert room.book.entry("group", "sales")["extension"] == "2001"
    number = room.book.entry("number", "+33140000001")
    assert (number["target"], msgspec.to_builtins(number["valid_from"])) == ({"group": "sales"}, "2026-12-01")
    assert await room.same_everywhere()
    assert copies.load(room.copy) == room.current.directory
    kinds: tuple[Kind, ...] = ("group", "application", "number", "disposition", "calendar")
    for kind in kinds:
        for entry in msgspec.to_builtins(room.book.entries(kind)):
            assert (await room.book.put(kind, entry.pop("id"), entry, OPS)).changes == []


IN_USE: list[tuple[Kind, str, str, str]] = [
    (
        "trunk",
        "yeastar",
        "trunk-in-use",
        "application hotline, number +33140000001, number +33140000002, number +33140000003",
    ),
    ("agent", "marie", "agent-in-use", "group sales, number +33140000002"),
    ("group", "sales", "group-in-use", "number +33140000001"),
    ("application", "hotline", "application-in-use", "number +33140000003"),
    ("site", "paris", "site-in-use", "trunk yeastar, agent marie, group sales, application hotline, calendar week"),
]


@pytest.mark.parametrize(("kind", "name", "rule", "users"), IN_USE, ids=[kind for kind, *_ in IN_USE])
async def test_what_others_name_stays_and_they_are_named(
    room: Room, kind: Kind, name: str, rule: str, users: str
) -> None:
    before = (await with_numbers(room)).current.directory
    used = await refusal(room.book.remove(kind, name, OPS))
    assert (used.stable_code, used.message) == (rule, f"{kind} {name} is used by {users}")
    assert before == room.current.directory
    assert (room.audit.rows[-1]["action"], room.audit.rows[-1]["rule"]) == (f"directory: remove {kind} {name}", rule)


async def test_users_first_then_everything_can_go(room: Room) -> None:
    await with_numbers(room)
    gone: list[tuple[Kind, str]] = [
        ("calendar", "week"), ("disposition", "Sale.1"), ("number", "+33140000001"), ("number", "+33140000002"),
        ("number", "+33140000003"), ("application", "hotline"), ("group", "sales"), ("agent", "marie"),
        ("trunk", "yeastar"), ("site", "paris"),
    ]  # fmt: skip
    for kind, name in gone:
        assert (await room.book.remove(kind, name, OPS)).changes == [f"- {kind} {name}"]
    assert await room.same_everywhere()


async def test_a_rollback_brings_groups_and_numbers_back_with_those_they_name(room: Room) -> None:
    old = (await with_numbers(room)).current.directory
    gone: list[tuple[Kind, str]] = [
        ("number", "+33140000001"), ("number", "+33140000002"), ("number", "+33140000003"),
        ("application", "hotline"), ("group", "sales"), ("agent", "marie"),
    ]  # fmt: skip
    for kind, name in gone:
        await room.book.remove(kind, name, OPS)
    await room.book.rollback(old.revision, OPS)
    now = room.current.directory
    assert (now.groups, now.numbers, now.dispositions) == (old.groups, old.numbers, old.dispositions)
    assert now.applications == old.applications
    assert await room.same_everywhere()


async def test_who_is_in_a_call_stays_and_the_call_is_named(room: Room) -> None:
    before = room.current.directory
    room.calls[Slug("marie")] = CallId("call-7")
    busy = await refusal(room.book.remove("agent", "marie", OPS))
    assert isinstance(busy, Refused)
    assert (busy.rule, busy.call_id) == ("agent-busy", "call-7")
    assert (await refusal(room.book.rollback(1, OPS))).stable_code == "agent-busy"
    assert before == room.current.directory
    assert room.audit.rows[-2]["rule"] == "agent-busy"
    room.calls.clear()
    await room.book.remove("agent", "marie", OPS)


async def test_a_call_that_begins_while_asterisk_is_busy_keeps_its_agent(room: Room) -> None:
    before = room.current.directory
    room.asterisk.on_reload = lambda: room.calls.update({Slug("marie"): CallId("call-8")})
    assert (await refusal(room.book.remove("agent", "marie", OPS))).stable_code == "agent-busy"
    assert before == room.current.directory
    assert await room.same_everywhere()


@pytest.mark.parametrize("way", ["remove", "disable", "rename"])
async def test_an_account_that_ends_takes_its_telephones_along(room: Room, way: str) -> None:
    user = room.current.directory.agents[Slug("marie")].sip_user
    async with room.db.connection() as connection:
        _, plain = await tokens.create(connection, "marie's", ["calls:read"], agent=Slug("marie"))
        _, others = await tokens.create(connection, "paul's", ["calls:read"], agent=Slug("paul"))
        await room.tokens.refresh(connection)
    if way == "remove":
        await room.book.remove("agent", "marie", OPS)
    else:
        change = {"enabled": False} if way == "disable" else {"sip_user": "marie-new"}
        await room.book.put("agent", "marie", {**MARIE, **change}, OPS)
    assert room.phones.dropped == [f"{user};@1"]
    assert user not in room.endpoints
    assert (room.tokens.verify(plain) is None) == (way != "rename")
    assert room.tokens.verify(others) is not None


async def test_a_new_secret_ends_what_registered_with_the_old_one(room: Room) -> None:
    await room.book.put("agent", "marie", {**MARIE, "secret": "another-secret-9"}, OPS)
    assert len(room.phones.dropped) == 1
    await room.book.put("agent", "marie", {**MARIE, "name": "Marie D."}, OPS)
    assert len(room.phones.dropped) == 1


def _cancel(task: "asyncio.Task[Any]") -> None:
    task.cancel()


async def test_the_asker_may_leave_and_the_change_is_made(room: Room) -> None:
    leaving = asyncio.create_task(room.book.put("agent", "marie", {**MARIE, "name": "Marie D."}, OPS))
    room.asterisk.on_reload = lambda: _cancel(leaving)
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await room.book.put("site", "lyon", {"name": "Lyon"}, OPS)  # takes its turn after the other
    assert room.current.directory.agents[Slug("marie")].name == "Marie D."
    assert await room.same_everywhere()


# -- both or neither ---------------------------------------------------------------------------------------------------


async def test_what_asterisk_does_not_take_is_nowhere(room: Room) -> None:
    before = room.current.directory
    room.asterisk.takes = lambda section: None if section.name.startswith("zoe") else section
    await refusal(room.book.enrol("zoe", {"name": "Zoe", "site": "paris"}, OPS), ConfigRejected)
    assert before == room.current.directory
    assert await room.same_everywhere()
    assert (room.audit.rows[-1]["rule"], room.audit.rows[-1]["request"]["name"]) == ("config-rejected", "Zoe")


async def test_an_asterisk_that_fails_in_its_own_way_is_away_and_nothing_is_changed(room: Room) -> None:
    def fails() -> None:
        raise ServerFailed("PUT /asterisk/modules/res_pjsip.so", "Failed to reload module", 500)

    await room.furnished()
    before, room.asterisk.on_reload = room.current.directory, fails
    with pytest.raises(Unavailable) as away:
        await room.book.put("agent", "zoe", MARIE, OPS)
    assert away.value.stable_code == "asterisk-unreachable"
    assert await room.changes.current() == before


async def test_asterisk_away_changes_nothing(room: Room) -> None:
    before = room.current.directory
    room.asterisk.away = True
    await refusal(room.book.enrol("zoe", {"name": "Zoe", "site": "paris"}, OPS), Unavailable)
    room.asterisk.away = False
    assert before == room.current.directory == await room.changes.current()
    await room.book.enrol("zoe", {"name": "Zoe", "site": "paris"}, OPS)  # what was interrupted is undone first
    assert await room.same_everywhere()


async def test_postgresql_away_changes_nothing(tmp_path: Path, asterisk: FakeAsterisk) -> None:
    async with Database("postgresql://nobody@127.0.0.1:1/nothing") as away:
        room = Room(away, tmp_path, asterisk)
        await refusal(room.book.put("site", "paris", SITE, OPS), DatabaseAway)
        assert (room.endpoints, asterisk.reloads, room.current.directory) == (set(), [], EMPTY)


async def test_what_postgresql_does_not_keep_asterisk_gives_back(room: Room) -> None:
    """The connection dies after Asterisk took the files and before the commit."""
    before = room.current.directory
    killed: list[asyncio.Task[None]] = []

    async def kill() -> None:
        async with room.db.connection() as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname = current_database() AND state = 'idle in transaction'"
            )

    def once() -> None:
        if not killed:
            killed.append(asyncio.get_running_loop().create_task(kill()))

    room.asterisk.on_reload = once
    room.asterisk.takes = lambda section: section if killed and killed[0].done() else None
    monkey = apply.READ_BACK_S
    apply.READ_BACK_S = 5.0
    try:
        await refusal(room.book.enrol("zoe", {"name": "Zoe", "site": "paris"}, OPS), StandardisteError)
    finally:
        apply.READ_BACK_S = monkey
    async with asyncio.timeout(10):
        while not room.db.available:  # noqa: ASYNC110 - the pool notices by itself
            await asyncio.sleep(0.01)
    assert before == room.current.directory
    assert await room.same_everywhere()


async def test_enforcing_brings_asterisk_back_to_postgresql(room: Room) -> None:
    """An engine died between Asterisk's taking and the commit."""
    ahead = msgspec.structs.replace(room.current.directory, agents={})
    await room.files.apply(ahead)
    assert not await room.same_everywhere()
    made = await room.changes.enforce()
    assert made.asterisk.changed == (f"{FOLDER}/pjsip.conf",)
    assert await room.same_everywhere()
    assert (await room.changes.enforce()).asterisk.changed == ()


async def test_two_changes_at_once_are_both_made(room: Room, db: Database, tmp_path: Path) -> None:
    """In one engine, and in two processes beside each other."""
    other = Room(db, tmp_path, room.asterisk, engine="b")
    await asyncio.gather(
        room.book.put("site", "lyon", {"name": "Lyon", "extensions": "3000-3009"}, OPS),
        room.book.put("agent", "marie", {**MARIE, "name": "Marie D."}, OPS),
        other.book.enrol("zoe", {"name": "Zoe", "site": "paris"}, OPS),
        other.book.put("trunk", "yeastar", {**PEER, "channels": 7}, OPS),
    )
    kept = await room.changes.current()
    assert (set(kept.sites), set(kept.agents), kept.trunks[Slug("yeastar")].channels) == (
        {"paris", "lyon"}, {"marie", "zoe"}, 7,
    )  # fmt: skip
    assert kept.agents[Slug("marie")].name == "Marie D."
    assert await room.files.verify(kept) == []


async def test_a_change_made_from_an_older_look_is_refused(room: Room) -> None:
    seen = room.book.revision
    await room.book.put("agent", "marie", {**MARIE, "name": "Marie D."}, OPS, base=seen)
    for order in (
        room.book.put("agent", "marie", MARIE, OPS, base=seen),
        room.book.remove("agent", "marie", OPS, seen),
    ):
        assert (await refusal(order)).stable_code == "directory-changed"
    assert room.current.directory.agents[Slug("marie")].name == "Marie D."


# -- history, rollback, audit ------------------------------------------------------------------------------------------


async def test_each_change_tells_who_made_it(room: Room) -> None:
    told = [(row.revision, row.author, row.comment) for row in await room.book.revisions(10)]
    assert told == [(3, "ops", "put agent marie"), (2, "ops", "put trunk yeastar"), (1, "ops", "put site paris")]
    assert [row["action"] for row in room.audit.rows] == [
        "directory: put site paris", "directory: put trunk yeastar", "directory: put agent marie",
    ]  # fmt: skip
    assert "+ agent marie" in room.audit.rows[-1]["message"]


async def test_rolling_back_brings_no_secret_and_no_disabled_account_back(room: Room) -> None:
    await room.book.put("trunk", "gsm", GSM, OPS)
    await room.book.enrol("gone", {"name": "Gone", "site": "paris"}, OPS)
    await room.book.enrol("off", {"name": "Off", "site": "paris"}, OPS)
    old = room.current.directory
    await room.book.put("agent", "off", {"name": "Off", "site": "paris", "enabled": False}, OPS)
    await room.book.put("agent", "marie", {**MARIE, "name": "Marie D.", "secret": "a-better-secret-2"}, OPS)
    await room.book.put("trunk", "gsm", {**GSM, "secret": "their-secret-2"}, OPS)
    await room.book.remove("agent", "gone", OPS)
    change = await room.book.rollback(old.revision, OPS)
    now = room.current.directory
    assert (now.revision, now.agents[Slug("marie")].name) == (change.revision, "Marie")
    assert now.agents[Slug("marie")].secret == "a-better-secret-2"
    assert now.trunks[Slug("gsm")].secret == "their-secret-2"
    assert not now.agents[Slug("off")].enabled
    back, was = now.agents[Slug("gone")], old.agents[Slug("gone")]
    assert (back.enabled, back.extension) == (True, was.extension)
    assert back.secret != was.secret
    assert back.sip_user != was.sip_user
    assert await room.same_everywhere()


async def test_what_was_disabled_before_it_was_removed_stays_disabled(room: Room) -> None:
    await room.book.put("trunk", "gsm", GSM, OPS)
    old = room.book.revision
    await room.book.put("agent", "marie", {**MARIE, "enabled": False}, OPS)
    await room.book.remove("agent", "marie", OPS)
    await room.book.remove("trunk", "gsm", OPS)
    await room.book.rollback(old, OPS)
    assert not room.current.directory.agents[Slug("marie")].enabled
    gsm = room.current.directory.trunks[Slug("gsm")]
    assert (gsm.enabled, gsm.secret == GSM["secret"]) == (False, False)  # the far side gives its secret again


async def test_a_revision_that_never_was(room: Room) -> None:
    await refusal(room.book.rollback(99, OPS), UnknownThing)
    assert room.audit.rows[-1]["rule"] == "unknown"


async def test_rolling_back_to_today_changes_nothing(room: Room) -> None:
    assert (await room.book.rollback(room.book.revision, OPS)).changes == []


async def test_the_history_in_postgresql_is_the_one_told(room: Room) -> None:
    async with room.db.connection() as connection:
        assert await directory.revision(connection) == room.book.revision == 3
