"""Moments that go on across restarts, reboots and a wall clock that jumps either way."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from engine.calls.clock import BOOT_ID, Anchor, Clock
from engine.domain.moment import seconds

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Machine:
    """A computer: a monotonic clock since its boot, and a wall clock somebody may set."""

    def __init__(self) -> None:
        self.wall, self.kernel, self.boots = NOON, 500.0, 1

    def runs(self, seconds: float) -> "Machine":
        self.wall += timedelta(seconds=seconds)
        self.kernel += seconds
        return self

    def reboots(self, off_s: float) -> "Machine":
        self.wall += timedelta(seconds=off_s)
        self.kernel, self.boots = 3.0, self.boots + 1
        return self

    def clock_set(self, by_s: float) -> "Machine":
        self.wall += timedelta(seconds=by_s)
        return self

    def engine(self, remembered: Anchor | None = None) -> Clock:
        """An engine starts; what it remembers went through the journal."""
        if remembered is not None:
            remembered = msgspec.json.decode(msgspec.json.encode(remembered), type=Anchor)
        return Clock(remembered, kernel=lambda: self.kernel, wall=lambda: self.wall, boot=str(self.boots))


def test_a_new_node_begins_with_the_kernel_s_time() -> None:
    machine = Machine()
    now = machine.engine().now()
    assert (now.utc, now.mono) == (NOON, 500.0)


def test_a_restart_on_the_same_boot_loses_nothing_whatever_the_wall_clock_does() -> None:
    machine = Machine()
    first = machine.engine()
    before = first.now()
    machine.runs(1)
    anchor = first.anchor()
    machine.runs(9).clock_set(-3600)
    assert seconds(before, machine.engine(anchor).now()) == 10.0


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0])
def test_a_wall_clock_that_jumps_bends_no_duration(jump_s: float) -> None:
    machine = Machine()
    clock = machine.engine()
    before = clock.now()
    machine.runs(5).clock_set(jump_s)
    after = clock.now()
    assert seconds(before, after) == 5.0
    assert after.utc == NOON + timedelta(seconds=5 + jump_s)


def test_after_a_reboot_the_wall_clock_bridges_the_gap() -> None:
    machine = Machine()
    clock = machine.engine()
    before, anchor = clock.now(), clock.anchor()
    machine.reboots(off_s=90)
    again = machine.engine(anchor)
    assert seconds(before, again.now()) == 90.0
    machine.runs(10)
    assert seconds(before, again.now()) == 100.0


def test_a_wall_clock_set_back_during_a_reboot_never_turns_time_back() -> None:
    machine = Machine()
    clock = machine.engine()
    before, anchor = clock.now(), clock.anchor()
    again = machine.reboots(off_s=-7200).engine(anchor)
    assert again.now().mono == before.mono


def test_many_restarts_and_reboots_add_up() -> None:
    machine = Machine()
    clock = machine.engine()
    before = clock.now()
    for number in range(6):
        machine.runs(10)
        anchor = clock.anchor()
        if number % 2:
            machine.reboots(off_s=60)
        clock = machine.engine(anchor)
    assert seconds(before, clock.now()) == 6 * 10 + 3 * 60


@pytest.mark.parametrize(("ago_s", "expected"), [(30.0, 470.0), (0.0, 500.0), (-30.0, 500.0)])
def test_a_time_told_by_somebody_else_is_never_later_than_now(ago_s: float, expected: float) -> None:
    moment = Machine().engine().at(NOON - timedelta(seconds=ago_s))
    assert (moment.utc, moment.mono) == (NOON - timedelta(seconds=ago_s), expected)


def test_the_real_clocks() -> None:
    clock = Clock()
    anchor, now = clock.anchor(), clock.now()
    assert anchor.boot == BOOT_ID.read_text().strip()
    assert abs((now.utc - datetime.now(UTC)).total_seconds()) < 5
    assert now.mono >= anchor.mono == anchor.kernel
