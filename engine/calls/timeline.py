"""The journal of a call as a text to read: what the ladder picture shows, in lines."""

from collections.abc import Iterator

from engine.calls.ladder_saying import Saying
from engine.calls.ladder_story import Beat, Column, Story, tell
from engine.calls.ladder_words import of_ending, who_is_asked
from engine.journal import StepRow

_ARROWS = {"order": "->", "fact": "<-", "note": "  ", "rule": "=="}


def timeline(rows: list[StepRow]) -> str:
    """One line for each thing that happened or was ordered. Business values never appear, numbers and causes do."""
    story = tell(rows)
    names = {column.key: _name(column) for column in story.columns}
    wide = max((len(name) for name in names.values()), default=0)
    lines = [*_head(story), ""]
    stage = ""
    for beat in story.beats:
        lines.extend(_beat(beat, beat.stage if beat.stage != stage else "", names, wide))
        stage = beat.stage
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _name(column: Column) -> str:
    """Agent's mobile by paris-1."""
    return f"{column.heading[0]} {column.heading[-1]}".strip()


def _head(story: Story) -> Iterator[str]:
    outcome, why = of_ending(story.call)
    yield f"call {story.call_id}: {outcome}" + (f", {why}" if why else "")
    if story.call is not None:
        asked = story.call.request
        yield f"{who_is_asked(asked)} at {asked.site} -> {asked.customer_number}"
        for name, holds in (("recovered after a restart", story.call.recovered), _missed(story)):
            if holds:
                yield name
    if story.beats:
        yield f"{story.beats[0].utc:%Y-%m-%d}, times in UTC"


def _missed(story: Story) -> tuple[str, bool]:
    return "some events were missed", story.call is not None and story.call.events_missed


def _beat(beat: Beat, stage: str, names: dict[str, str], wide: int) -> Iterator[str]:
    clock = f"{beat.utc:%H:%M:%S}.{beat.utc.microsecond // 1000:03d}"
    when = f"{clock} {round(beat.since_start_s * 1000):+9d} ms"
    remarks = ("  (learnt later)" if beat.late else "") + (f"  [{stage}]" if stage else "")
    for index, saying in enumerate(beat.sayings):
        said = _said(saying, names, wide)
        yield f"{when}  {said:<76}{remarks}" if index == 0 else f"{'':{len(when)}}  {said}"


def _said(saying: Saying, names: dict[str, str], wide: int) -> str:
    below = f" ({saying.below})" if saying.below else ""
    if not saying.channel:
        return f"{'':{wide}} {_ARROWS[saying.kind]} {saying.text}{below}"
    return f"{names.get(saying.channel, saying.channel):{wide}} {_ARROWS[saying.kind]} {saying.text}{below}"
