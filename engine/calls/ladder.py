"""The picture of a call: legs as columns, time downwards, from its journal alone.

`ladder_story` says what is told, `ladder_layout` where it stands; here it is drawn. Light ground of its own, so that it
reads the same on a dark page; the same journal always gives the same text.
"""

from collections.abc import Iterator
from datetime import datetime

from engine.calls import svg
from engine.calls.ladder_layout import (
    BAND,
    CLOCK_WIDTH,
    COLUMN_HEAD_HEIGHT,
    HEAD_HEIGHT,
    LABEL_SIZE,
    MARGIN,
    STAGE_WIDTH,
    Layout,
    Placed,
    Row,
    place,
)
from engine.calls.ladder_saying import Tone
from engine.calls.ladder_spans import Span
from engine.calls.ladder_story import ENGINE, Column, Story, tell
from engine.calls.ladder_words import of_ending, seconds, who_is_asked
from engine.errors import InvalidValue
from engine.journal import StepRow

GROUND, INK, SOFT, FAINT, PALE = "#ffffff", "#1f2933", "#616e7c", "#cbd2d9", "#f0f3f6"
GOOD, BAD, WARN = "#127a3e", "#c0202b", "#a85b00"
TONES: dict[Tone, str] = {"plain": INK, "muted": SOFT, "good": GOOD, "bad": BAD, "warn": WARN}

BARS: dict[str, tuple[str, str, str]] = {  # look -> fill, stroke, words of the legend
    "made": ("#ffffff", "#9aa5b1", "created"),
    "dialling": ("#cfe3fb", "#5b8fd0", "dialled"),
    "ringing": ("url(#ladder-ringing)", "#b7791f", "ringing"),
    "early": ("#b794f4", "#6b46c1", "early media"),
    "up": ("#48bb78", "#1d7a46", "answered"),
    "closing": ("#cbd2d9", "#7b8794", "being hung up"),
    "prompt": ("#2b9fd9", "#1a6d99", "prompt"),
    "comfort": ("url(#ladder-comfort)", "#0f766e", "waiting sound"),
}
BANDS: dict[str, tuple[str, str]] = {
    "talk": ("#c6f0d5", "they talk"),
    "listen": ("#ece3fb", "the agent hears the line"),
}
BAR_HALF = 5
LONGEST = 400
"""A picture of more steps serves nobody (somebody leant on a key): the middle is left out."""


def draw(rows: list[StepRow]) -> str:
    """SVG text. Business values never appear in it, numbers and causes do. Raises InvalidValue without any step."""
    if not rows:
        raise InvalidValue("a call without a single step cannot be drawn")
    story = tell(rows, LONGEST)
    layout = place(story)
    body = [
        _patterns(),
        svg.box(0, 0, layout.width, layout.height, fill=GROUND, rx=8),
        *_bands(story, layout),
        *_ground(story, layout),
        *_title(story, layout),
        *_bars(story, layout),
        *_stages(story, layout),
        *_clock(layout),
        *(shape for row in layout.rows for shape in _saying(row, layout)),
        *_legend(rows, story, layout),
    ]
    outcome, why = of_ending(story.call)
    return svg.document(layout.width, layout.height, f"Call {story.call_id}", f"{outcome}. {why}", body)


# -- around it ---------------------------------------------------------------------------------------------------------


def _patterns() -> str:
    ringing = svg.hatch("ladder-ringing", "#fdf0c8", "#e0a32e")
    comfort = svg.hatch("ladder-comfort", "#ffffff", "#4fb8ad")
    return svg.tag("defs", ringing + comfort)


def _title(story: Story, layout: Layout) -> Iterator[str]:
    call = story.call
    outcome, why = of_ending(call)
    yield svg.text(MARGIN, 36, f"Call {story.call_id}", size=17, fill=INK, font_weight="bold")
    day = story.beats[0].utc
    yield svg.text(layout.width - MARGIN, 36, f"{day:%Y-%m-%d}, times in UTC", size=12, fill=SOFT, anchor="end")
    if call is not None:
        asked = call.request
        parties = f"{who_is_asked(asked)} at {asked.site}  →  {asked.customer_number}"
        yield svg.text(MARGIN, 58, parties, size=13, fill=INK)
        told = ["recovered after a restart"] * call.recovered + ["some events were missed"] * call.events_missed
        why = " · ".join([*([why] if why else []), *told])
    width = svg.text_width(outcome, 12, bold=True) + 18
    colour = GOOD if outcome == "answered" else SOFT if outcome == "living" else BAD
    yield svg.box(MARGIN, 68, width, 22, rx=11, fill=colour)
    yield svg.text(MARGIN + width / 2, 83, outcome, size=12, fill=GROUND, anchor="middle", font_weight="bold")
    yield svg.text(MARGIN + width + 10, 83, why, size=12, fill=INK)


