"""The counters behind the limits: nothing is lost, nothing counted twice, and no more is spent than the cap."""

import random
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.counter import LEAD_S
from engine.domain.ledger import Ledger
from engine.domain.limits import Kind, Measure, Reading, Rules
from engine.domain.tariff import Money, Price, minutes_begun, money
from engine.domain.usage import LegUse, Use
from engine.domain.values import CallId, Slug

FAR = Price(money(1.00), "+44")
HOME = Price(money(0.01), None)


def rules(**caps: float) -> Rules:
    """`agent_spend_per_hour=20`: money in whole units."""
    made: dict[tuple[Kind, Measure], int] = {}
    kinds: tuple[Kind, ...] = ("house", "agent", "token", "trunk", "prefix")
    measures: tuple[Measure, ...] = ("calls_per_minute", "concurrent_calls", "spend_per_hour", "spend_per_day")
    for kind in kinds:
        for measure in measures:
            if (value := caps.get(f"{kind}_{measure}")) is not None:
                made[kind, measure] = money(value) if measure.startswith("spend") else int(value)
    return Rules(caps=made)


def leg(
    answered: float | None = None, ended: float | None = None, price: Price = FAR, trunk: str = "paris-1"
) -> LegUse:
    return LegUse(role="customer", price=price, trunk=Slug(trunk), answered=answered, ended=ended)


def use(name: str, *legs: LegUse, agent: str = "alice", at: float = 0.0, closed: bool = False) -> Use:
    return Use(call=CallId(name), agent=Slug(agent), token="crm", requested=at, legs=legs, closed=closed)


def value(ledger: Ledger, scope: str, measure: Measure, now: float) -> int:
    return next(r.value for r in ledger.readings(now) if (r.scope, r.measure) == (scope, measure))


EVERYTHING = rules(
    house_calls_per_minute=1e6, house_concurrent_calls=1e6, house_spend_per_hour=1e6, house_spend_per_day=1e6,
    agent_spend_per_day=1e6, token_spend_per_hour=1e6, trunk_spend_per_day=1e6, trunk_concurrent_calls=1e6,
    prefix_spend_per_day=1e6, prefix_concurrent_calls=1e6,
)  # fmt: skip


def spent(readings: list[Reading]) -> dict[tuple[str, str], int]:
    return {(reading.scope, reading.measure): reading.value for reading in readings if reading.value}


# -- counting ----------------------------------------------------------------------------------------------------------


def test_a_minute_begun_counts_whole_and_everywhere() -> None:
    ledger = Ledger(EVERYTHING)
    ledger.tell(use("c", leg(10.0, 131.0), closed=True), 200.0)
    assert spent(ledger.readings(200.0)) == {
        ("house", "spend_per_hour"): 3_000_000,
        ("house", "spend_per_day"): 3_000_000,
        ("agent:alice", "spend_per_day"): 3_000_000,
        ("token:crm", "spend_per_hour"): 3_000_000,
        ("trunk:paris-1", "spend_per_day"): 3_000_000,
        ("prefix:+44", "spend_per_day"): 3_000_000,
    }


def test_home_numbers_have_no_prefix() -> None:
    ledger = Ledger(EVERYTHING)
    ledger.tell(use("c", leg(10.0, price=HOME)), 11.0)
    assert not any(reading.scope.startswith("prefix") for reading in ledger.readings(11.0))


def test_a_leg_that_rings_is_held_and_given_back() -> None:
    ledger = Ledger(EVERYTHING)
    assert ledger.admit(use("c", leg()), 0.0) == []
    assert value(ledger, "house", "spend_per_hour", 1.0) == money(1)
    ledger.tell(use("c", leg(), closed=True), 20.0)
    assert value(ledger, "house", "spend_per_hour", 20.0) == 0
    assert value(ledger, "house", "concurrent_calls", 20.0) == 0
    assert value(ledger, "house", "calls_per_minute", 20.0) == 1


