"""How a leg ends, for each answer of the network: the table the engine reads outcomes from."""

from __future__ import annotations

import asyncio

import pytest

from engine.ari.events import ChannelDestroyed, ChannelHangupRequest, Dial, StasisEnd, StasisStart
from engine.sandbox.behaviours import mobile
from tests.live.contract.line import Line

ENDS = [
    # behaviour, Q.850 cause, SIP status
    ("50", 17, 486),
    ("51", 21, 603),
    ("52", 19, 480),
    ("53", 1, 404),
    ("54", 34, 503),
    ("55", 21, 403),
    ("56", 38, 500),
    ("57", 18, 408),
    ("58", 22, 410),
    ("59", 58, 488),
    ("60", 28, 484),
    ("61", 27, 502),
    ("62", 102, 504),
    ("63", 58, 606),
]


@pytest.mark.parametrize(("behaviour", "cause", "status"), ENDS)
async def test_a_refusal_has_its_cause_and_sip_status(line: Line, behaviour: str, cause: int, status: int) -> None:
    """Whatever Q.850 reason it gives: the far end's Asterisk adds the one it had, 21 to 504 and 606."""
    channel = await line.dialled(mobile(behaviour, ring_s=0, serial=60))
    ended = await line.ended(channel)
    assert (ended.cause, ended.tech_cause) == (cause, status)


@pytest.mark.parametrize(("behaviour", "cause", "status"), [("70", 17, 486), ("71", 21, 603), ("74", 1, 404)])
async def test_a_refusal_after_ringing_has_no_last_dial_event(
    line: Line, behaviour: str, cause: int, status: int
) -> None:
    channel = await line.dialled(mobile(behaviour, ring_s=0.2, serial=61))
    ended = await line.ended(channel)
    assert (ended.cause, ended.tech_cause) == (cause, status)
    assert [event.dialstatus for event in line.events(channel) if isinstance(event, Dial)] == ["", "RINGING"]


CALLED = "Local/called@contract-callers/n"
ENDINGS = (ChannelHangupRequest, StasisEnd, ChannelDestroyed)


async def test_the_events_of_an_end_come_in_this_order(line: Line) -> None:
    channel = await line.dialled(mobile("70", ring_s=0.2, serial=62))
    await line.bridge(channel)
    await line.ended(channel)
    last = [type(event) for event in line.events(channel) if isinstance(event, ChannelHangupRequest | StasisEnd)]
    assert last == [ChannelHangupRequest, StasisEnd]
    assert isinstance(line.events(channel)[-1], ChannelDestroyed)


async def test_an_announcement_in_early_media_then_a_refusal(line: Line) -> None:
    channel = await line.dialled(mobile("42", serial=63))
    ended = await line.ended(channel)
    assert (ended.cause, ended.tech_cause) == (17, 486)
    assert [event.dialstatus for event in line.events(channel) if isinstance(event, Dial)] == ["", "PROGRESS"]


async def test_a_party_who_hangs_up_first_leaves_16_in_a_bridge(line: Line) -> None:
    one = await line.up(mobile("32", ring_s=0, serial=64))
    other = await line.up(mobile("10", ring_s=0, serial=65))
    await line.bridge(one, other)
    assert (await line.ended(one)).cause == 16


async def test_a_party_who_hangs_up_unbridged_leaves_16_or_no_cause(line: Line) -> None:
    channel = await line.dialled(mobile("30", ring_s=0, serial=66))
    assert (await line.ended(channel)).cause in {0, 16}


async def test_of_a_caller_the_dialplan_sent_us_the_end_is_told_by_stasis_end_alone(line: Line) -> None:
    """Subscribed to by hand, such a channel is told of like those we made."""
    await line.box.asterisk.cli("dialplan add extension called,1,Stasis,contract,caller into contract-callers")
    for followed in (False, True):
        line.messages.clear()
        other_end = await line.created(CALLED)
        await line.ari.dial(other_end, 30)
        caller = (await line.event(StasisStart, args=("caller",))).channel.id
        if followed:
            await line.ari.subscribe(f"channel:{caller}")
        await line.raw.hang_up(other_end)
        await line.event(StasisEnd, caller)
        async with asyncio.timeout(10):
            while not await line.gone(caller):
                pass
        later = await line.created(CALLED)  # whatever there is to tell of the caller was told before
        await line.raw.hang_up(later)
        await line.ended(later)
        last = [type(event) for event in line.events(caller) if isinstance(event, ENDINGS)]
        assert last[0] is ChannelHangupRequest
        assert [kind for kind in last if kind is not ChannelHangupRequest] == [
            StasisEnd,
            *[ChannelDestroyed] * followed,
        ]
