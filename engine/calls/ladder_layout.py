"""Where everything of a ladder picture stands: one row for each saying, so that no two labels meet.

Pixels. Time goes downwards, not to scale: a row has its height whatever the time, and a pause gets a marked band.
"""

import msgspec

from engine.calls.ladder_saying import Saying
from engine.calls.ladder_story import ENGINE, Beat, Story
from engine.calls.svg import text_width

LABEL_SIZE = 11
MARGIN = 24
CLOCK_WIDTH = 188  # "09:00:00.000   +3 600 000 ms"
STAGE_WIDTH = 132
HEAD_HEIGHT = 104  # the title
COLUMN_HEAD_HEIGHT = 58
ROW = 23
BELOW = 12  # a second line of a label
RULE = 12  # a rule has room above and below
NOTE = 5  # a note has its box around it
BAND = 20  # a marked pause
MARKED_PAUSE_S = 1.0
FOOT_HEIGHT = 84
GAPS = (168, 310)  # between two lifelines: as the longest label needs, within these


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A saying and its line: arrows lie on `y`."""

    y: float
    saying: Saying


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A step: its rows, and the band above it when time passed without a word (None: it did not)."""

    beat: Beat
    rows: tuple[Row, ...]
    band_y: float | None


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    gap: float
    lifelines: dict[str, float]  # column -> x
    steps: tuple[Placed, ...]
    width: float
    bottom: float  # where the lifelines end

    @property
    def top(self) -> float:
        """Where the lifelines begin."""
        return HEAD_HEIGHT + COLUMN_HEAD_HEIGHT

    @property
    def height(self) -> float:
        return self.bottom + FOOT_HEIGHT

    @property
    def left(self) -> float:
        return MARGIN + CLOCK_WIDTH

    @property
    def right(self) -> float:
        """Where the stages begin."""
        return self.width - MARGIN - STAGE_WIDTH

    @property
    def rows(self) -> list[Row]:
        """Every row; its index is the number by which spans know its saying."""
        return [row for step in self.steps for row in step.rows]

    def beside(self, column: str) -> float:
        """The middle of the gap between a lifeline and its neighbour on the engine's side: where its labels stand."""
        x = self.lifelines[column]
        return x + self.gap / 2 if x < self.lifelines[ENGINE] else x - self.gap / 2


def place(story: Story) -> Layout:
    """The layout of a story; depends on nothing else."""
    gap = _gap(story)
    first = MARGIN + CLOCK_WIDTH + gap / 2
    lifelines = {column.key: first + index * gap for index, column in enumerate(story.columns)}
    steps, bottom = _steps(story)
    width = first + (len(story.columns) - 1) * gap + gap / 2 + STAGE_WIDTH + MARGIN
    return Layout(gap=gap, lifelines=lifelines, steps=tuple(steps), width=width, bottom=bottom)


def _gap(story: Story) -> float:
    labels = [words for beat in story.beats for s in beat.sayings if s.channel for words in (s.text, s.below)]
    headings = [line for column in story.columns for line in column.heading]
    longest = max([text_width(words, LABEL_SIZE) for words in labels + headings], default=0)
    return round(min(max(longest + 44, GAPS[0]), GAPS[1]))


def _steps(story: Story) -> tuple[list[Placed], float]:
    y = float(HEAD_HEIGHT + COLUMN_HEAD_HEIGHT)
    placed: list[Placed] = []
    for beat in story.beats:
        band: float | None = None
        if beat.pause_s >= MARKED_PAUSE_S:
            band, y = y + 8, y + BAND + 8
        y += 4
        rows: list[Row] = []
        for saying in beat.sayings:
            above, below = _around(saying)
            rows.append(Row(y=y + ROW + above, saying=saying))
            y += ROW + above + below
        placed.append(Placed(beat=beat, rows=tuple(rows), band_y=band))
    return placed, y + ROW


def _around(saying: Saying) -> tuple[int, int]:
    """The room a saying needs above and below its row."""
    match saying.kind:
        case "rule":
            return RULE // 2, RULE // 2
        case "note":
            return 0, NOTE
        case _:
            return 0, BELOW if saying.below else 0
