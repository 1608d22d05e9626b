"""Whom a scenario's caller can reach now, and the rule that keeps them from it."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.calls.grouping import Members
from engine.calls.ports import Credit, Plan
from engine.calls.reaching import Reacher
from engine.domain import machine
from engine.domain.call import Call
from engine.domain.directory import Directory, Trunk
from engine.domain.events import CallRequested
from engine.domain.limits import Kind, Measure
from engine.domain.request import ConnectRequest, ScenarioCall
from engine.domain.scenario.graph import NodeName, Ring
from engine.domain.scenario.talk import Agents, AnyWhom, AtExtension, OfGroup, OfNumber, Switchboard
from engine.domain.values import E164, CallId, Extension, Slug
from engine.errors import Refused, StandardisteError, UnknownThing
from tests.calls.exchange import Exchange
from tests.calls.leading import SALES, held
from tests.calls.room import Room
from tests.domain.calls import CALL
from tests.domain.led_calls import asked_of_scenario
from tests.domain.scenario.caller import of

PARIS_NUMBER, MOBILE, LONDON, PREMIUM = map(E164, ("+33155000009", "+33612000009", "+442079460009", "+33899123456"))
PROGRAM = of({"ring": Ring(agents=(Slug("alice"),), next=NodeName("sorry"))})
HOUSE = held()


class Purse:
    """A credit check that says how long they may talk, or refuses."""

    def __init__(self, says: int | Refused | None) -> None:
        self.says, self.asked = says, list[ConnectRequest]()

    async def ask(self, call_id: CallId, request: ConnectRequest) -> int | None:
        self.asked.append(request)
        if isinstance(self.says, Refused):
            raise self.says
        return self.says


class Switch:
    """Plans in a room whose directory, limits and credit a test says."""

    def __init__(self, path: Path, exchange: Exchange) -> None:
        self.path, self.exchange = path, exchange

    async def plan(
        self,
        whom: AnyWhom,
        directory: Directory = HOUSE,
        *,
        credit: Credit | None = None,
        caps: dict[tuple[Kind, Measure], int] | None = None,
        request: ConnectRequest | None = None,
    ) -> Plan:
        async with Room(self.path, self.exchange, directory, caps=caps) as room:
            members = Members(self.exchange, room.source, room.limits)
            return await Reacher(members, room.source, room.limits, credit).plan(led(room, request), whom)

    async def refused(self, whom: AnyWhom, directory: Directory = HOUSE, **more: Any) -> str:
        """The rule that keeps the caller from them."""
        with pytest.raises((Refused, UnknownThing)) as refusal:
            await self.plan(whom, directory, **more)
        assert isinstance(refusal.value, StandardisteError)
        return refusal.value.stable_code


def led(room: Room, request: ConnectRequest | None) -> Call:
    asked = request or asked_of_scenario(country="FR")
    return machine.begin(CALL, CallRequested(at=room.clock.now(), request=asked), PROGRAM).call


def changed(directory: Directory = HOUSE, **site: Any) -> Directory:
    """The same house, but for its site."""
    sites = {name: msgspec.structs.replace(one, **site) for name, one in directory.sites.items()}
    return msgspec.structs.replace(directory, sites=sites)


@pytest.fixture
async def switch(tmp_path: Path, exchange: Exchange) -> Switch:
    exchange.phones = {"alice-k7": ["sip:alice-k7@127.0.0.9:5070"]}
    return Switch(tmp_path, exchange)


def names(plan: Plan) -> list[str]:
    return [member.agent for member in plan.group.members]


# -- of the house ------------------------------------------------------------------------------------------------------


async def test_agents_by_their_telephones_and_mobiles(switch: Switch) -> None:
    plan = await switch.plan(Agents(agents=(Slug("alice"), Slug("bruno")), strategy="one_by_one", ring_s=12))
    assert names(plan) == ["alice", "bruno"]
    assert (plan.ring_s, plan.group.strategy, plan.group.id) == (12, "one_by_one", None)
    assert [(route.agent, route.number, route.trunk) for route in plan.routes] == [
        ("alice", "2001", None),
        ("bruno", "+33600000002", "paris-1"),
        ("bruno", "+33600000002", "paris-2"),
    ]
    assert not any(route.outside for route in plan.routes)


async def test_a_group(switch: Switch) -> None:
    plan = await switch.plan(OfGroup(group=SALES.id))
    assert (names(plan), plan.group.id, plan.ring_s) == (["alice", "bruno"], "sales", 20)


@pytest.mark.parametrize(("extension", "who"), [("2060", ["alice", "bruno"]), ("2001", ["alice"])])
async def test_an_extension(switch: Switch, extension: str, who: list[str]) -> None:
    plan = await switch.plan(AtExtension(extension=Extension(extension)))
    assert (names(plan), plan.ring_s) == (who, 20 if extension == "2060" else HOUSE.sites[Slug("paris")].ring_agent_s)


async def test_the_switchboard(switch: Switch) -> None:
    assert names(await switch.plan(Switchboard(), changed(switchboard=Extension("2060")))) == ["alice", "bruno"]


async def test_an_agent_who_dialled_the_application_is_not_rung_for_themselves(switch: Switch) -> None:
    asked = asked_of_scenario(country="FR")
    assert isinstance(asked.scenario, ScenarioCall)
    request = msgspec.structs.replace(asked, scenario=msgspec.structs.replace(asked.scenario, by=Slug("alice")))
    for whom in (OfGroup(group=SALES.id), Agents(agents=(Slug("alice"), Slug("bruno")))):
        assert names(await switch.plan(whom, request=request)) == ["bruno"]


async def test_who_cannot_be_rung_is_passed_over_with_the_rule(switch: Switch) -> None:
    switch.exchange.phones = {}
    plan = await switch.plan(Agents(agents=(Slug("alice"), Slug("bruno"))))
    assert (names(plan), plan.group.passed_over) == (["bruno"], {"alice": "no-phone-registered"})


@pytest.mark.parametrize(
    "whom",
    [
        Agents(agents=(Slug("nobody-we-know"),)),
        OfGroup(group=Slug("none")),
        OfGroup(group=Slug("")),
        Switchboard(),
    ],
    ids=["agent", "group", "group an expression names", "switchboard"],
)
async def test_what_is_not_there(switch: Switch, whom: AnyWhom) -> None:
    with pytest.raises(UnknownThing):
        await switch.plan(whom)


async def test_an_extension_of_nobody(switch: Switch) -> None:
    assert await switch.refused(AtExtension(extension=Extension("2999"))) == "unknown-number"


# -- numbers outside ---------------------------------------------------------------------------------------------------


async def test_a_number_outside(switch: Switch) -> None:
    plan = await switch.plan(OfNumber(number=PARIS_NUMBER))
    (member,) = plan.group.members
    assert (member.number, member.outside, member.confirm, member.mode) == (PARIS_NUMBER, True, False, "mobile")
    assert [(r.trunk, r.number, r.outside, r.agent) for r in plan.routes] == [
        ("paris-1", PARIS_NUMBER, True, member.agent),
        ("paris-2", PARIS_NUMBER, True, member.agent),
    ]


async def test_agents_and_numbers_together(switch: Switch) -> None:
    plan = await switch.plan(Agents(agents=(Slug("alice"),), numbers=(PARIS_NUMBER, MOBILE)))
    assert names(plan) == ["alice", "outside-1", "outside-2"]


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (E164("112"), "destination-emergency"),
        (PREMIUM, "destination-premium"),
        (LONDON, "destination-international"),
        (E164("+881612345678"), "destination-satellite"),
        (E164("+33"), "number-not-dialable"),
    ],
)
async def test_a_number_that_must_not_be_called(switch: Switch, number: E164, why: str) -> None:
    assert await switch.refused(OfNumber(number=number)) == why
    assert await switch.refused(Agents(agents=(Slug("alice"),), numbers=(number,))) == why


async def test_a_country_of_the_site(switch: Switch) -> None:
    plan = await switch.plan(OfNumber(number=LONDON), changed(dialable_countries=("GB",)))
    assert len(plan.routes) == 2


async def test_no_trunk(switch: Switch) -> None:
    none: dict[Slug, Trunk] = {}
    directory = msgspec.structs.replace(HOUSE, trunks=none, numbers={})
    assert await switch.refused(OfNumber(number=PARIS_NUMBER), directory) == "no-trunk"


# -- limits and credit -------------------------------------------------------------------------------------------------


async def test_a_limit_refuses(switch: Switch) -> None:
    """What is called outside is paid for, telephones of the house are not."""
    caps: dict[tuple[Kind, Measure], int] = {("trunk", "spend_per_hour"): 1}
    await switch.plan(Agents(agents=(Slug("alice"),)), caps=caps)
    assert await switch.refused(OfNumber(number=PARIS_NUMBER), caps=caps) == "limit-spend-per-hour"


async def test_telephones_of_the_house_cost_nothing_and_need_no_credit(switch: Switch) -> None:
    purse = Purse(60)
    plan = await switch.plan(Agents(agents=(Slug("alice"),)), credit=purse)
    assert (plan.max_talk_s, purse.asked) == (None, [])


@pytest.mark.parametrize("seconds", [60, None])
async def test_the_credit_bounds_a_talk(switch: Switch, seconds: int | None) -> None:
    purse = Purse(seconds)
    plan = await switch.plan(OfNumber(number=PARIS_NUMBER), credit=purse)
    assert plan.max_talk_s == seconds
    (asked,) = purse.asked
    assert asked.group == plan.group


async def test_the_credit_refuses(switch: Switch) -> None:
    purse = Purse(Refused("no money", rule="credit-used-up", status=402))
    assert await switch.refused(OfNumber(number=PARIS_NUMBER), credit=purse) == "credit-used-up"