def test_what_never_began_was_none() -> None:
    ledger = Ledger(EVERYTHING)
    ledger.admit(use("c", leg()), 0.0)
    ledger.withdraw(CallId("c"))
    ledger.withdraw(CallId("never"))
    assert spent(ledger.readings(1.0)) == {}
    ledger.admit(use("d", leg()), 2.0)
    ledger.rearm("house", 3.0)
    ledger.withdraw(CallId("d"))
    assert spent(ledger.readings(4.0)) == {}


def test_a_call_that_leaves_by_another_trunk() -> None:
    ledger = Ledger(EVERYTHING)
    ledger.admit(use("c", leg(trunk="paris-1")), 0.0)
    ledger.tell(use("c", leg(5.0, trunk="paris-2")), 5.0)
    assert value(ledger, "trunk:paris-1", "concurrent_calls", 6.0) == 0
    assert value(ledger, "trunk:paris-1", "spend_per_day", 6.0) == 0
    assert value(ledger, "trunk:paris-2", "concurrent_calls", 6.0) == 1
    assert value(ledger, "trunk:paris-2", "spend_per_day", 6.0) == money(1)


def test_a_call_nobody_follows_any_more_spends_no_more() -> None:
    ledger = Ledger(EVERYTHING)
    ledger.tell(use("c", leg(0.0)), 30.0)
    ledger.lose(CallId("c"))
    ledger.lose(CallId("never"))
    assert ledger.advance(600.0) == []
    assert value(ledger, "house", "spend_per_hour", 600.0) == money(1)
    assert value(ledger, "house", "concurrent_calls", 600.0) == 0
    assert value(ledger, "house", "calls_per_minute", 50.0) == 1


def test_a_mobile_of_a_group_counts_once_for_its_agent() -> None:
    """Be the call theirs by then or not."""
    rung = msgspec.structs.replace(leg(10.0), agent=Slug("bruno"))
    nobodys = msgspec.structs.replace(use("c", rung), agent=None)
    ledger = Ledger(EVERYTHING)
    ledger.tell(nobodys, 11.0)
    assert value(ledger, "agent:bruno", "spend_per_day", 11.0) == money(1)
    ledger.tell(use("c", rung, agent="bruno"), 75.0)
    assert value(ledger, "agent:bruno", "spend_per_day", 75.0) == money(2)


def test_room_for_one_more_call() -> None:
    ledger = Ledger(rules(agent_calls_per_minute=1, agent_spend_per_day=1.5))
    assert ledger.has_room("agent:alice", money(1.5), 0.0)
    assert not ledger.has_room("agent:alice", money(1.6), 0.0)
    ledger.tell(use("c"), 0.0)
    assert not ledger.has_room("agent:alice", 0, 1.0)
    assert ledger.has_room("agent:bruno", 0, 1.0)
    ledger.admit(use("d"), 1.0)  # beyond the cap: locked from now on
    assert not ledger.has_room("agent:alice", 0, 1000.0)


def test_windows_slide_and_are_never_shorter_than_said() -> None:
    ledger = Ledger(EVERYTHING)
    ledger.tell(use("c", leg(0.0, 30.0), closed=True), 30.0)
    assert value(ledger, "house", "calls_per_minute", 59.9) == 1
    assert value(ledger, "house", "calls_per_minute", 60.1) == 0
    assert value(ledger, "house", "spend_per_hour", 3599.0) == money(1)
    assert value(ledger, "house", "spend_per_hour", 3720.0) == 0
    assert value(ledger, "house", "spend_per_day", 24 * 3600.0) == money(1)
    ledger.forget_old(24 * 3600.0)
    assert value(ledger, "house", "spend_per_day", 24 * 3600.0) == money(1)
    assert value(ledger, "house", "spend_per_day", 24 * 3600.0 + 180) == 0
    ledger.forget_old(3 * 24 * 3600.0)
    assert spent(ledger.readings(3 * 24 * 3600.0)) == {}


