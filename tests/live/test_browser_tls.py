"""Browsers that come to Asterisk itself by TLS, without a proxy, and what else is behind that port."""

import asyncio
import ssl
from collections.abc import AsyncIterator

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from engine.sandbox.asterisk import AsteriskInstall
from engine.sandbox.behaviours import mobile
from engine.sandbox.postgres import PostgresInstall
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.tools import OPENSSL, find_or_fetch
from tests.live.authority import Authority
from tests.live.browser import Browser, on_loopback_too
from tests.live.desk import Desk, opened_desk

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="session")]


class ByTls(Sandbox):
    """Its Asterisk takes the websockets of browsers by TLS."""

    authority: Authority

    async def _installs(self) -> tuple[AsteriskInstall, PostgresInstall]:
        openssl, installs = await asyncio.gather(find_or_fetch(OPENSSL, self._say), super()._installs())
        self._openssl = openssl
        return installs

    def _build(self, install: AsteriskInstall, programs: PostgresInstall) -> None:
        super()._build(install, programs)
        self.authority = Authority(self._openssl, self.dir, "house")
        shown = self.authority.signs("127.0.0.1")
        self.asterisk_settings = msgspec.structs.replace(
            self.asterisk_settings,
            wss_port=self.ports.take(),
            tls_certificate=shown.certificate,
            tls_key=shown.key,
        )

    @property
    def trusted(self) -> ssl.SSLContext:
        """What a browser believes who believes the authority."""
        return ssl.create_default_context(cafile=self.authority.certificate)


@pytest.fixture(scope="module")
def house() -> ByTls:
    return ByTls("wss")


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def desk(house: ByTls) -> AsyncIterator[Desk]:
    async with opened_desk(house) as opened:
        yield opened


async def test_it_calls_by_a_websocket_in_tls(desk: Desk, house: ByTls, monkeypatch: pytest.MonkeyPatch) -> None:
    on_loopback_too(monkeypatch)
    told, customer = await desk.enrol("marie", webrtc=True), mobile("10", ring_s=0.2, tone_hz=1000, serial=1)
    assert told["webrtc"]["url"].startswith("wss://")
    async with Browser(told["webrtc"], house.dir / "heard.wav", tone_hz=800, trusted=house.trusted) as page:
        assert await page.line.register() == 200
        assert (await page.dial(customer)).status == 200
        await desk.long_enough(customer)
        assert page.media.encrypted
        await page.hang_up()
        await page.media.close()
        await desk.they_talked(page.heard, 800, customer)


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(("comes_from", "status"), [("127.0.0.1", 200), ("127.0.0.2", 403)])
async def test_ari_behind_the_same_port_is_for_this_address_alone(house: ByTls, comes_from: str, status: int) -> None:
    """With the right password: the engine's own."""
    own = house.asterisk_settings
    connector = aiohttp.TCPConnector(local_addr=(comes_from, 0), ssl=house.trusted)
    signed = aiohttp.BasicAuth(own.ari_user, own.ari_secret)
    async with (
        aiohttp.ClientSession(connector=connector, auth=signed) as session,
        session.get(f"https://127.0.0.1:{own.wss_port}/ari/asterisk/info") as answer,
    ):
        assert answer.status == status
