"""Callers in menus on the real Asterisk: a key ends what is said about as soon as it does in plain dialplan.

Figures are `bin/bench ivr`'s business; here only what holds on any machine.
"""

from tests.bench import ivr
from tests.bench.tables import part
from tests.crowding import Crowding

CALLERS, SECONDS = 10, 6.0
BARGE_IN_S = 0.05


async def test_keys_end_prompts_as_soon_as_in_plain_dialplan() -> None:
    async with Crowding() as crowding:
        plain, engine = await ivr.compared(CALLERS, SECONDS, rounds=1)
    for side in (plain, engine):
        assert (side.callers, side.lost) == (CALLERS, 0), side.name
        assert len(side.pressed) > CALLERS / 2, side.name
    stopped = {side.name: part([key.stopped_s for key in side.pressed], 0.5) or 0.0 for side in (plain, engine)}
    assert stopped[engine.name] < stopped[plain.name] + BARGE_IN_S * crowding.factor
