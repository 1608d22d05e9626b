"""The journal of a call read back: each step's three parts as values, faults told instead of raised.

Also the form a journal has outside its database: one line of JSON per step. That is what an engineer attaches to a bug
report, and what the replay tests keep.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from engine.domain.call import Call
from engine.domain.effects import Effect
from engine.domain.events import Event
from engine.errors import BadFile
from engine.journal import StepRow

T = TypeVar("T")

_EVENT: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Event)
_EFFECTS: msgspec.json.Decoder[Any] = msgspec.json.Decoder(tuple[Effect, ...])
_CALL = msgspec.json.Decoder(Call)


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """One step as it was written. A part that cannot be read is None, and `faults` says why ("event: ...")."""

    row: StepRow
    event: Event | None
    effects: tuple[Effect, ...] | None
    call: Call | None
    faults: tuple[str, ...] = ()


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    call_id: str
    seq: int
    at: datetime
    machine_version: str
    closed: bool
    event: msgspec.Raw
    effects: msgspec.Raw
    state: msgspec.Raw


_LINE = msgspec.json.Decoder(_Line)


def read(row: StepRow) -> Recorded:
    """The step's parts; never raises, whatever the row holds."""
    faults: list[str] = []
    return Recorded(
        row=row,
        event=_part("event", row.event, _EVENT, faults),
        effects=_part("effects", row.effects, _EFFECTS, faults),
        call=_part("state", row.state, _CALL, faults),
        faults=tuple(faults),
    )


def to_lines(rows: Iterable[StepRow]) -> bytes:
    """One line of JSON per step; raises BadFile when a part of a row is no JSON."""
    return b"".join(msgspec.json.encode(_line(row)) + b"\n" for row in rows)


def from_lines(lines: bytes, name: str = "recording") -> list[StepRow]:
    """The steps written by `to_lines`; raises BadFile naming the line."""
    rows: list[StepRow] = []
    for number, line in enumerate(lines.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found = _LINE.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise BadFile(
                f"{name}:{number}: this is no step of a journal: {wrong}",
                what_next="give a file written by `engine call show ID --lines`",
            ) from wrong
        rows.append(_row(found))
    return rows


def _part(name: str, written: bytes, decoder: "msgspec.json.Decoder[T]", faults: list[str]) -> T | None:
    try:
        return decoder.decode(written)
    except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
        faults.append(f"{name}: {wrong}")
        return None


def _line(row: StepRow) -> _Line:
    for part in (row.event, row.effects, row.state):
        try:
            msgspec.json.decode(part)
        except (msgspec.DecodeError, UnicodeDecodeError) as wrong:
            raise BadFile(f"step {row.seq} of call {row.call_id} holds a part that is no JSON: {wrong}") from wrong
    return _Line(
        call_id=row.call_id,
        seq=row.seq,
        at=row.at,
        machine_version=row.machine_version,
        closed=row.closed,
        event=msgspec.Raw(row.event),
        effects=msgspec.Raw(row.effects),
        state=msgspec.Raw(row.state),
    )


def _row(line: _Line) -> StepRow:
    return StepRow(
        call_id=line.call_id,
        seq=line.seq,
        at=line.at,
        machine_version=line.machine_version,
        closed=line.closed,
        event=bytes(line.event),
        effects=bytes(line.effects),
        state=bytes(line.state),
    )
