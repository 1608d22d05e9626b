"""The story a ladder picture tells, without a pixel: who takes part, what was said when, what lasted."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from engine.calls import recording
from engine.calls.ladder_saying import Saying
from engine.calls.ladder_spans import Span, Spans, subject
from engine.calls.ladder_words import Known, of_effect, of_event, seconds
from engine.calls.recording import Recorded
from engine.calls.views import stage_name
from engine.domain.call import Call
from engine.domain.effects import Effect, Play, StartTimer, Utter
from engine.domain.events import ChannelAnswered, ChannelProgressed, ChannelRinging
from engine.domain.legs import Leg
from engine.domain.request import Route
from engine.domain.stages import Talking
from engine.journal import StepRow

ENGINE = "engine"
"""The engine's own column; the others bear the names of their channels."""
UNTRIED = "untried"
"""Stands for a party nobody tried to reach."""


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One lifeline, and the lines of its heading."""

    key: str
    heading: tuple[str, ...]


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """One step: when, how long after the first one, and what is said in it.

    `pause_s`: since the step above. `late`: it happened before that one and was learnt only after it. `stage`: the
    call's after it; empty when its state cannot be read.
    """

    seq: int
    stage: str
    utc: datetime
    since_start_s: float
    pause_s: float
    late: bool
    sayings: tuple[Saying, ...]


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """`call`: the last state that can be read; None when none can."""

    call_id: str
    call: Call | None
    columns: tuple[Column, ...]
    beats: tuple[Beat, ...]
    spans: tuple[Span, ...]


def tell(rows: list[StepRow], longest: int | None = None) -> Story:
    """The story of a journal, oldest step first. A step that cannot be read is told as such.

    `longest`: of a journal with more steps, the middle is left out, and that is told.
    """
    left_out = max(0, len(rows) - longest) if longest is not None else 0
    gap = (len(rows) - left_out) // 2
    steps = [recording.read(row) for row in rows[:gap] + rows[gap + left_out :]]
    known, spans = Known(prompts={}, timers={}), Spans()
    beats: list[Beat] = []
    before: Call | None = None
    said = 0
    for index, (step, (since, pause)) in enumerate(zip(steps, _times(steps), strict=True)):
        sayings, orders = _sayings(step, before, known, said)
        if left_out and index == gap - 1:
            sayings.append(Saying(kind="rule", text=f"{left_out} steps are left out here", tone="muted"))
        if step.call is not None:
            spans.follow(step.call, step.event, said, orders)
            before = step.call
        beats.append(
            Beat(
                seq=step.row.seq,
                stage=stage_name(step.call) if step.call is not None else "",
                utc=step.event.at.utc if step.event is not None else step.row.at,
                since_start_s=since,
                pause_s=max(0.0, pause),
                late=pause < -0.001,
                sayings=tuple(sayings),
            )
        )
        said += len(sayings)
    return Story(
        call_id=rows[0].call_id if rows else "",
        call=before,
        columns=tuple(_columns(before)),
        beats=tuple(beats),
        spans=spans.told(),
    )


def _times(steps: list[Recorded]) -> Iterator[tuple[float, float]]:
    """For each step: seconds since the first one, and since the one above (negative: learnt late). Monotonic time."""
    start: float | None = None
    latest = 0.0
    for step in steps:
        now = step.event.at.mono if step.event is not None else latest
        if start is None:
            start = latest = now
        yield now - start, now - latest
        latest = max(latest, now)


def _sayings(step: Recorded, before: Call | None, known: Known, said: int) -> tuple[list[Saying], dict[str, int]]:
    """What a step says, its event first; and the number of each order's saying by the order's subject."""
    sayings = [_opening(step, before, known)]
    orders: dict[str, int] = {}
    for effect in step.effects or ():
        _remember(effect, known)
        saying = of_effect(effect, known)
        if saying is not None:
            thing = subject(effect)
            if thing is not None:
                orders[thing] = said + len(sayings)
            sayings.append(saying)
    return [*sayings, *_walk(step, before), *_talk(step, before)], orders


def _opening(step: Recorded, before: Call | None, known: Known) -> Saying:
    if step.event is None:
        return Saying(kind="note", text=f"step {step.row.seq} cannot be read", tone="bad")
    saying = of_event(step.event, known)
    unchanged = step.call == before and not step.effects and not isinstance(step.event, ChannelProgressed)
    if saying.kind == "rule" or not unchanged:
        return saying
    again = isinstance(step.event, ChannelRinging | ChannelAnswered)  # Asterisk tells these in two ways
    return msgspec.structs.replace(saying, text=saying.text + " (told again)" * again, tone="muted")


def _remember(effect: Effect, known: Known) -> None:
    match effect:
        case Play(playback=playback) | Utter(playback=playback):
            known.prompts[playback] = effect
        case StartTimer(timer=timer, after_s=after_s):
            known.timers[timer] = after_s
        case _:
            pass


def _talk(step: Recorded, before: Call | None) -> list[Saying]:
    """Two lines no event says in so many words: the conversation begins, the conversation lasted."""
    was = before is not None and isinstance(before.stage, Talking)
    now = step.call is not None and isinstance(step.call.stage, Talking)
    if now and not was:
        return [Saying(kind="note", text="agent and customer talk", tone="good")]
    if was and not now and step.call is not None and step.call.bridged is not None and step.event is not None:
        lasted = max(0.0, step.event.at.mono - step.call.bridged.mono)
        return [Saying(kind="note", text=f"talked for {seconds(lasted)}", tone="good")]
    return []


def _walk(step: Recorded, before: Call | None) -> Iterator[Saying]:
    """The nodes of a scenario that the caller left in this step, and the one they are at now."""
    run = step.call.run if step.call is not None else None
    if run is None:
        return
    known = before.run.path if before is not None and before.run is not None else ()
    for place, visit in enumerate(run.path):
        was = known[place] if place < len(known) else None
        if visit.outcome is not None and (was is None or was.outcome is None):
            yield Saying(kind="note", text=f"{visit.node}: {visit.outcome}", tone="muted")
        elif was is None:
            yield Saying(kind="note", text=f"at {visit.node}")


def _columns(call: Call | None) -> Iterator[Column]:
    """Agent's attempts on the left, the engine, the customer's attempts on the right."""
    if call is not None:
        yield from _attempts(call.agent, "Agent's mobile" if call.request.mode == "mobile" else "Agent's phone")
    yield Column(key=ENGINE, heading=("Engine", call.request.node if call is not None else ""))
    if call is not None:
        yield from _attempts(call.customer, "Customer")


def _attempts(leg: Leg, name: str) -> Iterator[Column]:
    if not leg.attempts:
        yield Column(key=f"{UNTRIED}-{leg.role}", heading=(name, leg.number, "never tried"))
    for number, attempt in enumerate(leg.attempts, start=1):
        nth = f" · {number}" if len(leg.attempts) > 1 else ""
        whose, way = attempt.route.agent, _way(attempt.route)
        heading = (f"{name}{nth}", leg.number, way) if whose is None else (f"{whose}{nth}", way)
        outside = (f"Outside{nth}", attempt.route.number, way)
        yield Column(key=attempt.channel, heading=outside if attempt.route.outside else heading)


def _way(route: Route) -> str:
    """How the party is reached: the trunk, or which of the phones."""
    if route.trunk is not None:
        return f"by {route.trunk}" + (" (answers early)" if route.answers_early else "")
    return route.endpoint.rpartition("/")[2].removeprefix("sip:")
