"""Call records as CSV (RFC 4180): comma, CRLF, quotes doubled, one header line, UTF-8.

A cell that a spreadsheet would run as a formula (it begins with = + - @, tab or carriage return) gets an apostrophe in
front, unless it is a number or a phone number: +33612345678 stays as it is. The advice is OWASP's ("CSV injection");
its price is that such a cell is no longer what the application gave, hence `exact` for programs.
"""

import csv
import io
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from engine.domain.cdr import CallRecord

WORDS = (
    "A cell that a spreadsheet would run as a formula gets an apostrophe in front (phone numbers and figures do not); "
    "`exact=true` leaves every cell as it is."
)
WORDS_FR = (
    "Une cellule qu'un tableur exécuterait comme une formule reçoit une apostrophe devant (sauf numéros et nombres) ; "
    "`exact=true` laisse chaque cellule telle quelle."
)
COLUMNS: tuple[str, ...] = CallRecord.__struct_fields__

_FORMULA = re.compile(r"[=+\-@\t\r]")
_FIGURE = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)


def header() -> str:
    """The first line: the column names of `call_history`."""
    return _written([COLUMNS])


def rows(records: Iterable[CallRecord], *, exact: bool = False) -> str:
    """One line for each record. Empty: null. Lists and objects: compact JSON. Times: RFC 3339."""
    return _written([_cell(getattr(record, name), exact) for name in COLUMNS] for record in records)


def _written(lines: Iterable[Iterable[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()


def _cell(value: Any, exact: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value if exact else harmless(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return msgspec.json.encode(value).decode()


def harmless(text: str) -> str:
    """The text, with an apostrophe in front if a spreadsheet would take it for a formula."""
    return f"'{text}" if _FORMULA.match(text) and not _FIGURE.fullmatch(text) else text
