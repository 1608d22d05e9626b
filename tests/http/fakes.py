"""In-memory doubles of what the API stands on, with just enough behaviour to be asked anything."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from engine.calls.contract import (
    Accepted,
    Actor,
    CallView,
    ConnectOrder,
    EventView,
    LegView,
    LimitLock,
    LimitReading,
    LimitsView,
    Told,
)
from engine.domain.calendar_findings import Doubt
from engine.domain.callbacks import Callback, CallbackStatus
from engine.domain.cdr import CallRecord, Disposition, LegRecord
from engine.domain.contacts import Contact, ContactId, GivenContact, contact
from engine.domain.directory import Alias
from engine.domain.values import E164, CallId, Slug
from engine.domain.voicemails import Voicemail
from engine.errors import FaultyScenario, InvalidValue, RowFault, UnknownThing
from engine.http.callback_port import CallbackPage
from engine.http.contact_port import ContactPage, ContactSearch, KeptContact, Upserted
from engine.http.incident_port import IncidentEntry, IncidentWish
from engine.http.ports import (
    AgentSettings,
    CdrFilter,
    CdrPage,
    DirectoryChange,
    DirectoryRevision,
    Enrolled,
    EntryKind,
    PartState,
    UnmatchedNumber,
)
from engine.http.prompt_port import PromptEntry
from engine.http.scenario_port import Published, ScenarioEntry, ScenarioLead, ScenarioMove, ScenarioPicture
from engine.http.voicemail_port import VoicemailPage
from engine.http.webhook_port import DeliveryEntry, DeliveryState, WebhookEntry, WebhookWish, WrittenWebhook
from engine.scenarios.bundles import Bundle, Judged
from engine.scenarios.trying import Attempt, Tried
from engine.webhooks.ports import Reply

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LIVE = "019aa0c2-7b1c-7000-8000-000000000001"
ENDED = "019aa0c2-7b1c-7000-8000-000000000002"
BOBS = "019aa0c2-7b1c-7000-8000-000000000003"
EVERY_SCOPE = frozenset(
    {
        "calls:create",
        "calls:read",
        "calls:control",
        "cdr:read",
        "recordings:read",
        "recordings:write",
        "directory:read",
        "directory:write",
        "agents:write",
        "contacts:read",
        "contacts:write",
    }
)


def call_view(call_id: str, *, agent: str = "alice", live: bool = True) -> CallView:
    leg = LegView(
        role="agent", number="+33612345678", agent=None, trunk="paris-1", channel="c" * 32, state="up", dialled_at=NOON,
        ringing_at=NOON, answered_at=NOON, ended_at=None, cause=None, sip_code=None,
    )  # fmt: skip
    return CallView(
        id=CallId(call_id), live=live, stage="conversation" if live else "ended", agent=agent, mode="mobile",
        to="+33187654321", site="paris", group=None, requested_at=NOON, ended_at=None if live else NOON,
        outcome=None if live else "answered", hangup_by=None if live else "customer", talking=["agent", "customer"],
        legs=[leg], variables={"crm": 7}, campaign=None, contact=None, disposition=None, recovered=False,
    )  # fmt: skip


class FakeCalls:
    """Calls that exist; `originate` can be made to do anything."""

    def __init__(self) -> None:
        self.views = {
            LIVE: call_view(LIVE), ENDED: call_view(ENDED, live=False), BOBS: call_view(BOBS, agent="bob"),
        }  # fmt: skip
        self.orders: list[tuple[ConnectOrder, Actor, str | None]] = []
        self.finished: list[str] = []
        self.disposed: list[tuple[str, Disposition]] = []
        self.fail: Callable[[], Exception] | None = None
        self.accepted = Accepted(id=CallId(LIVE), state="requested")

    async def originate(self, order: ConnectOrder, actor: Actor, idempotency_key: str | None) -> Accepted:
        self._maybe_fail()
        self.orders.append((order, actor, idempotency_key))
        return self.accepted

    def live(self) -> list[CallView]:
        self._maybe_fail()
        return [view for view in self.views.values() if view.live]

    async def view(self, call_id: str) -> CallView:
        self._maybe_fail()
        if call_id not in self.views:
            raise UnknownThing(f"No such call: {call_id}")
        return self.views[call_id]

    async def finish(self, call_id: str, actor: Actor, disposition: Disposition | None = None) -> None:
        self.finished.append(call_id)
        if disposition is not None:
            self.disposed.append((call_id, disposition))

    async def dispose(self, call_id: str, disposition: Disposition, actor: Actor) -> None:
        self.disposed.append((call_id, disposition))

    async def events(self, call_id: str) -> list[EventView]:
        return [
            EventView(seq=1, at=NOON, event={"type": "CallRequested"}, effects=[{"type": "DialChannel"}], stage="ring")
        ]

    async def ladder(self, call_id: str) -> str:
        return '<svg xmlns="http://www.w3.org/2000/svg"></svg>'

    def _maybe_fail(self) -> None:
        if self.fail is not None:
            raise self.fail()


def call_record(number: int, **changes: Any) -> CallRecord:
    at = NOON + timedelta(minutes=number)
    leg = LegRecord(
        role="agent", channel="c" * 32, number="+33612345678", trunk="paris-1", dialled_at=at, ringing_at=at,
        answered_at=at, ended_at=at, cause=16, sip_code=200, result="answered",
    )  # fmt: skip
    record = CallRecord(
        call_id=f"019aa0c2-7b1c-7000-8000-{number:012d}", revision=1, direction="outbound", kind="connect",
        agent_id="alice", agent_name="Alice", agent_mode="mobile", agent_number="+33612345678", site="paris",
        trunk="paris-1", campaign_id="spring", contact_id=None, caller="+33612345678", callee="+33187654321",
        callee_dialled="01 87 65 43 21", requested_at=at, agent_ringing_at=at, agent_answered_at=at,
        customer_dialled_at=at, customer_ringing_at=at, customer_answered_at=at, bridged_at=at, ended_at=at,
        ring_s=3.25, wait_s=1.0, talk_s=61.125, outcome="answered", hangup_by="customer", cause=16,
        cause_text="Normal clearing", sip_code=200, variables={"crm": 7}, legs=[leg], recovered=False,
        events_missed=False, engine_node="node-1",
    )  # fmt: skip
    return msgspec.structs.replace(record, **changes)


class FakeCdrs:
    """Records in a list, newest first, with the same paging promise as the store's."""

    def __init__(self) -> None:
        self.records = [call_record(number) for number in range(5)]
        self.asked: list[tuple[CdrFilter, str | None, int]] = []
        self.fail_after: int | None = None
        self.error: Callable[[], Exception] = RuntimeError

    async def query(self, wanted: CdrFilter, cursor: str | None, limit: int) -> CdrPage:
        self.asked.append((wanted, cursor, limit))
        if self.fail_after is not None and len(self.asked) > self.fail_after:
            raise self.error()
        rows = sorted(self.records, key=lambda one: (one.requested_at, one.call_id), reverse=True)
        if wanted.agent is not None:
            rows = [row for row in rows if row.agent_id == wanted.agent]
        if cursor is not None:
            if cursor not in {row.call_id for row in self.records}:
                raise InvalidValue("no cursor of this list")
            rows = [row for row in rows if row.call_id < cursor]
        page, more = rows[:limit], len(rows) > limit
        return CdrPage(records=page, cursor=page[-1].call_id if more else None)


