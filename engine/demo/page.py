"""How the demonstration looks on a terminal: headings, steps with their milliseconds, and what was measured."""

import json
import sys
import textwrap
from collections.abc import Iterable
from typing import TextIO

WIDTH = 118
_MARGIN = 9  # the width of the milliseconds and the blank after them


class Page:
    """Writes lines and lets nobody wait for them; colour only on a terminal."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._colour = out.isatty()

    def heading(self, text: str) -> None:
        self._line("")
        self._line(self._styled(text, "1"))

    def progress(self, text: str) -> None:
        """What is being fetched or started."""
        self._line(self._styled(f"· {text}", "2"))

    def step(self, ms: float, text: str) -> None:
        """Something happened, so many milliseconds after the request."""
        first, *rest = textwrap.wrap(text, WIDTH - _MARGIN) or [""]
        self._line(f"{ms:6.0f}   {first}")
        self.more(rest)

    def request(self, what: str, body: object) -> None:
        """What the application asks the API."""
        self._line(" " * _MARGIN + f"{what} {json.dumps(body, ensure_ascii=False)}")

    def measured(self, text: str) -> None:
        """What was measured just now, under the step it belongs to."""
        for line in textwrap.wrap(text, WIDTH - _MARGIN - 2):
            self._line(" " * _MARGIN + self._styled(f"♪ {line}", "36"))

    def more(self, lines: Iterable[str]) -> None:
        """Lines that belong to the one above."""
        for line in lines:
            self._line(" " * _MARGIN + line)

    def table(self, rows: Iterable[tuple[str, str]]) -> None:
        """Names and values; long values go on below."""
        rows = list(rows)
        width = max(len(name) for name, _ in rows)
        for name, value in rows:
            lines = textwrap.wrap(value, WIDTH - width - 4) or [""]
            self._line(f"  {self._styled(name.ljust(width), '2')}  {lines[0]}")
            for line in lines[1:]:
                self._line(" " * (width + 4) + line)

    def plain(self, text: str = "") -> None:
        """A line as it is: commands to copy."""
        self._line(text)

    def _styled(self, text: str, code: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text

    def _line(self, text: str) -> None:
        print(text, file=self._out, flush=True)
