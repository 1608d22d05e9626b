"""What the tests of the checker share: a deployment, and programs out of one text."""

from pathlib import Path

from engine.domain.values import slug
from engine.scenarios.check import Report
from engine.scenarios.check.files import check_loaded
from engine.scenarios.house import House
from engine.scenarios.program import load_program

MAIN = slug("main")
SOUNDS = frozenset({"vm-goodbye", "digits/1"})
HOUSE = House(
    languages=frozenset({"fr", "en"}),
    groups=frozenset({"sales"}),
    agents=frozenset({"alice", "bob"}),
    extensions=frozenset({"2001"}),
    calendars=frozenset({"office", "attic"}),
    doubts={"attic": ("not open once",)},
    flags=frozenset({"strike"}),
    tables={"customers": {"name": "text", "vip": "flag"}},
    mailboxes=frozenset({"sales"}),
    speech=frozenset({"fr", "en"}),
    sounds={"fr": SOUNDS, "en": SOUNDS | {"tt-monkeys"}},
)


def written(folder: Path, text: str) -> None:
    """Scenarios out of one text, a line of `---` between them; each keeps the lines it has in the text."""
    line = 0
    for part in text.split("---\n"):
        name = next(said for said in part.splitlines() if said.startswith("scenario:")).partition(": ")[2]
        (folder / name).mkdir()
        (folder / name / "scenario.yaml").write_text("\n" * line + part)
        line += part.count("\n") + 1


def checked(folder: Path, text: str, house: House = HOUSE) -> Report:
    """The report on the scenario `main` of a text."""
    written(folder, text)
    return check_loaded(load_program(folder, MAIN), house)
