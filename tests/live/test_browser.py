"""A telephone in a browser, set up with what `POST /v1/agents` answered in `webrtc`.

It rings beside a softphone of the same agent, calls, is heard and hears, and is out at once when the agent is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import pytest_asyncio

from engine.sandbox.behaviours import mobile
from engine.sandbox.sandbox import Sandbox
from tests.live.browser import Browser, on_loopback_too
from tests.live.desk import Desk, opened_desk

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def desk() -> AsyncIterator[Desk]:
    async with opened_desk(Sandbox("browser")) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    on_loopback_too(monkeypatch)


@asynccontextmanager
async def browser(desk: Desk, told: dict[str, Any], *, tone_hz: int = 800) -> AsyncIterator[Browser]:
    """A browser that is registered."""
    heard = desk.box.dir / f"{told['webrtc']['user']}-{tone_hz}.wav"
    async with Browser(told["webrtc"], heard, tone_hz=tone_hz) as opened:
        assert await opened.line.register() == 200
        yield opened


async def called(desk: Desk, agent: str, customer: str) -> None:
    answer = await desk.engine.post("/v1/calls", {"agent": agent, "to": customer})
    assert answer.status == 202, answer.body


async def test_it_rings_beside_a_telephone_and_has_the_call_it_answers_first(desk: Desk) -> None:
    told, customer = await desk.enrol("marie", webrtc=True), mobile("10", ring_s=0.2, tone_hz=1000, serial=1)
    async with desk.softphone(told["settings"], tone_hz=600) as telephone, browser(desk, told) as page:
        await called(desk, "marie", customer)
        invite, _ = await asyncio.gather(page.told("INVITE"), telephone.told("CALL_INCOMING"))
        assert customer in invite.header("From")
        await page.accept()
        await telephone.told("CALL_CLOSED")
        await desk.long_enough(customer)
        assert page.media.encrypted
        await desk.farend.hang_up(customer)
        await page.told("BYE")
        await page.media.close()
        assert "CALL_ESTABLISHED" not in telephone.kinds()
        await desk.they_talked(page.heard, 800, customer)
    row = await desk.record(agent_id="marie")
    assert (row["outcome"], row["hangup_by"], row["cause"]) == ("answered", "customer", 16)
    assert sorted(leg["result"] for leg in row["legs"]) == ["answered", "answered", "elsewhere"]


async def test_the_telephone_may_be_first_and_the_browsers_stop(desk: Desk) -> None:
    told, customer = await desk.enrol("paul", webrtc=True), mobile("10", ring_s=0.2, tone_hz=1040, serial=2)
    async with (
        desk.softphone(told["settings"], tone_hz=640) as telephone,
        browser(desk, told) as one,
        browser(desk, told, tone_hz=840) as other,
    ):
        await called(desk, "paul", customer)
        await asyncio.gather(one.told("INVITE"), other.told("INVITE"), telephone.told("CALL_INCOMING"))
        await telephone.accept()
        await asyncio.gather(one.told("CANCEL"), other.told("CANCEL"))
        await desk.long_enough(customer)
        await telephone.hang_up()
        await telephone.told("CALL_CLOSED")
        await desk.they_talked(telephone.heard, 640, customer)
    row = await desk.record(agent_id="paul")
    assert (row["outcome"], row["hangup_by"]) == ("answered", "agent")
    assert sorted(leg["result"] for leg in row["legs"]) == ["answered", "answered", "elsewhere", "elsewhere"]


async def test_it_calls_with_the_agents_rights(desk: Desk) -> None:
    told, customer = await desk.enrol("lea", webrtc=True), mobile("10", ring_s=0.2, tone_hz=1080, serial=3)
    async with browser(desk, told) as page:
        assert (await page.dial(f"0{customer[3:]}")).status == 200
        await desk.long_enough(customer)
        assert page.media.encrypted
        await page.hang_up()
        await page.media.close()
        await desk.they_talked(page.heard, 800, customer)
    row = await desk.record(agent_id="lea")
    assert (row["outcome"], row["hangup_by"], row["kind"]) == ("answered", "agent", "dialled")
    async with browser(desk, told) as page:
        assert (await page.dial("0899123456")).status in range(400, 700)


async def test_another_secret_or_no_browser_of_the_agents_is_refused(desk: Desk) -> None:
    told = await desk.enrol("zoe", webrtc=True)
    async with browser(desk, told):
        pass
    wrong = {**told["webrtc"], "secret": "not-the-secret-told"}
    async with Browser(wrong, desk.box.dir / "wrong.wav", tone_hz=800) as stranger:
        assert await stranger.line.register() == 401
    plain = await desk.enrol("max")
    assert plain["webrtc"] is None
    user = f"{plain['settings']['user']}.web"
    claimed = {**told["webrtc"], "user": user, "uri": f"sip:{user}@127.0.0.1", "secret": plain["settings"]["secret"]}
    async with Browser(claimed, desk.box.dir / "claimed.wav", tone_hz=800) as stranger:
        assert await stranger.line.register() == 401


@pytest.mark.parametrize("way", ["removed", "disabled", "without"])
async def test_it_is_out_at_once_when_the_agent_is(desk: Desk, way: str) -> None:
    """Its registration is dropped while its socket stays open, and it cannot register by it again."""
    agent = f"nina-{way}"
    told = await desk.enrol(agent, webrtc=True)
    user = told["webrtc"]["user"]
    async with browser(desk, told) as page:
        assert user in await desk.box.asterisk.cli("pjsip show contacts")
        if way == "removed":
            assert (await desk.engine.delete(f"/v1/agents/{agent}")).status == 200
        else:
            await desk.change(agent, **({"enabled": False} if way == "disabled" else {"webrtc": False}))
        assert user not in await desk.box.asterisk.cli("pjsip show contacts")
        assert await page.line.register() == 401
        answer = await desk.engine.post("/v1/calls", {"agent": agent, "to": mobile("10", serial=9)})
        rule = {"removed": "unknown-agent", "disabled": "agent-disabled", "without": "no-phone-registered"}[way]
        assert answer.body["type"].endswith(rule), answer.body
