"""What a call costs, and how long its steps take, at a steady pace: by the engine, and by plain dialplan beside it."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.sandbox.behaviours import key
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.bench import company
from tests.bench.asked import Asked, say
from tests.bench.plain import PlainDialplan
from tests.bench.processor import Meter
from tests.bench.tables import Cell, Table, ms, part, ratio
from tests.crowd import Kind, Manner, Plan

QUIET_LIMIT_S = 20.0
IDLE_S = 4.0
LOOKED_AT = 100  # calls whose journal is read for their inner times
CONFIRM_RATE = 10.0
ANSWERS = Kind("answers at once", Manner("10", 0.0), Manner("30", 0.0), "answered")
PRESSES_1 = Kind("presses 1", Manner("26", 0.0), Manner("30", 0.0), "answered")
"""The customer hangs up 50 ms after the answer: conversation costs the same with and without us, so there is none."""

Place = Callable[[Plan], Awaitable[bool]]


@dataclass
class Held:
    """One pace, held for a while. Times are in seconds."""

    name: str
    calls: int = 0
    over: bool = True  # every call ended in time
    begun_for_s: float = 0.0  # from the first request to the last answer
    talked: int = 0
    accepted_s: list[float] = field(default_factory=list)  # request -> answer: taken
    refused_s: list[float] = field(default_factory=list)  # request -> answer: refused
    first_ring_s: list[float] = field(default_factory=list)  # request -> INVITE at the agent's
    second_ring_s: list[float] = field(default_factory=list)  # the agent's 200 -> INVITE at the customer's
    pressed_s: list[float] = field(default_factory=list)  # the key heard -> INVITE at the customer's
    talking_s: list[float] = field(default_factory=list)  # the customer's 200 -> the engine knows that they talk
    cpu_s: dict[str, float] = field(default_factory=dict)
    load: float = 0.0

    @property
    def refused(self) -> int:
        return len(self.refused_s)

    def each_ms(self, *names: str) -> float | None:
        """Processor time of these processes for one call that was taken, in milliseconds."""
        taken = self.calls - self.refused
        return ms(sum(self.cpu_s[name] for name in names) / taken) if taken else None


@dataclass
class Beside:
    """What runs, and how much of a core each part uses while nobody calls: that is no call's cost."""

    box: Sandbox
    engine: RunningEngine
    idle: dict[str, float] = field(default_factory=dict)

    @classmethod
    async def watched(cls, box: Sandbox, engine: RunningEngine) -> "Beside":
        """Watch it idle for a moment."""
        beside = cls(box, engine)
        meter = beside.meter()
        await asyncio.sleep(IDLE_S)
        beside.idle = {name: used / IDLE_S for name, used in meter.since_s().items()}
        return beside

    def meter(self) -> Meter:
        box, far = self.box, self.box.farend.asterisk
        return Meter(engine=self.engine.process.pid, asterisk=box.asterisk.pid, far=far.pid, bench=os.getpid())


async def bench(asked: Asked) -> list[Table]:
    """Each rate by plain dialplan, then by the engine; then once with a key to press."""
    most = round(max(asked.rates) * asked.seconds)
    plans = company.plans([ANSWERS], most)
    confirming = company.plans([PRESSES_1], round(CONFIRM_RATE * asked.seconds))
    pairs = []
    async with Sandbox("setup", blocks=company.blocks(most)) as box:
        wanted = company.roomy(box.farend, plans)
        async with (
            RunningEngine(box, crowd.written(box, wanted), settings=company.UNLIMITED) as engine,
            PlainDialplan(box, wanted.trunks["paris-1"]) as plain,  # type: ignore[index]
        ):
            beside = await Beside.watched(box, engine)
            for rate in asked.rates:
                some = plans[: round(rate * asked.seconds)]
                pair = Held(f"{rate:g}/s plain"), Held(f"{rate:g}/s engine")
                await hold(beside, pair[0], plain.place, some, rate)
                box.farend.forget()
                await _by_engine(beside, pair[1], some, rate)
                pairs.append(pair)
    async with Sandbox("setup", blocks=company.blocks(len(confirming))) as box:
        file = crowd.written(box, company.roomy(box.farend, confirming))
        async with RunningEngine(box, file, settings=company.UNLIMITED) as engine:
            beside = await Beside.watched(box, engine)
            pressed = Held(f"{CONFIRM_RATE:g}/s engine, press 1")
            await _by_engine(beside, pressed, confirming, CONFIRM_RATE)
    return [_costs(pairs), _times([*(held for pair in pairs for held in pair), pressed], asked.seconds)]


