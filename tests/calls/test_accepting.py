"""From an order to a call, or to a refusal that names its rule and changes nothing."""

import asyncio
from typing import Any

import msgspec
import pytest

from engine.ari.errors import Unreachable
from engine.calls.contract import Actor
from engine.domain import effects as fx
from engine.domain.dialstring import Phone
from engine.domain.directory import Agent, Directory, Trunk
from engine.domain.values import E164, Slug
from engine.errors import BadInput, JournalUnwritable, Refused, StandardisteError
from tests.calls.exchange import Exchange
from tests.calls.room import CRM, Room, agent, directory, trunk
from tests.clockwork import Hands

SIP: dict[str, Any] = {"mode": "sip", "mobile": None, "mobile_permitted": False}
ALICES_OWN = Actor(token_id="t-alice", name="alice", scopes=frozenset({"calls:create"}), agent="alice")
BRUNOS_OWN = Actor(token_id="t-bruno", name="bruno", scopes=frozenset({"calls:create"}), agent="bruno")


async def unchanged(room: Room) -> None:
    """No call, no channel, no reservation, the agent free: nothing but the audit."""
    assert (len(room.registry), room.board.in_use(), room.exchange.orders) == (0, {}, [])
    assert await room.journal.open_calls() == []
    assert await room.journal.closed_calls(10) == []
    assert room.registry.of_agent(Slug("alice")) is None
    assert not room.registry.taking


# -- refusals ----------------------------------------------------------------------------------------------------------

