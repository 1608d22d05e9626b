"""Places of a program that is in no file."""

from engine.scenarios.check.reporting import Part


class Nowhere:
    def place(self, scenario: str, node: str, part: Part) -> tuple[str, int, int]:
        return scenario, 1, 1