class FakeTokens:
    """Tokens by their text."""

    def __init__(self) -> None:
        self.actors = {
            "std_all": Actor(token_id="t1", name="crm", scopes=EVERY_SCOPE),
            "std_admin": Actor(token_id="t2", name="ops", scopes=frozenset({"admin"})),
            "std_none": Actor(token_id="t3", name="poor", scopes=frozenset()),
            "std_alice": Actor(token_id="t4", name="alice's", scopes=EVERY_SCOPE, agent="alice"),
        }

    async def verify(self, bearer: str) -> Actor | None:
        return self.actors.get(bearer)


class FakeHealth:
    """Parts, all well unless told otherwise."""

    def __init__(self) -> None:
        self.parts = {"ari": PartState(ok=True), "postgres": PartState(ok=True, needed=False)}

    def ready(self) -> dict[str, PartState]:
        return dict(self.parts)


class FakeFeed:
    """Events in a list; `tell` adds one, `forget` loses the oldest."""

    journal_id = "0123456789abcdef0123456789abcdef"

    def __init__(self) -> None:
        self.kept: list[Told] = []
        self.newest = 0
        self.fail: Callable[[], Exception] | None = None
        self._news = asyncio.Event()

    def tell(self, kind: str = "call.requested", agent: str = "alice", *, padding: int = 0) -> Told:
        self.newest += 1
        event = {
            "id": f"{LIVE}.{self.newest}", "type": kind, "at": NOON.isoformat(), "call_id": LIVE,
            "data": {"agent": agent, "mode": "mobile", "site": "paris", "to": "+33187654321", "campaign": None,
                     "contact": None, "variables": {"pad": "x" * padding}},
        }  # fmt: skip
        told = msgspec.convert({**event, "seq": self.newest, "agent": agent, "body": b""}, Told)
        told = msgspec.structs.replace(told, body=msgspec.json.encode(event))
        self.kept.append(told)
        self._news.set()
        self._news = asyncio.Event()
        return told

    def forget(self, count: int) -> None:
        del self.kept[:count]

    def news(self) -> asyncio.Event:
        return self._news

    async def bounds(self) -> tuple[int, int]:
        return (self.kept[0].seq if self.kept else self.newest + 1), self.newest

    async def page(self, after: int, limit: int) -> list[Told]:
        if self.fail is not None:
            raise self.fail()
        return [told for told in self.kept if told.seq > after][:limit]


