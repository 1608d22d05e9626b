"""Messages that callers leave in a scenario, for an agent or a group."""

from datetime import datetime

import msgspec

from engine.domain import ids
from engine.domain.call import Call
from engine.domain.values import Slug


class Voicemail(msgspec.Struct, frozen=True, kw_only=True):
    """`mailbox` is the agent's or group's, `caller` who called (None: withheld); `node` has the sound."""

    id: str
    mailbox: Slug
    call_id: str
    caller: str | None
    scenario: str | None
    at: datetime
    seconds: float
    node: str
    heard: bool = False


def left(call: Call, question: int, *, mailbox: Slug, seconds: float, at: datetime, node: str) -> Voicemail:
    """A new one; kept again by the same question, it is the same."""
    request = call.request
    return Voicemail(
        id=ids.question_id(call.id, question),
        mailbox=mailbox,
        call_id=call.id,
        caller=request.customer_number or None,
        scenario=request.scenario.name if request.scenario is not None else None,
        at=at,
        seconds=seconds,
        node=node,
    )
