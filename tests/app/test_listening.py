"""What Asterisk tells reaches the calls room in order; audits run beside, one at a time, and cost nobody anything."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from engine.app.listening import STARTED, Listener
from engine.ari.errors import Unreachable
from engine.ari.events import decode
from engine.ari.messages import Connected, Disconnected, Message, Received, Replaced, Resnapshot
from engine.ari.resources import ChannelSnapshot, Dialplan
from engine.calls.reconcile import Picture
from engine.domain.events import ChannelEnded, Event
from engine.errors import JournalUnwritable
from tests.app.test_misfortune import Facts, snapshot
from tests.ari.fake_asterisk import channel, event
from tests.calls.conftest import exchange, room
from tests.calls.exchange import Exchange
from tests.calls.room import Room

__all__ = ["exchange", "room"]


class Ari:
    """What is asked of it is remembered, or refused."""

    app = "standardiste"

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.refuses = False

    async def subscribe(self, source: str) -> None:
        self._take(f"subscribe {source}")

    async def hang_up(self, channel: str) -> None:
        self._take(f"hang up {channel}")

    def _take(self, what: str) -> None:
        self.asked.append(what)
        if self.refuses:
            raise Unreachable(what, "nobody listens")


class Reconciler:
    """Audits that last until they are let go, or fail."""

    def __init__(self) -> None:
        self.audits = 0
        self.may_end = asyncio.Event()
        self.fails = False

    async def connected(self, picture: Picture) -> None:
        pass

    def asterisk_restarted(self) -> None:
        pass

    async def audit(self, picture: Picture) -> None:
        self.audits += 1
        await self.may_end.wait()
        if self.fails:
            raise ZeroDivisionError("a defect of ours")


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - bounded
            await asyncio.sleep(0.001)


class Closed:
    """A door where nobody comes in; who tried is remembered."""

    def __init__(self) -> None:
        self.knocked: list[str] = []

    def enter(self, channel: Any, args: tuple[str, ...]) -> bool:
        self.knocked.append(channel.id)
        return False


def listening(
    room: Room, facts: Facts, reconciler: Any = None, door: Any = None, ari: Any = None
) -> tuple[Listener, list[tuple[int, bool]]]:
    epochs: list[tuple[int, bool]] = []
    listener = Listener(room.clock, facts, on_connected=lambda epoch, new: epochs.append((epoch, new)))
    listener.attach(
        room.registry, reconciler or room.reconciler, ari or cast("Any", Ari()), door or cast("Any", Closed())
    )
    return listener, epochs


async def test_an_event_goes_to_the_call_it_is_about(room: Room) -> None:
    listener, _ = listening(room, Facts())
    call_id = await room.agent_rung()
    leg = room.channel(call_id, "agent")
    await listener.take(Received(1, decode(event("ChannelDestroyed", channel=channel(leg), cause=17, tech_cause=486))))
    assert (await room.ended(call_id)).outcome == "agent_busy"


@pytest.mark.parametrize("in_the_clear", [True, False])
async def test_an_answer_that_was_hung_up_on_counts_for_nothing(room: Room, in_the_clear: bool) -> None:
    asked: list[str] = []

    async def hangs_up(answered: ChannelSnapshot) -> bool:
        asked.append(answered.id)
        return in_the_clear

    listener = Listener(room.clock, Facts(), in_the_clear=hangs_up)
    listener.attach(room.registry, cast("Any", room.reconciler), cast("Any", Ari()), cast("Any", Closed()))
    call_id = await room.agent_rung()
    leg = room.channel(call_id, "agent")
    for told in (
        event("Dial", dialstatus="ANSWER", peer=channel(leg)),
        event("ChannelStateChange", channel=channel(leg)),
        event("ChannelDestroyed", channel=channel(leg), cause=58, tech_cause=488),
    ):
        await listener.take(Received(1, decode(told)))
    await room.ended(call_id)
    assert (asked, "ChannelAnswered" in await room.events(call_id)) == (
        [leg] if in_the_clear else [leg, leg],
        not in_the_clear,
    )


async def test_an_event_about_nothing_of_ours_is_let_go(room: Room) -> None:
    listener, _ = listening(room, Facts())
    for kind in ("ChannelDestroyed", "StasisEnd", "ChannelTeleported"):
        await listener.take(Received(1, decode(event(kind, channel=channel("1795201746.1"), cause=16))))
    await listener.take(Received(1, decode(event("StasisStart", channel=channel("1795201746.1"), args=["queue"]))))
    assert room.exchange.orders == []


CALLER = "1795201746.1"


async def told_of_a_caller(room: Room, *kinds: str) -> list[Event]:
    """What a call would be told of a caller's channel when Asterisk tells this."""
    listener, _ = listening(room, Facts())
    room.registry.expect(CALLER)
    for kind in kinds:
        await listener.take(Received(1, decode(event(kind, channel=channel(CALLER), cause=21, tech_cause=603))))
    return room.registry._expected[CALLER]


