"""What `calls` offers to those who ask for calls (the HTTP API, the command line): orders, views, and one Protocol.

Only this module of the room is imported from outside, besides the composition root.
"""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

import msgspec

from engine.domain.cdr import Disposition, HangupBy, Outcome
from engine.domain.limits import Level, Measure
from engine.domain.public_events import EventType
from engine.domain.values import CallId

Label = Annotated[str, msgspec.Meta(max_length=255)]  # a column of the call record that is searched for


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks: a token with scopes; `agent` when the token is one agent's own."""

    token_id: str
    name: str
    scopes: frozenset[str]
    agent: str | None = None


class ConnectOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of `POST /v1/calls`, as typed by the asker; parsed further by the service."""

    agent: str
    to: str
    mode: Literal["auto", "sip", "mobile"] = "auto"
    confirm: bool | None = None
    caller_id: str | None = None
    record: bool = False
    campaign: Label | None = None
    contact: Label | None = None
    variables: dict[str, Any] = {}
    ring_agent_s: Annotated[int, msgspec.Meta(ge=5, le=120)] | None = None
    ring_customer_s: Annotated[int, msgspec.Meta(ge=5, le=180)] | None = None


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The 202 answer's content; `replayed` when an Idempotency-Key found the stored answer."""

    id: CallId
    state: str
    replayed: bool = False


class LegView(msgspec.Struct, frozen=True, kw_only=True):
    role: Literal["agent", "customer"]
    number: str
    agent: str | None  # in a call for a group: whom it is
    trunk: str | None
    channel: str
    state: str  # creating, dialling, ringing, up, ended...
    dialled_at: datetime | None
    ringing_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    cause: int | None
    sip_code: int | None


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """What `GET /v1/calls/{id}` shows of a live or finished call."""

    id: CallId
    live: bool
    stage: str
    agent: str | None  # None: a call for a group that nobody took yet
    mode: Literal["sip", "mobile"] | None
    to: str
    site: str
    group: str | None
    requested_at: datetime
    ended_at: datetime | None
    outcome: Outcome | None
    hangup_by: HangupBy | None
    talking: list[str]  # the roles that hear each other now
    legs: list[LegView]
    variables: dict[str, Any]
    campaign: str | None
    contact: str | None
    disposition: Disposition | None
    recovered: bool
    scenario: str | None = None  # the one a caller is led by, and the node they are at
    node: str | None = None


class EventView(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a call's journal: what happened (past tense), what was ordered, and the stage after it."""

    seq: int
    at: datetime
    event: dict[str, Any]  # {"type": "ChannelAnswered", ...}
    effects: list[dict[str, Any]]  # [{"type": "DialChannel", ...}]
    stage: str


class Calls(Protocol):
    """What askers may order. Every method raises the errors of `engine.errors`; refusals name their rule."""

    async def originate(self, order: ConnectOrder, actor: Actor, idempotency_key: str | None) -> Accepted: ...

    def live(self) -> list[CallView]: ...

    async def view(self, call_id: str) -> CallView: ...

    async def finish(self, call_id: str, actor: Actor, disposition: Disposition | None = None) -> None:
        """Order both legs down, and keep the disposition in the same order; returns once ordered. Finishing a
        finished call is no error."""

    async def dispose(self, call_id: str, disposition: Disposition, actor: Actor) -> None: ...

    async def events(self, call_id: str) -> list[EventView]: ...

    async def ladder(self, call_id: str) -> str:
        """The call's ladder picture, SVG text."""


class LimitReading(msgspec.Struct, frozen=True, kw_only=True):
    """Where one measure of one scope (`house`, `agent:alice`, `prefix:+44`...) stands. Spending: as the rates."""

    scope: str
    measure: Measure
    value: float
    cap: float
    level: Level


class LimitLock(msgspec.Struct, frozen=True, kw_only=True):
    """A scope nothing is called of until a person allows it again, and the limit it went beyond."""

    limit: LimitReading
    since: datetime


class LimitsView(msgspec.Struct, frozen=True, kw_only=True):
    locked: list[LimitLock]
    items: list[LimitReading]


class Limits(Protocol):
    """The limits that stop fraud."""

    def view(self) -> LimitsView: ...

    async def rearm(self, scope: str, actor: Actor) -> None:
        """Let a locked scope call again, counting anew; raises UnknownThing for one that is not locked."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One public event of a call. `seq` numbers this node's events; `body` is its JSON, the same bytes for ever."""

    seq: int
    id: str
    type: EventType
    agent: str
    call_id: str
    body: bytes


class Feed(Protocol):
    """The public events of this node, to be read from anywhere. To listen without missing any: take `news`, read
    `page` until it is empty, wait for that `news`, begin again."""

    @property
    def journal_id(self) -> str:
        """Numbers are unique within it."""

    def news(self) -> asyncio.Event:
        """Set once there are events that were not there when it was taken."""

    async def bounds(self) -> tuple[int, int]:
        """The oldest number still held and the newest given; oldest > newest when none is held."""

    async def page(self, after: int, limit: int) -> list[Told]:
        """The events behind a number, in order."""
