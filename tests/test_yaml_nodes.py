"""YAML as it is read here: what is refused, and where that is said to stand."""

import time

import pytest
import yaml

from engine.yaml_nodes import MAX_DEPTH, Fault, tree_of

REFUSED = [
    ("a: &x 1\nb: *x", Fault(2, 4, "aliases are not read here: write the value again")),
    ("a: 1\n---\nb: 1", Fault(2, 1, "a second document, after `---`: write it into another file")),
    ("a: 1\n  b: 2", Fault(2, 4, "mapping values are not allowed in this context")),
    ("a: [1, 2", Fault(1, 9, "while parsing a flow sequence, did not find expected ',' or ']'")),
    (
        'a: 1\nb: "one\nc: 2',
        Fault(3, 5, "while scanning a quoted scalar, found unexpected end of stream; the quotes were opened in line 2"),
    ),
    ("é: 1\nb: \x07", Fault(2, 4, "not YAML: control characters are not allowed")),
    ("a: 1\nb: \ud800", Fault(2, 1, "not text: surrogates not allowed")),
]


@pytest.mark.parametrize(("text", "fault"), REFUSED)
def test_what_is_not_read_is_said_with_its_place(text: str, fault: Fault) -> None:
    assert fault == tree_of(text)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_a_text_of_nothing_but_openings_is_refused_at_once(opening: str) -> None:
    began = time.monotonic()

    fault = tree_of(opening * 100_000)

    assert isinstance(fault, Fault)
    assert f"deeper than {MAX_DEPTH}" in fault.problem
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("text", ["", "# nothing but a remark\n"])
def test_an_empty_text_has_no_tree(text: str) -> None:
    assert tree_of(text) is None


def test_every_scalar_is_the_text_that_was_written_and_knows_its_place() -> None:
    tree = tree_of("on: [0123, 12:30,\n  'yes']")

    assert isinstance(tree, yaml.MappingNode)
    ((key, value),) = tree.value
    assert key.value == "on"
    assert [item.value for item in value.value] == ["0123", "12:30", "yes"]
    assert [(item.start_mark.line, item.start_mark.column) for item in value.value] == [(0, 5), (0, 11), (1, 2)]
