"""What agent and customer hear of each other, and that nobody is left in silence.

Twelve calls at once: both modes, each way of waiting, a customer who rings and one whose network says nothing at first.
Every party sends a tone of its own, so whatever is heard tells where it comes from.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from itertools import product
from pathlib import Path
from typing import NamedTuple, get_args

import pytest
import pytest_asyncio

from engine.domain.directory import Mode, Notice
from engine.sandbox import audio
from engine.sandbox.behaviours import coded, mobile
from tests.live import hearing
from tests.live.company import Member
from tests.live.house import House

pytestmark = [pytest.mark.live]

APART_DB = 40
# For a machine of one's own; they grow with how many others want its cores (house.crowding).
GAP_MS = 60
SILENCE_S = 2.0
SILENCE_CROWDED_S = 0.2  # of these, for each other task that wants a core
TALK_S = 4.0
EDGE_S = 0.4  # of the conversation, at both ends: they hear each other a packet after they are connected


class Setup(NamedTuple):
    """How a call is set up. `customer`: the far end's behaviour, ringing (10) or without a word (11) for 4.5 s."""

    mode: Mode
    notice: Notice
    customer: str

    def __str__(self) -> str:
        return f"{self.mode}-{self.notice}-{'ringing' if self.customer == '10' else 'wordless'}"


SETUPS = [Setup(*setup) for setup in product(get_args(Mode), get_args(Notice), ("10", "11"))]
TONES = [500 + 40 * number for number in range(2 * len(SETUPS))]  # none is a harmonic of another


class Heard(NamedTuple):
    """The recordings of a call, the time of the conversation in each, and the tones that were sent."""

    agent: Path
    customer: Path
    agent_talk_s: tuple[float, float]
    customer_talk_s: tuple[float, float]
    agent_hz: int
    customer_hz: int
    crowding: float


class Line(NamedTuple):
    """One of the calls, with the numbers of its parties."""

    setup: Setup
    member: Member
    customer: str
    agent_hz: int
    customer_hz: int

    @property
    def agent_digits(self) -> str:
        """Of the mobile, or of the telephone's contact."""
        behaviour = "26" if self.setup.mode == "mobile" else "10"
        return coded(behaviour, ring_s=0.5, tone_hz=self.agent_hz, serial=1)


def _line(index: int, setup: Setup) -> Line:
    agent_hz, customer_hz = TONES[2 * index : 2 * index + 2]
    own = mobile("26", ring_s=0.5, tone_hz=agent_hz, serial=1)
    member = Member(f"agent-{index:02d}", "paris", own, mode=setup.mode, notice=setup.notice)
    return Line(setup, member, mobile(setup.customer, ring_s=4.5, tone_hz=customer_hz, serial=2), agent_hz, customer_hz)


LINES = [_line(index, setup) for index, setup in enumerate(SETUPS)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def heard() -> AsyncIterator[Mapping[Setup, Heard]]:
    async with House(line.member for line in LINES) as house:
        await house.phones(*((line.member, line.agent_digits) for line in LINES if line.setup.mode == "sip"))
        async with asyncio.TaskGroup() as calling:
            calls = {line.setup: calling.create_task(_call(house, line)) for line in LINES}
        yield {setup: task.result() for setup, task in calls.items()}


async def _call(house: House, line: Line) -> Heard:
    call_id = await house.place(line.member.id, line.customer)
    await house.reached(call_id, "talking")
    await asyncio.sleep(TALK_S)  # the conversation, not a wait for anything
    assert (await house.engine.delete(f"/v1/calls/{call_id}")).status == 204
    await house.written(call_id)
    agent = await house.farend.heard_whole(line.agent_digits)
    customer = await house.farend.heard_whole(line.customer)
    ours, theirs = house.farend.calls(line.agent_digits)[-1], house.farend.calls(line.customer)[-1]
    assert ours.answered_at is not None
    assert theirs.answered_at is not None
    began_s = theirs.answered_at - ours.answered_at
    return Heard(
        agent=agent,
        customer=customer,
        agent_talk_s=(began_s + EDGE_S, audio.duration_s(agent) - EDGE_S),
        customer_talk_s=(EDGE_S, audio.duration_s(customer) - EDGE_S),
        agent_hz=line.agent_hz,
        customer_hz=line.customer_hz,
        crowding=house.crowding,
    )


each_call = pytest.mark.parametrize("setup", SETUPS, ids=str)


@each_call
async def test_both_hear_each_other_without_a_gap(heard: Mapping[Setup, Heard], setup: Setup) -> None:
    call = heard[setup]
    for file, (start_s, end_s), other_hz in (
        (call.agent, call.agent_talk_s, call.customer_hz),
        (call.customer, call.customer_talk_s, call.agent_hz),
    ):
        assert end_s - start_s > TALK_S - 4 * EDGE_S
        assert audio.gaps(file, other_hz, round(GAP_MS * call.crowding), start_s=start_s, end_s=end_s) == []


@each_call
async def test_nobody_hears_themselves_or_another_call(heard: Mapping[Setup, Heard], setup: Setup) -> None:
    call = heard[setup]
    for file, (start_s, end_s), other_hz in (
        (call.agent, call.agent_talk_s, call.customer_hz),
        (call.customer, call.customer_talk_s, call.agent_hz),
    ):
        levels = hearing.levels_db(file, TONES, sent=other_hz, start_s=start_s, end_s=end_s, crowding=call.crowding)
        wanted = levels.pop(other_hz)
        loudest = max(levels, key=lambda hertz: levels[hertz])
        assert wanted > -30
        assert wanted - levels[loudest] > APART_DB, f"{loudest} Hz is {levels[loudest]:.1f} dB, {wanted:.1f} was meant"


@each_call
async def test_the_agent_is_never_left_in_silence(heard: Mapping[Setup, Heard], setup: Setup) -> None:
    """From the agent's answer to the end of the call."""
    call = heard[setup]
    assert audio.longest_silence_s(call.agent) <= SILENCE_S + SILENCE_CROWDED_S * (call.crowding - 1)


@each_call
async def test_the_agent_hears_the_customer_being_rung(heard: Mapping[Setup, Heard], setup: Setup) -> None:
    """Ringing where the customer's network rings; else what the agent chose to wait with."""
    call = heard[setup]
    sounds = hearing.sounds(call.agent, hearing.house_prompts(), {"ringing": hearing.RINGING_HZ})
    said = {sound.word for sound in sounds if sound.until_s < call.agent_talk_s[0]}
    assert ("fr/connecting" in said) == (setup.notice == "message")
    assert ("ringing" in said) == (setup.customer == "10")
    if setup.customer == "11":
        assert ("comfort" in said) == (setup.notice != "music")
