"""A trunk changed by the API while the engine runs: its address, what it may show, how many calls it carries."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from engine.config.directory_export import export
from engine.domain.values import Slug
from engine.sandbox.behaviours import mobile
from engine.sandbox.example import example_directory, switch_on_phone
from engine.sandbox.farend import FarEnd
from engine.sandbox.farend_files import LYON, PARIS
from engine.sandbox.running import Answer, RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd

pytestmark = pytest.mark.live


class House:
    """One engine, one Yeastar at Paris that must do, and Bruno's telephone."""

    def __init__(self, box: Sandbox, engine: RunningEngine) -> None:
        self.farend: FarEnd = box.farend
        self.engine = engine
        self.calls = 0

    async def change(self, **changes: Any) -> Answer:
        """PUT the trunk of Paris as it was read, with these changes."""
        read = (await self.engine.get("/v1/trunks/paris-1")).body
        return await self.engine.put("/v1/trunks/paris-1", read | changes)

    async def call(self, agent: str = "bruno", **more: Any) -> Answer:
        self.calls += 1
        self.number = mobile("10", ring_s=0.2, tone_hz=700, serial=self.calls)
        return await self.engine.post("/v1/calls", {"agent": agent, "to": self.number, **more})

    async def over(self, call: Answer) -> None:
        assert call.status == 202, call.body
        await self.engine.delete(f"/v1/calls/{call.body['id']}")
        await self.farend.until(lambda: not any(seen.live for seen in self.farend.calls()))

        async def gone() -> bool:
            return not (await self.engine.get("/v1/calls?live=true")).body["items"]

        await crowd.until(gone)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running() -> AsyncIterator[House]:
    async with Sandbox("changes", print) as box:
        example = example_directory(box.farend)
        trunks = {name: trunk for name, trunk in example.trunks.items() if name != "lyon-1"}
        paris = msgspec.structs.replace(example.sites[Slug("paris")], allow_other_sites=False)
        alone = msgspec.structs.replace(example, trunks=trunks, sites={**example.sites, paris.id: paris})
        file = box.dir / "directory.yaml"
        file.write_text(export(alone, with_secrets=True))
        async with RunningEngine(box, file) as engine:
            await switch_on_phone(box.farend, example.agents[Slug("bruno")])
            yield House(box, engine)


async def test_a_trunk_that_moved_is_called_at_its_new_address(running: House) -> None:
    for address in (LYON, PARIS):
        assert (await running.change(host=address)).status == 200
        call = await running.call()
        assert (await running.farend.invited(running.number)).trunk == address
        await running.over(call)


async def test_a_number_shown_withheld_and_refused(running: House) -> None:
    for withhold, shown in ((True, ""), (False, "+33140000001")):
        assert (await running.change(withhold=withhold)).status == 200
        call = await running.call()
        assert (await running.farend.invited(running.number)).from_number == shown
        await running.over(call)
    for caller_id, rule in (("0612345678", "caller-id-mobile"), ("0140000009", "caller-id-not-owned")):
        refused = await running.call(caller_id=caller_id)
        assert (refused.status, refused.body["code"]) == (422, rule)
        assert running.farend.invites(running.number) == []


async def test_a_french_mobile_number_is_not_taken_as_a_trunks_own(running: House) -> None:
    refused = await running.change(caller_ids=["06 12 34 56 78"])
    assert (refused.status, refused.body["pointer"]) == (422, "/caller_ids"), refused.body
    assert "GSM gateway" in refused.body["detail"]


async def test_one_channel_fewer_than_a_call_wants_is_too_few(running: House) -> None:
    """Anne is called at her mobile: one channel for her, one for the customer."""
    assert (await running.change(channels=1)).status == 200
    refused = await running.call("anne")
    assert (refused.status, refused.body["code"]) == (503, "trunk-full")
    assert (await running.change(channels=2)).status == 200
    call = await running.call("anne")
    full = await running.call("bruno")
    assert (full.status, full.body["code"]) == (503, "trunk-full")
    await running.over(call)
    assert (await running.change(channels=30)).status == 200
