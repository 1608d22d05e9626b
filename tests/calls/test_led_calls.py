"""A caller in a scenario, with the real runner and journal: what is asked, hidden, and left by a restart."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from engine.calls.ports import Answer
from engine.domain import effects as fx
from engine.domain.scenario.graph import (
    AnyNode,
    Collect,
    Expression,
    Hours,
    Lookup,
    Menu,
    NodeName,
    Play,
    Program,
    Ring,
    Set,
    Variable,
    Voicemail,
)
from engine.domain.scenario.talk import AskTable, StoreMessage
from engine.domain.values import Slug
from engine.errors import Unavailable
from tests.calls.exchange import Exchange
from tests.calls.leading import Led, way
from tests.calls.room import Room
from tests.calls.test_arriving import CAME
from tests.domain.scenario.caller import of, say, texts

END, ASK = NodeName("end"), NodeName("ask")
BYE = Play(prompt=say("Au revoir"), next=NodeName("sorry"))
PIN = "7319"


def program(**nodes: AnyNode) -> Program:
    return of({**nodes, "end": BYE}, vars=texts("pin"))


IDENTIFY = program(
    pin=Collect(prompt=say("Code"), into=Variable("pin"), max_digits=4, sensitive=True, next=ASK),
    ask=Lookup(table=Slug("customers"), key=Expression("pin"), next=END, on={"none": END}),
)
OPEN = program(hours=Hours(calendar=Slug("office"), next=END, on={"closed": NodeName("sorry")}))
RING = program(ring=Ring(agents=(Slug("alice"),), next=END))


async def asked_for_pin(led: Led, room: Room) -> str:
    """The caller has heard the prompt."""
    call_id = await led.call(room)
    await led.hears(room)
    await room.until(lambda: not led.exchange.playbacks)
    return call_id


async def record_of(room: Room) -> dict[str, Any]:
    """The one row there is."""
    (row,) = await room.rows("cdr")
    found: dict[str, Any] = row["record"]
    return found


async def written(room: Room, call_id: str) -> str:
    """Everything the journal keeps of a call, as one text."""
    steps = await room.journal.steps(call_id)
    return b"\n".join(part for step in steps for part in (step.event, step.effects, step.state)).decode()


def _anonymous(text: str, call_id: str) -> str:
    """Without the call's own id, which may have any digits; nor times."""
    return re.sub(r"\d+\.\d+|\d\d:\d\d", "", text.replace(call_id, "").replace(call_id.replace("-", ""), ""))


# -- what nobody may see -----------------------------------------------------------------------------------------------


async def test_what_is_typed_in_secret_is_asked_with_and_never_written(tmp_path: Path, exchange: Exchange) -> None:
    led = Led(tmp_path, exchange, IDENTIFY, Answer("found"))
    async with led.room() as room:
        call_id = await asked_for_pin(led, room)
        await led.presses(room, PIN)
        await room.until(lambda: led.desk.asked)
        ((_, question),) = led.desk.asked
        assert isinstance(question, AskTable)
        assert question.key == PIN
        await room.until(lambda: "ask=found" in way(room.call(call_id)))
        exchange.ends(CAME, 16)
        await room.ended(call_id)
        text = await written(room, call_id)
        row = await record_of(room)
        told = str(await room.rows("event"))
    assert [visit["keys"] for visit in row["ivr_visits"]] == ["••••", "", ""]
    assert "•" in text
    for place in (text, str(row), told):
        assert PIN not in _anonymous(place, call_id)
    assert [digit for digit in PIN if f'"digit":"{digit}"' in text] == []


async def test_what_an_engine_forgot_is_asked_for_again(tmp_path: Path, exchange: Exchange) -> None:
    """It dies while the question is out: the keys were in its memory alone."""
    led = Led(tmp_path, exchange, IDENTIFY, Answer("found"))
    led.desk.gate = asyncio.Event()
    async with led.room() as room:
        call_id = await asked_for_pin(led, room)
        await led.presses(room, PIN)
        await room.until(lambda: led.desk.asked)
    led.desk.gate = None
    async with led.room() as room:
        await led.comes_back(room)
        await room.until(lambda: way(room.call(call_id)) == ["pin=done", "ask=forgotten", "pin="])
        await led.hears(room)
        await led.presses(room, "42#")
        await room.until(lambda: "ask=found" in way(room.call(call_id)))
        (_, first), (_, second) = led.desk.asked
        assert isinstance(first, AskTable)
        assert isinstance(second, AskTable)
        assert (first.key, second.key) == (PIN, "42")
        assert PIN not in _anonymous(await written(room, call_id), call_id)


@pytest.mark.parametrize("stage", ["offering", "talking"])
async def test_keys_of_a_conversation_are_nobodys(tmp_path: Path, exchange: Exchange, stage: str) -> None:
    led = Led(tmp_path, exchange, RING)
    async with led.room() as room:
        call_id = await led.call(room)
        await room.until(lambda: room.phase(call_id, "agent") == "dialling")
        if stage == "talking":
            exchange.answers(room.channel(call_id, "agent"))
            await room.until(lambda: room.stage(call_id) == "talking")
        await led.presses(room, "4")
        exchange.ends(CAME, 16)
        await room.ended(call_id)
        text = await written(room, call_id)
    assert '"digit":"•"' in text
    assert '"digit":"4"' not in text


# -- what the house says -----------------------------------------------------------------------------------------------


async def outcome(led: Led) -> str:
    """What came of the first node."""
    async with led.room() as room:
        call_id = await led.call(room)
        await room.until(lambda: len(way(room.call(call_id))) > 1)
        first = way(room.call(call_id))[0]
        led.exchange.ends(CAME, 16)
        await room.ended(call_id)
    return first


