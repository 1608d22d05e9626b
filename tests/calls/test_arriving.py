"""Calls that come to us: whose they are, where they lead, and the rule that refuses them."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.calls.arriving import Came
from engine.calls.contract import Accepted
from engine.domain import effects as fx
from engine.domain.directory import Directory, Number, ToAgent
from engine.domain.values import E164, ChannelId, Slug
from engine.errors import Refused, StandardisteError
from tests.calls.exchange import Exchange
from tests.calls.room import CUSTOMER, Room, agent, directory, trunk

CAME = ChannelId("1795201746.12")
OURS = E164("+33140000020")
SIP: dict[str, Any] = {"mode": "sip", "mobile": None, "mobile_permitted": False}
PHONE = "sip:alice-k7@127.0.0.9:5070"


def with_numbers(*numbers: Number, **agents: Any) -> Directory:
    """Alice works with telephones, Bruno by mobile; and numbers of ours."""
    held = directory(trunk("paris-1"), trunk("paris-2", priority=20), agent("alice", **(SIP | agents)), agent("bruno"))
    return msgspec.structs.replace(held, numbers={number.id: number for number in numbers})


def number(**more: Any) -> Number:
    plain: dict[str, Any] = {"id": OURS, "trunk": Slug("paris-1"), "target": ToAgent(Slug("alice"))}
    return Number(**(plain | more))


def by_trunk(dialled: str = OURS, **more: Any) -> Came:
    return Came(**({"channel": CAME, "endpoint": "trunk-paris-1", "dialled": dialled, "caller": "0612345678"} | more))


def by_phone(dialled: str, **more: Any) -> Came:
    return Came(**({"channel": CAME, "endpoint": "alice-k7", "dialled": dialled} | more))


def room_of(path: Path, exchange: Exchange, held: Directory) -> Room:
    exchange.channels[CAME] = "down"
    exchange.phones = {"alice-k7": [PHONE], "bruno-k7": ["sip:bruno-k7@127.0.0.9:5071"]}
    return Room(path, exchange, held)


async def arrive(room: Room, came: Came) -> Accepted:
    """As the door lets callers in."""
    room.service.expect(came)
    return await room.service.arrive(came)


# -- where they lead ---------------------------------------------------------------------------------------------------


async def test_a_customer_is_put_through_and_the_number_is_in_the_record(tmp_path: Path, exchange: Exchange) -> None:
    async with room_of(tmp_path, exchange, with_numbers(number(service="sales", campaign="spring"))) as room:
        call_id = (await arrive(room, by_trunk())).id
        await room.until(lambda: room.phase(call_id, "agent") == "dialling")
        assert room.board.in_use() == {"paris-1": 1}
        exchange.answers(room.channel(call_id, "agent"))
        await room.until(lambda: room.stage(call_id) == "talking")
        exchange.ends(CAME, 16)
        verdict = await room.ended(call_id)
        (row,) = await room.rows("cdr")
    assert (verdict.outcome, verdict.hangup_by) == ("answered", "customer")
    told = {name: row["record"][name] for name in ("caller", "did", "service", "campaign_id", "direction")}
    assert told == {
        "caller": "+33612345678",
        "did": OURS,
        "service": "sales",
        "campaign_id": "spring",
        "direction": "inbound",
    }


async def test_a_customer_rings_a_mobile_by_another_channel_of_the_trunk(tmp_path: Path, exchange: Exchange) -> None:
    held = with_numbers(number(target=ToAgent(Slug("bruno"))))
    async with room_of(tmp_path, exchange, held) as room:
        call_id = (await arrive(room, by_trunk(caller=""))).id
        await room.until(lambda: room.phase(call_id, "agent") == "dialling")
        assert room.board.in_use() == {"paris-1": 2}
        assert room.call(call_id).request.caller is None  # withheld
        exchange.ends(CAME, 16)
        assert (await room.ended(call_id)).outcome == "abandoned"


async def test_an_agent_dials_out(tmp_path: Path, exchange: Exchange) -> None:
    async with room_of(tmp_path, exchange, with_numbers()) as room:
        call_id = (await arrive(room, by_phone(CUSTOMER))).id
        await room.until(lambda: room.phase(call_id, "customer") == "dialling")
        assert room.board.in_use() == {"paris-1": 1}
        exchange.ends(CAME, 16)
        assert (await room.ended(call_id)).outcome == "customer_cancelled"
        assert room.board.in_use() == {}


async def test_an_agent_dials_a_colleague(tmp_path: Path, exchange: Exchange) -> None:
    async with room_of(tmp_path, exchange, with_numbers()) as room:
        call_id = (await arrive(room, by_phone("2002"))).id
        await room.until(lambda: room.phase(call_id, "customer") == "dialling")
        assert (room.call(call_id).request.direction, room.board.in_use()) == ("internal", {})
        exchange.ends(CAME, 16)
        await room.ended(call_id)


async def test_what_happens_while_a_call_is_let_in_is_not_lost(tmp_path: Path, exchange: Exchange) -> None:
    """The caller hangs up while the agent's telephones are looked up."""
    async with room_of(tmp_path, exchange, with_numbers(number())) as room:
        exchange.asks = asyncio.Event()
        arriving = asyncio.create_task(arrive(room, by_trunk()))
        await room.until(lambda: CAME in room.registry._expected)
        exchange.ends(CAME, 16)
        exchange.asks.set()
        verdict = await room.ended((await arriving).id)
    assert (verdict.outcome, verdict.hangup_by) == ("abandoned", "customer")
    assert not [order for order in exchange.orders if isinstance(order, fx.DialChannel)]


