"""docs/scenarios-check.md has every code that is found in scenarios, as the code says it."""

from engine.scenarios import findings
from engine.scenarios.check.codes import CODES
from tests.docs.tables import tables

READING, *CHECKING = tables("scenarios-check.md")


def test_what_the_loader_finds() -> None:
    assert [[code, title] for code, title in findings.CODES.items()] == READING


def test_what_the_checker_finds_and_how_to_mend_it() -> None:
    rows = [row for table in CHECKING for row in table]
    warned = {code: " (warning)" if known.severity == "warning" else "" for code, known in CODES.items()}
    assert [[code, at.title + warned[code], at.example, at.mend] for code, at in CODES.items()] == rows
