"""Calls as one tells them: `Scene(confirm=False).agent_answers().prompt_ends().customer_is_busy()`.

A scene is one call and an Asterisk that does at once what it is told (creates, dials, joins, hangs up); what people,
far ends, trunks and clocks do is told by the test. After every step the scene checks what must always hold: the state
is the fold of the journal, and state, event and effects survive their way through JSON.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import msgspec

from engine.domain import machine, record, recovery
from engine.domain.call import Call
from engine.domain.cdr import CallRecord, Disposition
from engine.domain.directory import Strategy
from engine.domain.effects import (
    Answer,
    ChooseMember,
    ChooseTrunk,
    CreateChannel,
    DialChannel,
    Effect,
    HangUp,
    JoinBridge,
    Play,
    StartComfort,
    StopComfort,
    StopPlayback,
)
from engine.domain.events import (
    AsteriskLost,
    CallRequested,
    ChannelAnswered,
    ChannelEnded,
    ChannelJoined,
    ChannelProgressed,
    ChannelReady,
    ChannelRinging,
    DialSent,
    DigitPressed,
    Disposed,
    EngineRestarted,
    Event,
    FinishOrdered,
    MemberChosen,
    PlaybackEnded,
    TimerFired,
    TrunkChosen,
)
from engine.domain.ids import Role, channel_id
from engine.domain.legs import Phase
from engine.domain.moment import Moment
from engine.domain.recovery import ChannelState, Ending, Seen
from engine.domain.request import Arrival, ConnectRequest, GroupCall, Member, Route
from engine.domain.scenario.graph import Program
from engine.domain.stages import Ended, Verdict
from engine.domain.values import E164, CallId, ChannelId, Dialstring, Slug

CALL = CallId("01931f6e-7c1a-7b3a-8f7a-5d2b8a1c9e01")
NINE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
AGENT_MOBILE, CUSTOMER = "+33600000001", E164("+33140000002")


SHOWN: dict[Phase, ChannelState] = {"ringing": "ringing", "up": "up", "closing": "up"}


def moment(mono: float) -> Moment:
    """`mono` seconds after nine o'clock."""
    return Moment(NINE + timedelta(seconds=mono), mono)


def trunk_route(number: str, trunk: str, *, answers_early: bool = False) -> Route:
    return Route(
        endpoint=Dialstring(f"PJSIP/{number[1:]}@{trunk}"),
        trunk=Slug(trunk),
        answers_early=answers_early,
        caller_id="+33140000001",
    )


def trunks(number: str, *names: str) -> tuple[Route, ...]:
    return tuple(trunk_route(number, name) for name in names)


def phones(count: int) -> tuple[Route, ...]:
    return tuple(Route(endpoint=Dialstring(f"PJSIP/alice/sip:phone-{n}")) for n in range(1, count + 1))


MOBILE = ConnectRequest(
    agent=Slug("alice"),
    agent_name="Alice Martin",
    agent_number=AGENT_MOBILE,
    mode="mobile",
    site=Slug("paris"),
    language="fr",
    notice="message",
    confirm=True,
    agent_routes=trunks(AGENT_MOBILE, "paris-1", "paris-2"),
    customer_number=CUSTOMER,
    customer_dialled="01 40 00 00 02",
    customer_routes=trunks(CUSTOMER, "paris-1", "paris-2"),
    caller="+33140000001",
    ring_agent_s=25,
    ring_customer_s=45,
    max_talk_s=3600,
    campaign="autumn",
    contact="c-17",
    variables={"order": 4711, "tags": ["vip", "é"]},
    asked_by="crm",
    node="test",
)


def asked(**changes: Any) -> ConnectRequest:
    """A call in mobile mode with two trunks each way, changed as said."""
    return msgspec.structs.replace(MOBILE, **changes)


def asked_sip(count: int = 3, **changes: Any) -> ConnectRequest:
    """A call in sip mode: the agent has `count` phones."""
    return asked(mode="sip", agent_number="2001", agent_routes=phones(count), **{"confirm": False, **changes})


CAME = ChannelId("1795201746.12")


def asked_by_phone(**changes: Any) -> ConnectRequest:
    """An agent dials a number on a telephone of theirs."""
    arrival = Arrival(channel=CAME, party="agent")
    return asked(
        **{
            "mode": "sip",
            "agent_number": "2001",
            "agent_routes": (),
            "confirm": False,
            "notice": "tone",
            "arrival": arrival,
            **changes,
        }
    )


def asked_inside(**changes: Any) -> ConnectRequest:
    """An agent dials a colleague who has two telephones."""
    inside = {"direction": "internal", "customer_number": "2002", "customer_routes": phones(2)}
    return asked_by_phone(**{**inside, **changes})


