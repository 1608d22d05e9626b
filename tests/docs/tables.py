"""Tables of the documentation, as rows of cells."""

from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"


def tables(page: str) -> list[list[list[str]]]:
    """Every table of `docs/<page>`, its heading and the line below it left out."""
    found: list[list[list[str]]] = []
    within = False
    for line in (DOCS / page).read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            within = False
            continue
        if not within:
            found.append([])
        within = True
        found[-1].append([cell.strip() for cell in line.strip("|").split("|")])
    return [rows[2:] for rows in found]


def words(cell: str) -> list[str]:
    """What stands in backticks."""
    return cell.split("`")[1::2]
