"""What a bench prints: tables with units, readable in a terminal and, unchanged, as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """`columns` carry their units; None is something that was not measured. `note` says how it was measured."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    note: str = ""

    def text(self) -> str:
        """Aligned, first column left, the others right."""
        lines = [self.columns, *(tuple(_written(cell) for cell in row) for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.columns))]
        head, *body = [_line(line, widths) for line in lines]
        rule = "|".join(["", f"{'-' * (widths[0] + 2)}", *(f"{'-' * (w + 1)}:" for w in widths[1:]), ""])
        return "\n".join([f"### {self.title}", "", head, rule, *body, *(["", self.note] if self.note else [])])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = [c.ljust(w) if not i else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
    return f"| {' | '.join([first, *rest])} |"


def _written(cell: Cell) -> str:
    """Three figures that count: more would claim more than a shared machine can tell."""
    match cell:
        case None:
            return "-"
        case float():
            return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}"
        case int():
            return f"{cell:,}".replace(",", " ")
        case _:
            return cell


def part(values: Sequence[float], share: float) -> float | None:
    """The value below which `share` of them lie (0.5: the middle one); None when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else None


def ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def ratio(value: float | None, to: float | None) -> str | None:
    """`value` as so many times `to`."""
    return None if value is None or not to else f"{value / to:.2f} x"
