"""Requests to be called back, as callers leave them in a scenario and people work through them."""

from datetime import datetime
from typing import Literal

import msgspec

from engine.domain import ids
from engine.domain.call import Call
from engine.domain.directory import Language
from engine.domain.values import E164, Slug

CallbackStatus = Literal["waiting", "done", "cancelled"]


class Callback(msgspec.Struct, frozen=True, kw_only=True):
    """`number` is whom to call, `caller` who called (None: withheld). `changed_by` and `changed_at`: its status."""

    id: str
    call_id: str
    queue: Slug
    number: E164
    caller: str | None
    scenario: str | None
    site: Slug
    language: Language
    at: datetime
    status: CallbackStatus = "waiting"
    changed_by: str | None = None
    changed_at: datetime | None = None


def asked_for(call: Call, question: int, *, queue: Slug, number: E164, at: datetime) -> Callback:
    """A new one; asked for again by the same question, it is the same."""
    request = call.request
    return Callback(
        id=ids.question_id(call.id, question),
        call_id=call.id,
        queue=queue,
        number=number,
        caller=request.customer_number or None,
        scenario=request.scenario.name if request.scenario is not None else None,
        site=request.site,
        language=call.run.language if call.run is not None else request.language,
        at=at,
    )