async def test_a_caller_who_hangs_up_has_ended_when_the_channel_leaves_us(room: Room) -> None:
    (ended,) = await told_of_a_caller(room, "ChannelHangupRequest", "ChannelHangupRequest", "StasisEnd", "StasisEnd")
    assert isinstance(ended, ChannelEnded)
    assert (ended.channel, ended.cause, ended.sip_code) == (CALLER, 21, 603)


async def test_a_caller_we_hang_up_on_has_a_cause_of_the_network(room: Room) -> None:
    """Seen with Asterisk 22: `DELETE` of a channel tells of the flag AST_SOFTHANGUP_EXPLICIT where the cause stands."""
    listener, _ = listening(room, Facts())
    room.registry.expect(CALLER)
    asked = event("ChannelHangupRequest", channel=channel(CALLER), cause=32, soft=True)
    for told in (asked, event("StasisEnd", channel=channel(CALLER))):
        await listener.take(Received(1, decode(told)))
    (ended,) = room.registry._expected[CALLER]
    assert isinstance(ended, ChannelEnded)
    assert ended.cause == 16


async def test_a_caller_sent_back_to_the_dialplan_has_not_hung_up(room: Room) -> None:
    assert await told_of_a_caller(room, "StasisEnd") == []


async def test_whom_we_called_has_ended_when_asterisk_says_so_and_not_before(room: Room) -> None:
    listener, _ = listening(room, Facts())
    call_id = await room.agent_rung()
    leg = room.channel(call_id, "agent")
    for kind in ("ChannelHangupRequest", "StasisEnd"):
        await listener.take(Received(1, decode(event(kind, channel=channel(leg), cause=17))))
    assert listener._hanging_up == {}
    await listener.take(Received(1, decode(event("ChannelDestroyed", channel=channel(leg), cause=17, tech_cause=486))))
    assert (await room.ended(call_id)).outcome == "agent_busy"


def caller(name: str, *args: str, state: str = "Ring", app: str = "standardiste") -> ChannelSnapshot:
    """A channel in an application, as a snapshot shows it."""
    inside = Dialplan(app_name="Stasis", app_data=",".join([app, *args]))
    return ChannelSnapshot(id=name, name=f"PJSIP/x-{name}", state=state, dialplan=inside)


WAITS = ("inbound", "trunk-paris-1", "+33140000020")


@pytest.mark.parametrize("refuses", [False, True])
async def test_after_a_death_each_caller_is_let_in_followed_or_let_go(room: Room, refuses: bool) -> None:
    """The last engine may have died between a caller's coming in and the first thing it wrote of the call."""
    ari, door = Ari(), Closed()
    ari.refuses = refuses
    listener, _ = listening(room, Facts(), door=door, ari=ari)
    call_id = await room.agent_rung()
    room.registry._guests["has-a-call"] = call_id
    seen = snapshot(
        "nine",
        caller("waits", *WAITS),
        caller("has-a-call", *WAITS, state="Up"),
        caller("left-over", *WAITS, state="Up"),
        caller("a-feature", "queue", state="Up"),
        caller("of-another", *WAITS, app="other"),
        caller(room.channel(call_id, "agent")),
    )
    with capture_logs() as logs:
        await listener._who_waits(seen)
    assert door.knocked == ["waits"]
    assert ari.asked == ["subscribe channel:waits", "subscribe channel:has-a-call", "hang up left-over"]
    assert len(logs) == 3 * refuses  # and the others are served all the same


