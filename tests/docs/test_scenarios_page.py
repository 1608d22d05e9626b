"""docs/scenarios.md says what a scenario file may hold, and its examples are scenarios."""

import re
import textwrap

import pytest
from jsonschema import Draft202012Validator

from engine.domain.scenario.graph import AnyNode, Node, Var
from engine.domain.scenario.outcomes import OUTCOMES
from engine.scenarios import schema
from engine.scenarios.findings import CODES
from engine.scenarios.loader import load_text
from engine.scenarios.shapes import ITEMS, SCENARIO, Kinds, Record, shape
from tests.docs.tables import DOCS, tables, words
from tests.scenarios.test_schema import seen

FILE, SAID, NODES, VARIABLES, FAULTS = tables("scenarios.md")
NODE_KINDS = shape(AnyNode)
EVERY_NODE = ("next", "on", "note")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", (DOCS / "scenarios.md").read_text(encoding="utf-8"), re.M | re.S)
HEAD = "scenario: example\nstart: bye\non_error: bye\n"


def whole(example: str) -> str:
    """An example as a scenario, with what is left out around it."""
    if "scenario:" in example.splitlines()[1]:
        return example
    if example.startswith("vars:"):
        return f"{HEAD}{example}nodes: {{bye: {{type: hangup}}}}"
    return f"{HEAD}nodes:\n  bye: {{type: hangup}}\n{textwrap.indent(example, '  ')}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_read_and_is_one_to_an_editor(example: str) -> None:
    text = whole(example)

    assert load_text(text, "example").findings == ()
    assert not list(Draft202012Validator(schema.schema()).iter_errors(seen(text)))


def test_the_keys_of_a_file() -> None:
    assert [words(key)[0] for key, _ in FILE] == list(SCENARIO.fields)


def test_the_keys_of_a_variable() -> None:
    assert [words(key)[0] for key, _ in VARIABLES] == list(Var.__struct_fields__)


def test_the_things_that_are_said() -> None:
    assert [words(key)[0] for key, _ in SAID] == list(ITEMS)


def test_the_fields_and_outcomes_of_every_node() -> None:
    assert isinstance(NODE_KINDS, Kinds)

    told = {words(kind)[0]: tuple(map(words, cells)) for kind, _, *cells in NODES}

    assert told == {kind: _row(record) for kind, record in NODE_KINDS.records.items()}


def _row(record: Record) -> tuple[list[str], ...]:
    """What it needs, what it may have, and the outcomes with and without an edge of their own."""
    fields = {name: field.required for name, field in record.fields.items() if name not in EVERY_NODE}
    assert issubclass(record.model, Node)
    known = OUTCOMES[record.model]
    return (
        [name for name, required in fields.items() if required],
        [name for name, required in fields.items() if not required],
        list(known.must),
        list(known.may),
    )


def test_the_codes_of_reading() -> None:
    assert {words(code)[0]: title for code, title in FAULTS} == {
        code: title for code, title in CODES.items() if code.startswith("S1")
    }
