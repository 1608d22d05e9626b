"""What the HTTP API needs of the rest, as small Protocols; the composition root brings the parts that fulfil them.

Calls have their own Protocol, `engine.calls.contract.Calls`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from engine.calls.contract import Accepted, Actor
from engine.domain.calendar_findings import Doubt
from engine.domain.cdr import CallRecord, Outcome
from engine.domain.directory_kinds import Kind

Scope = Literal[
    "calls:create",
    "calls:read",
    "calls:control",
    "supervise",
    "agents:write",
    "directory:read",
    "directory:write",
    "contacts:read",
    "contacts:write",
    "config:apply",
    "recordings:read",
    "recordings:write",
    "cdr:read",
    "admin",  # everything the others allow
]

EntryKind = Kind
NAME_PATTERN = "^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$"  # as `domain.values.slug` takes them
E164_PATTERN = r"^\+[1-9][0-9]{5,14}$"  # as `domain.values.e164` does

Direction = Literal["outbound", "inbound", "internal"]


class CdrFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which call records are wanted; a field left out excludes nothing. `start` <= requested_at < `end`."""

    start: datetime | None = None
    end: datetime | None = None
    agent: str | None = None
    campaign: str | None = None
    direction: Direction | None = None
    outcome: Outcome | None = None
    number: str | None = None  # of the caller or the called


class CdrPage(msgspec.Struct, frozen=True, kw_only=True):
    """Records, newest first; `cursor` asks for the page behind this one and is None on the last."""

    records: list[CallRecord]
    cursor: str | None


class Cdrs(Protocol):
    """The call records. `query` raises DatabaseAway while PostgreSQL does not answer, and InvalidValue for a cursor
    it never gave."""

    async def query(self, wanted: CdrFilter, cursor: str | None, limit: int) -> CdrPage: ...


class DirectoryChange(msgspec.Struct, frozen=True, kw_only=True):
    """A change that is in force: the directory's revision, the changes in words, the files Asterisk took.

    `findings` are warnings about a calendar that was put; none for any other change.
    """

    revision: int
    changes: list[str]
    asterisk: list[str]
    findings: list[Doubt]


class DirectoryRevision(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed the directory, when and why."""

    revision: int
    at: datetime
    author: str
    comment: str


class AgentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a softphone needs to register; the secret is told this once."""

    user: str
    secret: str
    server: str
    port: int
    transport: str
    codecs: list[str]


class IceServer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A STUN or TURN server, as a browser's `RTCPeerConnection` takes it."""

    urls: list[str]
    username: str | UnsetType = UNSET
    credential: str | UnsetType = UNSET


class BrowserSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a telephone in a browser needs to register (SIP over the websocket at `url`, RFC 7118)."""

    url: str
    uri: str
    user: str
    secret: str
    ice_servers: list[IceServer]
    codecs: list[str]


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """A new agent. `webrtc` is for browsers, null unless the agent may use one."""

    revision: int
    agent: dict[str, Any]
    settings: AgentSettings
    webrtc: BrowserSettings | None


class DirectoryBook(Protocol):
    """The directory's entries. A change is in force in Asterisk when it returns; refused, nothing is changed."""

    @property
    def revision(self) -> int: ...
    def entries(self, kind: EntryKind) -> list[dict[str, Any]]: ...
    def entry(self, kind: EntryKind, name: str) -> dict[str, Any]: ...
    async def put(
        self, kind: EntryKind, name: str, body: Mapping[str, Any], actor: Actor, base: int | None = None
    ) -> DirectoryChange:
        """`base`: the revision the asker looked at; refused (`directory-changed`) if it is not today's."""

    async def remove(self, kind: EntryKind, name: str, actor: Actor, base: int | None = None) -> DirectoryChange: ...
    async def enrol(self, name: str, body: Mapping[str, Any], actor: Actor) -> Enrolled: ...
    async def revisions(self, limit: int) -> list[DirectoryRevision]: ...
    async def rollback(self, revision: int, actor: Actor) -> DirectoryChange: ...


class UnmatchedNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number that was called by a trunk and is nobody's: as E.164, or as it came where it is none. `hint_en` and
    `hint_fr`: what would lead its callers somewhere."""

    trunk: str
    number: str
    count: int
    last_caller: str
    last_at: datetime
    hint_en: str
    hint_fr: str


class Unmatched(Protocol):
    """What was called and leads nowhere, the last called first."""

    def entries(self) -> list[UnmatchedNumber]: ...


class CallLinks(Protocol):
    """Calls by a link, without a token."""

    def let_in(self, address: str) -> bool: ...
    async def place(self, user: str, extension: str, number: str, address: str) -> Accepted: ...


class Tokens(Protocol):
    """Who a bearer token speaks for. Compares hashes, so that time says nothing about the secret."""

    async def verify(self, bearer: str) -> Actor | None: ...


class PartState(msgspec.Struct, frozen=True, kw_only=True):
    """One part the engine stands on. `needed`: without it the engine should be given no work."""

    ok: bool
    why: str = ""
    needed: bool = True


class Health(Protocol):
    """The engine's state as it knows it, without asking anybody: answering must not wait."""

    def ready(self) -> dict[str, PartState]: ...