def _ground(story: Story, layout: Layout) -> Iterator[str]:
    for column in story.columns:
        x = layout.lifelines[column.key]
        dashes = None if column.key == ENGINE else "2 4"
        yield svg.line(x, layout.top, x, layout.bottom, stroke="#9aa5b1", stroke_dasharray=dashes)
        yield from _column_head(column, x, layout)


def _column_head(column: Column, x: float, layout: Layout) -> Iterator[str]:
    width, top = layout.gap - 12, HEAD_HEIGHT
    engine = column.key == ENGINE
    fill = "#323f4b" if engine else PALE
    yield svg.box(x - width / 2, top, width, COLUMN_HEAD_HEIGHT - 6, rx=6, fill=fill, stroke=None if engine else FAINT)
    styles = ((12.5, GROUND if engine else INK, "bold"), (11.5, FAINT if engine else INK, None), (11, SOFT, None))
    for index, (words, (size, colour, weight)) in enumerate(zip(column.heading, styles, strict=False)):
        shown = svg.shortened(words, size, width - 10, bold=weight is not None)
        y = top + 16 + index * 15
        yield svg.text(x, y, shown, size=size, fill=colour, anchor="middle", font_weight=weight)


def _legend(rows: list[StepRow], story: Story, layout: Layout) -> Iterator[str]:
    x, y = float(MARGIN), layout.bottom + 20
    entries = [(fill, stroke, words) for fill, stroke, words in BARS.values()]
    entries += [(fill, FAINT, words) for fill, words in BANDS.values()]
    for fill, stroke, words in entries:
        width = 18 + svg.text_width(words, 11) + 14
        if x + width > layout.width - MARGIN:
            x, y = float(MARGIN), y + 18
        yield svg.box(x, y - 9, 12, 11, fill=fill, stroke=stroke)
        yield svg.text(x + 18, y, words, size=11, fill=SOFT)
        x += width
    versions = ", ".join(sorted({row.machine_version for row in rows}))
    drawn = f"{len(rows)} steps (journal {rows[0].seq} to {rows[-1].seq}), machine version {versions}"
    yield svg.text(MARGIN, y + 20, drawn, size=11, fill=SOFT)
    if any(beat.late for beat in story.beats):
        words = "this colour: it happened earlier than the step above, and was learnt only then"
        yield svg.text(MARGIN, y + 38, words, size=11, fill=WARN)


# -- time --------------------------------------------------------------------------------------------------------------


def _clock(layout: Layout) -> Iterator[str]:
    shown = ""
    for step in layout.steps:
        if step.band_y is not None:
            words = f"{seconds(step.beat.pause_s)} later"
            yield svg.text(MARGIN + CLOCK_WIDTH - 14, step.band_y + 14, words, size=11, fill=SOFT, anchor="end")
        time, offset = _time(step.beat.utc), f"+{round(step.beat.since_start_s * 1000):,} ms".replace(",", " ")
        if time + offset != shown:
            yield from _stamp(step, time, offset)
            shown = time + offset


def _stamp(step: Placed, time: str, offset: str) -> Iterator[str]:
    y, colour = step.rows[0].y + 4, WARN if step.beat.late else INK
    yield svg.text(MARGIN, y, time, size=11, fill=colour, font_family=svg.MONO)
    right = MARGIN + CLOCK_WIDTH - 14
    yield svg.text(right, y, offset, size=10.5, fill=WARN if step.beat.late else SOFT, anchor="end")


def _time(utc: datetime) -> str:
    return f"{utc:%H:%M:%S}.{utc.microsecond // 1000:03d}"


def _bands(story: Story, layout: Layout) -> Iterator[str]:
    """Under everything: what the legs share, and the pauses."""
    for span in story.spans:
        if span.lane == "bridge" and story.call is not None and story.call.agent.answered is not None:
            left = layout.lifelines[story.call.agent.answered.channel]
            right = layout.lifelines[span.column]
            top, bottom = _extent(span, layout)
            yield svg.box(left, top, right - left, bottom - top, fill=BANDS[span.look][0])
    for step in layout.steps:
        if step.band_y is not None:
            yield svg.box(
                MARGIN, step.band_y, layout.right - MARGIN - 10, BAND, fill="#7b8794", fill_opacity=0.12, rx=3
            )


