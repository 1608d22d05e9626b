"""A site with an external address of its own: its trunk is told that address, and every other trunk is not."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import msgspec
import pytest
import pytest_asyncio

from engine.domain.directory import Directory
from engine.domain.values import Slug
from engine.sandbox.behaviours import mobile
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.tools import SIPP, find_or_fetch
from tests.live.asking import Events
from tests.live.lines import PATIENCE_S, Line, line_in
from tests.live.sipping import AS_WRITTEN, Party, Towards

pytestmark = pytest.mark.live

OUTSIDE = "198.51.100.7"
ADDRESSES = {"lyon-1": "127.0.3.8", "paris-1": "127.0.3.9"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own() -> AsyncIterator[Sandbox]:
    async with Sandbox("sites", print) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(loop_scope="session")
async def line(own: Sandbox) -> AsyncIterator[Line]:
    async with line_in(own) as made:
        yield made


def with_lyon(line: Line, port: int | None) -> Directory:
    """Lyon reaches us at this port, from outside; the trunks are where SIPp is."""
    outside = {"external_address": OUTSIDE, "sip_port": port, "local_networks": ("127.0.0.1/32",)} if port else {}
    directory = line.directory(*(line.trunk(name, host=host) for name, host in ADDRESSES.items()))
    lyon = msgspec.structs.replace(directory.sites[Slug("lyon")], **outside)
    return msgspec.structs.replace(directory, sites={**directory.sites, lyon.id: lyon})


def shown(messages: str) -> set[tuple[str, str, str]]:
    """Via, Contact and SDP of the INVITEs somebody got: our address in each."""
    invites = re.split(r"^INVITE ", messages, flags=re.MULTILINE)[1:]
    patterns = (r"^Via: SIP/2.0/UDP ([^;\s]+)", r"^Contact: <sip:(?:[^@>]*@)?([^;>]+)", r"^c=IN IP4 (\S+)")
    found = [[re.search(pattern, said, re.MULTILINE) for pattern in patterns] for said in invites]
    return {(via[1], contact[1], media[1]) for via, contact, media in found if via and contact and media}


async def test_its_trunk_is_told_its_address_and_no_other_is(line: Line) -> None:
    sipp = await find_or_fetch(SIPP, print)
    port, media_port = line.box.ports.take(), line.box.ports.take()
    directory = with_lyon(line, port)
    await line.files.apply(directory)
    assert await line.files.verify(directory) == []
    told = {}
    async with AsyncExitStack() as stack:
        for serial, (trunk, host) in enumerate(ADDRESSES.items()):
            at, folder = (host, line.farend.sip_port), line.box.dir / trunk
            party = await stack.enter_async_context(Party(sipp, "progress_busy", folder, at=at, media_port=media_port))
            await line.calls_out(trunk, mobile("10", serial=serial))
            await party.plays(AS_WRITTEN, timeout_s=PATIENCE_S)
            told[trunk] = shown(party.messages())
    ours = line.box.asterisk_settings.sip_port
    assert told == {
        "lyon-1": {(f"{OUTSIDE}:{port}", f"{OUTSIDE}:{port}", OUTSIDE)},
        "paris-1": {(f"127.0.0.1:{ours}", f"127.0.0.1:{ours}", "127.0.0.1")},
    }


async def test_calls_come_in_by_its_port_until_it_has_none(line: Line) -> None:
    sipp = await find_or_fetch(SIPP, print)
    port, media_port = line.box.ports.take(), line.box.ports.take()
    await line.files.apply(with_lyon(line, port))
    await line.asking.beat()
    towards = Towards("127.0.0.1", port, "33472000001", caller="+33612345678")
    at = (ADDRESSES["lyon-1"], line.farend.sip_port)
    async with (
        line.asking.app("standardiste") as events,
        Party(sipp, "calls", line.box.dir / "calls", at=at, media_port=media_port, towards=towards) as party,
        asyncio.timeout(PATIENCE_S),
    ):
        (event,) = [event async for event in _first(events, "StasisStart")]
        assert event["args"][:3] == ["inbound", "trunk-lyon-1", "33472000001"]
        await line.asking.ring(event["channel"]["id"])
        await line.asking.answer(event["channel"]["id"])
        await party.plays(AS_WRITTEN, timeout_s=PATIENCE_S)
    without = with_lyon(line, None)
    await line.files.apply(without)
    assert await line.files.verify(without) == []


async def _first(events: Events, kind: str) -> Events:
    async for event in events:
        if event["type"] == kind:
            yield event
            return
