"""Calls as people and programs may see them, made from state and journal."""

from typing import Any

import msgspec

from engine.calls.contract import CallView, EventView, LegView
from engine.domain import record
from engine.domain.call import Call
from engine.domain.stages import Ended, Talking
from engine.journal import StepRow


def stage_name(call: Call) -> str:
    """The stage as the API writes it: `reaching-agent`, `talking`, `ended`..."""
    name = type(call.stage).__name__
    return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


def of_call(call: Call) -> CallView:
    verdict = call.stage.verdict if isinstance(call.stage, Ended) else None
    return CallView(
        id=call.id,
        live=not call.closed,
        stage=stage_name(call),
        agent=call.request.agent,
        mode=call.request.mode,
        to=call.request.customer_number,
        site=call.request.site,
        group=call.request.group.id if call.request.group else None,
        requested_at=call.requested.utc,
        ended_at=call.ended.utc if call.ended else None,
        outcome=verdict.outcome if verdict else None,
        hangup_by=verdict.hangup_by if verdict else None,
        talking=["agent", "customer"] if isinstance(call.stage, Talking) else [],
        legs=_legs(call),
        variables=call.request.variables,
        campaign=call.request.campaign,
        contact=call.request.contact,
        disposition=call.disposition,
        recovered=call.recovered,
        scenario=call.run.scenario if call.run and not call.closed else None,
        node=call.run.node if call.run and not call.closed else None,
    )


def _legs(call: Call) -> list[LegView]:
    return [
        LegView(
            role=row.role,
            number=row.number,
            agent=row.agent,
            trunk=row.trunk,
            channel=row.channel,
            state=row.result,
            dialled_at=row.dialled_at,
            ringing_at=row.ringing_at,
            answered_at=row.answered_at,
            ended_at=row.ended_at,
            cause=row.cause,
            sip_code=row.sip_code,
        )
        for row in record.legs_of(call)
    ]


def of_step(row: StepRow) -> EventView:
    event: dict[str, Any] = msgspec.json.decode(row.event)
    effects: list[dict[str, Any]] = msgspec.json.decode(row.effects)
    return EventView(
        seq=row.seq,
        at=row.at,
        event=event,
        effects=effects,
        stage=stage_name(msgspec.json.decode(row.state, type=Call)),
    )
