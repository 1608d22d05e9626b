"""The journals of real calls, one engine killed in the middle of them: each replays to the same and can be drawn."""

import asyncio

import pytest

from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd

KINDS = {"talks", "customer rings long, answers", "customer busy after ringing", "customer early media", "agent busy"}


@pytest.mark.asyncio(loop_scope="session")
async def test_every_journal_replays_to_the_same(own_box: Sandbox) -> None:
    plans = crowd.plans([kind for kind in crowd.EVERY_STAGE if kind.name in KINDS], len(KINDS))
    file = crowd.written(own_box, crowd.directory(own_box.farend, plans))
    async with RunningEngine(own_box, file) as engine:
        ids = [await crowd.place(engine, plan) for plan in plans]
        await crowd.until(lambda: _talks(engine))
        await engine.kill()
        await engine.start()
        await crowd.until(lambda: _talks(engine))
        living = (await engine.get("/v1/calls?live=true")).body["items"]
        for call in living:
            await engine.ask("DELETE", f"/v1/calls/{call['id']}")
        await crowd.all_recorded(own_box, ids)
        # `command` raises unless the exit code is 0: no step unreadable, no order and no state different
        told = await asyncio.gather(*(engine.command("call", "replay", call_id) for call_id in ids))
        assert all("the same orders and the same states at every step" in one for one in told)
        pictures = [await engine.command("call", "ladder", call_id) for call_id in ids]
        assert all(picture.startswith("<svg ") for picture in pictures)
        assert any("engine restarted, call re-owned" in picture for picture in pictures)


async def _talks(engine: RunningEngine) -> bool:
    return any(call["talking"] for call in (await engine.get("/v1/calls?live=true")).body["items"])
