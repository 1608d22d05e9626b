"""What a caller in a scenario leaves in the journal: each step carries the call's state, and the way so far with it."""

from pathlib import Path

import msgspec

from engine.domain.scenario.graph import Limits, Menu, NodeName
from tests.calls.exchange import Exchange
from tests.calls.test_arriving import CAME, arrive, by_trunk
from tests.calls.test_led import Library, house, room_of
from tests.domain.scenario.caller import of, say

KEYS = 30
LARGEST_CALL, LARGEST_STEP = 500_000, 8_000  # bytes
LOWS_AND_HIGHS = of(
    {
        name: Menu(prompt=say("Bonjour et bienvenue, faites votre choix"), keys={"1": NodeName(other)})
        for name, other in (("low", "high"), ("high", "low"))
    },
    limits=Limits(steps=400, visits=200),
)


async def test_a_caller_of_thirty_keys_fills_no_disk(tmp_path: Path, exchange: Exchange) -> None:
    library = Library(live=msgspec.structs.replace(LOWS_AND_HIGHS, version="live-1"))
    async with room_of(tmp_path, exchange, house(), library) as room:
        call_id = (await arrive(room, by_trunk())).id
        await room.until(lambda: room.stage(call_id) == "scripted")
        for steps in range(2, KEYS + 2):
            exchange.presses(CAME, "1")
            await room.until(lambda steps=steps: room.call(call_id).run.steps == steps)  # type: ignore[misc, union-attr]
        exchange.ends(CAME, 16)
        await room.ended(call_id)
        rows = await room.journal.steps(call_id)
        sizes = [len(row.event) + len(row.effects) + len(row.state) for row in rows]
    assert sum(sizes) < LARGEST_CALL
    assert max(sizes) < LARGEST_STEP