# -- what lasts --------------------------------------------------------------------------------------------------------


def _extent(span: Span, layout: Layout) -> tuple[float, float]:
    rows = layout.rows
    return rows[span.first].y, rows[span.last].y if span.last is not None else layout.bottom


def _bars(story: Story, layout: Layout) -> Iterator[str]:
    for span in story.spans:
        if span.lane not in ("line", "heard") or span.column not in layout.lifelines:
            continue
        x = layout.lifelines[span.column]
        top, bottom = _extent(span, layout)
        fill, stroke, _ = BARS[span.look]
        if span.lane == "heard":
            outside = -1 if x < layout.lifelines[ENGINE] else 1
            yield svg.box(x + outside * 12 - 3, top, 6, max(4, bottom - top), fill=fill, stroke=stroke, rx=2)
        else:
            dashes = "2 2" if span.look == "made" else None
            yield svg.box(
                x - BAR_HALF, top, 2 * BAR_HALF, bottom - top, fill=fill, stroke=stroke, stroke_dasharray=dashes
            )


def _stages(story: Story, layout: Layout) -> Iterator[str]:
    x = layout.right
    yield svg.text(x, layout.top - 14, "Stage", size=12, fill=SOFT, font_weight="bold")
    for span in story.spans:
        if span.lane == "stage":
            top, bottom = _extent(span, layout)
            yield svg.line(x, top - 6, x, bottom - 8, stroke="#52606d", width=3)
            yield svg.text(x + 9, top + 4, svg.shortened(span.look, 11.5, STAGE_WIDTH - 9), size=11.5, fill=INK)


# -- what is said ------------------------------------------------------------------------------------------------------


def _saying(row: Row, layout: Layout) -> Iterator[str]:
    match row.saying.kind:
        case "rule":
            yield from _rule(row, layout)
        case "order" | "fact" if row.saying.channel in layout.lifelines:
            yield from _arrow(row, layout)
        case _:
            yield from _note(row, layout)


def _arrow(row: Row, layout: Layout) -> Iterator[str]:
    said, engine, there = row.saying, layout.lifelines[ENGINE], layout.lifelines[row.saying.channel]
    colour = TONES[said.tone]
    start, tip = (engine, there) if said.kind == "order" else (there, engine)
    towards = 1 if tip > start else -1
    start, tip = (start, tip - towards * BAR_HALF) if tip == there else (start + towards * BAR_HALF, tip)
    dashes = "4 3" if said.tone == "muted" else None
    yield svg.line(start, row.y, tip - towards * 5, row.y, stroke=colour, width=1.3, stroke_dasharray=dashes)
    yield svg.arrow_head(tip, row.y, right=towards > 0, fill=colour)
    x, room = layout.beside(said.channel), layout.gap - 40
    yield _label(x, row.y - 5, said.text, room, colour)
    if said.below:
        yield _label(x, row.y + 12, said.below, room, colour)


def _label(x: float, y: float, words: str, room: float, colour: str) -> str:
    shown = svg.shortened(words, LABEL_SIZE, room)
    return svg.text(x, y, shown, size=LABEL_SIZE, fill=colour, anchor="middle")


def _note(row: Row, layout: Layout) -> Iterator[str]:
    x, colour = layout.lifelines[ENGINE], TONES[row.saying.tone]
    shown = svg.shortened(row.saying.text, LABEL_SIZE, 2 * layout.gap - 60)
    width = svg.text_width(shown, LABEL_SIZE) + 18
    yield svg.box(x - width / 2, row.y - 9, width, 18, rx=9, fill=GROUND, stroke=colour)
    yield svg.text(x, row.y + 4, shown, size=LABEL_SIZE, fill=colour, anchor="middle")


def _rule(row: Row, layout: Layout) -> Iterator[str]:
    colour, words = TONES[row.saying.tone], row.saying.text
    yield svg.line(layout.left, row.y, layout.right - 12, row.y, stroke=colour, width=2, stroke_dasharray="9 5")
    x, width = layout.lifelines[ENGINE], svg.text_width(words, 12, bold=True) + 20
    yield svg.box(x - width / 2, row.y - 12, width, 24, rx=4, fill=GROUND, stroke=colour)
    yield svg.text(x, row.y + 4, words, size=12, fill=colour, anchor="middle", font_weight="bold")
