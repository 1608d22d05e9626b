"""Whatever the order, loss, doubling and death: one call ends once, owning nothing, and its journal says it all.

The rules of the state machine are all that can happen to a call (`world.py`); hypothesis looks for the story that
breaks a promise and tells its shortest form.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.domain import machine
from engine.domain.cdr import Disposition
from engine.domain.directory import Strategy
from engine.domain.request import ConnectRequest, Member
from engine.domain.scenario.graph import Limits, Menu, NodeName, Notify, Program, Record, Ring, Voicemail
from engine.domain.stages import Confirming, Offering, Scripted
from engine.domain.values import Slug
from tests.domain.calls import (
    AGENT_MOBILE,
    CALL,
    CUSTOMER,
    asked,
    asked_by_customer,
    asked_by_phone,
    asked_inside,
    asked_of_group,
    asked_sip,
    member,
    phones,
    trunk_route,
    trunks,
)
from tests.domain.house import House
from tests.domain.led_calls import asked_of_scenario
from tests.domain.legality import check_record
from tests.domain.scenario.caller import of, say
from tests.domain.scenario.programs import OPEN, PROGRAMS
from tests.domain.world import World

AGAIN = NodeName("again")
TALKATIVE = (
    of(
        {
            "ring": Ring(agents=(Slug("m1"),), on={"not_taken": AGAIN, "after": AGAIN}),
            "again": Ring(agents=(Slug("m2"),), on={"not_taken": NodeName("message"), "after": NodeName("ring")}),
            "message": Voicemail(mailbox=Slug("box"), prompt=say("Parlez"), next=NodeName("sorry")),
        },
        limits=Limits(visits=3),
    ),
    of(
        {
            "menu": Menu(prompt=say("Tapez"), keys={"1": AGAIN}, on={"no_input": NodeName("message")}),
            "again": Ring(agents=(Slug("m1"),), on={"not_taken": NodeName("message"), "after": NodeName("menu")}),
            "message": Record(prompt=say("Parlez"), next=NodeName("menu")),
            "told": Notify(event="gone", next=NodeName("sorry")),
        },
        on_hangup=NodeName("told"),
        limits=Limits(visits=3),
    ),
)
"""Programs in which callers talk, come back, and talk again."""
ASKED_FOR_A_KEY = (Confirming, Offering, Scripted)
SOME = st.integers(min_value=0, max_value=7)
SOLD = Disposition(code="sold", note="two of them", fields={"basket": 2})

Rule = TypeVar("Rule", bound=Callable[..., Any])


@dataclass(frozen=True)
class Asked:
    """What is asked, in a form that is short to read when a story is told."""

    phones: int = 0  # 0: the agent's mobile
    agent_trunks: int = 1
    customer_trunks: int = 1
    early: bool = False
    confirm: bool = False
    notice: str = "tone"
    comes: Literal["", "dialled", "inside", "inbound", "group", "led"] = ""  # who called us, and how
    strategy: Strategy = "ring_all"
    max_talk_s: int = 3600
    mobiles: int = 0  # of the group's three members, or the scenario's
    program: Program | None = None  # of a caller led by a scenario

    @property
    def members(self) -> list[Member]:
        return [member(f"m{n}", mobile=n <= self.mobiles) for n in (1, 2, 3)]

    @property
    def house(self) -> House | None:
        return None if self.program is None else House(self.program, self.members)

    def request(self) -> ConnectRequest:
        shared = {
            "notice": self.notice,
            "customer_routes": trunks(CUSTOMER, "paris-1", "paris-2")[: self.customer_trunks],
            "confirm": self.confirm,
            "max_talk_s": self.max_talk_s,
            "warn_s": 5,
        }
        if self.comes == "inside":
            return asked_inside(customer_routes=phones(self.customer_trunks))
        if self.comes == "dialled":
            return asked_by_phone(customer_routes=shared["customer_routes"])
        if self.comes in ("led", "group", "inbound"):
            return self._inbound()
        if self.phones:
            return asked_sip(self.phones, **shared)
        routes = [trunk_route(AGENT_MOBILE, name, answers_early=self.early) for name in ("paris-1", "paris-2")]
        return asked(agent_routes=tuple(routes[: self.agent_trunks]), **shared)

    def _inbound(self) -> ConnectRequest:
        if self.comes == "led":
            return asked_of_scenario(max_talk_s=self.max_talk_s, warn_s=5)
        if self.comes == "group":
            return asked_of_group(*self.members, strategy=self.strategy, count=self.agent_trunks, early=self.early)
        if self.phones:
            return asked_by_customer(
                mode="sip", agent_number="2001", agent_routes=phones(self.phones), confirm=self.confirm
            )
        routes = [trunk_route(AGENT_MOBILE, name, answers_early=self.early) for name in ("paris-1", "paris-2")]
        return asked_by_customer(agent_routes=tuple(routes[: self.agent_trunks]), confirm=self.confirm)


PLAIN = st.builds(
    Asked,
    comes=st.sampled_from(["", "", "", "dialled", "inside", "inbound", "inbound", "group", "group", "group"]),
    strategy=st.sampled_from(get_args(Strategy)),
    mobiles=st.integers(0, 3),
    phones=st.sampled_from([0, 0, 3, 2]),
    agent_trunks=st.sampled_from([1, 2]),
    customer_trunks=st.sampled_from([1, 2, 2, 2, 0]),
    early=st.booleans(),
    confirm=st.booleans(),
    notice=st.sampled_from(["tone", "message", "music"]),
)
LED = st.builds(
    Asked, comes=st.just("led"), program=st.one_of(st.sampled_from(TALKATIVE), PROGRAMS), mobiles=st.integers(0, 3)
)
ASKED = st.one_of(PLAIN, PLAIN, LED)


def while_it_lives(function: Rule) -> Rule:
    """A rule for living calls only."""
    living: Rule = precondition(lambda self: not self.world.call.closed)(function)
    return living


class AnyOrder(RuleBasedStateMachine):
    world: World

    @initialize(asked_for=ASKED, steps=st.integers(0, 45), busy=st.sets(st.sampled_from(["m1", "m2", "m3"])))
    def requested(self, asked_for: Asked, steps: int, busy: set[str]) -> None:
        """The first little things go well, so that every moment of a call is as likely a place for trouble as another.

        An agent with three phones has about 45 of them on the way to a conversation.
        """
        self.world = World(asked_for.request(), busy, asked_for.house)
        self.world.go_on(steps)

    @while_it_lives
    @rule(steps=st.integers(1, 6))
    def all_goes_on_well(self, steps: int) -> None:
        self.world.go_on(steps)

    @precondition(lambda self: self.world.ready_orders)
    @rule(number=SOME, well=st.booleans())
    def order_carried_out(self, number: int, well: bool) -> None:
        ready = self.world.ready_orders
        self.world.carry_out(ready[number % len(ready)], well=well)

    @precondition(lambda self: self.world.mail)
    @rule(number=SOME, twice=st.booleans())
    def event_arrives(self, number: int, twice: bool) -> None:
        self.world.deliver(number % len(self.world.mail), twice=twice)

    @precondition(lambda self: self.world.far_ends)
    @rule(number=st.integers(0, 20), told_by_cel=st.booleans())
    def far_end(self, number: int, told_by_cel: bool) -> None:
        can = self.world.far_ends
        channel, what = can[number % len(can)]
        self.world.far_end(channel, what, told_by_cel=told_by_cel)

    @precondition(lambda self: self.world.asterisk.channels and isinstance(self.world.call.stage, ASKED_FOR_A_KEY))
    @rule(number=SOME, digit=st.sampled_from(["1", "1", *OPEN]))
    def key(self, number: int, digit: str) -> None:
        channels = list(self.world.asterisk.channels)
        self.world.presses(channels[number % len(channels)], digit)

    @precondition(lambda self: isinstance(self.world.call.stage, Offering))
    @rule(busy=st.sets(st.sampled_from(["m1", "m2", "m3"])))
    def others_call(self, busy: set[str]) -> None:
        """Members are in other calls from now on, and free of those they were in."""
        self.world.busy = busy

    @precondition(lambda self: self.world.asterisk.playbacks)
    @rule(number=SOME)
    def prompt_ends(self, number: int) -> None:
        playbacks = list(self.world.asterisk.playbacks)
        self.world.prompt_ends(playbacks[number % len(playbacks)])

    @precondition(lambda self: self.world.asterisk.recordings)
    @rule()
    def recording_ends(self) -> None:
        self.world.recording_ends(next(iter(self.world.asterisk.recordings)))

    @while_it_lives
    @rule(seconds=st.sampled_from([None, 0.02, 0.1, 1.0, 2.0, 4.5, 30.0]))
    def time_passes(self, seconds: float | None) -> None:
        """So many seconds, or just until the next timer fires."""
        until_next = min(self.world.timers.values(), default=self.world.now) - self.world.now
        self.world.pass_time(max(0.0, until_next) if seconds is None else seconds)

    @precondition(lambda self: self.world.asterisk.channels)
    @rule(by=st.sampled_from(["api", "engine"]), disposition=st.sampled_from([None, SOLD]))
    def finish_ordered(self, by: str, disposition: Disposition | None) -> None:
        self.world.finish_ordered(by, disposition)
        if disposition is not None:
            assert disposition == self.world.call.disposition

    @precondition(lambda self: self.world.call.disposition is None)
    @rule()
    def disposed(self) -> None:
        later = Disposition(code="later")
        self.world.disposed(later)
        assert later == self.world.call.disposition

    @precondition(lambda self: self.world.connected)
    @rule(lost=SOME)
    def socket_breaks(self, lost: int) -> None:
        self.world.disconnect(lost)

    @precondition(lambda self: not self.world.connected)
    @rule()
    def socket_is_back(self) -> None:
        self.world.reconnect()

    @precondition(lambda self: self.world.connected and not self.world.reconciled and self.world.picture is None)
    @rule()
    def picture_taken(self) -> None:
        self.world.look()

    @precondition(lambda self: self.world.picture is not None)
    @rule()
    def reconciled(self) -> None:
        self.world.reconcile()

    @while_it_lives
    @rule()
    def engine_dies(self) -> None:
        self.world.engine_dies()

    @while_it_lives
    @rule(luck=st.integers(0, 4))
    def asterisk_dies(self, luck: int) -> None:
        if luck == 0:
            self.world.asterisk_dies()

    @invariant()
    def promises_hold(self) -> None:
        self.world.check()

    def ended_well(self) -> None:
        world = self.world
        world.end()
        world.check()
        assert world.closings == 1
        assert world.asterisk.channels == {}
        assert world.asterisk.bridges == {}
        assert world.asterisk.playbacks == {}
        assert world.asterisk.recordings == {}
        assert world.timers == {}
        assert machine.fold(CALL, world.journal, world.program) == world.call
        check_record(world.call)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.ended_well()


TestAnyOrder = pytest.mark.timeout(2400)(AnyOrder.TestCase)  # soak, or a story being shortened
