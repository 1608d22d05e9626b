"""One API over doubles for each test, and a client whose every answer is held against `openapi.json`."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, web

from engine.http.server import ApiServer, build_app
from engine.observe.metrics import Metrics
from engine.settings import HttpSettings
from tests.http import contract
from tests.http.fakes import (
    FakeCallbacks,
    FakeCalls,
    FakeCdrs,
    FakeContacts,
    FakeDirectory,
    FakeFeed,
    FakeHealth,
    FakeIncidents,
    FakeLimits,
    FakeLinks,
    FakePrompts,
    FakeScenarios,
    FakeTokens,
    FakeUnmatched,
    FakeVoicemails,
    FakeWebhooks,
)


@dataclass
class Api:
    """The API under test, its doubles, and `ask`."""

    calls: FakeCalls
    cdrs: FakeCdrs
    tokens: FakeTokens
    health: FakeHealth
    directory: FakeDirectory
    feed: FakeFeed
    webhooks: FakeWebhooks
    contacts: FakeContacts
    limits: FakeLimits
    incidents: FakeIncidents
    scenarios: FakeScenarios
    callbacks: FakeCallbacks
    prompts: FakePrompts
    voicemails: FakeVoicemails
    links: FakeLinks
    metrics: Metrics
    app: web.Application
    port: int
    client: ClientSession

    async def ask(self, method: str, path: str, *, token: str | None = "std_all", **more: Any) -> ClientResponse:
        headers = dict(more.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        answer = await self.client.request(method, path, headers=headers, **more)
        await contract.check(method, answer.url.raw_path, answer)
        return answer


@pytest.fixture
def limits() -> HttpSettings:
    return HttpSettings(port=0, rate_burst=10_000, rate_per_s=10_000, body_time_s=0.5, answer_time_s=30)


@pytest.fixture
async def api(limits: HttpSettings, tmp_path: Path) -> AsyncIterator[Api]:
    calls, cdrs, tokens, health, metrics = FakeCalls(), FakeCdrs(), FakeTokens(), FakeHealth(), Metrics()
    directory, feed, webhooks, contacts = FakeDirectory(), FakeFeed(), FakeWebhooks(), FakeContacts()
    call_limits, links, incidents, scenarios = FakeLimits(), FakeLinks(), FakeIncidents(), FakeScenarios()
    callbacks, voicemails = FakeCallbacks(), FakeVoicemails(tmp_path / "message.wav")
    prompts = FakePrompts()
    app = build_app(
        calls=calls,
        cdrs=cdrs,
        tokens=tokens,
        health=health,
        metrics=metrics,
        limits=limits,
        directory=directory,
        feed=feed,
        webhooks=webhooks,
        contacts=contacts,
        call_limits=call_limits,
        call_links=links,
        incidents=incidents,
        scenarios=scenarios,
        unmatched=FakeUnmatched(),
        callbacks=callbacks,
        prompts=prompts,
        voicemails=voicemails,
    )
    async with ApiServer(app, limits) as server, ClientSession(server.url) as client:
        yield Api(
            calls=calls,
            cdrs=cdrs,
            tokens=tokens,
            health=health,
            directory=directory,
            feed=feed,
            webhooks=webhooks,
            contacts=contacts,
            limits=call_limits,
            incidents=incidents,
            scenarios=scenarios,
            callbacks=callbacks,
            prompts=prompts,
            voicemails=voicemails,
            links=links,
            metrics=metrics,
            app=app,
            port=server.port,
            client=client,
        )
