"""The real engine that dies, as by kill -9, at one exact point of its work: a program the crash tests start.

    python -m tests.faults.dying_engine CONFIG WHOSE MOMENT COUNT [TALLY]

MOMENT is one of MOMENTS; the COUNT-th of its kind is the last thing this process does. WHOSE `new` counts what belongs
to calls that began in this process, `all` also what a recovery does. With TALLY every moment passed is written there.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal, cast, get_args

from engine.app.engine import Engine
from engine.domain import ids
from engine.domain.effects import Effect
from engine.domain.events import Event
from engine.journal import StepRow
from engine.observe.log import set_up
from engine.settings import load

Moment = Literal[
    "write-before",  # a step is decided, the journal does not have it
    "write-after",  # the journal has it, nothing was ordered
    "order-before",  # journalled, this one order not given
    "order-during",  # on its way to Asterisk
    "order-after",  # carried out, its answer not yet taken note of
]
MOMENTS: tuple[Moment, ...] = get_args(Moment)
Whose = Literal["new", "all"]
SENT_S = 0.0008
"""About when an order has left this process and Asterisk has not answered."""


class Death:
    """Waits for the moment."""

    def __init__(self, whose: Whose, moment: Moment, count: int, tally: Path | None) -> None:
        self._whose, self._moment, self._left, self._tally = whose, moment, count, tally
        self._born_here: set[str] = set()

    def passes(self, moment: Moment, call: str, what: str) -> None:
        """This moment of this call is passed, or is the last."""
        if self._whose == "new" and call not in self._born_here:
            return
        if self._tally is not None:
            with self._tally.open("a") as tally:
                tally.write(f"{moment} {what}\n")
        if moment == self._moment:
            self._left -= 1
            if self._left == 0:
                os._exit(9)

    def born(self, call: str) -> None:
        self._born_here.add(call)


def arm(engine: Engine, death: Death) -> None:
    """Put death between the engine and its journal, and between the engine and Asterisk."""
    append = cast("Callable[..., asyncio.Future[int]]", engine.journal.append_nowait)
    carry_out = cast("Callable[[Effect], Awaitable[Event | None]]", engine.world.carry_out)

    def dying_append(step: StepRow, **more: Any) -> "asyncio.Future[int]":
        kind = step.event.decode().split('"type":"', 1)[1].split('"', 1)[0]
        if kind == "CallRequested":
            death.born(step.call_id)
        death.passes("write-before", step.call_id, kind)
        written = append(step, **more)
        written.add_done_callback(lambda _: death.passes("write-after", step.call_id, kind))
        return written

    async def dying_carry_out(effect: Effect) -> Event | None:
        thing = next(getattr(effect, name) for name in ("channel", "bridge", "playback") if hasattr(effect, name))
        call, kind = str(ids.owner(thing)), type(effect).__name__
        death.passes("order-before", call, kind)
        given = asyncio.ensure_future(carry_out(effect))
        await asyncio.wait([given], timeout=SENT_S)
        death.passes("order-during", call, kind)
        event = await given
        death.passes("order-after", call, kind)
        return event

    setattr(engine.journal, "append_nowait", dying_append)  # noqa: B010 - a method put in the way of a method
    setattr(engine.world, "carry_out", dying_carry_out)  # noqa: B010 - the same


async def main(config: Path, death: Death) -> None:
    """The engine's whole life, shorter than usual."""
    settings = load(config)
    set_up(settings.log.level, settings.log.format)
    dsn = settings.postgres.dsn
    assert dsn is not None
    async with Engine(settings, dsn.get_secret_value()) as engine:
        arm(engine, death)
        await engine.serve()


if __name__ == "__main__":
    config_file, whose_calls, last_moment, number, *tally_file = sys.argv[1:]
    asyncio.run(
        main(
            Path(config_file),
            Death(
                cast("Whose", whose_calls),
                cast("Moment", last_moment),
                int(number),
                Path(tally_file[0]) if tally_file else None,
            ),
        )
    )
