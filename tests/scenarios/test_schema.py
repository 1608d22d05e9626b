"""docs/scenario.schema.json says to editors what the loader takes: no more, and no less."""

import json
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine.scenarios import schema
from engine.scenarios.loader import load_text
from engine.yaml_nodes import tree_of
from tests.scenarios.test_fuzz import VALID
from tests.scenarios.test_loader import FAULTS, ONE, PROMPTS

ROOT = Path(__file__).resolve().parents[2]
UNSAID = {"S102", "S103", "S112", "S114"}  # by a schema: what stands twice, a text that lacks its language
UNSEEN = re.compile(r"\{\[a\]:|\[0612345678\]").search  # as JSON: keys that are no words, and what a number began with
VALIDATOR = Draft202012Validator(schema.schema())
FILES = [path for top in (".", "docs/*", "engine/*") for path in ROOT.glob(f"{top}/ivr_scenarios/*/scenario.yaml")]


def seen(text: str) -> Any:
    """What an editor sees: YAML 1.2, where `on` and `yes` are texts and 0123 is a number."""
    return _seen(tree_of(text))


def _seen(node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {key.value: _seen(value) for key, value in node.value if isinstance(key, yaml.ScalarNode)}
    if isinstance(node, yaml.SequenceNode):
        return [_seen(item) for item in node.value]
    if node is None:
        return None
    return node.value if node.style else _plain(node.value)


def _plain(text: str) -> Any:
    for parse in (int, float):
        try:
            return parse(text)
        except ValueError:
            pass
    return {"true": True, "false": False, "": None, "null": None, "~": None}.get(text, text)


def test_the_file_for_editors_is_that_of_the_model() -> None:
    written = (ROOT / "docs" / "scenario.schema.json").read_text(encoding="utf-8")

    assert written == schema.text(), "python -m engine.scenarios.schema > docs/scenario.schema.json"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema.schema())


@pytest.mark.parametrize("written", [written for written, _ in PROMPTS])
def test_every_way_to_write_a_prompt_is_one_to_an_editor(written: str) -> None:
    assert not list(VALIDATOR.iter_errors(seen(f"{ONE}{{type: hangup, prompt: {written}}}")))


def test_a_valid_file_is_one_to_an_editor() -> None:
    assert not list(VALIDATOR.iter_errors(seen(VALID)))


def test_every_shipped_scenario_is_one_to_an_editor() -> None:
    texts = {str(path): path.read_text(encoding="utf-8") for path in FILES}

    assert [path for path, text in texts.items() if list(VALIDATOR.iter_errors(seen(text)))] == []


@pytest.mark.parametrize("text", [text for text, told in FAULTS if told[-4:] not in UNSAID and not UNSEEN(text)])
def test_what_the_loader_refuses_an_editor_underlines(text: str) -> None:
    assert list(VALIDATOR.iter_errors(seen(text)))


# -- the same judgement, whatever is changed ---------------------------------------------------------------------------

PUT: list[Any] = [
    *(0, 1, -1, 7, 99_999, 10**18, 2.5, True, False),
    *("", " ", "x", "2", "02", "-5", "2.5", "yes", "Bad Name", "bye", "a_b", "on", "+33612345678", "hangup", "menu"),
    *("number", "a\x00b", "~", "x" * 50, "no_input", "1#", "/a/b"),
    *([], {}, ["x"], [1], [[]], {"fr": "x"}, {"fr": ""}, {"say": "x"}, {"x": "y"}, {"type": "hangup"}, [{"pause": 1}]),
    *({"file": "a", "barge": "stop"}, {"when": "true", "to": "bye"}, {"error": "bye"}),
]
KEYS = ["next", "on", "type", "prompt", "fr", "en", "barge", "1", "x", "Bad Name", "no_input", "done", "tries", "note"]


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every container of a document with each of its keys."""
    found = []
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, below in pairs:
        found += [(tree, key), *_places(below)]
    return found


def _change(draw: st.DataObject, tree: Any) -> None:
    """One thing put, added, renamed or left out."""
    container, key = draw.draw(st.sampled_from(_places(tree)))
    match draw.draw(st.sampled_from(["put", "add", "rename", "leave out"])):
        case "put":
            container[key] = deepcopy(draw.draw(st.sampled_from(PUT)))
        case "add" if isinstance(container, dict):
            container[draw.draw(st.sampled_from(KEYS))] = deepcopy(draw.draw(st.sampled_from(PUT)))
        case "rename" if isinstance(container, dict):
            container[draw.draw(st.sampled_from(KEYS))] = container.pop(key)
        case _:
            del container[key]


@given(st.data(), st.integers(1, 3))
def test_schema_and_loader_judge_alike(draw: st.DataObject, times: int) -> None:
    tree = seen(VALID)
    for _ in range(times if tree else 0):
        _change(draw, tree)
    text = json.dumps(tree)

    codes = {finding.code for finding in load_text(text, "test.yaml").findings}
    errors = [f"{error.json_path}: {error.message[:200]}" for error in VALIDATOR.iter_errors(tree)]

    if not codes & UNSAID:
        assert bool(errors) == bool(codes), (text, codes, errors)
