"""Trunks by TLS, in the three ways a Yeastar offers, both ways, with SRTP and without; who shows another certificate
than was wanted is not talked to."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio

from engine.domain.directory import Trunk
from engine.sandbox.asterisk import AsteriskInstall
from engine.sandbox.behaviours import mobile
from engine.sandbox.farend_files import LYON, OPERATOR, PARIS, PHONES, FarTls
from engine.sandbox.parties import FarCall
from engine.sandbox.postgres import PostgresInstall
from engine.sandbox.sandbox import Sandbox
from engine.sandbox.tools import OPENSSL, find_or_fetch
from tests.live.authority import Authority
from tests.live.lines import Line, line_in

pytestmark = pytest.mark.live

DID = "33140000001"
CALLER = "0612345678"
WAYS = {"peer": "paris-1", "register": "gsm-1", "account": "home"}


class Encrypted(Sandbox):
    """Both sides have certificates of one authority; LYON's is another's, and PHONES shows one that is not for it."""

    openssl: Path
    tls_port: int

    async def _installs(self) -> tuple[AsteriskInstall, PostgresInstall]:
        self.openssl = await find_or_fetch(OPENSSL, self._say)
        return await super()._installs()

    def _build(self, install: AsteriskInstall, programs: PostgresInstall) -> None:
        super()._build(install, programs)
        ours, theirs = Authority(self.openssl, self.dir, "ours"), Authority(self.openssl, self.dir, "theirs")
        shown = {
            PARIS: ours.signs(PARIS),
            OPERATOR: ours.signs(OPERATOR),
            LYON: theirs.signs(LYON),
            PHONES: ours.signs("127.0.0.99"),
        }
        engine, port, self.tls_port = ours.signs("127.0.0.1"), self.ports.take(), self.ports.take()
        self.asterisk_settings = msgspec.structs.replace(
            self.asterisk_settings,
            tls_port=port,
            tls_certificate=engine.certificate,
            tls_key=engine.key,
            tls_authorities=ours.certificate,
        )
        self.farend.speak_tls(FarTls(self.tls_port, port, ours.certificate, shown))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def own() -> AsyncIterator[Encrypted]:
    async with Encrypted("tls", print) as sandbox:
        yield sandbox


@pytest_asyncio.fixture(loop_scope="session")
async def line(own: Encrypted) -> AsyncIterator[Line]:
    async with line_in(own) as made:
        yield made


def tls_port(line: Line) -> int:
    assert isinstance(line.box, Encrypted)
    return line.box.tls_port


def by_tls(line: Line, kind: str, **changes: object) -> Trunk:
    """The example's trunk of this kind."""
    where = {} if kind == "account" else {"port": tls_port(line)}
    return line.trunk(WAYS[kind], transport="tls", **where, **changes)


async def secured(line: Line, channel: str) -> tuple[str, str]:
    """Whether SIP and RTP of a channel are encrypted: "1" or "0" each."""
    sip, rtp = [await line.asking.variable(channel, f"CHANNEL({what},secure)") for what in ("pjsip", "rtp")]
    return sip, rtp


def caller(line: Line, kind: str, encrypted: bool, yeastar: Any) -> Callable[[], Any]:
    """Who calls us by the trunk of this kind."""

    async def place() -> FarCall:
        if kind == "account":
            return await line.farend.dial(yeastar, DID, from_number=CALLER)
        trunk = PARIS if kind == "peer" else OPERATOR
        return await line.farend.call(DID, CALLER, trunk, encrypted=encrypted)

    return place


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "srtp"])
@pytest.mark.parametrize("kind", WAYS)
async def test_both_ways(line: Line, kind: str, encrypted: bool) -> None:
    media = "sdes" if encrypted else "none"
    await line.apply(by_tls(line, kind, media_encryption=media))
    yeastar = await line.yeastar(serial=1 + encrypted, media_encryption="sdes" if encrypted else "no")
    if kind == "register":
        await line.until_said("pjsip show registrations", "trunk-gsm-1", "Registered")
    async with line.talking(WAYS[kind], 10 * list(WAYS).index(kind) + encrypted) as (channel, _):
        assert await secured(line, channel) == ("1", str(int(encrypted)))
    async with line.arriving(caller(line, kind, encrypted, yeastar)) as event:
        assert event is not None
        assert event["args"][:3] == ["inbound", f"trunk-{WAYS[kind]}", DID]
        await line.asking.answer(event["channel"]["id"])
        assert await secured(line, event["channel"]["id"]) == ("1", str(int(encrypted)))


@pytest.mark.parametrize("address", [LYON, PHONES], ids=["another authority", "another name"])
async def test_who_shows_another_certificate_is_not_called(line: Line, address: str) -> None:
    await line.apply(by_tls(line, "peer", host=address), line.trunk("lyon-1", enabled=False))
    await line.box.asterisk.cli("pjsip qualify trunk-paris-1")
    await line.until_said("pjsip show contacts", "trunk-paris-1", "Unavail")
    number = mobile("10", serial=81)
    with pytest.raises(aiohttp.ClientResponseError):  # Asterisk has no way to it
        await line.calls_out("paris-1", number)
    by_address = f"PJSIP/trunk-paris-1/sip:{number}@{address}:{tls_port(line)};transport=tls"
    await line.asking.originate(by_address, "insists")
    await line.until_gone("insists")
    assert line.farend.invites(number) == []