class FakeLimits:
    """One agent is locked."""

    def __init__(self) -> None:
        self.rearmed: list[tuple[str, str]] = []
        reading = LimitReading(scope="agent:alice", measure="spend_per_hour", value=20.5, cap=20.0, level="critical")
        self.held = LimitsView(locked=[LimitLock(limit=reading, since=NOON)], items=[reading])

    def view(self) -> LimitsView:
        return self.held

    async def rearm(self, scope: str, actor: Actor) -> None:
        if scope not in ("agent:alice", "prefix:+44"):
            raise UnknownThing(f"no limit keeps {scope!r} from calling", code="limit-not-locked")
        self.rearmed.append((scope, actor.name))


class FakeIncidents:
    """One flag, clear."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.entry = IncidentEntry(code="it-down", label_fr="Panne informatique", label_en="IT down", active=False)

    def entries(self) -> list[IncidentEntry]:
        return [self.entry]

    async def set(self, code: str, wish: IncidentWish, actor: Actor) -> None:
        self._check(code)
        self.asked.append(("set", code, wish, actor.name))
        given = {name: getattr(wish, name) for name in wish.__struct_fields__}
        self.entry = msgspec.structs.replace(self.entry, active=True, author=actor.name, set_at=NOON, **given)

    async def clear(self, code: str, actor: Actor) -> None:
        self._check(code)
        self.asked.append(("clear", code, actor.name))
        self.entry = FakeIncidents().entry

    def _check(self, code: str) -> None:
        if code != "it-down":
            raise UnknownThing(f"there is no incident {code!r}")


class FakeScenarios:
    """One scenario, published twice; any other files have the same fault."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.live, self.previous = "b" * 64, "a" * 64

    def entries(self) -> list[ScenarioEntry]:
        live, previous = (ScenarioLead(version=v, author="crm", at=NOON) for v in (self.live, self.previous))
        return [ScenarioEntry(name="standard", live=live, previous=previous, test=None)]

    async def history(self, name: Slug) -> list[ScenarioMove]:
        self._check(name)
        return [ScenarioMove(alias="live", version=self.live, author="crm", at=NOON)]

    async def check(self, name: Slug, bundle: Bundle) -> Judged:
        self.asked.append(("check", name, bundle))
        return Judged(findings=(), failures=("standard/standard.test.yaml:3: by night: nobody answers",))

    async def publish(self, name: Slug, bundle: Bundle, alias: Alias, actor: Actor) -> Published:
        self.asked.append(("publish", name, bundle, alias, actor.name))
        if "standard/scenario.yaml" not in bundle.files:
            fault = RowFault("/files/standard~1scenario.yaml", "standard/scenario.yaml:1:1: S101: it is not there")
            raise FaultyScenario("standard is not published", [fault])
        return Published(name=name, alias=alias, version=self.live, changed=True, findings=[], proof=["proved"])

    async def attempt(self, name: Slug, what: Bundle | Alias, wish: Attempt) -> Tried:
        self._check(name)
        self.asked.append(("try", name, what, wish))
        return Tried(heard=["  0:00  “Bonjour”"], asked="keys", way="menu")

    async def rollback(self, name: Slug, actor: Actor) -> ScenarioEntry:
        self._check(name)
        self.asked.append(("rollback", name, actor.name))
        self.live, self.previous = self.previous, self.live
        return self.entries()[0]

    async def picture(self, name: Slug, alias: Alias, *, heat: bool) -> ScenarioPicture:
        self._check(name)
        return ScenarioPicture(version=self.live, mermaid="flowchart TD", dot="digraph {hot}" if heat else "digraph {}")

    def _check(self, name: str) -> None:
        if name != "standard":
            raise UnknownThing(f"no scenario {name!r} is published under that alias")