# -- levels ------------------------------------------------------------------------------------------------------------


def told(found: list[tuple[CallId, Reading]]) -> list[tuple[str, str, str]]:
    return [(reading.scope, reading.measure, reading.level) for _, reading in found]


def test_a_warning_is_told_once_and_again_when_it_passed() -> None:
    ledger = Ledger(rules(house_concurrent_calls=5))
    calls = [use(str(number), leg()) for number in range(5)]
    assert [len(ledger.admit(call, 0.0)) for call in calls] == [0, 0, 0, 1, 0]
    for call in calls[:3]:
        ledger.tell(msgspec.structs.replace(call, closed=True), 1.0)
    assert ledger.admit(use("a", leg()), 2.0) == []
    assert [r.level for r in ledger.admit(use("b", leg()), 2.0)] == ["warning"]


def test_the_cap_may_be_reached_and_not_passed() -> None:
    ledger = Ledger(rules(agent_calls_per_minute=2))
    assert [r.level for r in ledger.admit(use("1", leg()), 0.0)] == []
    assert [r.level for r in ledger.admit(use("2", leg()), 1.0)] == ["warning"]
    (critical,) = ledger.admit(use("3", leg()), 2.0)
    assert (critical.scope, critical.level, critical.value, critical.cap) == ("agent:alice", "critical", 3, 2)
    assert critical.rule == "limit-calls-per-minute"
    assert str(critical) == "calls per minute of agent:alice: 3 of 2"
    lock = ledger.locked(["house", "agent:alice"])
    assert lock is not None
    assert lock.reading == critical
    assert ledger.locked(["agent:bruno"]) is None
    assert value(ledger, "agent:alice", "calls_per_minute", 2.0) == 2  # what was refused is not counted
    assert sorted(call for call, _ in ledger.doomed()) == ["1", "2"]


def test_a_minute_that_would_go_beyond_is_not_begun() -> None:
    ledger = Ledger(rules(agent_spend_per_hour=2.5))
    ledger.admit(use("c", leg()), 0.0)
    ledger.tell(use("c", leg(10.0)), 10.0)
    assert told(ledger.advance(60.0)) == []
    assert value(ledger, "agent:alice", "spend_per_hour", 60.0) == money(1)
    assert told(ledger.advance(70.0 - LEAD_S)) == [("agent:alice", "spend_per_hour", "warning")]
    assert value(ledger, "agent:alice", "spend_per_hour", 69.0) == money(2)
    assert told(ledger.advance(130.0 - LEAD_S)) == [("agent:alice", "spend_per_hour", "critical")]
    assert [call for call, _ in ledger.doomed()] == ["c"]
    assert told(ledger.advance(129.0)) == []  # told already
    ledger.tell(use("c", leg(10.0, 129.5), closed=True), 129.5)
    assert value(ledger, "agent:alice", "spend_per_hour", 130.0) == money(2)
    assert ledger.doomed() == []


def test_a_minute_paid_ahead_that_never_began_is_given_back() -> None:
    ledger = Ledger(EVERYTHING)
    ledger.tell(use("c", leg(10.0)), 10.0)
    ledger.advance(69.0)
    assert value(ledger, "house", "spend_per_hour", 69.0) == money(2)
    ledger.tell(use("c", leg(10.0, 69.5), closed=True), 69.5)
    assert value(ledger, "house", "spend_per_hour", 70.0) == money(1)


def test_what_was_spent_while_nobody_looked_counts_all_the_same() -> None:
    ledger = Ledger(rules(agent_spend_per_hour=3))
    ledger.tell(use("c", leg(0.0)), 600.5)
    assert told(ledger.advance(600.5)) == [("agent:alice", "spend_per_hour", "critical")]
    assert value(ledger, "agent:alice", "spend_per_hour", 600.5) == money(11)


