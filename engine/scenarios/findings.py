"""What is wrong with a scenario: where it stands, what it is, and how to mend it.

A code never changes its meaning and is never given twice: people search for it, and silence it by name. S1xx come of
reading a file (`loader.py`), S2xx and above of checking what was read (`engine.scenarios.check`).
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

Severity = Literal["error", "warning"]

CODES: dict[str, str] = {
    "S101": "the file cannot be read",
    "S102": "not YAML as it is read here",
    "S103": "a key stands twice",
    "S104": "unknown key",
    "S105": "something is missing",
    "S106": "the wrong kind of thing: a text, a list or a map was expected",
    "S107": "a value that the field does not take",
    "S108": "unknown type of node or variable",
    "S109": "too much: the file, its depth or the number of nodes",
    "S110": "a name that cannot be one",
    "S111": "a prompt item that is none, or several at once",
    "S112": "a prompt that does not say which language it is in",
    "S113": "an outcome that this type of node does not have",
    "S114": "an edge that is written twice",
    "S115": "a scenario that is not there",
    "S116": "a scenario with another name than its folder",
    "S117": "a recording that cannot be read",
    "S118": "a recording of the same name as another, and not the same",
}
"""Every code and what it stands for, in one line each."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, at a place (counted from 1). `node` is empty for what belongs to no node."""

    code: str
    severity: Severity = "error"
    file: str
    line: int
    column: int
    scenario: str
    node: str = ""
    message: str
    mend: str

    def __str__(self) -> str:
        """`file:line:column: S101 node choose: message. mend`"""
        kind = f"{self.code} warning" if self.severity == "warning" else self.code
        about = f"{kind} node {self.node}" if self.node else kind
        stop = "" if self.message.endswith(("?", ".")) else "."
        return f"{self.file}:{self.line}:{self.column}: {about}: {self.message}{stop} {self.mend}"


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """By file and place, each once, as they are shown."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda at: (at.file, at.line, at.column, at.code, at.message)))


def sound(findings: Iterable[Finding]) -> bool:
    """Whether nothing forbids to publish: warnings do not."""
    return all(finding.severity != "error" for finding in findings)


def as_text(findings: Iterable[Finding]) -> str:
    """One line each."""
    return "\n".join(map(str, findings))


def as_json(findings: Iterable[Finding]) -> bytes:
    """A list of objects with the fields of `Finding`, all of them always."""
    return msgspec.json.encode(list(findings))