CALLBACK = Callback(
    id="019aa0c2-7b1c-5000-8000-000000000001", call_id=LIVE, queue=Slug("sales"), number=E164("+33612345678"),
    caller=None, scenario="rappel", site=Slug("paris"), language="fr", at=NOON,
)  # fmt: skip


class FakeCallbacks:
    """One request, waiting."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.one = CALLBACK

    async def page(self, queue: str | None, status: CallbackStatus | None, after: int, limit: int) -> CallbackPage:
        self.asked.append((queue, status, after, limit))
        return CallbackPage([self.one], 7)

    async def change(self, name: str, status: CallbackStatus, actor: Actor) -> Callback:
        if name != CALLBACK.id:
            raise UnknownThing(f"there is no callback {name!r}")
        self.asked.append((name, status, actor.name))
        self.one = msgspec.structs.replace(self.one, status=status, changed_by=actor.name, changed_at=NOON)
        return self.one


class FakePrompts:
    """One recording: welcome, in French."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.entry = PromptEntry(
            name="welcome", language="fr", comment="Marie", seconds=2.5, made_of="MP3, 44100 Hz, 2 channels",
            author="crm", changed_at=NOON,
        )  # fmt: skip

    async def entries(self) -> list[PromptEntry]:
        return [self.entry]

    async def one(self, name: str, language: str) -> PromptEntry:
        if (name, language) != ("welcome", "fr"):
            raise UnknownThing(f"there is no recording {name!r}")
        return self.entry

    async def audio(self, name: str, language: str) -> bytes:
        await self.one(name, language)
        return b"RIFF"

    async def put(self, name: str, language: str, upload: bytes, comment: str | None, actor: Actor) -> PromptEntry:
        if upload == b"noise":
            raise InvalidValue("no recording in WAV, FLAC, OGG, Opus or MP3", code="recording-not-audio")
        self.asked.append(("put", name, language, upload, comment, actor.name))
        return self.entry

    async def remove(self, name: str, language: str, actor: Actor) -> None:
        await self.one(name, language)
        self.asked.append(("remove", name, language, actor.name))


VOICEMAIL = Voicemail(
    id="019aa0c2-7b1c-5000-8000-000000000002", mailbox=Slug("alice"), call_id=LIVE, caller="+33612345678",
    scenario="standard", at=NOON, seconds=12.5, node="node-1",
)  # fmt: skip


class FakeVoicemails:
    """One message, not heard yet."""

    def __init__(self, file: Path) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.one = VOICEMAIL
        self.file = file
        file.write_bytes(b"RIFF0123456789")

    async def page(self, mailbox: str | None, heard: bool | None, after: int, limit: int) -> VoicemailPage:
        self.asked.append((mailbox, heard, after, limit))
        return VoicemailPage([self.one], None)

    async def sound(self, name: str) -> Path:
        self._check(name)
        return self.file

    async def hear(self, name: str, heard: bool, actor: Actor) -> Voicemail:
        self._check(name)
        self.asked.append((name, heard, actor.name))
        self.one = msgspec.structs.replace(self.one, heard=heard)
        return self.one

    async def delete(self, name: str, actor: Actor) -> None:
        self._check(name)
        self.asked.append((name, "delete", actor.name))

    def _check(self, name: str) -> None:
        if name != VOICEMAIL.id:
            raise UnknownThing(f"there is no voicemail {name!r}")