async def _by_engine(beside: Beside, held: Held, plans: Sequence[Plan], rate: float) -> None:
    box, engine = beside.box, beside.engine
    ids: dict[int, str] = {}

    async def place(plan: Plan) -> bool:
        confirm = plan.kind is PRESSES_1
        answer = await engine.post("/v1/calls", {"agent": plan.agent, "to": plan.customer, "confirm": confirm})
        ids[plan.number] = answer.body.get("id", "")
        return answer.status == 202

    await hold(beside, held, place, plans, rate)
    for plan in plans[:: max(1, len(plans) // LOOKED_AT)]:
        if ids.get(plan.number):
            answer = await engine.get(f"/v1/calls/{ids[plan.number]}/events")
            _look_inside(held, box, plan, answer.body["items"])
    box.farend.forget()


async def hold(beside: Beside, held: Held, place: Place, plans: Sequence[Plan], rate: float) -> None:
    """Place the calls at the pace, wait until all are over, and take note of what the far end saw."""
    held.calls = len(plans)
    meter = beside.meter()
    asked_at: dict[int, float] = {}
    begun = time.monotonic()

    async def one(plan: Plan) -> None:
        await asyncio.sleep(max(0.0, begun + plan.number / rate - time.monotonic()))
        asked_at[plan.number] = time.time()
        taken = await place(plan)
        (held.accepted_s if taken else held.refused_s).append(time.time() - asked_at[plan.number])

    await asyncio.gather(*(one(plan) for plan in plans))
    held.begun_for_s = time.monotonic() - begun
    held.load = os.getloadavg()[0]
    held.over = await _quiet(beside.box)
    lasted_s = time.monotonic() - begun
    held.cpu_s = {name: used - beside.idle[name] * lasted_s for name, used in meter.since_s().items()}
    _look_outside(held, beside.box, plans, asked_at)
    trouble = "" if held.over else ", and not all of them are over"
    say(f"{held.name}: {held.talked} of {held.calls} talked, {held.refused} refused{trouble}")


async def _quiet(box: Sandbox) -> bool:
    """Wait until every call is over, here and at the far end; False when that takes longer than anybody would wait."""

    async def nothing_left() -> bool:
        return "0 active channels" in await box.asterisk.cli("core show channels count")

    try:
        await crowd.until(nothing_left, timeout_s=QUIET_LIMIT_S, every_s=0.2)
        await box.farend.until(lambda: not any(call.live for call in box.farend.calls()))
    except TimeoutError:
        return False
    return True


def _look_outside(held: Held, box: Sandbox, plans: Sequence[Plan], asked_at: dict[int, float]) -> None:
    invited = {key(invite.number): invite.at for invite in box.farend.invites()}
    answered = {key(call.number): call.answered_at for call in box.farend.calls() if call.answered_at}
    for plan in plans:
        agent, customer = (key(number) for number in plan.numbers)
        if agent in invited:
            held.first_ring_s.append(invited[agent] - asked_at[plan.number])
        if customer in invited and agent in answered:
            held.second_ring_s.append(invited[customer] - (answered[agent] or 0.0))
        held.talked += customer in answered


def _look_inside(held: Held, box: Sandbox, plan: Plan, steps: Sequence[dict[str, Any]]) -> None:
    """What only the engine knows: when it heard the key, and when it knew that they talk."""
    pressed = next((step["at"] for step in steps if step["event"]["type"] == "DigitPressed"), None)
    talking = next((step["at"] for step in steps if step["stage"] == "talking"), None)
    invited = box.farend.invites(plan.customer)
    answered = [call.answered_at for call in box.farend.calls(plan.customer) if call.answered_at]
    if pressed and invited:
        held.pressed_s.append(invited[-1].at - datetime.fromisoformat(pressed).timestamp())
    if talking and answered:
        held.talking_s.append(datetime.fromisoformat(talking).timestamp() - answered[-1])


def _costs(pairs: Sequence[tuple[Held, Held]]) -> Table:
    table = Table(
        "A call's processor time, ms",
        ("pace", "plain: Asterisk", "engine: Asterisk", "engine: engine", "together", "to plain", "far end", "meter"),
        note="User and system time for one call of two legs, set-up and tear-down with 50 ms of conversation, above "
        "what each process uses while nobody calls. The far end and the meter (which carries all SIP "
        "and asks for the calls) run on the same cores.",
    )
    for plain, engine in pairs:
        together, alone = engine.each_ms("engine", "asterisk"), plain.each_ms("asterisk")
        table.rows.append(
            (
                engine.name.split()[0],
                alone,
                engine.each_ms("asterisk"),
                engine.each_ms("engine"),
                together,
                ratio(together, alone),
                engine.each_ms("far"),
                engine.each_ms("bench"),
            )
        )
    return table


def _times(held: Sequence[Held], seconds: float) -> Table:
    columns = ("request -> taken", "request -> agent's INVITE", "agent's 200 -> customer's INVITE")
    more = ("1 heard -> customer's INVITE", "customer's 200 -> talking")
    return Table(
        "A call's steps, ms: half of them within / 99 of 100 within",
        ("pace", "calls", "refused", "talked", *columns, *more, "load"),
        [_row(each) for each in held],
        note=f"Each pace held for {seconds:g} s. The far end answers at once; its times are those of its manager "
        "events, the same for both. `load`: the machine's load average (1 min) when the last call was placed.",
    )


def _row(held: Held) -> tuple[Cell, ...]:
    spans = (held.accepted_s, held.first_ring_s, held.second_ring_s, held.pressed_s, held.talking_s)
    return (held.name, held.calls, held.refused, held.talked, *(both(span) for span in spans), f"{held.load:.1f}")


def both(values: Sequence[float]) -> str | None:
    middle, late = ms(part(values, 0.5)), ms(part(values, 0.99))
    return None if middle is None or late is None else f"{middle:.1f} / {late:.0f}"
