"""Callers who come to an application: which scenario they are led by, in which version, and who is told why not."""

from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.calls.arriving import Came
from engine.domain.directory import Alias, Application, Directory, ToApplication
from engine.domain.request import ConnectRequest
from engine.domain.scenario.graph import Limits, Menu, Program
from engine.domain.values import E164, ChannelId, Extension, Slug
from tests.calls.exchange import Exchange
from tests.calls.room import Room, agent, directory, trunk
from tests.calls.test_arriving import CAME, OURS, SIP, arrive, by_phone, by_trunk, is_refused, number
from tests.domain.scenario.caller import of, say

TESTER = E164("+33612345678")
MENU = of({"main": Menu(prompt=say("Bonjour"), keys={"1": "sorry"})}, limits=Limits(duration_s=300))  # type: ignore[dict-item]
LIVE, TRIED = (msgspec.structs.replace(MENU, version=version) for version in ("live-1", "test-1"))
HOTLINE = Application(
    id=Slug("hotline"), name="Hotline", site=Slug("paris"), scenario=Slug("main"), extension=Extension("2050")
)


class Library:
    """The published scenarios."""

    def __init__(self, **of_main: Program) -> None:
        self.of_main = of_main

    def of_version(self, version: str) -> Program | None:
        return next((program for program in self.of_main.values() if program.version == version), None)

    def published(self, name: Slug, alias: Alias = "live") -> Program | None:
        return self.of_main.get(alias) if name == MENU.main else None


def house(**changes: Any) -> Directory:
    held = directory(trunk("paris-1"), trunk("paris-2"), agent("alice", **SIP), agent("bruno"))
    called = number(target=ToApplication(HOTLINE.id), service="hotline", campaign="spring")
    return msgspec.structs.replace(
        held, numbers={called.id: called}, applications={HOTLINE.id: msgspec.structs.replace(HOTLINE, **changes)}
    )


def room_of(path: Path, exchange: Exchange, held: Directory, library: Library | None = None) -> Room:
    exchange.channels[CAME] = "down"
    return Room(path, exchange, held, programs=library or Library(live=LIVE, test=TRIED))


async def led(path: Path, exchange: Exchange, held: Directory, came: Came) -> ConnectRequest:
    """What the call lives by that was let in."""
    async with room_of(path, exchange, held) as room:
        call_id = (await arrive(room, came)).id
        request = room.call(call_id).request
        exchange.ends(ChannelId(CAME), 16)
        await room.ended(call_id)
    return request


async def test_a_customer_is_led_by_the_scenario_of_the_number(tmp_path: Path, exchange: Exchange) -> None:
    async with room_of(tmp_path, exchange, house()) as room:
        call_id = (await arrive(room, by_trunk(redirected_from="0140000009"))).id
        await room.until(lambda: room.stage(call_id) == "scripted")
        assert room.board.in_use() == {"paris-1": 1}
        request = room.call(call_id).request
        exchange.ends(CAME, 16)
        await room.ended(call_id)
        (row,) = await room.rows("cdr")
    assert request.scenario is not None
    assert (request.scenario.version, request.scenario.application) == ("live-1", "hotline")
    assert request.scenario.longest_s == 300
    assert request.scenario.facts == {
        "caller": "+33612345678", "called": OURS, "redirected_from": "+33140000009", "day": "2026-11-20"
    }  # fmt: skip
    assert (request.agent, request.group, request.agent_routes, request.language) == (None, None, (), "fr")
    told = {name: row["record"][name] for name in ("did", "service", "campaign_id", "direction")}
    assert told == {"did": OURS, "service": "hotline", "campaign_id": "spring", "direction": "inbound"}


async def test_an_agent_dials_the_extension(tmp_path: Path, exchange: Exchange) -> None:
    request = await led(tmp_path, exchange, house(), by_phone("2050"))
    assert request.scenario is not None
    assert (request.direction, request.asked_by, request.customer_number) == ("internal", "phone alice", "2001")
    assert (request.scenario.facts["caller"], request.scenario.facts["called"]) == ("", "2050")


@pytest.mark.parametrize("came", [by_trunk(), by_phone("2050")], ids=["a number", "an extension"])
async def test_test_callers_meet_what_is_tried(tmp_path: Path, exchange: Exchange, came: Came) -> None:
    request = await led(tmp_path, exchange, house(test_callers=(TESTER, "2001")), came)
    assert request.scenario is not None
    assert request.scenario.version == "test-1"


async def test_a_test_caller_meets_what_all_meet_while_nothing_is_tried(tmp_path: Path, exchange: Exchange) -> None:
    async with room_of(tmp_path, exchange, house(test_callers=(TESTER,)), Library(live=LIVE)) as room:
        call_id = (await arrive(room, by_trunk())).id
        scenario = room.call(call_id).request.scenario
        assert scenario is not None
        assert scenario.version == "live-1"


@pytest.mark.parametrize(("dialled", "did"), [("0140000077", "+33140000077"), ("99", "99")])
async def test_an_application_takes_any_number_of_a_trunk(
    tmp_path: Path, exchange: Exchange, dialled: str, did: str
) -> None:
    held = house(any_number_of=(Slug("paris-1"),))
    request = await led(tmp_path, exchange, held, by_trunk(dialled))
    assert (request.did, request.service) == (did, None)
    assert request.scenario is not None
    assert request.scenario.application == "hotline"


@pytest.mark.parametrize(
    ("changes", "numbers_own", "language"), [({}, None, "fr"), ({"language": "en"}, None, "en"), ({}, "en", "en")]
)
async def test_in_which_language(
    tmp_path: Path, exchange: Exchange, changes: dict[str, Any], numbers_own: str | None, language: str
) -> None:
    held = house(**changes)
    called = msgspec.structs.replace(held.numbers[OURS], language=numbers_own)
    request = await led(tmp_path, exchange, msgspec.structs.replace(held, numbers={OURS: called}), by_trunk())
    assert request.language == language


REFUSED: dict[str, tuple[Came, Directory, str]] = {
    "a scenario nobody published": (by_trunk(), house(scenario=Slug("none")), "scenario-not-published"),
    "a version there is not": (by_trunk(), house(alias="previous"), "scenario-not-published"),
    "an application that is switched off": (by_trunk(), house(active=False), "number-not-in-use"),
    "an application of tomorrow": (by_phone("2050"), house(valid_from=date(2099, 1, 1)), "number-not-in-use"),
    "an application of the past": (by_trunk(), house(valid_until=date(2020, 1, 1)), "number-not-in-use"),
    "any number of another trunk": (by_trunk("99"), house(any_number_of=(Slug("paris-2"),)), "unknown-number"),
}


@pytest.mark.parametrize(("came", "held", "rule"), REFUSED.values(), ids=REFUSED.keys())
async def test_refused(tmp_path: Path, exchange: Exchange, came: Came, held: Directory, rule: str) -> None:
    async with room_of(tmp_path, exchange, held) as room:
        await is_refused(room, came, rule)


async def test_an_engine_without_scenarios_leads_nobody(tmp_path: Path, exchange: Exchange) -> None:
    exchange.channels[CAME] = "down"
    async with Room(tmp_path, exchange, house()) as room:
        await is_refused(room, by_trunk(), "scenario-not-published")
