"""Calls for a group: to whom they are offered, who is passed over and why, and who is busy for whom."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.calls.arriving import Came
from engine.calls.contract import Accepted
from engine.calls.replay import replay
from engine.calls.timeline import timeline
from engine.domain import effects as fx
from engine.domain import ids
from engine.domain.directory import Agent, Directory, Group, Number, ToGroup
from engine.domain.values import CallId, ChannelId, Extension, Slug
from engine.errors import Refused
from tests.calls.exchange import Exchange
from tests.calls.room import CUSTOMER, Room, agent, directory, trunk
from tests.calls.test_arriving import OURS, by_phone, by_trunk, number

CAME = ChannelId("1795201746.12")
SECOND = ChannelId("1795201746.13")
SIP: dict[str, Any] = {"mode": "sip", "mobile": None, "mobile_permitted": False}
SALES = Group(
    id=Slug("sales"),
    name="Sales",
    site=Slug("paris"),
    extension=Extension("2050"),
    members=(Slug("alice"), Slug("bruno"), Slug("chloe")),
)


def house(*agents: Agent, strategy: str = "ring_all", channels: int = 4) -> Directory:
    """A group of three with telephones, and a number of ours that leads to it; agents changed as given."""
    known = {one.id: one for one in (agent("alice", **SIP), agent("bruno", **SIP), agent("chloe", **SIP), *agents)}
    held = directory(trunk("paris-1", channels=channels), *known.values())
    group = msgspec.structs.replace(SALES, strategy=strategy)
    called: Number = number(target=ToGroup(SALES.id), service="hotline", campaign="spring")
    return msgspec.structs.replace(held, groups={SALES.id: group}, numbers={called.id: called})


def room_of(path: Path, exchange: Exchange, held: Directory, **more: Any) -> Room:
    exchange.channels.update({CAME: "down", SECOND: "down"})
    exchange.phones = {f"{name}-k7": [f"sip:{name}-k7@127.0.0.9:5070"] for name in ("alice", "bruno", "chloe")}
    return Room(path, exchange, held, **more)


async def arrive(room: Room, came: Came) -> Accepted:
    room.service.expect(came)
    return await room.service.arrive(came)


def rung(room: Room, call_id: str) -> list[str]:
    """Whose telephones or mobiles ring now."""
    return [str(a.route.agent) for a in room.call(call_id).agent.live if a.phase in ("dialling", "ringing")]


async def takes(room: Room, call_id: str, who: str) -> None:
    """They pick up, and the caller is put through."""
    attempts = room.call(call_id).agent.attempts
    room.exchange.answers(next(a.channel for a in attempts if a.route.agent == who and a.phase != "ended"))
    await room.until(lambda: room.stage(call_id) == "talking")


async def test_all_are_rung_and_one_takes_the_call(tmp_path: Path, exchange: Exchange) -> None:
    async with room_of(tmp_path, exchange, house()) as room:
        call_id = (await arrive(room, by_trunk())).id
        await room.until(lambda: rung(room, call_id) == ["alice", "bruno", "chloe"])
        waiting = await room.service.view(call_id)
        assert (waiting.agent, waiting.mode, waiting.group, waiting.stage) == (None, None, "sales", "offering")
        await takes(room, call_id, "bruno")
        await room.quiet()
        view = await room.service.view(call_id)
        assert (view.agent, view.group) == ("bruno", "sales")
        assert [room.registry.of_agent(Slug(name)) for name in ("alice", "bruno", "chloe")] == [None, call_id, None]
        exchange.ends(CAME, 16)
        await room.ended(call_id)
        (row,) = await room.rows("cdr")
        assert room.board.in_use() == {}
    record = row["record"]
    assert {name: record[name] for name in ("group_id", "agent_id", "agent_name", "did", "service", "outcome")} == {
        "group_id": "sales",
        "agent_id": "bruno",
        "agent_name": "Bruno",
        "did": OURS,
        "service": "hotline",
        "outcome": "answered",
    }
    assert [leg["agent"] for leg in record["legs"]] == ["alice", "bruno", "chloe", None]


async def test_the_others_are_told_that_it_was_answered_elsewhere(tmp_path: Path, exchange: Exchange) -> None:
    async with room_of(tmp_path, exchange, house()) as room:
        call_id = (await arrive(room, by_trunk())).id
        await room.until(lambda: len(rung(room, call_id)) == 3)
        await takes(room, call_id, "alice")
        await room.quiet()
        assert [order.cause for order in exchange.given(fx.HangUp) if isinstance(order, fx.HangUp)] == [26, 26]


async def test_an_agent_dials_the_group(tmp_path: Path, exchange: Exchange) -> None:
    """The others are rung, and whoever dialled is in a call too."""
    async with room_of(tmp_path, exchange, house()) as room:
        call_id = (await arrive(room, by_phone("2050"))).id
        await room.until(lambda: rung(room, call_id) == ["bruno", "chloe"])
        assert room.registry.of_agent(Slug("alice")) == call_id
        await takes(room, call_id, "chloe")
        exchange.ends(CAME, 16)
        await room.ended(call_id)
        (row,) = await room.rows("cdr")
    told = {name: row["record"][name] for name in ("direction", "kind", "caller", "callee", "agent_id", "trunk")}
    assert told == {
        "direction": "internal",
        "kind": "dialled",
        "caller": "2001",
        "callee": "2050",
        "agent_id": "chloe",
        "trunk": None,
    }


async def test_a_group_of_another_site_is_dialled_by_its_extension(tmp_path: Path, exchange: Exchange) -> None:
    david = agent("david", site=Slug("lyon"), extension=Extension("3001"), **SIP)
    held = house(david)
    lyon = msgspec.structs.replace(held.sites[Slug("lyon")], extensions=(3000, 3999))
    async with room_of(tmp_path, exchange, msgspec.structs.replace(held, sites=held.sites | {lyon.id: lyon})) as room:
        call_id = (await arrive(room, by_phone("2050", endpoint="david-k7"))).id
        await room.until(lambda: rung(room, call_id) == ["alice", "bruno", "chloe"])
        assert room.call(call_id).request.caller == "3001"


async def test_its_journal_is_replayed_and_drawn(tmp_path: Path, exchange: Exchange) -> None:
    async with room_of(tmp_path, exchange, house(agent("alice"), strategy="one_by_one")) as room:
        call_id = (await arrive(room, by_trunk())).id
        await room.until(lambda: rung(room, call_id) == ["alice"])
        exchange.ends(room.channel(call_id, "agent"), 17, 486)
        await room.until(lambda: rung(room, call_id) == ["bruno"])
        await takes(room, call_id, "bruno")
        exchange.ends(CAME, 16)
        await room.ended(call_id)
        steps = await room.service.steps(call_id)
        drawn = await room.service.ladder(call_id)
    assert replay(steps).same
    assert "Group sales, agent bruno" in drawn
    assert "call for group sales, one_by_one" in timeline(steps)


async def test_who_cannot_be_rung_is_passed_over_and_the_call_says_why(tmp_path: Path, exchange: Exchange) -> None:
    held = house(agent("alice", enabled=False), agent("bruno", mobile_permitted=False))
    async with room_of(tmp_path, exchange, held) as room:
        exchange.phones = {}
        call_id = (await arrive(room, by_trunk())).id
        verdict = await room.ended(call_id)
        group = room.call(call_id).request.group
        (row,) = await room.rows("cdr")
    assert group is not None
    assert group.passed_over == {
        "alice": "agent-disabled",
        "bruno": "mobile-not-permitted",
        "chloe": "no-phone-registered",
    }
    assert (verdict.outcome, verdict.cause, row["record"]["group_id"]) == ("nobody_logged_in", 20, "sales")
    assert [order.cause for order in exchange.given(fx.HangUp) if isinstance(order, fx.HangUp)] == [20]


@pytest.mark.parametrize("strategy", ["ring_all", "one_by_one"])
async def test_who_talks_is_passed_over(tmp_path: Path, exchange: Exchange, strategy: str) -> None:
    held = house(agent("alice"), strategy=strategy)
    async with room_of(tmp_path, exchange, held) as room:
        talking = await room.talking("alice")
        call_id = (await arrive(room, by_trunk())).id
        await room.until(lambda: rung(room, call_id) == ["bruno", "chloe"][: 2 if strategy == "ring_all" else 1])
        assert room.registry.of_agent(Slug("alice")) == talking


async def test_who_is_rung_for_a_group_is_asked_for_nothing_else(tmp_path: Path, exchange: Exchange) -> None:
    async with room_of(tmp_path, exchange, house()) as room:
        call_id = (await arrive(room, by_trunk())).id
        await room.until(lambda: len(rung(room, call_id)) == 3)
        with pytest.raises(Refused) as refused:
            await room.ask("bruno")
        assert (refused.value.stable_code, call_id in refused.value.message) == ("agent-busy", True)
        second = (await arrive(room, by_trunk(channel=SECOND))).id
        await room.until(lambda: len(await_busy(room, second)) == 3)
        await takes(room, call_id, "bruno")
        await room.until(lambda: rung(room, second) == ["alice", "chloe"])  # who did not take it is free again


def await_busy(room: Room, call_id: str) -> tuple[str, ...]:
    return getattr(room.call(call_id).stage, "busy", ())


async def test_a_colleague_is_busy_too(tmp_path: Path, exchange: Exchange) -> None:
    """Whoever is called from inside the house is in that call for everybody else."""
    async with room_of(tmp_path, exchange, house()) as room:
        call_id = (await arrive(room, by_phone("2002"))).id
        await room.until(lambda: room.phase(call_id, "customer") == "dialling")
        assert room.registry.of_agent(Slug("bruno")) == call_id
        with pytest.raises(Refused) as refused:
            await room.ask("bruno", CUSTOMER)
        assert refused.value.stable_code == "agent-busy"
        exchange.ends(CAME, 16)
        await room.ended(call_id)
        assert room.registry.of_agent(Slug("bruno")) is None


async def test_two_calls_at_once_for_one_colleague(tmp_path: Path, exchange: Exchange) -> None:
    """The second is refused although the first is still being accepted."""
    async with room_of(tmp_path, exchange, house()) as room:
        exchange.asks = asyncio.Event()
        first = asyncio.create_task(arrive(room, by_phone("2003")))
        await room.until(lambda: not room.registry.is_free(Slug("chloe")))
        with pytest.raises(Refused, match="being accepted"):
            await arrive(room, by_phone("2003", endpoint="bruno-k7", channel=SECOND))
        exchange.asks.set()
        await first


async def test_mobiles_of_a_group_take_channels_of_the_trunk(tmp_path: Path, exchange: Exchange) -> None:
    """The caller has one, two mobiles the others; the third member is not reached, and nobody else is either."""
    held = house(agent("alice"), agent("bruno"), agent("chloe"), channels=3)
    async with room_of(tmp_path, exchange, held) as room:
        call_id = (await arrive(room, by_trunk())).id
        await room.until(lambda: rung(room, call_id) == ["alice", "bruno"])
        assert room.board.in_use() == {"paris-1": 3}
        exchange.ends(CAME, 16)
        await room.ended(call_id)
        assert room.board.in_use() == {}


async def test_a_limit_of_one_member_keeps_that_one_alone_from_being_rung(tmp_path: Path, exchange: Exchange) -> None:
    """Alice has had her two calls of this minute; that somebody else's third rings her is no reason to lock her."""
    held = house(agent("alice"), agent("bruno"))
    async with room_of(tmp_path, exchange, held, caps={("agent", "calls_per_minute"): 2}) as room:
        for _ in range(2):
            exchange.ends(room.channel(earlier := await room.agent_rung("alice"), "agent"), 17, 486)
            await room.ended(earlier)
        call_id = (await arrive(room, by_trunk())).id
        await room.until(lambda: rung(room, call_id) == ["bruno", "chloe"])
        group = room.call(call_id).request.group
        assert group is not None
        assert group.passed_over == {"alice": "limit-reached"}
        assert room.limits.ledger.locks == {}


