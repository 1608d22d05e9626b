"""A trunk of each kind, changed by the API while the engine runs: its address, what it may show, how many calls it
carries, how its digits travel."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from engine.config.directory_export import export
from engine.domain.directory import Directory
from engine.domain.values import E164, Slug
from engine.sandbox.behaviours import coded, mobile
from engine.sandbox.example import example_directory, switch_on_phone
from engine.sandbox.farend import FarEnd
from engine.sandbox.farend_files import LYON, PARIS
from engine.sandbox.running import Answer, RunningEngine
from engine.sandbox.sandbox import Sandbox
from tests import crowd
from tests.live.lines import HOME, SECRET

pytestmark = pytest.mark.live


KINDS = {"peer": "paris-1", "register": "gsm-1", "account": "home"}
OURS = E164("+33140000001")


class House:
    """One engine, one trunk of each kind at Paris, of which one at a time must do, and Bruno's telephone."""

    def __init__(self, box: Sandbox, engine: RunningEngine) -> None:
        self.farend: FarEnd = box.farend
        self.engine = engine
        self.calls = 0

    async def only(self, kind: str) -> "House":
        """With the trunk of this kind alone."""
        self.trunk = KINDS[kind]
        for trunk in KINDS.values():
            assert (await self._put(trunk, allow_external=trunk == self.trunk)).status == 200
        return self

    async def change(self, **changes: Any) -> Answer:
        """PUT the trunk as it was read, with these changes."""
        return await self._put(self.trunk, **changes)

    async def _put(self, trunk: str, **changes: Any) -> Answer:
        read = (await self.engine.get(f"/v1/trunks/{trunk}")).body
        return await self.engine.put(f"/v1/trunks/{trunk}", read | changes)

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


def _directory(farend: FarEnd) -> Directory:
    """Paris has all trunks, with one number; the account's Yeastar is where HOME says."""
    example = example_directory(farend)
    paris = msgspec.structs.replace(example.sites[Slug("paris")], allow_other_sites=False)
    own = {"site": paris.id, "caller_ids": (OURS,), "answers_early": False}
    kept = [msgspec.structs.replace(example.trunks[Slug(name)], **own) for name in ("paris-1", "gsm-1")]
    trunks = [*kept, msgspec.structs.replace(HOME, **own)]
    return msgspec.structs.replace(
        example, trunks={trunk.id: trunk for trunk in trunks}, sites={**example.sites, paris.id: paris}
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def running() -> AsyncIterator[House]:
    async with Sandbox("changes", print) as box:
        directory = _directory(box.farend)
        file = box.dir / "directory.yaml"
        file.write_text(export(directory, with_secrets=True))
        async with RunningEngine(box, file) as engine:
            await switch_on_phone(box.farend, directory.agents[Slug("bruno")])
            yeastar = coded("10", ring_s=0.3, tone_hz=900, serial=1)
            manners = {"trust_id_inbound": "yes", "dtmf_mode": "auto", "allow": "alaw,ulaw"}
            await box.farend.yeastar("trunk-home", SECRET, yeastar, **manners)
            yield House(box, engine)


@pytest_asyncio.fixture(params=KINDS, loop_scope="session")
async def each(running: House, request: pytest.FixtureRequest) -> House:
    return await running.only(request.param)


async def test_a_trunk_that_moved_is_called_at_its_new_address(running: House) -> None:
    await running.only("peer")
    for address in (LYON, PARIS):
        assert (await running.change(host=address)).status == 200
        call = await running.call()
        assert (await running.farend.invited(running.number)).trunk == address
        await running.over(call)


async def test_a_number_shown_withheld_and_refused(each: House) -> None:
    nobody = each.farend.account.user if each.trunk == KINDS["register"] else ""  # it knows us by our account in From
    for withhold, shown in ((True, nobody), (False, "+33140000001")):
        assert (await each.change(withhold=withhold)).status == 200
        call = await each.call()
        assert (await each.farend.invited(each.number)).from_number == shown
        await each.over(call)
    for caller_id, rule in (("0612345678", "caller-id-mobile"), ("0140000009", "caller-id-not-owned")):
        refused = await each.call(caller_id=caller_id)
        assert (refused.status, refused.body["code"]) == (422, rule)
        assert each.farend.invites(each.number) == []


async def test_a_french_mobile_number_is_not_taken_as_a_trunks_own(running: House) -> None:
    await running.only("peer")
    refused = await running.change(caller_ids=["06 12 34 56 78"])
    assert (refused.status, refused.body["pointer"]) == (422, "/caller_ids"), refused.body
    assert "GSM gateway" in refused.body["detail"]


async def test_one_channel_fewer_than_a_call_wants_is_too_few(each: House) -> None:
    """Anne is called at her mobile: one channel for her, one for the customer."""
    assert (await each.change(channels=1)).status == 200
    refused = await each.call("anne")
    assert (refused.status, refused.body["code"]) == (503, "trunk-full")
    assert (await each.change(channels=2)).status == 200
    call = await each.call("anne")
    full = await each.call("bruno")
    assert (full.status, full.body["code"]) == (503, "trunk-full")
    await each.over(call)
    assert (await each.change(channels=30)).status == 200


@pytest.mark.parametrize("codec", ["alaw", "ulaw"])
async def test_a_key_in_the_voice(each: House, codec: str) -> None:
    """Anne's mobile presses 1 in the voice, since such a trunk offers no other way."""
    assert (await each.change(dtmf="inband", codecs=[codec])).status == 200
    call = await each.call("anne")
    await each.farend.invited(each.number)  # she was understood
    await each.over(call)
    assert (await each.change(dtmf="rfc4733", codecs=["alaw", "ulaw"])).status == 200


async def test_keys_in_the_voice_want_a_codec_that_carries_them(running: House) -> None:
    await running.only("peer")
    refused = await running.change(dtmf="inband", codecs=["g722"])
    assert (refused.status, refused.body["pointer"]) == (422, "/dtmf"), refused.body