def asked_by_customer(**changes: Any) -> ConnectRequest:
    """A customer calls one of our numbers, which leads to an agent who works by mobile."""
    arrival = Arrival(channel=CAME, party="customer", trunk=Slug("paris-1"))
    came = {"arrival": arrival, "direction": "inbound", "customer_routes": (), "did": "+33140000001"}
    return asked(**{"caller": CUSTOMER, "service": "sales", **came, **changes})


def member(name: str, *, mobile: bool = False, confirm: bool | None = None) -> Member:
    number = f"+3361000000{name[-1]}" if mobile else f"200{name[-1]}"
    return Member(
        agent=Slug(name),
        name=name.capitalize(),
        number=number,
        mode="mobile" if mobile else "sip",
        language="en",
        confirm=mobile if confirm is None else confirm,
    )


def routes_to(one: Member, count: int = 1, *, early: bool = False) -> tuple[Route, ...]:
    """A member's telephones, or the trunks to their mobile."""
    if one.mode == "mobile":
        plain = tuple(trunk_route(one.number, f"paris-{n}", answers_early=early) for n in range(1, count + 1))
    else:
        plain = tuple(Route(endpoint=Dialstring(f"PJSIP/{one.agent}/sip:phone-{n}")) for n in range(1, count + 1))
    return tuple(
        msgspec.structs.replace(route, agent=one.agent, number=one.number, outside=one.outside) for route in plain
    )


def asked_of_group(
    *members: Member, strategy: Strategy = "ring_all", count: int = 1, early: bool = False, **changes: Any
) -> ConnectRequest:
    """A customer calls a number that leads to a group. `count`: telephones or trunks of each member."""
    group = GroupCall(id=Slug("sales"), extension="2050", strategy=strategy, members=members)
    nobody = {"agent": None, "agent_name": None, "agent_number": "", "mode": None, "confirm": False}
    routes = tuple(route for one in members for route in routes_to(one, count, early=early))
    return asked_by_customer(**{**nobody, "group": group, "agent_routes": routes, "ring_agent_s": 20, **changes})


