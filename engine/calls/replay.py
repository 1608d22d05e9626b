"""Run a call's journal through the machine again, and tell every difference.

The machine is pure, so the same events give the same orders and the same states, or something has changed: the
machine, or the journal. Nothing is decided here: a difference is reported, never acted upon.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from engine.calls import recording
from engine.calls.recording import Recorded
from engine.domain import machine
from engine.domain.call import MACHINE_VERSION, Call
from engine.domain.effects import CancelTimer, Effect
from engine.domain.events import CallRequested, Event
from engine.domain.machine import Step
from engine.domain.scenario.graph import Program
from engine.domain.values import CallId
from engine.errors import InvalidValue, UnknownThing
from engine.journal import StepRow

ProgramOf = Callable[[str], Program | None]
"""A published version of a scenario; None where it is not to be had."""


class Absent(msgspec.Struct, frozen=True):
    """Stands for a value the other side does not have."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT: Final = Absent()


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One field that is not what was written: `path` such as `state.legs.agent.attempts[0].phase`.

    A state's difference is told at the step where it appears, and again only when it changes.
    """

    seq: int
    path: str
    journalled: Any
    replayed: Any

    def __str__(self) -> str:
        return f"step {self.seq}: {self.path}: journalled {_shown(self.journalled)}, replayed {_shown(self.replayed)}"


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A step a part of which is no longer, or not yet, understood; replay goes on from the last state it had."""

    seq: int
    why: str

    def __str__(self) -> str:
        return f"step {self.seq}: cannot be read: {self.why}"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What replaying a journal showed. `versions`: those of the machines that wrote it."""

    call_id: str
    steps: int
    versions: tuple[str, ...]
    differences: tuple[Difference, ...]
    unreadable: tuple[Unreadable, ...]
    call: Call  # as replayed

    @property
    def same(self) -> bool:
        """Whether every step could be read and came out as it was written."""
        return not self.differences and not self.unreadable

    @property
    def other_version(self) -> bool:
        """Whether a machine other than today's wrote any of it: then differences may be meant."""
        return self.versions != (MACHINE_VERSION,)


def replay(rows: list[StepRow], program_of: ProgramOf = lambda version: None) -> Report:
    """Replay a whole journal, oldest step first. Raises InvalidValue when there is no call to start from, UnknownThing
    when `program_of` has not the scenario that led it."""
    steps = [recording.read(row) for row in rows]
    first = _first(steps)
    program = _program(first, program_of)
    call_id = CallId(steps[0].row.call_id)
    compared = _Comparison()
    call = compared.take(steps[0], machine.begin(call_id, first, program))
    for step in steps[1:]:
        if step.event is None:
            compared.cannot_read(step)
        else:
            call = compared.take(step, machine.step(call, step.event, program))
    return Report(
        call_id=call_id,
        steps=len(steps),
        versions=tuple(sorted({row.machine_version for row in rows})),
        differences=tuple(compared.differences),
        unreadable=tuple(compared.unreadable),
        call=call,
    )


def _program(first: CallRequested, program_of: ProgramOf) -> Program | None:
    asked = first.request.scenario
    if asked is None:
        return None
    found = program_of(asked.version)
    if found is None:
        raise UnknownThing(
            f"the call was led by scenario {asked.name} in version {asked.version}, which is not here",
            code="unknown-version",
            what_next="replay it on the node where it ran, or bring the `scenarios` of its state_dir here",
        )
    return found


def _first(steps: list[Recorded]) -> CallRequested:
    """The event every call begins with; raises InvalidValue saying what is there instead."""
    if not steps:
        raise InvalidValue("there is no step to replay")
    event: Event | None = steps[0].event
    if isinstance(event, CallRequested):
        return event
    found = type(event).__name__ if event is not None else f"something unreadable ({'; '.join(steps[0].faults)})"
    raise InvalidValue(
        f"a call's journal begins with CallRequested, this one begins with {found}",
        what_next="give the whole journal: its first steps are missing, or it is not one call's",
    )


class _Comparison:
    """Collects what differs, each thing once for as long as it stays the same."""

    def __init__(self) -> None:
        self.differences: list[Difference] = []
        self.unreadable: list[Unreadable] = []
        self._known: dict[str, tuple[Any, Any]] = {}

    def cannot_read(self, step: Recorded) -> None:
        self.unreadable.extend(Unreadable(seq=step.row.seq, why=fault) for fault in step.faults)

    def take(self, step: Recorded, replayed: Step) -> Call:
        """Compare one step with how it came out now; gives the state to go on from."""
        self.cannot_read(step)
        seq = step.row.seq
        if step.effects is not None:
            written, now = _plain(_ordered(step.effects)), _plain(_ordered(replayed.effects))
            self.differences.extend(_at(seq, "effects", written, now))
        if step.call is not None:
            self._state(seq, [*_at(seq, "state", _plain(step.call), _plain(replayed.call)), *_unknown(step)])
        if step.row.closed != replayed.call.closed:
            closed = Difference(seq=seq, path="closed", journalled=step.row.closed, replayed=replayed.call.closed)
            self.differences.append(closed)
        return replayed.call

    def _state(self, seq: int, found: list[Difference]) -> None:
        now = {one.path: (one.journalled, one.replayed) for one in found}
        self.differences.extend(one for one in found if self._known.get(one.path) != now[one.path])
        self._known = now


def _ordered(effects: tuple[Effect, ...]) -> list[Effect]:
    """The effects with neighbouring cancellations of timers by name: these have no order among themselves."""
    ordered: list[Effect] = []
    cancelled: list[CancelTimer] = []
    for effect in effects:
        if isinstance(effect, CancelTimer):
            cancelled.append(effect)
        else:
            ordered += [*sorted(cancelled, key=lambda one: one.timer), effect]
            cancelled = []
    return ordered + sorted(cancelled, key=lambda one: one.timer)


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _unknown(step: Recorded) -> Iterator[Difference]:
    """Fields the journalled state has and today's machine does not: reading them drops them in silence."""
    written, understood = msgspec.json.decode(step.row.state), _plain(step.call)
    for one in _at(step.row.seq, "state", written, understood):
        if one.replayed == ABSENT:
            yield one


def _at(seq: int, path: str, journalled: Any, replayed: Any) -> Iterator[Difference]:
    """Every place where two JSON values differ, the deepest ones."""
    if isinstance(journalled, dict) and isinstance(replayed, dict):
        for key in {**journalled, **replayed}:
            yield from _at(seq, f"{path}.{key}", journalled.get(key, ABSENT), replayed.get(key, ABSENT))
    elif isinstance(journalled, list) and isinstance(replayed, list):
        for index in range(max(len(journalled), len(replayed))):
            yield from _at(seq, f"{path}[{index}]", _item(journalled, index), _item(replayed, index))
    elif journalled is ABSENT and replayed is None:
        return  # a field that came with a later version and says nothing
    elif journalled != replayed or isinstance(journalled, bool) != isinstance(replayed, bool):  # 25 is 25.0, 1 not true
        yield Difference(seq=seq, path=path, journalled=journalled, replayed=replayed)


def _item(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else ABSENT


def _shown(value: Any) -> str:
    return repr(value) if value == ABSENT else msgspec.json.encode(value).decode()
