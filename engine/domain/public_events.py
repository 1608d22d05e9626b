"""What the outside may know of a call while it happens: a small closed set of events, derived from its steps.

Pure: the same journal gives the same events. Names and fields are a contract; they grow, and never change meaning. The
journal numbers them (`engine.journal`), in the transaction of the step that caused them.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec

from engine.domain import record
from engine.domain.call import Call
from engine.domain.cdr import CallRecord, Disposition
from engine.domain.directory import Mode
from engine.domain.events import Disposed, Event, FinishOrdered
from engine.domain.legs import Leg
from engine.domain.limits import SPENDING, Measure, Reading
from engine.domain.request import ConnectRequest, Direction
from engine.domain.scenario.graph import Value
from engine.domain.tariff import UNIT
from engine.domain.values import ChannelId

EventType = Literal[
    "call.requested",  # accepted and kept
    "call.agent_ringing",  # the first of the agent's phones, or the mobile, rings
    "call.agent_answered",
    "call.agent_confirmed",  # a person pressed 1
    "call.customer_dialled",
    "call.customer_ringing",  # or early media
    "call.customer_answered",  # agent and customer hear each other
    "call.limit_warning",  # it brought a limit near its end
    "call.limit_reached",  # it would have gone beyond a limit: nothing of that scope is called any more
    "call.disposition",  # qualified, during the call or after it
    "scenario.notified",  # its scenario tells something, in words of its own
    "callback.requested",  # its caller wants to be called back
    "voicemail.left",  # its caller left a message
    "call.ended",  # with the whole call record
]
EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)


class LimitFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A measure of a scope against its cap; spending in the currency of the rates."""

    scope: str
    measure: Measure
    value: float
    cap: float


class Notified(msgspec.Struct, frozen=True, kw_only=True):
    """What a scenario's `notify` node tells."""

    event: str
    variables: dict[str, Value]


class CallbackAsked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants to be called back; `id` as in `/v1/callbacks`."""

    id: str
    queue: str
    number: str


class MessageLeft(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody left a message for an agent or a group; `id` as in `/v1/voicemails`."""

    id: str
    mailbox: str
    seconds: float


Left = Notified | CallbackAsked | MessageLeft
"""What callers leave in a scenario, or it tells."""


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an event says of its call. `variables` are exactly what the application gave."""

    agent: str | None  # None: a group's call that nobody took yet
    mode: Mode | None
    site: str
    to: str  # the customer, E.164
    campaign: str | None
    contact: str | None
    variables: dict[str, Any]
    direction: Direction = "outbound"  # told when it is another
    did: str | None = None  # inbound: the number of ours that was called
    group: str | None = None  # the one the call came for
    trunk: str | None = None  # call.customer_*: the one the customer is reached by
    disposition: Disposition | None = None  # call.disposition
    cdr: CallRecord | None = None  # call.ended: the row of `call_history`
    limit: LimitFacts | None = None  # call.limit_*
    notified: Notified | None = None  # scenario.notified
    callback: CallbackAsked | None = None  # callback.requested
    voicemail: MessageLeft | None = None  # voicemail.left


class PublicEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event before it has its number. `at` is UTC."""

    type: EventType
    at: datetime
    call_id: str
    data: Facts


def of_step(before: Call | None, event: Event, after: Call) -> tuple[PublicEvent, ...]:
    """The public events of one step, in the order they are to be told; nearly always none. `before` None: the first."""
    return tuple(_told(before, event, after))


def of_limit(reading: Reading, call_id: str, request: ConnectRequest, at: datetime) -> PublicEvent:
    """A limit that came near or was reached. A call that was refused for it never was, but its id names the event."""
    unit = UNIT if reading.measure in SPENDING else 1
    limit = LimitFacts(scope=reading.scope, measure=reading.measure, value=reading.value / unit, cap=reading.cap / unit)
    name: EventType = "call.limit_reached" if reading.level == "critical" else "call.limit_warning"
    return PublicEvent(type=name, at=at, call_id=call_id, data=_facts(request, limit=limit))


def of_scenario(left: Left, call: Call, at: datetime) -> PublicEvent:
    """What the scenario of a call has for others to know."""
    name: EventType
    match left:
        case Notified():
            name, facts = "scenario.notified", _facts(call.request, notified=left)
        case CallbackAsked():
            name, facts = "callback.requested", _facts(call.request, callback=left)
        case _:
            name, facts = "voicemail.left", _facts(call.request, voicemail=left)
    return PublicEvent(type=name, at=at, call_id=call.id, data=facts)


def _told(before: Call | None, event: Event, after: Call) -> Iterator[PublicEvent]:
    if before is None:
        yield _event("call.requested", event, after)
        return
    yield from _of_agent(before, event, after)
    yield from _of_customer(before, event, after)
    yield from _of_talk(before, event, after)
    if isinstance(event, Disposed | FinishOrdered) and event.disposition is not None:
        yield _event("call.disposition", event, after, disposition=event.disposition)
    if after.closed and not before.closed:
        yield _event("call.ended", event, after, cdr=record.of(after))


def _of_agent(before: Call, event: Event, after: Call) -> Iterator[PublicEvent]:
    if _rang(after.agent) and not _rang(before.agent):
        yield _event("call.agent_ringing", event, after)
    if after.agent.answered is not None and _who(before.agent) != _who(after.agent):  # of several talks, each time
        yield _event("call.agent_answered", event, after)
    if after.confirmed is not before.confirmed:
        yield _event("call.agent_confirmed", event, after)


def _of_customer(before: Call, event: Event, after: Call) -> Iterator[PublicEvent]:
    was, now = before.customer, after.customer
    if was is now:
        return
    if _dialled(now) and not _dialled(was):
        yield _event("call.customer_dialled", event, after, trunk=_trunk(now))
    if _rang(now) and not _rang(was):
        yield _event("call.customer_ringing", event, after, trunk=_trunk(now))
    if after.run is None and now.answered is not None and was.answered is None:
        yield _event("call.customer_answered", event, after, trunk=_trunk(now))


def _of_talk(before: Call, event: Event, after: Call) -> Iterator[PublicEvent]:
    """A scenario answers its caller itself: they hear each other when somebody took the call."""
    if after.run is not None and after.bridged is not before.bridged:
        yield _event("call.customer_answered", event, after, trunk=_trunk(after.customer))


def _who(leg: Leg) -> ChannelId | None:
    """The channel that answered."""
    return leg.answered.channel if leg.answered is not None else None


def _rang(leg: Leg) -> bool:
    return any(attempt.times.rang is not None for attempt in leg.attempts)


def _dialled(leg: Leg) -> bool:
    return any(attempt.times.dialled is not None for attempt in leg.attempts)


def _trunk(leg: Leg) -> str | None:
    """By which trunk the newest attempt goes."""
    return leg.attempts[-1].route.trunk


def _event(name: EventType, event: Event, call: Call, **more: Any) -> PublicEvent:
    return PublicEvent(type=name, at=event.at.utc, call_id=call.id, data=_facts(call.request, **more))


def _facts(request: ConnectRequest, **more: Any) -> Facts:
    return Facts(
        agent=request.agent,
        mode=request.mode,
        site=request.site,
        to=request.customer_number,
        campaign=request.campaign,
        contact=request.contact,
        variables=request.variables,
        direction=request.direction,
        did=request.did,
        group=request.group.id if request.group else None,
        **more,
    )
