"""Callers at the door: let in once, or told why not."""

import asyncio
import re
from collections.abc import Coroutine
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from engine.app.door import Door
from engine.ari.errors import NotFound
from engine.ari.resources import ChannelSnapshot, Party
from engine.calls.arriving import Came
from engine.calls.contract import Accepted
from engine.config.render import DIALPLAN
from engine.domain.missed import CAUSES, told
from engine.domain.values import CallId
from engine.errors import Refused, StandardisteError

CALLER = ChannelSnapshot(
    id="1795201746.1", name="PJSIP/trunk-paris-1-1", state="Ring", caller=Party(number="+33612345678")
)
INBOUND = ("inbound", "trunk-paris-1", "+33140000001")


class Room:
    """Calls that answer as told, an Asterisk that remembers where callers were sent."""

    def __init__(self) -> None:
        self.came: list[Came] = []
        self.expected: list[str] = []
        self.answer: Exception | None = None
        self.gone = False
        self.sent: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.door = Door(self, cast("Any", self), self.spawn, self.ready, self)

    async def ready(self) -> None:
        await self.open.wait()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.create_task(work))

    def expect(self, came: Came) -> None:
        self.expected.append(came.channel)

    async def dialled(self, came: Came) -> str:
        if self.answer is not None:
            raise self.answer
        return f"set{came.dialled[-1]}"

    async def arrive(self, came: Came) -> Accepted:
        self.came.append(came)
        if self.answer is not None:
            raise self.answer
        return Accepted(id=CallId("c"), state="reaching-agent")

    async def continue_in_dialplan(self, channel: str, context: str, *, exten: str) -> None:
        if self.gone:
            raise NotFound("POST /continue", f"no channel {channel}", 404)
        self.sent.append(f"{context} {exten}")

    async def settled(self) -> None:
        await asyncio.gather(*self.tasks)


async def test_a_caller_is_let_in_once() -> None:
    room = Room()
    assert room.door.enter(CALLER, INBOUND)
    assert room.expected == [CALLER.id]  # before anything else can be heard of it
    assert room.door.enter(CALLER, INBOUND)  # told again by a snapshot
    await room.settled()
    assert [(c.endpoint, c.dialled, c.caller) for c in room.came] == [("trunk-paris-1", "+33140000001", "+33612345678")]
    assert room.sent == []


async def test_whom_a_redirected_caller_wanted_is_known() -> None:
    room = Room()
    assert room.door.enter(CALLER, (*INBOUND, "0140000009"))
    await room.settled()
    assert [came.redirected_from for came in room.came] == ["0140000009"]


@pytest.mark.parametrize("args", [(), ("else",), ("inbound",), ("inbound", "a", "b", "c", "d"), ("probe", "x", "1")])
async def test_whom_the_dialplan_did_not_send_is_let_be(args: tuple[str, ...]) -> None:
    room = Room()
    assert not room.door.enter(CALLER, args)
    assert room.tasks == []


@pytest.mark.parametrize(
    ("refused", "exten"),
    [
        (Refused("busy", rule="agent-busy", status=409), "busy"),
        (Refused("no", rule="destination-premium", status=403), "not-permitted"),
        (Refused("no", rule="limit-reached", status=429), "not-permitted"),
        (Refused("whose?", rule="unknown-number", status=404), "unknown"),
        (Refused("full", rule="trunk-full", status=503), "nobody"),
        (StandardisteError("the disk is full"), "nobody"),
        (ValueError("a fault of ours"), "nobody"),
    ],
)
async def test_who_cannot_come_in_is_told(refused: Exception, exten: str) -> None:
    room = Room()
    room.answer = refused
    with capture_logs():
        room.door.enter(CALLER, INBOUND)
        await room.settled()
    assert room.sent == [f"standardiste-refusal {exten}"]
    assert room.door.enter(CALLER, INBOUND)  # and may try again
    await room.settled()


def test_the_dialplan_tells_the_network_what_the_record_says() -> None:
    refusals = DIALPLAN.read_text().partition("[standardiste-refusal]")[2].partition("\n[")[0]
    causes = {}
    for extension in refusals.split("exten => ")[1:]:
        word = extension.partition(",")[0]
        ended = re.search(r"Hangup\((\d+)\)", extension)
        causes[word] = int(ended[1]) if ended else 17  # Busy()
    assert CAUSES.items() <= causes.items()


async def test_who_comes_before_we_are_ready_waits_at_the_door() -> None:
    """Calls taken too early would all be refused: Asterisk is not read yet, and no number stands for anybody."""
    room = Room()
    room.open.clear()
    assert room.door.enter(CALLER, INBOUND)
    await asyncio.sleep(0)
    assert room.expected == [CALLER.id]
    assert room.came == []
    room.open.set()
    await room.settled()
    assert len(room.came) == 1


async def test_nobody_waits_at_the_door_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.app.door.READY_WITHIN_S", 0.0)
    room = Room()
    room.open.clear()
    room.answer = Refused("not yet", rule="not-ready", status=503)
    room.door.enter(CALLER, INBOUND)
    await room.settled()
    assert room.sent == ["standardiste-refusal nobody"]


async def test_who_left_meanwhile_is_not_sent_anywhere() -> None:
    room = Room()
    room.answer, room.gone = Refused("busy", rule="agent-busy", status=409), True
    with capture_logs() as logs:
        room.door.enter(CALLER, INBOUND)
        await room.settled()
    assert "ari.stranger_stays" in [line["event"] for line in logs]


def test_a_rule_nobody_foresaw_means_that_nobody_can_take_the_call() -> None:
    assert told("something-new") == "nobody"


async def test_a_code_is_no_call_and_what_became_of_it_is_told() -> None:
    room = Room()
    assert room.door.enter(CALLER, ("code", "marie-k7", "801"))
    await room.settled()
    assert (room.sent, room.expected, room.came) == (["standardiste-incident set1"], [], [])


async def test_a_code_that_is_refused_is_told_too() -> None:
    room = Room()
    room.answer = Refused("no", rule="incidents-not-permitted", status=403)
    room.door.enter(CALLER, ("code", "marie-k7", "801"))
    await room.settled()
    assert room.sent == ["standardiste-refusal not-permitted"]
