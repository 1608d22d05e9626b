"""Which lengths the inputs have that a regular expression takes, where that can be decided.

A regular expression without look-arounds and back references takes inputs of a set of lengths that is made up from the
lengths of its parts: sums for what follows each other, unions for alternatives, multiples for repetitions. A set of
lengths is a number here: bit n is set when an input of n keys fits.
"""

import re

LONGEST = 64
_ALL = (1 << (LONGEST + 1)) - 1
_NOTHING = 1  # the empty input
_COUNTS = re.compile(r"\{([0-9]{1,3})(?:(,)([0-9]{1,3})?)?\}")
_CLASSES = {"d": "0123456789", "w": "0123456789", "D": "*#", "W": "*#", "S": "0123456789*#", "s": ""}


class Undecidable(Exception):
    """More than is understood here."""


def lengths(pattern: str, keys: str) -> int | None:
    """The lengths of the inputs of these keys that the whole of a pattern takes; None where it cannot be told."""
    reader = _Reader(pattern, frozenset(keys))
    try:
        found = reader.alternatives()
    except (Undecidable, IndexError, ValueError):
        return None
    return found if reader.done else None


class _Reader:
    def __init__(self, pattern: str, keys: frozenset[str]) -> None:
        self._left = pattern
        self._keys = keys
        self._depth = 0

    @property
    def done(self) -> bool:
        return not self._left

    def alternatives(self) -> int:
        self._depth += 1
        if self._depth > 50:
            raise Undecidable
        found = self._sequence()
        while self._skip("|"):
            found |= self._sequence()
        self._depth -= 1
        return found

    def _sequence(self) -> int:
        found = _NOTHING
        while self._left and self._left[0] not in "|)":
            found = _sum(found, self._repeated(self._atom()))
        return found

    def _repeated(self, once: int) -> int:
        while True:
            if self._skip("*"):
                once = _times(once, 0, None)
            elif self._skip("+"):
                once = _times(once, 1, None)
            elif self._skip("?"):
                once |= _NOTHING
            elif found := _COUNTS.match(self._left):
                self._left = self._left[found.end() :]
                least = int(found[1])
                once = _times(once, least, int(found[3]) if found[3] else None if found[2] else least)
            else:
                return once

    def _atom(self) -> int:
        first, self._left = self._left[0], self._left[1:]
        if first == "(":
            return self._group()
        if first == "[":
            return self._one_of(self._class())
        if first == "\\":
            return self._one_of(self._escaped())
        if first == ".":
            return self._one_of(self._keys)
        if first in "^$":
            raise Undecidable  # the pattern is for the whole input anyway
        return self._one_of({first})

    def _group(self) -> int:
        if self._left.startswith("?") and not self._skip("?:"):
            raise Undecidable
        found = self.alternatives()
        if not self._skip(")"):
            raise Undecidable
        return found

    def _class(self) -> set[str]:
        """What is between brackets, of the keys there are."""
        other = self._skip("^")
        found: set[str] = set()
        while not self._skip("]"):
            first, self._left = self._left[0], self._left[1:]
            if first == "[":
                raise Undecidable
            if first == "\\":
                found |= self._escaped()
            elif self._left[0] == "-" and self._left[1] != "]":
                last, self._left = self._left[1], self._left[2:]
                found |= {key for key in self._keys if first <= key <= last}
            else:
                found.add(first)
        return set(self._keys - found) if other else found

    def _escaped(self) -> set[str]:
        first, self._left = self._left[0], self._left[1:]
        if first in _CLASSES:
            return set(_CLASSES[first])
        if first.isalnum():
            raise Undecidable
        return {first}

    def _one_of(self, wanted: set[str] | frozenset[str]) -> int:
        return 2 if wanted & self._keys else 0

    def _skip(self, word: str) -> bool:
        if not self._left.startswith(word):
            return False
        self._left = self._left[len(word) :]
        return True


def _sum(one: int, other: int) -> int:
    found = 0
    for length in range(LONGEST + 1):
        if other >> length & 1:
            found |= one << length
    return found & _ALL


def _times(once: int, least: int, most: int | None) -> int:
    found = _NOTHING
    for _ in range(least):
        found = _sum(found, once)
    more = found
    for _ in range(LONGEST if most is None else min(most - least, LONGEST)):
        longer = found | _sum(more, once)
        if longer == found:
            break
        more, found = _sum(more, once), longer
    return found