async def test_who_is_not_rung_has_no_call_of_theirs_counted(tmp_path: Path, exchange: Exchange) -> None:
    """Bruno is asked after Alice, who takes every call: the limit of his own calls is not touched."""
    held = house(agent("alice", **SIP), agent("bruno"), strategy="one_by_one")
    async with room_of(tmp_path, exchange, held, caps={("agent", "calls_per_minute"): 2}) as room:
        for _ in range(3):
            exchange.channels[CAME] = "down"
            call_id = (await arrive(room, by_trunk())).id
            await room.until(lambda called=call_id: rung(room, called) == ["alice"])  # type: ignore[misc]
            exchange.ends(CAME, 16)
            await room.ended(call_id)
        assert room.limits.ledger.has_room("agent:bruno", 0, room.clock.now().mono)


async def test_no_trunk_leads_to_a_mobile(tmp_path: Path, exchange: Exchange) -> None:
    held = house(agent("alice", site=Slug("lyon")))
    alone = msgspec.structs.replace(held.sites[Slug("lyon")], allow_other_sites=False)
    held = msgspec.structs.replace(held, sites=held.sites | {alone.id: alone})
    async with room_of(tmp_path, exchange, held) as room:
        call_id = (await arrive(room, by_trunk())).id
        await room.until(lambda: rung(room, call_id) == ["bruno", "chloe"])
        group = room.call(call_id).request.group
        assert group is not None
        assert group.passed_over == {"alice": "no-trunk"}


async def test_killed_while_members_ring(tmp_path: Path, exchange: Exchange) -> None:
    """The next life rings nobody twice, and whoever picks up has the call."""
    async with room_of(tmp_path, exchange, house(strategy="one_by_one")) as room:
        call_id = (await arrive(room, by_trunk())).id
        await room.until(lambda: rung(room, call_id) == ["alice"])
    exchange.rings(ids.channel_id(CallId(call_id), "agent", 1))
    async with Room(tmp_path, exchange, house(strategy="one_by_one")) as room:
        await room.service.resume()
        assert room.registry.of_agent(Slug("alice")) == call_id
        await room.reconciler.connected(exchange.picture)
        await room.until(lambda: rung(room, call_id) == ["alice"])
        exchange.ends(room.channel(call_id, "agent", 1), 17, 486)
        await room.until(lambda: rung(room, call_id) == ["bruno"])
        await takes(room, call_id, "bruno")
        exchange.ends(CAME, 16)
        await room.ended(call_id)
        (row,) = await room.rows("cdr")
    assert (row["record"]["agent_id"], row["record"]["recovered"]) == ("bruno", True)