# -- refused -----------------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Came, Directory, str]] = {
    "a number nobody declared": (by_trunk("+33140000021"), with_numbers(number()), "unknown-number"),
    "no number at all": (by_trunk("99"), with_numbers(number()), "unknown-number"),
    "a number of another trunk": (by_trunk(), with_numbers(number(trunk=Slug("paris-2"))), "unknown-number"),
    "a number that is switched off": (by_trunk(), with_numbers(number(active=False)), "number-not-in-use"),
    "a number of tomorrow": (by_trunk(), with_numbers(number(valid_from=date(2099, 1, 1))), "number-not-in-use"),
    "a number of the past": (by_trunk(), with_numbers(number(valid_until=date(2020, 1, 1))), "number-not-in-use"),
    "a number of a disabled agent": (by_trunk(), with_numbers(number(), enabled=False), "agent-disabled"),
    "a number of an agent who may not work by mobile": (
        by_trunk(),
        with_numbers(number(), mode="mobile", mobile=E164("+33600000001")),
        "mobile-not-permitted",
    ),
    "a stranger": (by_trunk(endpoint="trunk-none"), with_numbers(number()), "unknown-endpoint"),
    "a disabled agent dials": (by_phone(CUSTOMER), with_numbers(enabled=False), "agent-disabled"),
    "an extension nobody has": (by_phone("2077"), with_numbers(), "unknown-number"),
    "a colleague, without the right": (by_phone("2002"), with_numbers(rights=("local",)), "destination-internal"),
    "premium": (by_phone("0899701234"), with_numbers(), "destination-premium"),
    "abroad": (by_phone("+12125550123"), with_numbers(), "destination-international"),
    "too few digits": (by_phone("0612"), with_numbers(), "number-not-dialable"),
    "themselves": (by_phone("2001"), with_numbers(), "agent-busy"),
}


MISSED = {
    "agent-disabled": "agent_unreachable",
    "mobile-not-permitted": "agent_unreachable",
    "scenario-not-published": "congestion",
}
"""What the call record says of customers who called a number of ours in vain, by rule."""


async def is_refused(room: Room, came: Came, rule: str) -> None:
    """Nobody is rung, nothing is held, the audit says why; a missed customer has a record."""
    with pytest.raises(StandardisteError) as refused:
        await arrive(room, came)
    assert refused.value.stable_code == rule
    assert (len(room.registry), room.board.in_use(), room.exchange.orders) == (0, {}, [])
    assert [row["rule"] for row in await room.rows("audit")] == [rule]
    assert not room.registry._expected
    missed = [MISSED[rule]] if came.endpoint == "trunk-paris-1" and rule in MISSED else []
    assert [row["record"]["outcome"] for row in await room.rows("cdr")] == missed


@pytest.mark.parametrize(("came", "held", "rule"), REFUSED.values(), ids=REFUSED.keys())
async def test_refused(tmp_path: Path, exchange: Exchange, came: Came, held: Directory, rule: str) -> None:
    async with room_of(tmp_path, exchange, held) as room:
        await is_refused(room, came, rule)


async def test_a_number_nobody_declared_is_kept_for_people(tmp_path: Path, exchange: Exchange) -> None:
    async with room_of(tmp_path, exchange, with_numbers(number(active=False))) as room:
        for came in (by_trunk(), by_trunk("99")):
            with pytest.raises(Refused):
                await arrive(room, came)
        assert room.unmatched == [by_trunk("99")]


async def test_an_engine_that_is_full_lets_nobody_in(tmp_path: Path, exchange: Exchange) -> None:
    async with room_of(tmp_path, exchange, with_numbers(number())) as room:
        room.door.why = Refused("full", rule="engine-full", status=503)
        with pytest.raises(Refused, match="full"):
            await arrive(room, by_trunk())


async def test_nobody_answers_for_an_agent_without_a_telephone(tmp_path: Path, exchange: Exchange) -> None:
    async with room_of(tmp_path, exchange, with_numbers(number())) as room:
        exchange.phones = {}
        with pytest.raises(Refused) as refused:
            await arrive(room, by_trunk(redirected_from="0140000009"))
        assert refused.value.stable_code == "no-phone-registered"
        (record,) = [row["record"] for row in await room.rows("cdr")]
    assert (record["direction"], record["agent_id"], record["caller"], record["callee"], record["did"]) == (
        *("inbound", "alice", "+33612345678", OURS, OURS),
    )
    assert (record["outcome"], record["rule"], record["redirected_from"]) == (
        *("agent_unreachable", "no-phone-registered", "+33140000009"),
    )