def test_less_is_allowed_while_the_site_is_closed() -> None:
    ledger = Ledger(rules(agent_spend_per_hour=4, agent_concurrent_calls=2))
    assert ledger.admit(use("c", leg()), 0.0, 0.25)[0].level == "warning"
    ledger.tell(use("c", leg(1.0)), 1.0)
    assert told(ledger.advance(60.0, {CallId("c"): 0.25})) == [("agent:alice", "spend_per_hour", "critical")]
    (refused,) = Ledger(rules(agent_spend_per_hour=2)).admit(use("d", leg()), 0.0, 0.25)
    assert (refused.level, refused.cap) == ("critical", money(0.5))


def test_a_scope_that_is_rearmed_counts_anew() -> None:
    ledger = Ledger(rules(agent_spend_per_hour=2, agent_calls_per_minute=5))
    ledger.tell(use("c", leg(0.0, 130.0), closed=True), 130.0)
    assert ledger.admit(use("d", leg(), at=131.0), 131.0)[0].level == "critical"
    ledger.rearm("agent:alice", 140.0)
    assert ledger.locked(["agent:alice"]) is None
    assert value(ledger, "agent:alice", "spend_per_hour", 141.0) == 0
    assert [r.level for r in ledger.admit(use("e", leg(), at=141.0), 141.0)] == []
    again = Ledger(ledger.rules)
    again.rearmed = dict(ledger.rearmed)
    again.tell(use("c", leg(0.0, 130.0), closed=True), 142.0)
    again.tell(use("e", leg(), at=141.0), 142.0)
    assert spent(again.readings(142.0)) == spent(ledger.readings(142.0))


def test_a_warning_is_told_anew_after_a_rearm() -> None:
    ledger = Ledger(rules(agent_concurrent_calls=1))
    assert ledger.admit(use("1", leg()), 0.0)[0].level == "warning"
    ledger.rearm("agent:alice", 1.0)
    assert told(ledger.advance(2.0)) == []
    ledger.tell(use("1", leg(3.0)), 3.0)
    assert told(ledger.advance(61.5)) == [("agent:alice", "concurrent_calls", "warning")]


def test_what_has_no_cap_is_not_read() -> None:
    ledger = Ledger(Rules())
    ledger.tell(use("c", leg(0.0)), 1e5)
    assert ledger.readings(1e5) == []


def test_money_is_shown_with_its_cents() -> None:
    reading = Reading(scope="house", measure="spend_per_day", value=1_234_567, cap=2_000_000, level="normal")
    assert str(reading) == "spend per day of house: 1.23 of 2.00"


# -- properties --------------------------------------------------------------------------------------------------------


class Life(NamedTuple):
    """A call from its request to its end, as it is told: each state once at least."""

    states: tuple[Use, ...]

    @property
    def last(self) -> Use:
        return self.states[-1]


@st.composite
def lives(draw: st.DrawFn) -> list[Life]:
    made = []
    for number in range(draw(st.integers(1, 8))):
        at = draw(st.floats(0, 7200))
        agent = draw(st.sampled_from(["alice", "bruno"]))
        price = draw(st.sampled_from([FAR, HOME]))
        trunk = draw(st.sampled_from(["paris-1", "paris-2"]))

        def state(*legs: LegUse, closed: bool = False, n: int = number, a: str = agent, t: float = at) -> Use:
            return use(f"c{n}", *legs, agent=a, at=t, closed=closed)

        states = [state(leg(price=price, trunk=trunk))]
        if draw(st.booleans()):
            up = at + draw(st.floats(0, 45))
            states.append(state(leg(up, price=price, trunk=trunk)))
            states.append(state(leg(up, up + draw(st.floats(0, 4000)), price=price, trunk=trunk), closed=True))
        else:
            states.append(state(leg(price=price, trunk=trunk), closed=True))
        made.append(Life(tuple(states)))
    return made