class Scene:
    """One call, told from outside. Every method says what happens, and returns the scene.

    `stubborn`: the kinds of orders that Asterisk neither carries out nor answers; `stuck`: channels for which it does
    nothing at all. `full`: trunks without a free channel. `busy`: members of the group in another call. `program`: the
    scenario, in a call that one leads.
    """

    def __init__(
        self,
        request: ConnectRequest | None = None,
        *,
        stubborn: Iterable[type[Effect]] = (),
        full: Iterable[str] = (),
        stuck: Iterable[ChannelId] = (),
        busy: Iterable[str] = (),
        program: Program | None = None,
        **changes: Any,
    ) -> None:
        self.now = 0.0
        self.stubborn, self.full, self.stuck = set(stubborn), set(full), set(stuck)
        self.busy = set(busy)
        self.program = program
        self.events: list[Event] = []
        self.orders: list[Effect] = []
        self.recovered: list[Effect] = []  # what recovery ordered last
        self._waiting: list[Effect] = []
        first = CallRequested(at=moment(self.now), request=request or asked(**changes))
        self.call, effects = machine.begin(CALL, first, program)
        self.events.append(first)
        self._take_note(effects)
        self._oblige()

    # -- the agent ---------------------------------------------------------------------------------------------------

    def agent_rings(self, attempt: int = 0) -> Self:
        return self.tell(ChannelRinging(at=self.at, channel=self.channel("agent", attempt)))

    def agent_answers(self, attempt: int = 0) -> Self:
        return self.tell(ChannelAnswered(at=self.at, channel=self.channel("agent", attempt)))

    def agent_ends(self, cause: int | None, sip: int | None = None, attempt: int = 0) -> Self:
        return self.tell(ChannelEnded(at=self.at, channel=self.channel("agent", attempt), cause=cause, sip_code=sip))

    def agent_hangs_up(self) -> Self:
        return self.agent_ends(16)

    def agent_is_busy(self, attempt: int = 0) -> Self:
        return self.agent_ends(17, 486, attempt)

    def agent_declines(self, attempt: int = 0) -> Self:
        return self.agent_ends(21, 603, attempt)

    def presses(self, digit: str) -> Self:
        return self.hears_key(digit, on=self.channel("agent"))

    def hears_key(self, digit: str, *, on: ChannelId) -> Self:
        return self.tell(DigitPressed(at=self.at, channel=on, digit=digit))

    def prompt_ends(self, *, heard: bool = True) -> Self:
        """The newest prompt that still plays ends."""
        playback = list(self.call.playbacks)[-1]
        return self.tell(PlaybackEnded(at=self.at, playback=playback, heard=heard))

    # -- the customer ------------------------------------------------------------------------------------------------

    def customer_rings(self) -> Self:
        return self.tell(ChannelRinging(at=self.at, channel=self.channel("customer")))

    def customer_announces(self) -> Self:
        """Early media: an operator's announcement, or real ringing."""
        return self.tell(ChannelProgressed(at=self.at, channel=self.channel("customer")))

    def customer_answers(self) -> Self:
        return self.tell(ChannelAnswered(at=self.at, channel=self.channel("customer")))

    def customer_ends(self, cause: int | None, sip: int | None = None) -> Self:
        return self.tell(ChannelEnded(at=self.at, channel=self.channel("customer"), cause=cause, sip_code=sip))

    def customer_hangs_up(self) -> Self:
        return self.customer_ends(16)

    def customer_is_busy(self) -> Self:
        return self.customer_ends(17, 486)

    def customer_rejects(self) -> Self:
        return self.customer_ends(21, 603)

    # -- who asks, the clock, Asterisk -------------------------------------------------------------------------------

    def finish_ordered(self, by: str = "api", disposition: Disposition | None = None) -> Self:
        return self.tell(FinishOrdered(at=self.at, by=by, disposition=disposition))

    def disposed(self, disposition: Disposition | str) -> Self:
        """The call is qualified; a plain word is a code without note or fields."""
        told = Disposition(code=disposition) if isinstance(disposition, str) else disposition
        return self.tell(Disposed(at=self.at, disposition=told))

    def engine_restarts(self, **meanwhile: Any) -> Self:
        """kill -9, and a new engine: Asterisk shows it what the call knew, but for what happened `meanwhile`."""
        return self.tell(EngineRestarted(at=self.at)).reconnects(self.seen(**meanwhile))

    def reconnects(self, seen: Seen) -> Self:
        """The call is compared with a picture of Asterisk."""
        for event in recovery.catch_up(self.call, seen):
            self._step(event)
        self.recovered = recovery.unfinished(self.call, seen)
        return self.order_again(self.recovered)

    def seen(
        self,
        *,
        up: Iterable[ChannelId] = (),
        ringing: Iterable[ChannelId] = (),
        down: Iterable[ChannelId] = (),
        gone: Iterable[ChannelId] = (),
        joined: Iterable[ChannelId] = (),
        silent: bool = False,
        no_bridge: bool = False,
        endings: dict[ChannelId, Ending] | None = None,
        answers: dict[ChannelId, Moment] | None = None,
    ) -> Seen:
        """What the call believes, as a picture of Asterisk; and what is different from it."""
        states: dict[ChannelId, ChannelState] = {}
        for leg in self.call.legs.values():
            states.update({a.channel: SHOWN.get(a.phase, "down") for a in leg.live if a.phase != "creating"})
        states.update(dict.fromkeys(down, "down"))
        states.update(dict.fromkeys(ringing, "ringing"))
        states.update(dict.fromkeys(up, "up"))
        living: dict[ChannelId, ChannelState] = {c: s for c, s in states.items() if c not in {*gone, *(endings or {})}}
        bridge = None if no_bridge else self.call.bridge
        members = {*joined, *(a.channel for leg in self.call.legs.values() for a in leg.live if a.joined)}
        return Seen(
            at=self.at,
            channels=living,
            bridges={bridge.id: frozenset(members & set(living))} if bridge is not None and bridge.open else {},
            playbacks=frozenset() if silent else frozenset(self.call.playbacks),
            endings=endings or {},
            answers=answers or {},
        )

    def asterisk_dies(self) -> Self:
        self._waiting.clear()
        return self.tell(AsteriskLost(at=self.at))

    def after(self, seconds: float) -> Self:
        """Time passes; timers that come due fire, each at its time."""
        end = self.now + seconds
        while due := [(at, name) for name, at in self.call.timers.items() if at <= end]:
            at, name = min(due)
            self.now = max(self.now, at)
            self.tell(TimerFired(at=self.at, timer=name))
        self.now = end
        return self

    def timer(self, name: str) -> Self:
        """Time passes until the named timer fires."""
        return self.after(self.call.timers[name] - self.now)

    def ready(self, channel: ChannelId) -> Self:
        return self.tell(ChannelReady(at=self.at, channel=channel))

    def joined(self, channel: ChannelId) -> Self:
        assert self.call.bridge is not None
        return self.tell(ChannelJoined(at=self.at, channel=channel, bridge=self.call.bridge.id))

    # -- what became of it -------------------------------------------------------------------------------------------

    @property
    def stage(self) -> str:
        return type(self.call.stage).__name__

    @property
    def verdict(self) -> Verdict:
        assert isinstance(self.call.stage, Ended), f"the call still lives: {self.call.stage}"
        return self.call.stage.verdict

    @property
    def record(self) -> CallRecord:
        row = record.of(self.call)
        assert row == msgspec.json.decode(msgspec.json.encode(row), type=CallRecord)
        return row

    @property
    def heard(self) -> list[str]:
        """What was ordered to be heard, in order: prompts by name, `tone` or `music`, `stop` for the end of comfort."""
        heard: list[str] = []
        for order in self.orders:
            match order:
                case Play(prompt=prompt):
                    heard.append(prompt)
                case StartComfort(comfort=comfort):
                    heard.append(comfort)
                case StopComfort():
                    heard.append("stop")
                case _:
                    pass
        return heard

    @property
    def rung(self) -> list[str]:
        """The endpoints dialled, in order."""
        endpoints = {o.channel: o.endpoint for o in self.orders if isinstance(o, CreateChannel)}
        return [endpoints[o.channel] for o in self.orders if isinstance(o, DialChannel)]

    @property
    def hung_up(self) -> list[ChannelId]:
        return [o.channel for o in self.orders if isinstance(o, HangUp)]

    @property
    def joins(self) -> list[ChannelId]:
        """The channels ordered into the bridge, in order."""
        return [o.channel for o in self.orders if isinstance(o, JoinBridge)]

    def role(self, channel: ChannelId) -> Role:
        found = self.call.find(channel)
        assert found is not None
        return found[0].role

    @property
    def at(self) -> Moment:
        return moment(self.now)

    def channel(self, role: Role, attempt: int = 0) -> ChannelId:
        """The channel of an attempt of a leg; without a number, of the one that is up, else of the newest."""
        leg = self.call.legs[role]
        if attempt == 0:
            return leg.up.channel if leg.up is not None else leg.attempts[-1].channel
        return channel_id(CALL, role, attempt)

    # -- the machinery -----------------------------------------------------------------------------------------------

    def tell(self, event: Event) -> Self:
        """One event, its step, and what Asterisk does at once because of it."""
        self._step(event)
        self._oblige()
        return self

    def order_again(self, orders: Iterable[Effect]) -> Self:
        """Orders from recovery reach Asterisk."""
        self._take_note(orders)
        self._oblige()
        return self

    def _step(self, event: Event) -> None:
        self.call, effects = machine.step(self.call, event, self.program)
        self.events.append(event)
        self._take_note(effects)
        assert self._folded() == self.call
        assert through_json(self.call, Call) == self.call

    def _folded(self) -> Call:
        return machine.fold(CALL, self.events, self.program)

    def _take_note(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            assert through_json(effect, Effect) == effect
            self.orders.append(effect)
            self._waiting.append(effect)

    def _oblige(self) -> None:
        while self._waiting:
            order = self._waiting.pop(0)
            if type(order) in self.stubborn or getattr(order, "channel", None) in self.stuck:
                continue
            answer = self._answer(order)
            if answer is not None:
                self._step(answer)

    def _answer(self, order: Effect) -> Event | None:
        answer: Event | None = None
        match order:
            case CreateChannel(channel=channel):
                answer = ChannelReady(at=self.at, channel=channel)
            case DialChannel(channel=channel):
                answer = DialSent(at=self.at, channel=channel)
            case JoinBridge(channel=channel, bridge=bridge):
                answer = ChannelJoined(at=self.at, channel=channel, bridge=bridge)
            case HangUp(channel=channel, cause=cause):
                answer = ChannelEnded(at=self.at, channel=channel, cause=cause or 16)
            case Answer(channel=channel):
                answer = ChannelAnswered(at=self.at, channel=channel)
            case StopPlayback(playback=playback):
                answer = PlaybackEnded(at=self.at, playback=playback, heard=True)
            case ChooseMember(member=name, trunks=trunks):
                trunk = next((t for t in trunks if t not in self.full), None)
                free = name not in self.busy
                answer = MemberChosen(at=self.at, member=name, free=free, trunk=trunk if free else None)
            case ChooseTrunk(role=role, candidates=candidates):
                trunk = next((t for t in candidates if t not in self.full), None)
                answer = TrunkChosen(at=self.at, role=role, trunk=trunk)
        return answer


def through_json(value: object, kind: object) -> object:
    """A value after its way through the journal."""
    return msgspec.json.decode(msgspec.json.encode(value), type=kind)


Tale = Callable[[Scene], Scene]
"""What happens in a call, for the rows of tables."""
