"""What the engine relies on when it makes and dials a leg."""

from __future__ import annotations

import pytest

from engine.ari.building import Reported
from engine.ari.errors import AllocationFailed, Conflict, NotFound, WrongState
from engine.ari.events import ChannelHangupRequest, ChannelStateChange, Dial
from engine.domain.values import Slug
from engine.sandbox.behaviours import mobile
from engine.sandbox.example import example_directory, switch_on_phone
from engine.sandbox.sandbox import Sandbox
from tests.live.contract.line import Line, new_id

NEVER = mobile("80", serial=41)
"""100 and nothing more."""


async def test_a_created_leg_is_down_in_our_application_and_rings_nobody(line: Line) -> None:
    channel = await line.created(f"PJSIP/{NEVER}@trunk-paris-1", args=["call", "agent"])
    seen = await line.ari.get_channel(channel)
    assert seen.state == "Down"
    assert seen.stasis_args == ("contract", "call", "agent")
    assert line.box.farend.invites(NEVER) == []


async def test_nothing_in_asterisk_tells_a_dialled_leg_from_a_created_one(line: Line) -> None:
    """Hence the journal says it, before the dial is sent."""
    number = mobile("80", serial=42)
    channel = await line.created(f"PJSIP/{number}@trunk-paris-1")
    before = await line.ari.get_channel(channel)
    await line.ari.dial(channel, 30)
    await line.box.farend.invited(number)
    assert await line.ari.get_channel(channel) == before


async def test_a_second_dial_kills_a_leg_of_which_nothing_was_heard_yet(line: Line) -> None:
    number = mobile("80", serial=43)
    channel = await line.dialled(number)
    await line.box.farend.invited(number)
    await line.ari.dial(channel, 30)
    ended = await line.ended(channel)
    assert (ended.cause, ended.tech_cause) == (16, None)


async def test_a_second_dial_is_refused_once_it_rings(line: Line) -> None:
    channel = await line.dialled(mobile("81", serial=49))
    await line.event(Dial, channel, dialstatus="RINGING")
    await line.until(lambda: any(isinstance(event, ChannelStateChange) for event in line.events(channel)))
    with pytest.raises(Conflict):
        await line.ari.dial(channel, 30)


@pytest.mark.parametrize("endpoint", ["PJSIP/nobody", "PJSIP/100@trunk-nowhere", "Nothing/x"])
async def test_what_does_not_exist_cannot_be_allocated(line: Line, endpoint: str) -> None:
    with pytest.raises(AllocationFailed):
        await line.ari.create_channel(new_id(), endpoint)


async def test_an_account_without_a_device_cannot_be_allocated(line: Line) -> None:
    agent = example_directory(line.box.farend).agents[Slug("david")]
    with pytest.raises(AllocationFailed):
        await line.ari.create_channel(new_id(), f"PJSIP/{agent.sip_user}")
    assert await line.ari.contacts(agent.sip_user) == ()
    assert (await line.ari.get_endpoint(agent.sip_user)).state == "offline"


async def test_a_created_leg_cannot_be_answered(line: Line) -> None:
    channel = await line.created(f"PJSIP/{NEVER}@trunk-paris-1")
    with pytest.raises(WrongState):
        await line.ari.answer(channel)


async def test_ids_conflict_by_prefix_while_the_first_lives(line: Line) -> None:
    channel = await line.created(f"PJSIP/{NEVER}@trunk-paris-1")
    for taken in (channel, channel[:-1]):
        with pytest.raises(Conflict):
            await line.ari.create_channel(taken, f"PJSIP/{NEVER}@trunk-paris-1")


async def test_an_id_may_be_used_again_once_its_channel_is_gone(line: Line) -> None:
    """So a conflict proves that it lives, and its absence proves nothing: a dial is never repeated."""
    channel = await line.created(f"PJSIP/{NEVER}@trunk-paris-1")
    await line.ari.hang_up(channel)
    await line.ended(channel)
    await line.ari.create_channel(channel, f"PJSIP/{NEVER}@trunk-paris-1")


