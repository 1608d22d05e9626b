"""Callers in menus, all at once: how soon a key ends a prompt and begins the next; and in plain dialplan beside it."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from engine.domain.values import E164
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.tools import SIPP, find_or_fetch
from tests import crowd
from tests.bench import company, menus
from tests.bench.asked import Asked, say
from tests.bench.callers import PATIENCE_S, Callers, Pressed
from tests.bench.processor import Meter
from tests.bench.tables import Cell, Table, ms, part, ratio

EVERY_S = 5.0
"""Between the keys of one caller, on average."""
PER_S = 20.0
"""Calls begun per second."""
SETTLE_S = 2.0
SPARE_S = PATIENCE_S + 1
QUIET_S = 30.0
SHARES = (0.5, 0.9, 0.99)


@dataclass
class Side:
    """One way to write the menus; all rounds of it together. Times are in seconds."""

    name: str
    number: E164
    callers: int = 0
    pressed: list[Pressed] = field(default_factory=list)
    lost: int = 0
    measured_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)
    load: float = 0.0

    def cores(self, *names: str) -> float:
        """How much of a core these processes use."""
        return sum(self.cpu_s[name] for name in names) / self.measured_s


@dataclass(frozen=True)
class Hotline:
    """What callers reach, and who places the calls."""

    box: Sandbox
    engine: RunningEngine
    sipp: Path
    sip_port: int
    ports: list[int]  # of the callers' RTP


async def bench(asked: Asked) -> list[Table]:
    """The same number of callers by plain dialplan and by the engine, in turn."""
    plain, engine = await compared(max(asked.calls), asked.seconds, asked.repeats)
    return [_times((plain, engine)), _costs(plain, engine)]


async def compared(callers: int, seconds: float, rounds: int) -> tuple[Side, Side]:
    """Plain dialplan and the engine, so many rounds each."""
    plain, ours = Side("plain dialplan", menus.BY_DIALPLAN), Side("engine", menus.BY_ENGINE)
    sipp = await find_or_fetch(SIPP, say)
    async with Sandbox("ivr", blocks=company.blocks(callers)) as box:
        sip_port = box.ports.take()
        file = crowd.written(box, menus.directory(sip_port))
        async with RunningEngine(box, file, settings=company.UNLIMITED) as engine:
            await menus.publish(engine)
            await menus.write_dialplan(box)
            first, _ = box.ports.media(1)  # the far end's: nobody calls it here
            hotline = Hotline(box, engine, sipp, sip_port, [first + 2 * index for index in range(callers)])
            for _ in range(rounds):
                for side in (plain, ours):
                    await _round(hotline, side, seconds)
    return plain, ours


async def _round(hotline: Hotline, side: Side, seconds: float) -> None:
    """All call, and once all hear something their keys are counted for so long."""
    box, ports = hotline.box, hotline.ports
    stay_s = len(ports) / PER_S + SETTLE_S + seconds + SPARE_S
    calling = menus.calling(
        hotline.sipp, box, side.number, ports, sip_port=hotline.sip_port, per_s=PER_S, stay_s=stay_s
    )
    with Callers(menus.ADDRESS, ports, EVERY_S) as callers:
        async with calling as sipp:
            with suppress(TimeoutError):  # on a crowded machine some come too late: the table says how many came
                await crowd.until(_all_hear(callers, len(ports)), timeout_s=len(ports) / PER_S + QUIET_S)
            await asyncio.sleep(SETTLE_S)
            meter = Meter(
                engine=hotline.engine.process.pid, asterisk=box.asterisk.pid, callers=os.getpid(), sipp=sipp.pid
            )
            began = time.time()
            await asyncio.sleep(seconds)
            ended = time.time()
            used = meter.since_s()
            side.load = os.getloadavg()[0]
            await sipp.wait_ended(timeout_s=stay_s + QUIET_S)
        _add(side, callers, (began, ended), used)
    await crowd.until(_nobody(box), timeout_s=QUIET_S, every_s=0.2)
    say(f"{side.name}: {len(side.pressed)} keys of {len(ports)} callers, {side.lost} lost")


def _add(side: Side, callers: Callers, window: tuple[float, float], used: dict[str, float]) -> None:
    began, ended = window
    side.callers = min(side.callers or callers.hearing, callers.hearing)
    side.pressed += callers.pressed(began, ended)
    side.lost += callers.lost(began, ended)
    side.measured_s += ended - began
    side.cpu_s = {name: side.cpu_s.get(name, 0.0) + seconds for name, seconds in used.items()}


def _all_hear(callers: Callers, count: int) -> Callable[[], Awaitable[bool]]:
    async def heard() -> bool:
        return callers.hearing == count

    return heard


def _nobody(box: Sandbox) -> Callable[[], Awaitable[bool]]:
    async def nobody() -> bool:
        return "0 active channels" in await box.asterisk.cli("core show channels count")

    return nobody


def _times(sides: Sequence[Side]) -> Table:
    parts = [f"{what} p{share * 100:.0f}" for what in ("stop", "next") for share in SHARES]
    table = Table(
        "From a key's end to the end of the prompt it cuts, and to the first of the next, ms",
        ("menus in", "callers", "keys", "lost", *parts, "load"),
        note=f"Each caller presses 1 every {EVERY_S:g} s on average, for 100 ms. By the packets that callers "
        "get, 20 ms each: `stop` is when the last of the old prompt came, 0 where it came before the key's end. Both "
        "play the same recordings, which begin with 60 ms of silence: `next` is its first packet.",
    )
    for side in sides:
        spans = ([key.stopped_s for key in side.pressed], [key.next_s for key in side.pressed])
        found: list[Cell] = [ms(part(span, share)) for span in spans for share in SHARES]
        table.rows.append((side.name, side.callers, len(side.pressed), side.lost, *found, f"{side.load:.1f}"))
    return table


def _costs(plain: Side, engine: Side) -> Table:
    table = Table(
        "Processor time meanwhile, cores",
        ("menus in", "Asterisk", "engine", "together", "to plain", "keys/s", "callers", "SIPp"),
        note="The callers' RTP and SIP run on the same cores. The callers are silent: Asterisk only sends.",
    )
    for side in (plain, engine):
        together, alone = side.cores("engine", "asterisk"), plain.cores("engine", "asterisk")
        table.rows.append(
            (
                side.name,
                side.cores("asterisk"),
                side.cores("engine"),
                together,
                ratio(together, alone),
                len(side.pressed) / side.measured_s,
                side.cores("callers"),
                side.cores("sipp"),
            )
        )
    return table