@given(lives(), st.integers(0, 2**32))
def test_told_in_any_order_and_any_number_of_times_it_counts_the_same(all_of: list[Life], seed: int) -> None:
    now, chance = 12_000.0, random.Random(seed)
    plain = Ledger(EVERYTHING)
    for life in all_of:
        plain.tell(life.last, now)
    mixed = Ledger(EVERYTHING)
    left = [list(life.states) for life in all_of]
    clock = 0.0
    while any(left):
        states = chance.choice([states for states in left if states])
        state = states[0] if chance.random() < 0.3 else states.pop(0)
        clock = max(clock, state.requested)
        mixed.tell(state, clock if not state.closed else now)
        if chance.random() < 0.3:
            mixed.advance(min(clock, now))
        assert all(reading.value >= 0 for reading in mixed.readings(clock))
    assert spent(mixed.readings(now)) == spent(plain.readings(now))


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 300), st.integers(0, 199), st.floats(1, 300)), max_size=30), st.integers(3, 30))
def test_no_more_is_spent_than_the_cap(orders: list[tuple[float, int, float]], cap: int) -> None:
    caps = rules(house_spend_per_hour=cap, agent_spend_per_hour=max(1, cap // 2))
    assert billed(orders, caps) <= money(cap)


def test_ten_thousand_requests_over_two_hundred_numbers_cost_at_most_the_cap() -> None:
    chance = random.Random(11)
    orders = [(chance.uniform(0, 3500), chance.randrange(200), chance.uniform(5, 1200)) for _ in range(10_000)]
    caps = rules(house_spend_per_hour=300, token_spend_per_day=250, agent_spend_per_hour=40)
    cost = billed(orders, caps)
    assert money(200) < cost <= money(250)


def billed(orders: list[tuple[float, int, float]], caps: Rules) -> int:
    """What the operator bills when these (when, which number, how long) are asked for, every call being answered at
    once and ended when the ledger says so."""
    ledger, clock, bill = Ledger(caps), 0.0, 0
    alive: dict[str, tuple[Use, float]] = {}
    waiting = sorted(orders, reverse=True)
    while waiting or alive:
        clock += 0.5
        while waiting and waiting[-1][0] <= clock:
            at, number, lasts = waiting.pop()
            wanted = use(f"c{len(waiting)}", leg(price=Price(Money(10_000 * (number + 1)), "+44")),
                         agent=f"a{number % 20}", at=at)  # fmt: skip
            if ledger.locked(wanted.scopes) is None and not _critical(ledger.admit(wanted, clock)):
                up = msgspec.structs.replace(wanted, legs=(msgspec.structs.replace(wanted.legs[0], answered=clock),))
                ledger.tell(up, clock)
                alive[up.call] = (up, clock + lasts)
        ledger.advance(clock)
        ends = {call for call, _ in ledger.doomed()} | {call for call, (_, until) in alive.items() if until <= clock}
        for call in sorted(ends):
            state, until = alive.pop(call)
            ended = msgspec.structs.replace(state.legs[0], ended=min(until, clock))
            ledger.tell(msgspec.structs.replace(state, legs=(ended,), closed=True), clock)
            assert ended.answered is not None
            assert ended.ended is not None
            bill += minutes_begun(ended.ended - ended.answered) * ended.price.per_minute
    return bill


def _critical(readings: list[Reading]) -> bool:
    return any(reading.level == "critical" for reading in readings)


def test_every_kind_of_scope_has_its_cap() -> None:
    whole = rules(house_concurrent_calls=8, prefix_concurrent_calls=4)
    assert whole.cap("house", "concurrent_calls", 1.0) == 8
    assert whole.cap("prefix:+44", "concurrent_calls", 0.25) == 1
    assert whole.cap("prefix:other", "concurrent_calls", 0.01) == 1
    assert whole.cap("trunk:paris-1", "concurrent_calls", 1.0) is None
    with pytest.raises(StopIteration):
        whole.cap("planet:earth", "concurrent_calls", 1.0)
