"""What calls write: their steps, and the rows PostgreSQL must learn of."""

from typing import Any

import msgspec

from engine.domain import public_events, record
from engine.domain.call import MACHINE_VERSION, Call
from engine.domain.callbacks import Callback
from engine.domain.cdr import CallRecord, Disposition
from engine.domain.effects import Effect
from engine.domain.events import Disposed, Event, FinishOrdered
from engine.domain.moment import Moment
from engine.domain.voicemails import Voicemail
from engine.journal import OutboxRow, StepRow


def step(event: Event, effects: tuple[Effect, ...], call: Call) -> StepRow:
    """One step: what happened, what was ordered because of it, and the call afterwards."""
    return StepRow(
        call_id=call.id,
        at=event.at.utc,
        event=msgspec.json.encode(event),
        effects=msgspec.json.encode(effects),
        state=msgspec.json.encode(call),
        machine_version=MACHINE_VERSION,
        closed=call.closed,
    )


def told(before: Call | None, event: Event, after: Call) -> tuple[OutboxRow, ...]:
    """What a step has to tell others: its public events, and to PostgreSQL the record at the end, and a disposition
    that comes later still. `before` is None for the first step."""
    heard = events(before, event, after)
    if not after.closed:
        return heard
    if before is None or not before.closed:
        return (cdr(record.of(after), steps=True), *heard)
    late = late_disposition(event)
    return heard if late is None else (disposition(after.id, event.at, late), *heard)


def events(before: Call | None, event: Event, after: Call) -> tuple[OutboxRow, ...]:
    """The public events of one step."""
    return tuple(public(told) for told in public_events.of_step(before, event, after))


def public(told: public_events.PublicEvent) -> OutboxRow:
    """A public event, to be written with what caused it."""
    return OutboxRow(kind="event", payload=msgspec.json.encode(told), call_id=told.call_id)


def callback(made: Callback) -> OutboxRow:
    """A request to be called back, on its way to PostgreSQL."""
    return OutboxRow(kind="callback", payload=msgspec.json.encode(made), call_id=made.call_id)


def voicemail(left: Voicemail) -> OutboxRow:
    """A message somebody left, on its way to PostgreSQL."""
    return OutboxRow(kind="voicemail", payload=msgspec.json.encode(left), call_id=left.call_id)


def late_disposition(event: object) -> Disposition | None:
    """The disposition an event brings, which counts even when the call is over."""
    return event.disposition if isinstance(event, Disposed | FinishOrdered) else None


def disposition(call_id: str, at: Moment, given: Disposition) -> OutboxRow:
    """The disposition of a call whose record is already written."""
    payload: dict[str, Any] = {"call_id": call_id, "at": at.utc, **msgspec.to_builtins(given)}
    return OutboxRow(kind="disposition", payload=msgspec.json.encode(payload), call_id=call_id)


def cdr(kept: CallRecord, *, steps: bool) -> OutboxRow:
    """The record of a call that is over. `steps`: it has a journal, which goes with it."""
    payload = {"record": kept, "steps": steps}
    return OutboxRow(kind="cdr", payload=msgspec.json.encode(payload), call_id=kept.call_id)