async def test_the_house_answers(tmp_path: Path, exchange: Exchange) -> None:
    assert await outcome(Led(tmp_path, exchange, OPEN, Answer("open"))) == "hours=open"


@pytest.mark.parametrize("failure", [ZeroDivisionError("ours"), Unavailable("PostgreSQL is away")])
async def test_a_house_that_fails_is_an_error_of_the_node(
    tmp_path: Path, exchange: Exchange, failure: Exception
) -> None:
    with capture_logs() as logs:
        assert await outcome(Led(tmp_path, exchange, OPEN, failure)) == "hours=error"
    assert [line["question"] for line in logs if line["event"] == "scenario.question_failed"] == ["AskHours"]


async def test_why_a_node_went_wrong_is_in_the_log(tmp_path: Path, exchange: Exchange) -> None:
    count = Set(values={Variable("pin"): Expression("string(1 / size(''))")}, next=END)
    with capture_logs() as logs:
        assert await outcome(Led(tmp_path, exchange, program(count=count))) == "count=error"
    told = [line["what"] for line in logs if line["event"] == "scenario.fault"]
    assert told == ["main/count: `string(1 / size(''))`: divide by zero"]


async def test_an_engine_that_knows_nothing_says_so(tmp_path: Path, exchange: Exchange) -> None:
    assert await outcome(Led(tmp_path, exchange, OPEN, no_desk=True)) == "hours=error"


async def test_a_message_is_stored(tmp_path: Path, exchange: Exchange) -> None:
    message = Voicemail(mailbox=Slug("sales"), prompt=say("Parlez"), next=END, on={"empty": END})
    led = Led(tmp_path, exchange, program(message=message), Answer("left"))
    async with led.room() as room:
        call_id = await led.call(room)
        await led.hears(room)
        await room.until(lambda: exchange.recordings)
        (name,) = exchange.recordings
        exchange.ends(CAME, 16)
        exchange.recording_ends(name, 6.5)
        await room.ended(call_id)
        row = await record_of(room)
    ((_, question),) = led.desk.asked
    assert isinstance(question, StoreMessage)
    assert (question.mailbox, question.seconds, row["outcome"]) == ("sales", 6.5, "voicemail_left")


# -- who is reached ----------------------------------------------------------------------------------------------------


async def test_an_agent_is_rung_and_they_talk(tmp_path: Path, exchange: Exchange) -> None:
    led = Led(tmp_path, exchange, RING)
    async with led.room() as room:
        call_id = await led.call(room)
        await room.until(lambda: room.phase(call_id, "agent") == "dialling")
        assert exchange.given(fx.Ring) == [fx.Ring(channel=CAME)]
        assert not room.registry.is_free(Slug("alice"))
        exchange.answers(room.channel(call_id, "agent"))
        await room.until(lambda: room.stage(call_id) == "talking")
        exchange.ends(room.channel(call_id, "agent"), 16)
        assert (await room.ended(call_id)).outcome == "answered"
        row = await record_of(room)
    assert (row["agent_id"], row["ivr_path"]) == ("alice", ["main/ring=talked"])


async def test_an_agent_without_a_telephone_is_nobody(tmp_path: Path, exchange: Exchange) -> None:
    led = Led(tmp_path, exchange, RING)
    async with led.room() as room:
        exchange.phones = {}
        call_id = await led.call(room)
        await room.until(lambda: len(way(room.call(call_id))) > 1)
        assert way(room.call(call_id))[0] == "ring=nobody"


async def test_an_agent_who_is_unknown_is_an_error(tmp_path: Path, exchange: Exchange) -> None:
    ring = program(ring=Ring(agents=(Slug("nobody-we-know"),), next=END))
    with capture_logs() as logs:
        assert await outcome(Led(tmp_path, exchange, ring)) == "ring=error"
    assert [line["whom"] for line in logs if line["event"] == "scenario.nobody_reached"] == ["Agents"]


async def test_a_directory_that_fails_is_an_error(
    tmp_path: Path, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(exchange, "registered_phones", fails)
    with capture_logs() as logs:
        assert await outcome(Led(tmp_path, exchange, RING)) == "ring=error"
    assert [line["log_level"] for line in logs if line["event"] == "scenario.plan_failed"] == ["error"]


# -- a scenario that is lost -------------------------------------------------------------------------------------------


MENU = program(menu=Menu(prompt=say("Tapez"), keys={"1": END}, on={"no_input": END, "no_match": END}))


async def test_a_restart_in_a_menu_says_it_again(tmp_path: Path, exchange: Exchange) -> None:
    led = Led(tmp_path, exchange, MENU)
    async with led.room() as room:
        call_id = await led.call(room)
        await room.until(lambda: exchange.playbacks)
        (before,) = exchange.playbacks
    async with led.room() as room:
        await led.comes_back(room)
        await room.until(lambda: exchange.playbacks and before not in exchange.playbacks)
        await led.presses(room, "1")
        await room.until(lambda: "menu=key 1" in way(room.call(call_id)))


async def test_a_restart_without_the_scenario_ends_the_call_and_says_why(tmp_path: Path, exchange: Exchange) -> None:
    led = Led(tmp_path, exchange, MENU)
    async with led.room() as room:
        call_id = await led.call(room)
        await room.until(lambda: exchange.playbacks)
    led.published.program = None
    with capture_logs() as logs:
        async with led.room() as room:
            await led.comes_back(room)
            verdict = await room.ended(call_id)
    assert (verdict.outcome, verdict.rule) == ("abandoned", "scenario-lost")
    assert [line["scenario"] for line in logs if line["event"] == "scenario.lost"] == ["main"]
