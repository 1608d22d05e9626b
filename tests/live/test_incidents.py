"""Incidents on a real Asterisk: its dialplan reads them, and reads them right after its restart, whatever it kept."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from engine.config.directory_export import export
from engine.sandbox.behaviours import coded
from engine.sandbox.example import example_directory
from engine.sandbox.running import RunningEngine
from engine.sandbox.sandbox import Sandbox

pytestmark = pytest.mark.live

SOON_S = 20.0  # the longest pause of the manager connection, and a second for the look


@pytest_asyncio.fixture(loop_scope="session")
async def engine(own_box: Sandbox) -> AsyncIterator[RunningEngine]:
    file = own_box.dir / "directory.yaml"
    file.write_text(export(example_directory(own_box.farend), with_secrets=True))
    async with RunningEngine(own_box, file) as running:
        yield running


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(SOON_S):
        while not await holds():  # noqa: ASYNC110 - the condition is in another process
            await asyncio.sleep(0.05)


async def test_an_agent_who_may_sets_a_flag_by_telephone_and_is_told_so(
    own_box: Sandbox, engine: RunningEngine
) -> None:
    async def spoken(step: str) -> bool:
        return step in await own_box.asterisk.cli("core show channels concise")

    async def active() -> list[str]:
        return [item["code"] for item in (await engine.get("/v1/incidents")).body["items"] if item["active"]]

    enrolled = await engine.post("/v1/agents", {"id": "zoe", "name": "Zoé", "site": "paris", "incidents": True})
    account = enrolled.body["settings"]
    phone = await own_box.farend.phone(
        account["user"], account["secret"], coded("10", ring_s=0.3, tone_hz=800, serial=1)
    )
    for told, expected in (("set2", ["it-down"]), ("clear2", [])):
        call = await own_box.farend.dial(phone, "*802")
        await until(lambda told=told: spoken(f"!standardiste-incident!{told}!"))  # type: ignore[misc]
        assert await active() == expected
        await own_box.farend.until(lambda call=call: not call.live, timeout_s=SOON_S)  # type: ignore[misc]
    assert (await engine.put("/v1/agents/zoe", {"name": "Zoé", "site": "paris"})).status == 200
    refused = await own_box.farend.dial(phone, "*802")
    await own_box.farend.until(lambda: not refused.live, timeout_s=SOON_S)
    assert await active() == []


async def test_a_dialplan_reads_a_flag_and_still_does_after_asterisk_restarted(
    own_box: Sandbox, engine: RunningEngine
) -> None:
    async def read() -> str:
        told = await own_box.asterisk.cli("dialplan eval function DB(incidents/it-down)")
        return told.partition("Result: ")[2].strip()

    async def is_set() -> bool:
        return await read() == "1"

    async def is_clear() -> bool:
        return await read() == "0"

    await until(is_clear)
    assert (await engine.put("/v1/incidents/it-down", {"message_fr": "Panne"})).status == 200
    await until(is_set)

    await own_box.asterisk.cli("database put incidents it-down 0")
    await own_box.asterisk.kill()
    await own_box.asterisk.start()
    await until(is_set)

    assert (await engine.delete("/v1/incidents/it-down")).status == 200
    await until(is_clear)
    soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    assert (await engine.put("/v1/incidents/it-down", {"expires_at": soon})).status == 200
    await until(is_set)
    await until(is_clear)
    found = next(item for item in (await engine.get("/v1/incidents")).body["items"] if item["code"] == "it-down")
    assert found["active"] is False