async def test_each_connection_is_an_epoch_and_a_start_known_is_not_written_again(room: Room) -> None:
    facts = Facts()
    listener, epochs = listening(room, facts)
    await listener.take(Connected(1, snapshot("nine"), False))
    assert facts.kept == {STARTED: b"nine"}
    facts.full = True
    with capture_logs() as logs:
        await listener.take(Connected(2, snapshot("nine"), False))
    assert (epochs, logs) == ([(1, False), (2, False)], [])


async def test_an_asterisk_that_restarted_while_nobody_was_there_is_noticed(tmp_path: Path, exchange: Exchange) -> None:
    facts = Facts()
    async with Room(tmp_path, exchange) as first:
        await listening(first, facts)[0].take(Connected(1, snapshot("nine"), False))
        call_id = await first.talking()
    exchange.channels.clear()
    exchange.bridges.clear()
    async with Room(tmp_path, exchange) as second:
        await second.service.resume()
        listener, epochs = listening(second, facts)
        await listener.take(Connected(1, snapshot("ten"), False))
        assert (await second.ended(call_id)).outcome == "asterisk_lost"
        assert epochs == [(1, True)]


async def test_a_journal_that_cannot_be_read_loses_no_connection(room: Room) -> None:
    class Unreadable(Facts):
        async def get(self, name: str) -> bytes | None:
            raise JournalUnwritable("the disk is gone")

    listener, epochs = listening(room, Unreadable())
    with capture_logs() as logs:
        await listener.take(Connected(1, snapshot("nine"), False))
        await listener.take(Connected(2, snapshot("ten"), False))  # known from memory by now
    assert next(line["event"] for line in logs) == "asterisk.start_unknown"
    assert epochs == [(1, False), (2, True)]


@pytest.mark.parametrize(("message", "replaced"), [(Disconnected(1, "cut"), False), (Replaced(1), True)])
async def test_a_loss_is_said_and_a_successor_ends_it(room: Room, message: Message, replaced: bool) -> None:
    listener, _ = listening(room, Facts())
    await listener.take(message)
    assert listener.replaced.is_set() is replaced


async def test_audits_run_beside_the_events_one_at_a_time(room: Room) -> None:
    reconciler = Reconciler()
    listener, _ = listening(room, Facts(), reconciler)
    for epoch in (1, 1, 2):
        await asyncio.wait_for(listener.take(Resnapshot(epoch, snapshot("nine"))), 1)
        await until(lambda: reconciler.audits == 1)
    reconciler.may_end.set()
    await until(lambda: listener._audit is not None and listener._audit.done())
    await listener.take(Resnapshot(2, snapshot("nine")))
    await until(lambda: reconciler.audits == 2)


async def test_an_audit_that_fails_is_said_and_the_next_one_runs(room: Room) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    reconciler = Reconciler()
    reconciler.fails = True
    reconciler.may_end.set()
    listener, _ = listening(room, Facts(), reconciler)
    with capture_logs() as logs:
        await listener.take(Resnapshot(1, snapshot("nine")))
        await until(lambda: [line["event"] for line in logs] == ["asterisk.audit_failed"])
        await listener.take(Resnapshot(1, snapshot("nine")))
        await until(lambda: reconciler.audits == 2 and len(logs) == 2)
    assert complaints == []


async def test_what_an_audit_finds_is_told_to_its_call(room: Room, exchange: Exchange) -> None:
    listener, _ = listening(room, Facts())
    call_id = await room.talking()
    exchange.deaf = True
    exchange.ends(room.channel(call_id, "customer"), 16)
    exchange.deaf = False
    await listener.take(Resnapshot(1, snapshot("nine")))  # it shows no channel at all
    assert (await room.ended(call_id)).outcome == "answered"
