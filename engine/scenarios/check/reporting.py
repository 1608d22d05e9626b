"""Where findings are written down while a program is checked."""

from typing import Protocol

from engine.scenarios.check.codes import CODES
from engine.scenarios.findings import Finding

Part = tuple[str | int, ...]
"""The way to a thing inside its node, or inside the scenario where there is no node, in the model's own notation:
("on", "error"), ("keys", "1"), ("prompt", 0, "say", "fr"), ("vars", "name")."""


class Places(Protocol):
    """Where things stand in the files; what has no place of its own stands where the next bigger thing does."""

    def place(self, scenario: str, node: str, part: Part) -> tuple[str, int, int]:
        """File, line and column, counted from 1."""
        ...


class Desk:
    """The findings so far, about one scenario at a time."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.findings: list[Finding] = []

    def find(self, code: str, scenario: str, node: str, part: Part, message: str) -> None:
        file, line, column = self._places.place(scenario, node, part)
        known = CODES[code]
        self.findings.append(
            Finding(
                code=code,
                severity=known.severity,
                file=file,
                line=line,
                column=column,
                scenario=scenario,
                node=node,
                message=message,
                mend=known.mend,
            )
        )
