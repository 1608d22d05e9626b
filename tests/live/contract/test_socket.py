"""What happens to calls, events and applications while nobody listens."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime, timedelta

from websockets.asyncio.client import connect

from engine.ari.cel import Past, pasts
from engine.ari.events import ChannelDestroyed, ChannelEnteredBridge, UnknownEvent
from engine.ari.messages import Connected, Disconnected, Replaced, Resnapshot
from engine.config.render import directory_files
from engine.sandbox.behaviours import mobile
from engine.sandbox.example import example_directory
from engine.sandbox.sandbox import Sandbox
from tests.live.contract.line import Line


def _last_snapshot(line: Line) -> Resnapshot:
    return [message for message in line.messages if isinstance(message, Resnapshot)][-1]


async def test_bridged_calls_live_on_while_the_socket_is_down_and_take_orders(line: Line) -> None:
    one, other = await asyncio.gather(*(line.up(mobile("10", ring_s=0, serial=serial)) for serial in (90, 91)))
    bridge = await line.bridge(one, other)
    await line.event(ChannelEnteredBridge, other)
    await line.disconnect()
    await line.ari.set_variable(one, "A", "1")
    assert set((await line.ari.get_bridge(bridge)).channels) == {one, other}
    await line.connect()
    snapshot = _last_snapshot(line).snapshot
    assert snapshot.channels[one].is_up
    assert snapshot.channels[one].stasis_args == ("contract",)
    found = snapshot.bridge_of(other)
    assert found is not None
    assert found.id == bridge
    await line.ari.hang_up(one)
    await line.ended(one)


async def test_a_leg_answered_while_nobody_listened_is_ours(line: Line) -> None:
    number = mobile("10", ring_s=None, serial=92)
    channel = await line.dialled(number)
    await line.box.farend.invited(number)
    await line.disconnect()
    await line.box.farend.answer_now(number)
    await line.box.farend.until(lambda: any(call.answered_at for call in line.box.farend.calls(number)))
    await line.connect()
    assert _last_snapshot(line).snapshot.channels[channel].is_up
    await line.ari.start_moh(channel)


async def test_an_end_nobody_heard_is_lost_to_events_and_kept_by_cel(line: Line) -> None:
    number = mobile("10", ring_s=0, serial=93)
    channel = await line.up(number)
    await line.disconnect()
    await line.box.farend.hang_up(number, cause=17)
    await line.box.farend.until(lambda: not line.box.farend.calls(number)[-1].live)
    await line.connect()
    assert not any(isinstance(event, ChannelDestroyed) for event in line.events(channel))
    assert channel not in _last_snapshot(line).snapshot.channels
    past = await _told_by_cel(line, channel)
    assert past.ended is not None
    assert past.ended.cause in {16, 17}


async def test_cel_agrees_with_the_event(line: Line) -> None:
    channel = await line.dialled(mobile("50", ring_s=0, serial=94))
    ended = await line.ended(channel)
    past = await _told_by_cel(line, channel)
    assert past.answered is None
    assert past.ended is not None
    assert past.ended.cause == ended.cause == 17
    assert abs((past.ended.at - ended.at).total_seconds()) < 0.5


async def test_cel_knows_when_a_leg_answered_that_came_and_went_unheard(line: Line) -> None:
    number = mobile("10", ring_s=None, serial=95)
    channel = await line.dialled(number)
    await line.box.farend.invited(number)
    await line.disconnect()
    before = datetime.now(UTC)
    await line.box.farend.answer_now(number)
    await line.box.farend.until(lambda: any(call.answered_at for call in line.box.farend.calls(number)))
    await line.box.farend.hang_up(number, cause=16)
    past = await _told_by_cel(line, channel)
    assert past.ended is not None
    assert past.answered is not None
    assert before <= past.answered <= past.ended.at


async def _told_by_cel(line: Line, channel: str) -> Past:
    """What the log tells of a channel, once it tells its end."""
    log, since = line.box.asterisk_settings.paths.hangups, datetime.now(UTC) - timedelta(minutes=5)

    def told() -> Past:
        return pasts(log, [channel], since=since).get(channel, Past())

    await line.box.farend.until(lambda: told().ended is not None)
    return told()


async def test_a_second_engine_takes_over_and_the_first_is_told(line: Line) -> None:
    async with Line(line.box) as second:
        await line.until(lambda: any(isinstance(message, Replaced) for message in line.messages))
        assert not line.connection.ready
        channel = await second.up(mobile("10", ring_s=0, serial=95))
        assert second.events(channel)
        assert line.events(channel) == []


async def test_a_socket_of_nobody_takes_the_application_and_does_not_end_us(line: Line) -> None:
    """What an attempt to connect does that was given up and arrives late."""
    url, headers = line.settings.websocket_url, {"Authorization": line.settings.authorization}
    async with connect(url, additional_headers=headers, proxy=None):
        await line.until(lambda: sum(isinstance(message, Connected) for message in line.messages) == 2)
    assert any(isinstance(message, Disconnected) for message in line.messages)
    await asyncio.wait_for(line.connection.wait_ready(), 5)
    channel = await line.up(mobile("10", ring_s=0, serial=99))
    assert line.events(channel)


async def test_no_event_is_unknown_to_us_and_variables_are_not_told(line: Line) -> None:
    one, other = await asyncio.gather(*(line.up(mobile("10", ring_s=0, serial=serial)) for serial in (96, 97)))
    await line.bridge(one, other)
    await line.ari.set_variable(one, "A", "1")
    await line.ari.hang_up(one)
    await line.ended(one)
    assert [event for event in line.events() if isinstance(event, UnknownEvent)] == []


async def test_a_killed_asterisk_is_noticed_and_its_restart_is_told(own_box: Sandbox) -> None:
    own_box.asterisk.write(directory_files(example_directory(own_box.farend), own_box.asterisk_settings))
    await own_box.asterisk.cli("module reload res_pjsip.so")
    async with Line(own_box) as line:
        channel = await line.up(mobile("10", ring_s=0, serial=98))
        await own_box.asterisk.kill()
        await line.until(lambda: any(isinstance(message, Disconnected) for message in line.messages))
        line.channels.clear()
        await own_box.asterisk.start()
        await line.until(lambda: sum(isinstance(message, Connected) for message in line.messages) == 2, limit_s=30)
        again = [message for message in line.messages if isinstance(message, Connected)][-1]
        assert again.asterisk_restarted
        assert channel not in again.snapshot.channels
        await asyncio.wait_for(line.connection.wait_ready(), 10)


async def test_a_frozen_asterisk_is_noticed_within_seconds(own_box: Sandbox) -> None:
    async with Line(own_box) as line:
        await own_box.asterisk.kill(signal.SIGSTOP)
        try:
            await line.until(lambda: any(isinstance(message, Disconnected) for message in line.messages), limit_s=8)
        finally:
            await own_box.asterisk.kill(signal.SIGCONT)
        await asyncio.wait_for(line.connection.wait_ready(), 15)
    await own_box.asterisk.kill()  # thawed, it takes a quarter of a minute to stop by itself