class FakeLinks:
    """Links from loopback, for alice at 2001."""

    def __init__(self) -> None:
        self.open = True
        self.placed: list[tuple[str, str, str, str]] = []
        self.fail: Callable[[], Exception] | None = None

    def let_in(self, address: str) -> bool:
        return self.open and address == "127.0.0.1"

    async def place(self, user: str, extension: str, number: str, address: str) -> Accepted:
        if self.fail is not None:
            raise self.fail()
        self.placed.append((user, extension, number, address))
        return Accepted(id=CallId(LIVE), state="reaching-agent")


class FakeWebhooks:
    """Receivers by name."""

    def __init__(self) -> None:
        self.kept = {"crm": WebhookWish(url="https://crm.example/hook")}
        self.reply = Reply(status=200, error=None, took_s=0.25)

    async def entries(self) -> list[WebhookEntry]:
        return [await self.entry(name) for name in self.kept]

    async def entry(self, name: str) -> WebhookEntry:
        if name not in self.kept:
            raise UnknownThing(f"there is no webhook {name!r}")
        wish = self.kept[name]
        return WebhookEntry(
            name=name, url=wish.url, types=wish.types, enabled=wish.enabled, disabled_why=None, created_at=NOON
        )

    async def put(self, name: str, wish: WebhookWish, actor: Actor) -> WrittenWebhook:
        is_new = name not in self.kept
        self.kept[name] = wish
        return WrittenWebhook(webhook=await self.entry(name), secret="whsec_c2VjcmV0" if is_new else None)

    async def remove(self, name: str, actor: Actor) -> None:
        await self.entry(name)
        del self.kept[name]

    async def test(self, name: str) -> Reply:
        await self.entry(name)
        return self.reply

    async def deliveries(
        self, name: str, state: DeliveryState | None, before: int | None, limit: int
    ) -> list[DeliveryEntry]:
        await self.entry(name)
        rows = [
            DeliveryEntry(
                number=number, event_id=f"{LIVE}.{number}", type="call.ended", call_id=LIVE, state="delivered",
                tries=1, created_at=NOON, due_at=NOON, tried_at=NOON, status=204, error=None, took_s=0.1,
            )
            for number in (3, 2, 1)
        ]  # fmt: skip
        return [row for row in rows if before is None or row.number < before][:limit]


class FakeContacts:
    """Contacts by id; each change is a version."""

    def __init__(self) -> None:
        self.kept = {
            f"c-{n}": KeptContact(contact=Contact(id=ContactId(f"c-{n}"), name="Ada"), version=n) for n in (1, 2, 3)
        }
        self.asked: list[tuple[Any, ...]] = []
        self.fail: Callable[[], Exception] | None = None

    async def page(self, wanted: ContactSearch, cursor: str | None, limit: int) -> ContactPage:
        self._note("page", wanted, cursor, limit)
        found = [one.contact for name, one in sorted(self.kept.items()) if cursor is None or name > cursor]
        return ContactPage(contacts=found[:limit], cursor=found[limit - 1].id if len(found) > limit else None)

    async def one(self, name: str) -> KeptContact:
        if name not in self.kept:
            raise UnknownThing(f"there is no contact {name!r}")
        return self.kept[name]

    async def put(self, name: str, given: GivenContact, actor: Actor, base: int | None = None) -> KeptContact:
        self._note("put", name, given, base)
        version = self.kept[name].version + 1 if name in self.kept else 1
        self.kept[name] = KeptContact(contact=contact(given, name), version=version)
        return self.kept[name]

    async def remove(self, name: str, actor: Actor, base: int | None = None) -> None:
        self._note("remove", name, base)
        await self.one(name)
        del self.kept[name]

    async def upsert(self, given: Sequence[GivenContact], actor: Actor) -> Upserted:
        self._note("upsert", given)
        ids = [one.id or f"new-{place}" for place, one in enumerate(given)]
        return Upserted(created=len(ids), changed=0, unchanged=0, ids=ids)

    def _note(self, *asked: Any) -> None:
        if self.fail is not None:
            raise self.fail()
        self.asked.append(asked)


