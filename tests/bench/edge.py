"""What happens past the edge: new calls are refused early, so that those which were taken go on as they should."""

from typing import Any

from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.bench import company
from tests.bench.asked import Asked
from tests.bench.setup import ANSWERS, Beside, Held, both, hold
from tests.bench.tables import Table
from tests.crowd import Plan

Settings = dict[str, dict[str, Any]]

OFFERED = (15.0, 40.0, 80.0)  # calls per second
PATIENT: Settings = {"fraud": company.NO_CAPS, "limits": {"calls_per_minute_per_agent": 1000}}
WITHOUT_A_PACE: Settings = {
    "fraud": company.NO_CAPS,
    "limits": {"calls_per_minute_per_agent": 1000, "setups_per_s": 10000.0},
}
NO_ROOM: Settings = {"limits": {"setups_per_s": 0.001}}
REFUSED_PER_S = 50.0


async def bench(asked: Asked) -> list[Table]:
    """The same offers to an engine with its own limits, and to one that has none on the pace."""
    table = Table(
        "Past the edge",
        (
            "limits",
            "offered/s",
            "calls",
            "refused, 503",
            "with Retry-After",
            "taken/s",
            "talked",
            "all over",
            "request -> taken, ms",
            "request -> refused, ms",
            "request -> agent's INVITE, ms",
            "agent's 200 -> customer's INVITE, ms",
            "load",
        ),
        note=f"Offered for {asked.seconds:g} s. Times: half within / 99 of 100 within. Of a pace, one second's worth "
        "is taken at once, the rest as it comes. `all over`: every call had ended 20 s after the last request.",
    )
    for name, settings in {"the engine's own": PATIENT, "no pace": WITHOUT_A_PACE}.items():
        table.rows.extend(await _offered(name, settings, asked.seconds))
    return [table, await _refusals(asked.seconds)]


async def _offered(name: str, settings: Settings, seconds: float) -> list[tuple[Any, ...]]:
    plans = company.plans([ANSWERS], round(max(OFFERED) * seconds))
    rows = []
    async with Sandbox("edge", blocks=company.blocks(len(plans))) as box:
        file = crowd.written(box, company.roomy(box.farend, plans))
        async with RunningEngine(box, file, settings=settings) as engine:
            beside = await Beside.watched(box, engine)
            for rate in OFFERED:
                held, told = Held(f"{rate:g}/s, {name}"), 0

                async def place(plan: Plan) -> bool:
                    nonlocal told
                    answer = await engine.post(
                        "/v1/calls", {"agent": plan.agent, "to": plan.customer, "confirm": False}
                    )
                    told += answer.status == 503 and "Retry-After" in answer.headers
                    return answer.status == 202

                await hold(beside, held, place, plans[: round(rate * seconds)], rate)
                box.farend.forget()
                rows.append(_row(name, rate, held, told))
    return rows


async def _refusals(seconds: float) -> Table:
    """What a refusal costs: that of an engine whose pace is nothing, at a pace of many."""
    plans = company.plans([ANSWERS], round(REFUSED_PER_S * seconds))
    async with Sandbox("edge") as box:
        file = crowd.written(box, company.roomy(box.farend, plans))
        async with RunningEngine(box, file, settings=NO_ROOM) as engine:
            beside, held = await Beside.watched(box, engine), Held("refusals")

            async def place(plan: Plan) -> bool:
                answer = await engine.post("/v1/calls", {"agent": plan.agent, "to": plan.customer})
                return answer.status == 202

            await hold(beside, held, place, plans, REFUSED_PER_S)
    return Table(
        "A refusal",
        ("offered/s", "refused", "request -> refused, ms", "engine's processor time, ms each", "load"),
        [
            (
                REFUSED_PER_S,
                held.refused,
                both(held.refused_s),
                held.cpu_s["engine"] * 1000 / max(1, held.refused),
                f"{held.load:.1f}",
            )
        ],
        note="Each refusal is logged and becomes a row of the audit, by way of the journal.",
    )


def _row(name: str, rate: float, held: Held, told: int) -> tuple[Any, ...]:
    taken = (held.calls - held.refused) / held.begun_for_s
    times = (both(held.accepted_s), both(held.refused_s), both(held.first_ring_s), both(held.second_ring_s))
    return (
        name,
        rate,
        held.calls,
        held.refused,
        told,
        taken,
        held.talked,
        "yes" if held.over else "no",
        *times,
        f"{held.load:.1f}",
    )
