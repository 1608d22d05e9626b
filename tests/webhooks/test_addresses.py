"""No event to what only this machine or its network can reach, by whatever name."""

import asyncio
import socket
import threading
from ipaddress import ip_address

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from engine.errors import InvalidValue
from engine.webhooks import addresses
from engine.webhooks.addresses import AddressRefused, GuardedResolver, check_url, is_public
from engine.webhooks.ports import Endpoint
from engine.webhooks.poster import Poster
from tests.webhooks.receiver import Receiver

PRIVATE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
    "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2001:db8::1",
    "2001:0:7f00:1:0:ffff:f5ff:fffe",
]  # fmt: skip
PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize("address", PRIVATE)
def test_not_public(address: str) -> None:
    assert not is_public(ip_address(address))
    literal = f"[{address}]" if ":" in address else address
    with pytest.raises(InvalidValue):
        check_url(f"https://{literal}/hook", private=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(ip_address(address))
    check_url(f"https://{f'[{address}]' if ':' in address else address}/hook", private=False)


@pytest.mark.parametrize(
    "url",
    [
        "", "crm.example", "http://crm.example/", "ftp://crm.example/", "https://", "https:///x", "https://u@crm.example/",
        "https://u:p@crm.example/", "https://crm.example/#x", "https://crm.example:99999/", "https://crm.example/ x",
        "https://crm.example/\n", "https://[::1", "file:///etc/passwd", "https://crm.example/" + "x" * 2000,
    ],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InvalidValue) as wrong:
        check_url(url, private=False)
    assert (wrong.value.stable_code, wrong.value.pointer) == ("webhook-address", "/url")


class Names(AbstractResolver):
    """A name server in the hands of somebody else: another answer each time."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked += 1
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0) for one in found
        ]

    async def close(self) -> None:
        return


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"], ["::ffff:10.0.0.1"], ["fe80::1%eth0"]])
async def test_a_name_that_leads_home_is_refused(answers: list[str]) -> None:
    with pytest.raises(AddressRefused):
        await GuardedResolver(private=False, inner=Names(answers)).resolve("crm.example", 443)


async def test_the_address_is_looked_at_for_each_connection() -> None:
    """A name that was public when it was checked and is not when it is used."""
    async with Receiver() as receiver:
        names = Names(["1.1.1.1"], ["127.0.0.1"])
        guarded = GuardedResolver(private=False, inner=names)
        await guarded.resolve("crm.example", receiver.port)
        async with Poster(private=False, resolver=guarded) as poster:
            endpoint = Endpoint(name="crm", url=f"http://crm.example:{receiver.port}/", secret=SECRET)
            for _ in range(2):
                reply = await poster.post(endpoint, "e.1", b"{}")
                assert (reply.status, reply.taken) == (None, False)
                assert "no public address" in str(reply.error)
        assert names.asked == 3
        assert receiver.received == []


async def test_a_name_whose_server_is_silent_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    silence, asked = threading.Event(), []

    def look_up(host: str, port: int) -> list[ResolveResult]:
        asked.append(host)
        if host == "silent.example":
            silence.wait(20)
        return []

    monkeypatch.setattr(addresses, "_look_up", look_up)
    names = addresses.SystemNames()
    try:
        waiting = [asyncio.ensure_future(names.resolve("silent.example")) for _ in range(200)]
        async with asyncio.timeout(30):
            assert await names.resolve("crm.example") == []
        waiting[0].cancel()
        silence.set()
        assert await waiting[1] == []
        await asyncio.gather(*waiting, return_exceptions=True)
        assert asked.count("silent.example") == 1
    finally:
        silence.set()
        await names.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f000001", "127.1", "0"])
async def test_no_spelling_of_loopback_gets_through(host: str) -> None:
    async with Receiver() as receiver, Poster(private=False) as poster:
        endpoint = Endpoint(name="crm", url=f"http://{host}:{receiver.port}/", secret=SECRET)
        reply = await poster.post(endpoint, "e.1", b"{}")
        assert reply.status is None
        assert receiver.received == []