Given = Directory | None
REFUSALS: dict[str, tuple[Given, dict[str, Any], str, int]] = {
    "an agent nobody knows": (None, {"agent": "zoe"}, "unknown-agent", 404),
    "an agent who is disabled": (directory(agent("alice", enabled=False)), {}, "agent-disabled", 403),
    "somebody else's own token": (None, {"actor": BRUNOS_OWN}, "own-calls-only", 403),
    "recording": (None, {"record": True}, "recording-unavailable", 422),
    "mobile without permission": (directory(agent("alice", mobile_permitted=False)), {}, "mobile-not-permitted", 403),
    "mobile asked for without permission": (
        directory(agent("alice", **SIP)),
        {"mode": "mobile"},
        "mobile-not-permitted",
        403,
    ),
    "mobile without a number": (directory(agent("alice", mobile=None)), {}, "mobile-number-missing", 403),
    "no number at all": (None, {"to": "call me"}, "number-not-dialable", 422),
    "a number too short": (None, {"to": "0140"}, "number-not-dialable", 422),
    "an emergency number": (None, {"to": "112"}, "destination-emergency", 403),
    "an extension": (None, {"to": "2001"}, "destination-internal", 403),
    "a right that the agent lacks": (
        directory(agent("alice", rights=("mobile",))),
        {},
        "destination-local",
        403,
    ),
    "a right that opens no country": (
        directory(agent("alice", rights=("mobile", "international"))),
        {"to": "+44 20 7946 0018"},
        "destination-international",
        403,
    ),
    "a mobile that its agent may not call": (
        directory(agent("alice", rights=("local",))),
        {},
        "destination-mobile",
        403,
    ),
    "the emergency number of homeless people": (None, {"to": "1 15"}, "destination-emergency", 403),
    "a short number": (None, {"to": "3611"}, "destination-short-number", 403),
    "a premium number": (None, {"to": "0899 70 00 00"}, "destination-premium", 403),
    "another country": (None, {"to": "+44 20 7946 0018"}, "destination-international", 403),
    "a satellite telephone": (None, {"to": "+88216000000"}, "destination-satellite", 403),
    "a caller id that is none": (None, {"caller_id": "me"}, "caller-id", 422),
    "a caller id the trunks do not own": (None, {"caller_id": "+33140000009"}, "caller-id-not-owned", 422),
    "a site without trunks": (directory(trunk("lyon-1", site="lyon")), {}, "no-trunk", 503),
    "a trunk that is switched off": (directory(trunk("paris-1", enabled=False)), {}, "no-trunk", 503),
    "a trunk with room for one leg of two": (directory(trunk("paris-1", channels=1)), {}, "trunk-full", 503),
    "a trunk with no room": (directory(trunk("paris-1", channels=0)), {"mode": "sip"}, "trunk-full", 503),
    "no phone registered": (None, {"agent": "bruno", "mode": "sip"}, "no-phone-registered", 409),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_refusal_names_its_rule_and_changes_nothing(room: Room, case: str) -> None:
    held, order, rule, status = REFUSALS[case]
    if held is not None:
        room.source.directory = held
    with pytest.raises((Refused, BadInput)) as refused:
        await room.ask(**order)
    told = refused.value
    assert (told.stable_code, told.status if isinstance(told, Refused) else told.http_status) == (rule, status)
    await unchanged(room)
    (audit,) = await room.rows("audit")
    assert (audit["rule"], audit["action"], audit["message"]) == (rule, "call.originate", told.message)
    assert audit["actor"] == order.get("actor", CRM).name
    assert audit["request"]["agent"] == order.get("agent", "alice")
    if held is None or "agent" in order:
        await room.agent_rung()  # and the agent can be called


@pytest.mark.parametrize("down", [{"paris-1", "paris-2"}])
async def test_trunks_that_are_down_are_as_full(room: Room, exchange: Exchange, down: set[str]) -> None:
    exchange.down = {Slug(name) for name in down}
    with pytest.raises(Refused, match="full or down"):
        await room.ask()
    await unchanged(room)


async def test_a_contact_that_is_no_address_is_no_phone(room: Room, exchange: Exchange) -> None:
    room.source.directory = directory(agent("alice", **SIP))
    exchange.phones["alice-k7"] = ["sip:x@127.0.0.1&Local/1@default"]
    with pytest.raises(Refused) as refused:
        await room.ask()
    assert refused.value.rule == "no-phone-registered"
    await unchanged(room)


async def test_the_edge_of_the_engine_is_asked_first(room: Room) -> None:
    room.door.why = Refused("full", rule="engine-full", status=503, retry_after_s=2)
    with pytest.raises(Refused, match="full"):
        await room.ask("nobody-knows")
    await unchanged(room)
    assert [row["rule"] for row in await room.rows("audit")] == ["engine-full"]


async def test_calls_being_accepted_count_as_live(room: Room, exchange: Exchange) -> None:
    await room.agent_rung("bruno")
    exchange.asks = asyncio.Event()
    room.source.directory = directory(agent("alice", **SIP), agent("bruno"), agent("chloe"))
    waits = asyncio.create_task(room.ask())
    await room.until(lambda: room.registry.taking)
    await room.ask("chloe")
    assert room.door.counted == [0, 1, 2]
    exchange.asks.set()
    await waits


async def test_a_refusal_is_told_even_where_it_cannot_be_kept(room: Room) -> None:
    room.notary.broken = lambda step: True
    with pytest.raises(Refused) as refused:
        await room.ask(to="112")
    assert refused.value.rule == "destination-emergency"
    assert await room.rows("audit") == []


# -- one agent, one call -----------------------------------------------------------------------------------------------


async def test_two_orders_at_once_for_one_agent_make_one_call(room: Room) -> None:
    results = await asyncio.gather(room.ask(), room.ask(), return_exceptions=True)
    refused = [r for r in results if isinstance(r, Refused)]
    assert [(r.rule, r.status) for r in refused] == [("agent-busy", 409)]
    assert len(room.registry) == 1


async def test_an_agent_in_a_call_is_busy_until_its_end(room: Room) -> None:
    call_id = await room.talking()
    with pytest.raises(Refused, match=call_id) as refused:
        await room.ask()
    assert (refused.value.rule, refused.value.status, refused.value.call_id) == ("agent-busy", 409, call_id)
    await room.service.finish(call_id, CRM)
    await room.ended(call_id)
    await room.agent_rung()


async def test_an_agent_is_not_called_too_often(tmp_path: Any, exchange: Exchange, hands: Hands) -> None:
    async with Room(tmp_path, exchange, per_agent_minute=2) as room:
        for _ in range(2):
            call_id = (await room.ask()).id
            await room.service.finish(call_id, CRM)
            await room.ended(call_id)
            hands.turn(10)
        with pytest.raises(Refused) as refused:
            await room.ask()
        assert (refused.value.rule, refused.value.status) == ("calls-per-minute", 429)
        assert refused.value.retry_after_s in (39, 40)
        await room.agent_rung("bruno")  # each agent has their own pace
        hands.turn(40)
        await room.agent_rung()


async def test_a_refused_order_does_not_count_as_a_call(tmp_path: Any, exchange: Exchange) -> None:
    async with Room(tmp_path, exchange, per_agent_minute=1) as room:
        for _ in range(3):
            with pytest.raises(Refused, match="emergency"):
                await room.ask(to="112")
        await room.agent_rung()


# -- what an accepted order becomes ------------------------------------------------------------------------------------


async def test_an_order_becomes_a_call_with_its_words_kept(room: Room) -> None:
    words = {"order": 4711, "who": "é"}
    accepted = await room.ask(campaign="autumn", contact="c-17", variables=words, ring_customer_s=7, confirm=True)
    assert (accepted.state, accepted.replayed) == ("reaching-agent", False)
    request = room.call(accepted.id).request
    assert (request.campaign, request.contact, request.variables) == ("autumn", "c-17", words)
    assert (request.customer_number, request.customer_dialled) == ("+33140000002", "01 40 00 00 02")
    assert (request.ring_agent_s, request.ring_customer_s, request.confirm) == (25, 7, True)
    assert (request.asked_by, request.node) == ("crm", "test")


async def test_an_agents_own_token_calls_for_that_agent(room: Room) -> None:
    assert await room.ask(actor=ALICES_OWN)


async def test_in_sip_mode_every_phone_rings(room: Room, exchange: Exchange) -> None:
    room.source.directory = directory(agent("alice", **SIP))
    exchange.phones["alice-k7"] = ["sip:a@127.0.0.9:5070", "sip:&bad", "sip:a@127.0.0.9:5071"]
    call_id = (await room.ask()).id
    await room.until(lambda: len(exchange.dials) == 2)
    rung = [order.endpoint for order in exchange.given(fx.CreateChannel) if isinstance(order, fx.CreateChannel)]
    assert rung == ["PJSIP/alice-k7/sip:a@127.0.0.9:5070", "PJSIP/alice-k7/sip:a@127.0.0.9:5071"]
    request = room.call(call_id).request
    assert (request.agent_number, request.confirm) == ("2001", False)
    assert room.board.in_use() == {"paris-1": 1}


CONFIRM: list[tuple[dict[str, bool | None], str, bool]] = [
    ({}, "mobile", True),
    ({}, "sip", False),
    ({"site": False}, "mobile", False),
    ({"site": False, "agent": True}, "sip", True),
    ({"site": True, "agent": True, "order": False}, "mobile", False),
]


@pytest.mark.parametrize(("said", "mode", "expected"), CONFIRM)
async def test_who_says_whether_a_human_must_press_1(
    room: Room, said: dict[str, bool | None], mode: str, expected: bool
) -> None:
    room.source.directory = directory(agent("alice", confirm=said.get("agent")), confirm=said.get("site"))
    call_id = (await room.ask(confirm=said.get("order"), mode=mode)).id
    assert room.call(call_id).request.confirm is expected


async def test_a_caller_id_of_the_trunks_is_presented_where_it_is_owned(room: Room) -> None:
    first, second = E164("+33140000001"), E164("+33140000003")
    room.source.directory = directory(
        trunk("paris-1", caller_ids=(first,)), trunk("paris-2", caller_ids=(second,), priority=20)
    )
    request = room.call((await room.ask(caller_id="01 40 00 00 03")).id).request
    assert [route.caller_id for route in request.customer_routes] == [first, second]
    assert request.caller == first  # what the customer sees by the trunk that is tried first


# -- the trunk a call gets ---------------------------------------------------------------------------------------------


def routes(room: Room, call_id: str) -> list[str | None]:
    return [route.trunk for route in room.call(call_id).request.customer_routes]


THREE: tuple[Trunk, ...] = (
    trunk("paris-2", priority=20, channels=2),
    trunk("paris-1", priority=10, channels=2),
    trunk("lyon-1", site="lyon", priority=1),
)


async def test_trunks_are_tried_by_priority_and_only_the_site_s_own(room: Room) -> None:
    room.source.directory = directory(*THREE)
    assert routes(room, (await room.ask()).id) == ["paris-1", "paris-2"]


async def test_another_site_s_trunks_come_last_where_they_are_allowed(room: Room) -> None:
    room.source.directory = directory(*THREE, allow_other_sites=True)
    assert routes(room, (await room.ask()).id) == ["paris-1", "paris-2", "lyon-1"]
    assert routes(room, (await room.ask("bruno")).id) == ["paris-2", "paris-1", "lyon-1"]
    assert routes(room, (await room.ask("chloe")).id) == ["lyon-1", "paris-1", "paris-2"]


async def test_a_trunk_that_is_down_is_passed_over(room: Room, exchange: Exchange) -> None:
    exchange.down = {Slug("paris-1")}
    assert routes(room, (await room.ask()).id) == ["paris-2", "paris-1"]


@pytest.mark.parametrize(("channels", "calls"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3)])
async def test_a_trunk_takes_as_many_calls_as_it_has_channels_for(room: Room, channels: int, calls: int) -> None:
    room.source.directory = directory(
        trunk("paris-1", channels=channels), agent("alice"), agent("bruno"), agent("chloe"), agent("david")
    )
    names = ["alice", "bruno", "chloe", "david"]
    results = await asyncio.gather(*(room.ask(name) for name in names), return_exceptions=True)
    refused = [r for r in results if isinstance(r, Refused)]
    assert (len(names) - len(refused), {r.rule for r in refused}) == (calls, {"trunk-full"})
    assert room.board.in_use() == ({"paris-1": 2 * calls} if calls else {})


