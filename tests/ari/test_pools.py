"""Faults on the way to Asterisk: was it sent, may it be sent again, and whose fault was it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from engine.ari.errors import (
    AllocationFailed,
    AriError,
    CommandRefused,
    Conflict,
    NotAuthorised,
    NotFound,
    NotInStasis,
    OutcomeUnknown,
    ServerFailed,
    Unreachable,
    WrongState,
)
from engine.ari.pools import HttpPools, Request, refusal
from engine.ari.requests import AriRequests
from engine.errors import InvalidValue, Unavailable
from tests.ari.fake_asterisk import FakeAsterisk, answers, hangs_up, never

CREATE = "POST /channels/create"
DIAL = "POST /channels/c/dial"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, b'{"message":"Channel not found"}', NotFound),
        (400, b'{"message":"Invalid Reason"}', CommandRefused),
        (401, b"", NotAuthorised),
        (403, b"", NotAuthorised),
        (404, b'{"message":"Channel not found"}', NotFound),
        (409, b'{"message":"Channel not in Stasis application"}', NotInStasis),
        (422, b'{"message":"Channel not in Stasis application"}', NotInStasis),
        (422, b'{"message":"Unknown format"}', CommandRefused),
        (409, b'{"message":"Channel with given unique ID already exists"}', Conflict),
        (412, b'{"message":"Channel in invalid state"}', WrongState),
        (500, b'{"error":"Allocation failed"}', AllocationFailed),
        (500, b"<html>", ServerFailed),
        (503, b"", Unreachable),
    ],
)
def test_every_refusal_has_its_class(status: int, body: bytes, expected: type[AriError]) -> None:
    error = refusal("POST /x", status, body)
    assert type(error) is expected
    assert error.what_next
    assert str(status) in str(error)


def test_only_what_was_never_sent_may_be_sent_again() -> None:
    assert Unreachable.retryable
    assert issubclass(Unreachable, Unavailable)
    assert not OutcomeUnknown.retryable


async def test_nobody_listens(fake: FakeAsterisk) -> None:
    settings = replace(fake.settings, base_url="http://127.0.0.1:9")
    async with HttpPools(settings) as pools:
        with pytest.raises(Unreachable):
            await AriRequests(pools, "x").dial("c", 30)


async def test_pools_that_are_not_open_send_nothing(fake: FakeAsterisk) -> None:
    with pytest.raises(Unreachable):
        await HttpPools(fake.settings).send(Request(method="GET", path="/x"))


async def test_a_dial_without_an_answer_is_never_sent_twice(fake: FakeAsterisk, ari: AriRequests) -> None:
    fake.next_answer(DIAL, hangs_up)
    with pytest.raises(OutcomeUnknown):
        await ari.dial("c", 30)
    assert fake.seen == [DIAL]


async def test_a_create_without_an_answer_is_repeated_and_a_conflict_then_means_it_is_there(
    fake: FakeAsterisk, ari: AriRequests
) -> None:
    fake.next_answer(CREATE, hangs_up)
    fake.next_answer(CREATE, answers(409, {"message": "Channel with given unique ID already exists"}))
    await ari.create_channel("c", "PJSIP/x")
    assert fake.seen == [CREATE, CREATE]


async def test_a_conflict_on_the_first_create_is_a_conflict(fake: FakeAsterisk, ari: AriRequests) -> None:
    fake.next_answer(CREATE, answers(409, {"message": "already exists"}))
    with pytest.raises(Conflict):
        await ari.create_channel("c", "PJSIP/x")


async def test_a_hang_up_is_repeated_and_gone_is_well(fake: FakeAsterisk, ari: AriRequests) -> None:
    fake.next_answer("DELETE /channels/c", hangs_up)
    fake.next_answer("DELETE /channels/c", answers(404, {"message": "Channel not found"}))
    assert await ari.hang_up("c") is False


async def test_three_times_without_an_answer_is_enough(fake: FakeAsterisk, ari: AriRequests) -> None:
    for _ in range(5):
        fake.next_answer("POST /channels/c/answer", hangs_up)
    with pytest.raises(OutcomeUnknown):
        await ari.answer("c")
    assert len(fake.seen) == 3


async def test_an_asterisk_that_is_still_booting_is_asked_again(fake: FakeAsterisk, ari: AriRequests) -> None:
    fake.next_answer(DIAL, answers(503))
    await ari.dial("c", 30)
    assert fake.seen == [DIAL, DIAL]


async def test_no_answer_in_time_is_an_unknown_outcome(fake: FakeAsterisk, pools: HttpPools) -> None:
    release = asyncio.Event()
    fake.next_answer("POST /slow", never(release))
    with pytest.raises(OutcomeUnknown):
        await pools.send(Request(method="POST", path="/slow", limit_s=0.05))
    release.set()


async def test_thirty_stuck_commands_do_not_hold_up_a_hang_up(fake: FakeAsterisk, pools: HttpPools) -> None:
    release = asyncio.Event()
    stuck = []
    for number in range(fake.settings.ordinary_connections):
        fake.next_answer(f"POST /stuck/{number}", never(release))
        stuck.append(asyncio.create_task(pools.send(Request(method="POST", path=f"/stuck/{number}"))))
    await fake.until(lambda: len(fake.seen) == len(stuck))
    assert await AriRequests(pools, "x").hang_up("c")
    with pytest.raises(Unreachable):  # no connection came free: it was not sent
        await pools.send(Request(method="POST", path="/one-more"))
    assert "POST /one-more" not in fake.seen
    release.set()
    await asyncio.gather(*stuck)


async def test_what_is_quoted_arrives_as_it_was(fake: FakeAsterisk, ari: AriRequests) -> None:
    told: dict[str, str] = {}

    async def note(request: object) -> object:
        told.update(request.query)  # type: ignore[attr-defined]
        return await answers(204)(request)  # type: ignore[arg-type]

    fake.next_answer(CREATE, note)  # type: ignore[arg-type]
    endpoint = "PJSIP/ag1/sip:+33612345678@10.0.0.1:5060;transport=udp&x"
    await ari.create_channel("c", endpoint, args=["call", "é à"])
    assert told["endpoint"] == endpoint
    assert told["appArgs"] == "call,é à"


async def test_a_comma_in_a_listed_value_is_refused_here(ari: AriRequests) -> None:
    with pytest.raises(InvalidValue):
        await ari.play("c", "p", ["tone:620/500,700/500"])


def test_the_password_shows_nowhere(fake: FakeAsterisk) -> None:
    assert "'p'" not in repr(fake.settings)
    assert "p@" not in fake.settings.websocket_url


async def test_an_answer_that_is_not_understood_is_the_servers_fault(fake: FakeAsterisk, ari: AriRequests) -> None:
    fake.next_answer("GET /channels", answers(200, {"not": "a list"}))
    with pytest.raises(ServerFailed):
        await ari.list_channels()
