"""The lengths of what a pattern takes, held against trying every input."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.scenario.expressions import fits
from engine.scenarios.check.patterns import LONGEST, lengths

KEYS = "01*"


def which(found: int | None) -> set[int] | None:
    return None if found is None else {length for length in range(LONGEST + 1) if found >> length & 1}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("", {0}),
        ("[0-9]{2}", {2}),
        ("[0-9]{2,4}|0{6}", {2, 3, 4, 6}),
        ("(?:01)*1?", set(range(LONGEST + 1))),
        ("(01){1,2}", {2, 4}),
        (r"\d\D", {2}),
        ("[^0-9]", {1}),
        ("[^0-9*]", set()),
        ("A1", set()),
        ("A?1", {1}),
        (r"\*.", {2}),
        ("[0-]", {1}),
        ("(?:A|)1", {1}),
        ("0{3}{2}", {6}),
    ],
)
def test_lengths_add_up(pattern: str, expected: set[int]) -> None:
    assert which(lengths(pattern, KEYS)) == expected


@pytest.mark.parametrize("pattern", ["^0$", "(?i)a", r"\b0", "[[:digit:]]", "(0", "0)", "[0", "\\", r"\pN", "(" * 99])
def test_what_is_not_understood_is_not_decided(pattern: str) -> None:
    assert lengths(pattern, KEYS) is None


ATOMS = st.sampled_from(["0", "1", "[01]", "[^0]", ".", r"\d", r"\*", "A", "[A-Z]"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,}"])).map(
            lambda two: f"(?:{two[0]}){two[1]}"
        ),
    ),
    max_leaves=5,
)


@given(pattern=PATTERNS)
def test_a_length_fits_when_an_input_of_it_does(pattern: str) -> None:
    found = lengths(pattern, KEYS)
    assert found is not None
    for length in range(5):
        inputs = map("".join, product(KEYS, repeat=length))
        assert any(fits(pattern, typed) for typed in inputs) == bool(found >> length & 1), length
