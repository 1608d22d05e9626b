"""Replay tells what changed, where and at which step; and recorded journals come out today as they were written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.calls.recording import from_lines, to_lines
from engine.calls.replay import Difference, Report, replay
from engine.errors import BadFile, InvalidValue, UnknownThing
from engine.journal import StepRow
from tests.calls import journals
from tests.domain.calls import Scene

Tale = Callable[[], Scene]


@pytest.fixture(scope="module")
def answered() -> list[StepRow]:
    return journals.rows(journals.answered())


def changed(rows: list[StepRow], index: int, **parts: Any) -> list[StepRow]:
    """The journal with one step written differently."""
    return [msgspec.structs.replace(row, **parts) if i == index else row for i, row in enumerate(rows)]


def edited(part: bytes, edit: Callable[[Any], object]) -> bytes:
    value = json.loads(part)
    edit(value)
    return json.dumps(value).encode()


def told(report: Report) -> list[str]:
    return [str(difference) for difference in report.differences]


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in journals.recorded()])
def test_recorded_journals_come_out_as_they_were_written(path: Path) -> None:
    """Changed behaviour shows here. If it is meant: a new MACHINE_VERSION, then `python -m tests.calls.journals`."""
    rows = journals.read(path)
    report = replay(rows, journals.program_of)
    assert told(report) == []
    assert report.same
    assert report.call.closed
    assert not report.other_version, "recorded by another machine version: record anew"


def test_every_tale_is_recorded() -> None:
    assert sorted(journals.TALES) == [p.stem for p in journals.recorded() if not p.stem.startswith("real-")]


@pytest.mark.parametrize("tale", journals.TALES.values(), ids=journals.TALES.keys())
def test_what_the_machine_wrote_it_writes_again(tale: Tale) -> None:
    report = replay(journals.rows(tale()), journals.program_of)
    assert report.same
    assert report.call.closed


def test_a_changed_state_is_told_once_with_its_path(answered: list[StepRow]) -> None:
    def later(state: Any) -> None:
        state["legs"]["agent"]["attempts"][0]["phase"] = "up"

    rows = changed(answered, 3, state=edited(answered[3].state, later))
    report = replay(rows)
    expected = Difference(
        seq=4, path="state.legs.agent.attempts[0].phase", journalled="up", replayed=_phase(answered[3])
    )
    assert (expected,) == report.differences
    assert not report.same


def test_a_lasting_difference_is_told_where_it_appears(answered: list[StepRow]) -> None:
    def slower(request: Any) -> None:
        request["request"]["ring_customer_s"] = 46

    report = replay(changed(answered, 0, event=edited(answered[0].event, slower)))
    lines = [line for line in told(report) if "state.request.ring_customer_s" in line]
    assert lines == ["step 1: state.request.ring_customer_s: journalled 45, replayed 46"]


def test_changed_orders_are_told(answered: list[StepRow]) -> None:
    rows = changed(answered, 0, effects=edited(answered[0].effects, lambda effects: effects.pop()))
    assert any("effects[" in line and "journalled nothing" in line for line in told(replay(rows)))


def test_cancelled_timers_have_no_order_among_themselves(answered: list[StepRow]) -> None:
    two = b'[{"type":"CancelTimer","timer":"b"},{"type":"CancelTimer","timer":"a"},{"type":"HangUp","channel":"x"}]'
    other = b'[{"type":"CancelTimer","timer":"a"},{"type":"CancelTimer","timer":"b"},{"type":"HangUp","channel":"x"}]'
    told_of = [told(replay(changed(answered, 2, effects=effects))) for effects in (two, other)]
    assert told_of[0] == told_of[1]


def test_a_missing_step_is_noticed(answered: list[StepRow]) -> None:
    assert not replay(answered[:1] + answered[2:]).same


def test_a_field_of_another_version_is_told(answered: list[StepRow]) -> None:
    rows = changed(answered, 1, state=edited(answered[1].state, lambda state: state.update(mood="good")))
    assert told(replay(rows)) == ['step 2: state.mood: journalled "good", replayed nothing']


def test_closing_is_compared(answered: list[StepRow]) -> None:
    report = replay(changed(answered, 4, closed=True))
    assert told(report) == ["step 5: closed: journalled true, replayed false"]


def test_another_machine_version_is_told(answered: list[StepRow]) -> None:
    report = replay(changed(answered, 4, machine_version="0"))
    assert report.other_version
    assert report.same, "by itself it is no difference"


@pytest.mark.parametrize(
    "parts",
    [
        {"event": b'{"type":"ChannelLevitated","at":["2026-11-20T09:00:00Z",1]}'},
        {"event": b"\xff\x00 not json"},
        {"effects": b'[{"type":"Sing"}]'},
        {"state": b'{"id": 5}'},
    ],
    ids=["unknown event", "no JSON", "unknown order", "foreign state"],
)
def test_what_cannot_be_read_is_reported_and_not_fatal(answered: list[StepRow], parts: dict[str, bytes]) -> None:
    report = replay(changed(answered, 5, **parts))
    assert [one.seq for one in report.unreadable] == [6]
    assert "cannot be read" in str(report.unreadable[0])
    assert not report.same
    assert len(answered) == report.steps


@pytest.mark.parametrize(
    ("cut", "says"),
    [
        (lambda rows: [], "no step"),
        (lambda rows: rows[1:], "begins with ChannelReady"),
        (lambda rows: changed(rows, 0, event=b"{}"), "unreadable"),
    ],
    ids=["nothing", "without its beginning", "unreadable beginning"],
)
def test_without_a_beginning_there_is_nothing_to_replay(
    answered: list[StepRow], cut: Callable[[list[StepRow]], list[StepRow]], says: str
) -> None:
    with pytest.raises(InvalidValue, match=says):
        replay(cut(answered))


def test_a_recording_keeps_every_byte_that_counts(answered: list[StepRow]) -> None:
    assert answered == from_lines(to_lines(answered))


@pytest.mark.parametrize("lines", [b"{}\n", b"no\n", b'\n\n{"seq":\n', b"\xff\n"])
def test_a_file_that_is_no_recording_is_refused_by_line(lines: bytes) -> None:
    with pytest.raises(BadFile, match=r"call\.jsonl:\d: "):
        from_lines(lines, "call.jsonl")


def test_a_row_that_is_no_json_cannot_be_recorded(answered: list[StepRow]) -> None:
    with pytest.raises(BadFile, match="step 3"):
        to_lines(changed(answered, 2, state=b"\x00"))


def _phase(row: StepRow) -> str:
    return str(json.loads(row.state)["legs"]["agent"]["attempts"][0]["phase"])


def test_without_the_scenario_that_led_it_a_call_cannot_be_replayed() -> None:
    rows = journals.rows(journals.led_to_an_agent())
    with pytest.raises(UnknownThing, match="scenario main in version 555"):
        replay(rows)