async def test_hanging_up_a_leg_that_was_never_dialled_looks_like_a_refusal(line: Line) -> None:
    """603, though nobody was asked: the cause of a leg we hung up is ours, not this."""
    channel = await line.created(f"PJSIP/{NEVER}@trunk-paris-1")
    assert await line.ari.hang_up(channel)
    ended = await line.ended(channel)
    assert (ended.cause, ended.tech_cause) == (16, 603)
    assert not await line.ari.hang_up(channel)


async def test_the_absolute_time_out_ends_a_leg_nobody_minds(line: Line) -> None:
    channel = await line.dialled(mobile("81", serial=44), variables={"TIMEOUT(absolute)": "1"})
    await line.event(ChannelStateChange, channel)
    await line.ended(channel)


async def test_reported_variables_are_in_every_event_and_listing(line: Line) -> None:
    channel = await line.created(f"PJSIP/{NEVER}@trunk-paris-1", variables={"CALL_ID": Reported("k7"), "QUIET": "x"})
    assert (await line.ari.get_channel(channel)).channelvars == {"CALL_ID": "k7"}
    await line.ari.hang_up(channel)
    assert (await line.ended(channel)).channel.channelvars == {"CALL_ID": "k7"}


async def test_the_number_presented_is_the_connected_line_s(line: Line) -> None:
    number = mobile("81", serial=45)
    await line.dialled(number, variables={"CONNECTEDLINE(num,i)": "+33140000001", "CALLERID(num)": "999"})
    assert (await line.box.farend.invited(number)).from_number == "+33140000001"


async def test_a_withheld_number_is_not_presented(line: Line) -> None:
    number = mobile("81", serial=46)
    await line.dialled(number, variables={"CONNECTEDLINE(num,i)": "33140000001", "CONNECTEDLINE(num-pres,i)": "prohib"})
    assert "33140000001" not in (await line.box.farend.invited(number)).from_number


async def test_each_device_of_an_account_is_listed_and_rung_by_itself(line: Line, box: Sandbox) -> None:
    agent = example_directory(box.farend).agents[Slug("bruno")]
    try:
        first = await switch_on_phone(box.farend, agent, device=1)
        second = await switch_on_phone(box.farend, agent, device=2)
        contacts = await line.ari.contacts(agent.sip_user)
        assert len(contacts) == 2
        (to_second,) = [contact for contact in contacts if f"sip:{second.contact}@" in contact]
        channel = await line.created(to_second)
        await line.ari.dial(channel, 30)
        await box.farend.invited(second.contact)
        await line.event(Dial, channel, dialstatus="ANSWER")
        assert box.farend.invites(first.contact) == []
    finally:
        await box.farend.remove_phones()


async def test_functions_need_a_channel_and_globals_do_not(line: Line) -> None:
    await line.ari.set_global("CONTRACT", "7")
    assert await line.ari.get_global("CONTRACT") == "7"
    assert await line.ari.get_global("PJSIP_DIAL_CONTACTS(nobody)") == ""
    channel = await line.created(f"PJSIP/{NEVER}@trunk-paris-1")
    assert await line.ari.get_variable(channel, "CHANNEL(state)") == "Down"
    with pytest.raises(NotFound):
        await line.ari.get_variable(channel, "NEVER_SET")


async def test_our_own_time_out_is_told_from_the_network_s_480_by_the_request_to_hang_up(line: Line) -> None:
    """Both end 19/480."""
    ours = await line.dialled(mobile("81", serial=47), timeout_s=1)
    theirs = await line.dialled(mobile("72", serial=48))
    for channel, asked in ((ours, (32, None)), (theirs, (19, 480))):
        ended = await line.ended(channel)
        assert (ended.cause, ended.tech_cause) == (19, 480)
        request = await line.event(ChannelHangupRequest, channel)
        assert (request.cause, request.tech_cause) == asked
