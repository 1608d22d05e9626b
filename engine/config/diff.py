"""What would change in Asterisk's files, for a person to read; secrets are never shown."""

import difflib
import hashlib
import hmac
import itertools
import re
import secrets
from collections.abc import Mapping
from typing import Any

_SECRET = re.compile(r"^(password|secret)( *=>? *)(.*)$", re.MULTILINE)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """A unified diff for each file whose bytes differ.

    A secret is shown as `(hidden 3f2a)`: four digits that differ when the secrets do, under a key made for this one
    diff, so that they tell nothing else.
    """
    key = secrets.token_bytes(16)
    changed = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    return {name: _diff(name, before.get(name, ""), after.get(name, ""), key) for name in changed}


def _diff(name: str, before: str, after: str, key: bytes) -> str:
    old, new = (_masked(text, key).splitlines(keepends=True) for text in (before, after))
    lines = [f"--- now/{name}\n", f"+++ then/{name}\n"]
    for hunk in _BySections(old, new).get_grouped_opcodes():
        lines.append(f"@@ -{_range(hunk[0][1], hunk[-1][2])} +{_range(hunk[0][3], hunk[-1][4])} @@\n")
        for tag, a, b, c, d in hunk:
            if tag == "equal":
                lines += [f" {line}" for line in old[a:b]]
            else:
                lines += [f"-{line}" for line in old[a:b]] + [f"+{line}" for line in new[c:d]]
    return "".join(lines)


class _BySections(difflib.SequenceMatcher[str]):
    """Compares whole sections first, then the lines of those that differ: the lines of our sections are so alike that
    difflib would show one changed value as a section that moved, after minutes of comparing."""

    def __init__(self, old: list[str], new: list[str]) -> None:
        super().__init__(None, [], [])  # nothing to prepare: the lines are never compared as a whole
        self._old, self._new = old, new

    def get_opcodes(self) -> list[Any]:
        old, new = _sections(self._old), _sections(self._new)
        at, to = _offsets(old), _offsets(new)
        steps: list[Any] = []
        same = difflib.SequenceMatcher(None, [_key(one) for one in old], [_key(one) for one in new], autojunk=False)
        for tag, a, b, c, d in same.get_opcodes():
            if tag == "equal":
                for one, other in zip(range(a, b), range(c, d), strict=True):
                    steps += _within(old[one], new[other], at[one], to[other])
            else:
                steps.append((tag, at[a], at[b], to[c], to[d]))
        return _joined(steps)


def _within(old: list[str], new: list[str], at: int, to: int) -> list[Any]:
    """The steps from one section to the other, counted from the beginning of the files."""
    steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if old != new else []
    equal = [("equal", 0, len(old), 0, len(new))]
    return [(tag, a + at, b + at, c + to, d + to) for tag, a, b, c, d in steps or equal]


def _joined(steps: list[Any]) -> list[Any]:
    """Unchanged lines that follow each other are one step, as difflib's grouping expects."""
    joined: list[Any] = []
    for tag, a, b, c, d in steps:
        if joined and tag == joined[-1][0] == "equal":
            _, first, _, to, _ = joined.pop()
            a, c = first, to  # noqa: PLW2901 - the step grows to the left
        joined.append((tag, a, b, c, d))
    return joined


def _sections(lines: list[str]) -> list[list[str]]:
    """Runs of lines, each with the empty ones after it."""
    starts = [n for n in range(1, len(lines)) if lines[n].strip() and not lines[n - 1].strip()]
    return [lines[start:end] for start, end in itertools.pairwise([0, *starts, len(lines)]) if end > start]


def _key(section: list[str]) -> str:
    """What makes two sections the same one: all up to its name, and the line after that, which says the type."""
    named = next((number for number, line in enumerate(section) if line.startswith("[")), 0)
    return "".join(section[: named + 2])


def _offsets(sections: list[list[str]]) -> list[int]:
    return [0, *itertools.accumulate(len(section) for section in sections)]


def _range(start: int, stop: int) -> str:
    """As `diff -u` counts: an empty range stands at the line before it."""
    return f"{start + 1 if stop > start else start},{stop - start}"


def _masked(text: str, key: bytes) -> str:
    def mask(found: re.Match[str]) -> str:
        mark = hmac.new(key, found[3].encode(), hashlib.sha256).hexdigest()[:4]
        return f"{found[1]}{found[2]}(hidden {mark})"

    return _SECRET.sub(mask, text)
