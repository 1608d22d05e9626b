"""Calls as those see them who ask: live, finished, let go; and what may still be said about them."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from engine.calls.contract import Actor
from engine.domain.cdr import Disposition
from engine.domain.directory import DispositionCode
from engine.domain.values import Code
from engine.errors import Refused, UnknownThing
from tests.calls.exchange import Exchange
from tests.calls.room import CRM, Room

SOLD = Disposition(code="sold", note="twice", fields={"amount": 12})
ALICES_OWN = Actor(token_id="t-alice", name="alice", scopes=frozenset(), agent="alice")
BRUNOS_OWN = Actor(token_id="t-bruno", name="bruno", scopes=frozenset(), agent="bruno")
NOWHERE = "01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e01"


async def over(room: Room, exchange: Exchange) -> str:
    """A call that was talked and is over."""
    call_id = await room.talking()
    exchange.ends(room.channel(call_id, "customer"), 16)
    await room.ended(call_id)
    return call_id


async def test_a_live_call_is_shown_as_it_is(room: Room, exchange: Exchange) -> None:
    call_id = (await room.ask(variables={"order": 4711}, campaign="autumn", contact="c-17")).id
    await room.until(lambda: room.phase(call_id, "agent") == "dialling")
    (live,) = room.service.live()
    view = await room.service.view(call_id)
    assert live == view
    assert (view.live, view.stage, view.talking, view.outcome, view.ended_at) == (
        True,
        "reaching-agent",
        [],
        None,
        None,
    )
    assert (view.agent, view.mode, view.to, view.site) == ("alice", "mobile", "+33140000002", "paris")
    assert (view.variables, view.campaign, view.contact) == ({"order": 4711}, "autumn", "c-17")
    assert [(leg.role, leg.number, leg.trunk, leg.state) for leg in view.legs] == [
        ("agent", "+33600000001", "paris-1", "dialling")
    ]
    exchange.answers(room.channel(call_id, "agent"))
    await room.until(lambda: room.phase(call_id, "customer") == "dialling")
    exchange.answers(room.channel(call_id, "customer"))
    await room.until(lambda: room.stage(call_id) == "talking")
    view = await room.service.view(call_id)
    assert (view.talking, [leg.state for leg in view.legs]) == (["agent", "customer"], ["up", "up"])


async def test_a_finished_call_is_shown_from_the_journal(room: Room, exchange: Exchange) -> None:
    call_id = await over(room, exchange)
    view = await room.service.view(call_id)
    assert (view.live, view.stage, view.outcome, view.hangup_by) == (False, "ended", "answered", "customer")
    assert view.ended_at is not None
    assert [(leg.role, leg.state, leg.cause) for leg in view.legs] == [
        ("agent", "answered", 16),
        ("customer", "answered", 16),
    ]
    assert room.service.live() == []


async def test_its_events_are_its_journal(room: Room, exchange: Exchange) -> None:
    call_id = await over(room, exchange)
    events = await room.service.events(call_id)
    assert [view.event["type"] for view in events] == await room.events(call_id)
    assert [view.seq for view in events] == sorted(view.seq for view in events)
    assert (events[0].stage, events[-1].stage) == ("reaching-agent", "ended")
    assert [effect["type"] for effect in events[0].effects] == ["StartTimer", "CreateChannel", "StartTimer"]
    assert (await room.service.ladder(call_id)).startswith("<svg")


async def test_a_call_the_journal_let_go_comes_from_the_archive(room: Room, exchange: Exchange) -> None:
    call_id = await over(room, exchange)
    room.archive.held[NOWHERE] = await room.service.steps(call_id)
    assert len(await room.service.events(NOWHERE)) == len(await room.service.events(call_id))
    assert not (await room.service.view(NOWHERE)).live


@pytest.mark.parametrize("ask", ["view", "events", "ladder", "steps"])
async def test_a_call_nobody_knows(room: Room, ask: str) -> None:
    with pytest.raises(UnknownThing) as unknown:
        await getattr(room.service, ask)(NOWHERE)
    assert (unknown.value.stable_code, unknown.value.http_status) == ("unknown-call", 404)


# -- finish and dispose ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [CRM, ALICES_OWN])
async def test_a_call_is_finished_with_its_disposition(room: Room, exchange: Exchange, actor: Actor) -> None:
    call_id = await room.talking()
    await room.service.finish(call_id, actor, SOLD)
    verdict = await room.ended(call_id)
    assert (verdict.outcome, verdict.hangup_by) == ("answered", "api")
    (cdr,) = await room.rows("cdr")
    assert (cdr["record"]["disposition"], cdr["record"]["disposition_note"]) == ("sold", "twice")
    await room.quiet()
    assert exchange.channels == {}


async def test_finishing_what_is_over_is_no_error(room: Room, exchange: Exchange) -> None:
    call_id = await over(room, exchange)
    steps = len(await room.events(call_id))
    await room.service.finish(call_id, CRM)
    assert len(await room.events(call_id)) == steps
    with pytest.raises(UnknownThing):
        await room.service.finish(NOWHERE, CRM)
    with pytest.raises(UnknownThing):
        await room.service.finish(NOWHERE, CRM, SOLD)


@pytest.mark.parametrize("how", ["finish", "dispose"])
async def test_a_disposition_after_the_end_goes_to_the_record(room: Room, exchange: Exchange, how: str) -> None:
    call_id = await over(room, exchange)
    if how == "finish":
        await room.service.finish(call_id, ALICES_OWN, SOLD)
    else:
        await room.service.dispose(call_id, SOLD, ALICES_OWN)
    (late,) = await room.rows("disposition")
    assert {key: late[key] for key in ("call_id", "code", "note", "fields")} == {
        "call_id": call_id,
        "code": "sold",
        "note": "twice",
        "fields": {"amount": 12},
    }


async def test_a_second_disposition_replaces_the_first(room: Room) -> None:
    call_id = await room.talking()
    await room.service.dispose(call_id, SOLD, CRM)
    await room.service.dispose(call_id, Disposition(code="lost"), CRM)
    await room.until(lambda: room.call(call_id).disposition == Disposition(code="lost"))
    assert (await room.service.view(call_id)).disposition == Disposition(code="lost")


@pytest.mark.parametrize("lives", [True, False])
@pytest.mark.parametrize("how", ["finish", "dispose"])
async def test_a_code_the_directory_does_not_declare_is_refused_and_changes_nothing(
    room: Room, exchange: Exchange, lives: bool, how: str
) -> None:
    declared = DispositionCode(id=Code("Sold"), label_fr="Vendu", label_en="Sold")
    call_id = await room.talking() if lives else await over(room, exchange)
    room.source.directory = msgspec.structs.replace(room.source.directory, dispositions={declared.id: declared})
    before = await room.events(call_id)
    order = room.service.finish(call_id, CRM, SOLD) if how == "finish" else room.service.dispose(call_id, SOLD, CRM)
    with pytest.raises(Refused) as refused:
        await order
    assert (refused.value.rule, refused.value.what_next) == ("unknown-disposition", "Did you mean 'Sold'?")
    assert (await room.events(call_id), await room.rows("disposition")) == (before, [])
    (row,) = await room.rows("audit")
    assert (row["action"], row["rule"], row["request"]) == (
        "call.dispose", "unknown-disposition", {"call_id": call_id, "code": "sold"},
    )  # fmt: skip
    await room.service.dispose(call_id, Disposition(code="Sold"), CRM)


ORDERS: dict[str, Callable[[Room, str], Awaitable[None]]] = {
    "finish": lambda room, call_id: room.service.finish(call_id, BRUNOS_OWN),
    "finish with a disposition": lambda room, call_id: room.service.finish(call_id, BRUNOS_OWN, SOLD),
    "dispose": lambda room, call_id: room.service.dispose(call_id, SOLD, BRUNOS_OWN),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("lives", [True, False])
async def test_an_agents_own_token_touches_that_agents_calls_alone(
    room: Room, exchange: Exchange, order: str, lives: bool
) -> None:
    call_id = await room.talking() if lives else await over(room, exchange)
    before = await room.events(call_id)
    with pytest.raises(Refused) as refused:
        await ORDERS[order](room, call_id)
    assert (refused.value.rule, refused.value.status) == ("own-calls-only", 403)
    assert await room.events(call_id) == before
    assert await room.rows("disposition") == []