# -- what goes wrong in the middle -------------------------------------------------------------------------------------


async def test_an_asterisk_that_does_not_answer_leaves_nothing_behind(room: Room, exchange: Exchange) -> None:
    async def silent(agent: Agent) -> list[Phone]:
        raise Unreachable("GET /channels", "nobody listens")

    room.source.directory = directory(agent("alice", **SIP))
    exchange.registered_phones = silent  # type: ignore[method-assign]
    with pytest.raises(StandardisteError) as failed:
        await room.ask()
    assert failed.value.http_status == 503
    await unchanged(room)


async def test_a_journal_that_fails_in_the_middle_leaves_nothing_behind(room: Room) -> None:
    room.notary.broken = lambda step: step is not None
    with pytest.raises(JournalUnwritable):
        await room.ask(key="k")
    room.notary.broken = lambda step: False
    await unchanged(room)
    assert not (await room.ask(key="k")).replayed


@pytest.mark.parametrize("key", [None, "k"])
async def test_a_call_lands_even_if_its_asker_leaves(room: Room, key: str | None) -> None:
    room.notary.gate = asyncio.Event()
    asked = asyncio.create_task(room.ask(key=key))
    await room.until(lambda: room.notary.handed)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    room.notary.gate.set()
    await room.until(lambda: len(room.registry) == 1)
    (task,) = room.registry
    await room.until(lambda: room.phase(task.id, "agent") == "dialling")


async def test_an_asker_who_left_is_not_told_that_it_failed(room: Room) -> None:
    """And nobody complains of a failure that was never asked for."""
    room.notary.gate = asyncio.Event()
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    room.exchange.asks = asyncio.Event()
    room.source.directory = directory(agent("alice", **SIP))
    asked = asyncio.create_task(room.ask())
    await room.until(lambda: room.registry.taking)
    asked.cancel()
    room.notary.broken = lambda step: True
    room.exchange.asks.set()
    await room.until(lambda: not room.registry.taking)
    with pytest.raises(asyncio.CancelledError):
        await asked
    await unchanged(room)
    assert complaints == []


async def test_an_agent_may_vanish_from_the_directory_while_a_call_lives(room: Room, exchange: Exchange) -> None:
    call_id = await room.customer_rung()
    room.source.directory = msgspec.structs.replace(room.source.directory, agents={}, trunks={})
    exchange.answers(room.channel(call_id, "customer"))
    await room.until(lambda: room.stage(call_id) == "talking")
    exchange.ends(room.channel(call_id, "agent"), 16)
    assert (await room.ended(call_id)).outcome == "answered"
