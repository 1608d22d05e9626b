"""The trunks' channels: what is held follows from what calls are, so nothing leaks, and nobody gets one too many."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.calls.trunks import TrunkBoard
from engine.domain import effects as fx
from engine.domain import events as ev
from engine.domain import ids, machine
from engine.domain.call import Call, trunks_held
from engine.domain.effects import ChooseTrunk
from engine.domain.events import CallRequested, Event
from engine.domain.values import CallId, Slug
from tests.calls.exchange import Exchange
from tests.calls.room import CRM, Room, Source, agent, directory, trunk
from tests.domain.calls import AGENT_MOBILE, CUSTOMER, asked, asked_sip, moment, trunks

NAMES = tuple(Slug(name) for name in ("paris-1", "paris-2", "lyon-1"))
CHANNELS = 3


class Nobody:
    def is_down(self, trunk: Slug) -> bool:
        return False

    def held_by_others(self, trunk: Slug) -> int:
        return 0


class Board(RuleBasedStateMachine):
    """Calls live at random, their answers come at random; the board is asked as the room asks it."""

    @initialize()
    def empty(self) -> None:
        held = directory(*(trunk(name, channels=CHANNELS) for name in NAMES))
        self.board = TrunkBoard(Source(held), Nobody())
        self.calls: dict[CallId, Call] = {}
        self.answers: list[tuple[CallId, Event]] = []
        self.now, self.number = 0.0, 0

    @rule(sip=st.booleans(), begins=st.booleans())
    def asks(self, sip: bool, begins: bool) -> None:
        """As the room accepts: choose, reserve, and then begin, or not."""
        for_agent = None if sip else self.board.choose(NAMES)
        taken = Counter([for_agent] if for_agent is not None else [])
        customer = self.board.choose(NAMES, taken=taken)
        if customer is None or (for_agent is None and not sip):
            return
        self.number += 1
        call_id = CallId(f"01931f6e-7c1a-7b3a-8f7a-{self.number:012d}")
        self.board.reserve(call_id, [t for t in (for_agent, customer) if t is not None])
        if not begins:
            self.board.release(call_id)
            return
        for_customer = sorted(trunks(CUSTOMER, *NAMES), key=lambda route: route.trunk != customer)
        if sip:
            request = asked_sip(1, customer_routes=tuple(for_customer))
        else:
            routes = sorted(trunks(AGENT_MOBILE, *NAMES), key=lambda route: route.trunk != for_agent)
            request = asked(agent_routes=tuple(routes), customer_routes=tuple(for_customer), confirm=False)
        call, effects = machine.begin(call_id, CallRequested(at=moment(self.now), request=request))
        self._settle(call, effects)

    @precondition(lambda self: self.answers)
    @rule(data=st.data(), well=st.sampled_from([True, True, True, False]))
    def asterisk_answers(self, data: st.DataObject, well: bool) -> None:
        number = data.draw(st.integers(0, len(self.answers) - 1))
        call_id, event = self.answers.pop(number)
        if not well and isinstance(event, ev.ChannelReady):
            event = ev.ChannelRefused(at=event.at, channel=event.channel, why="no")
        self._step(call_id, event)

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), what=st.sampled_from(["answers", "refuses", "busy", "finish", "lost", "timer", "prompt"]))
    def something_happens(self, data: st.DataObject, what: str) -> None:
        call = self.calls[data.draw(st.sampled_from(sorted(self.calls)))]
        living = [attempt.channel for leg in call.legs.values() for attempt in leg.live]
        at = moment(self.now)
        event: Event | None = None
        if living and what in ("answers", "refuses", "busy"):
            channel = data.draw(st.sampled_from(living))
            event = (
                ev.ChannelAnswered(at=at, channel=channel)
                if what == "answers"
                else ev.ChannelEnded(at=at, channel=channel, cause=34 if what == "refuses" else 17)
            )
        elif what == "finish":
            event = ev.FinishOrdered(at=at, by="api")
        elif what == "lost":
            event = ev.AsteriskLost(at=at)
        elif what == "prompt" and call.playbacks:
            event = ev.PlaybackEnded(at=at, playback=next(iter(call.playbacks)), heard=True)
        elif what == "timer" and call.timers:
            name, due = min(call.timers.items(), key=lambda timer: timer[1])
            self.now = max(self.now, due)
            event = ev.TimerFired(at=moment(self.now), timer=name)
        if event is not None:
            self._step(call.id, event)

    def _step(self, call_id: CallId, event: Event) -> None:
        call = self.calls.get(call_id)
        if call is not None:
            self._settle(*machine.step(call, event))

    def _settle(self, call: Call, effects: tuple[fx.Effect, ...]) -> None:
        self.calls[call.id] = call
        self.board.update(call)
        at = moment(self.now)
        for effect in effects:
            answer: Event | None = None
            match effect:
                case fx.CreateChannel(channel=channel):
                    answer = ev.ChannelReady(at=at, channel=channel)
                case fx.DialChannel(channel=channel):
                    answer = ev.DialSent(at=at, channel=channel)
                case fx.JoinBridge(channel=channel, bridge=bridge):
                    answer = ev.ChannelJoined(at=at, channel=channel, bridge=bridge)
                case fx.HangUp(channel=channel):
                    answer = ev.ChannelEnded(at=at, channel=channel, cause=16)
                case ChooseTrunk(role=role, candidates=candidates):
                    chosen = self.board.choose_for(call, candidates)
                    answer = ev.TrunkChosen(at=at, role=role, trunk=chosen)
            if answer is not None:
                self.answers.append((call.id, answer))
        if call.closed:
            del self.calls[call.id]

    @invariant()
    def what_is_held_is_what_calls_hold(self) -> None:
        if not hasattr(self, "board"):
            return
        held = Counter(trunk for call in self.calls.values() for trunk in trunks_held(call))
        in_use = Counter(self.board.in_use())
        seeking = sum(leg.seeking for call in self.calls.values() for leg in call.legs.values())
        assert held <= in_use
        assert in_use.total() - held.total() <= seeking  # besides, what was promised to a call on its way
        assert all(count <= CHANNELS for count in in_use.values())

    def teardown(self) -> None:
        for call in list(self.calls.values()):
            self._step(call.id, ev.AsteriskLost(at=moment(self.now)))
        assert self.board.in_use() == {}
        assert all(self.board.free(name) == CHANNELS for name in NAMES)


TestBoard = Board.TestCase
TestBoard.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)


def test_a_trunk_that_is_gone_or_off_has_nothing_free() -> None:
    board = TrunkBoard(Source(directory(trunk("paris-1", enabled=False))), Nobody())
    assert [board.free(Slug(name)) for name in ("paris-1", "nowhere")] == [0, 0]
    assert board.choose([Slug("paris-1"), Slug("nowhere")]) is None


def test_a_trunk_made_smaller_is_over_full_and_takes_nobody() -> None:
    source = Source(directory(trunk("paris-1", channels=4)))
    board = TrunkBoard(source, Nobody())
    call = CallId("01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e01")
    board.reserve(call, [Slug("paris-1")] * 3)
    source.directory = directory(trunk("paris-1", channels=2))
    assert board.free(Slug("paris-1")) == -1
    assert board.choose([Slug("paris-1")]) is None
    board.release(call)
    board.release(call)
    assert board.free(Slug("paris-1")) == 2


# -- through the room --------------------------------------------------------------------------------------------------


async def test_two_calls_that_fail_over_at_once_do_not_take_the_same_last_channel(
    room: Room, exchange: Exchange
) -> None:
    """Both ask in the same turn, before either has its new channel."""
    room.source.directory = directory(trunk("paris-1", channels=4), trunk("paris-2", channels=1, priority=20))
    first, second = await room.customer_dialled("alice"), await room.customer_dialled("bruno")
    for call_id in (first, second):
        exchange.ends(room.channel(call_id, "customer"), 34, 503)
    await room.until(lambda: {room.stage(first), room.stage(second)} == {"reaching-customer", "explaining"})
    assert room.board.in_use() == {"paris-1": 2, "paris-2": 1}
    await room.quiet()
    rung = [order.endpoint for order in exchange.given(fx.CreateChannel) if isinstance(order, fx.CreateChannel)]
    assert sum(endpoint.endswith("trunk-paris-2") for endpoint in rung) == 1


async def test_a_promise_is_kept_while_something_else_happens(room: Room, exchange: Exchange) -> None:
    room.source.directory = directory(trunk("paris-1", channels=4), trunk("paris-2", channels=1, priority=20))
    first, second = await room.customer_dialled("alice"), await room.customer_dialled("bruno")
    channel = room.channel(first, "customer")
    exchange.ends(channel, 34, 503)
    for digit in "123":  # these are taken before the trunks' answer
        exchange.presses(room.channel(first, "agent"), digit)
    exchange.ends(room.channel(second, "customer"), 34, 503)
    await room.until(lambda: room.stage(second) == "explaining" or room.stage(first) == "explaining")
    await room.quiet()
    assert room.board.in_use() == {"paris-1": 2, "paris-2": 1}


async def test_a_promise_nobody_takes_up_is_given_back(room: Room, exchange: Exchange) -> None:
    room.source.directory = directory(trunk("paris-1", channels=4), trunk("paris-2", channels=1, priority=20))
    call_id = await room.customer_dialled()
    room.notary.gate = asyncio.Event()
    exchange.ends(room.channel(call_id, "customer"), 34, 503)
    finishing = asyncio.create_task(room.service.finish(call_id, CRM))
    await room.until(lambda: room.task(call_id)._mailbox.qsize() == 1)
    room.notary.gate.set()
    await room.ended(call_id)
    await finishing
    assert room.board.in_use() == {}


@pytest.mark.parametrize("down", [set(), {"paris-2"}])
async def test_a_call_goes_on_by_the_next_trunk_that_answers(room: Room, exchange: Exchange, down: set[str]) -> None:
    three = (trunk("paris-1"), trunk("paris-2", priority=20), trunk("lyon-1", site="lyon", priority=1))
    room.source.directory = directory(*three, agent("alice"), allow_other_sites=True)
    call_id = await room.customer_dialled()
    exchange.down = {Slug(name) for name in down}
    exchange.ends(room.channel(call_id, "customer"), 34, 503)
    await room.until(lambda: ids.channel_id(call_id, "customer", 2) in exchange.dials)
    tried = [attempt.route.trunk for attempt in room.call(call_id).customer.attempts]
    assert tried == ["paris-1", "lyon-1" if down else "paris-2"]
    assert ids.channel_id(call_id, "customer", 2) in exchange.dials


@pytest.mark.parametrize(("others", "chosen"), [(0, "paris-1"), (1, "paris-1"), (2, "lyon-1"), (9, "lyon-1")])
def test_no_call_is_promised_a_channel_that_an_emergency_call_holds(others: int, chosen: str) -> None:
    """Which may be more than the trunk has: an emergency call asks nobody."""
    exchange = Exchange()
    exchange.others[Slug("paris-1")] = others
    board = TrunkBoard(Source(directory(trunk("paris-1", channels=2), trunk("lyon-1"))), exchange)
    assert board.choose([Slug("paris-1"), Slug("lyon-1")]) == chosen


async def test_what_calls_hold_is_known_again_after_a_restart(tmp_path: Any, exchange: Exchange) -> None:
    async with Room(tmp_path, exchange) as first:
        await first.talking("alice")
        await first.agent_rung("bruno")
        before = first.board.in_use()
    async with Room(tmp_path, exchange) as second:
        await second.service.resume()
        assert (second.board.in_use(), before) == ({"paris-1": 4}, {"paris-1": 4})