class FakeDirectory:
    """Entries as they were put; every change is a revision."""

    def __init__(self) -> None:
        self.kept: dict[EntryKind, dict[str, dict[str, Any]]] = {
            "site": {"paris": {"id": "paris", "name": "Paris"}},
            "trunk": {"paris-1": {"id": "paris-1", "site": "paris"}},
            "agent": {"alice": {"id": "alice", "name": "Alice", "site": "paris"}},
            "group": {"sales": {"id": "sales", "name": "Sales", "site": "paris"}},
            "application": {"hotline": {"id": "hotline", "name": "H", "site": "paris", "scenario": "standard"}},
            "number": {"+33140000001": {"id": "+33140000001", "trunk": "paris-1", "target": {"agent": "alice"}}},
            "disposition": {"sale": {"id": "sale", "label_fr": "Vente", "label_en": "Sale"}},
            "calendar": {"week": {"id": "week", "name": "Week", "site": "paris", "hours": "Mo-Fr 08:00-18:00"}},
        }
        self.revision = 1
        self.asked: list[tuple[str, str, dict[str, Any], str]] = []
        self.bases: list[int | None] = []
        self.findings: list[Doubt] = []
        self.fail: Callable[[], Exception] | None = None

    def entries(self, kind: EntryKind) -> list[dict[str, Any]]:
        return list(self.kept[kind].values())

    def entry(self, kind: EntryKind, name: str) -> dict[str, Any]:
        if name not in self.kept[kind]:
            raise UnknownThing(f"there is no {kind} {name!r}")
        return self.kept[kind][name]

    async def put(
        self, kind: EntryKind, name: str, body: Mapping[str, Any], actor: Actor, base: int | None = None
    ) -> DirectoryChange:
        self._note("put", name, body, actor, base)
        self.kept[kind][name] = {"id": name, **body}
        return self._changed()

    async def remove(self, kind: EntryKind, name: str, actor: Actor, base: int | None = None) -> DirectoryChange:
        self._note("remove", name, {}, actor, base)
        self.entry(kind, name)
        del self.kept[kind][name]
        return self._changed()

    async def enrol(self, name: str, body: Mapping[str, Any], actor: Actor) -> Enrolled:
        change = await self.put("agent", name, body, actor)
        settings = AgentSettings(
            user=f"{name}-x7", secret="abcdefgh2345", server="127.0.0.1", port=5060, transport="udp", codecs=["alaw"]
        )
        return Enrolled(revision=change.revision, agent=self.kept["agent"][name], settings=settings, webrtc=None)

    async def revisions(self, limit: int) -> list[DirectoryRevision]:
        return [DirectoryRevision(revision=self.revision, at=NOON, author="crm", comment="put site paris")]

    async def rollback(self, revision: int, actor: Actor) -> DirectoryChange:
        self._note("rollback", str(revision), {}, actor)
        return self._changed()

    def _note(self, what: str, name: str, body: Mapping[str, Any], actor: Actor, base: int | None = None) -> None:
        if self.fail is not None:
            raise self.fail()
        self.bases.append(base)
        self.asked.append((what, name, dict(body), actor.name))

    def _changed(self) -> DirectoryChange:
        self.revision += 1
        return DirectoryChange(
            revision=self.revision,
            changes=["~ site paris"],
            asterisk=["standardiste/pjsip.conf"],
            findings=self.findings,
        )


class FakeUnmatched:
    """One number that was called twice."""

    def entries(self) -> list[UnmatchedNumber]:
        called = UnmatchedNumber(
            trunk="paris-1", number="+33140000021", count=2, last_caller="", last_at=NOON,
            hint_en="Declare it.", hint_fr="Déclarez-le.",
        )  # fmt: skip
        return [called]
