"""A fake Asterisk on a free port, and a client to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import web

from engine.ari.pools import HttpPools
from engine.ari.requests import AriRequests
from tests.ari.fake_asterisk import FakeAsterisk


@pytest.fixture
async def fake() -> AsyncIterator[FakeAsterisk]:
    asterisk = FakeAsterisk()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", asterisk.serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    asterisk.settings = replace(
        asterisk.settings,
        base_url=f"http://127.0.0.1:{port}",
        connect_limit_s=0.3,
        reconnect_first_s=0.01,
        reconnect_last_s=0.05,
    )
    yield asterisk
    await runner.cleanup()


@pytest.fixture
async def pools(fake: FakeAsterisk) -> AsyncIterator[HttpPools]:
    async with HttpPools(fake.settings) as opened:
        yield opened


@pytest.fixture
def ari(fake: FakeAsterisk, pools: HttpPools) -> AriRequests:
    return AriRequests(pools, fake.settings.app)
