"""The scenarios that come with the engine: their conversations go as written, along every edge."""

from pathlib import Path

import pytest

from engine.domain.values import Slug
from engine.scenarios.conversations import load
from engine.scenarios.hearing import Ears
from engine.scenarios.program import load_program, scenario_names
from engine.scenarios.testing import as_text, file_of, hold_all
from engine.sounds.texts import words

FOLDER = Path(__file__).resolve().parents[2] / "ivr_scenarios"


@pytest.mark.parametrize("name", scenario_names(FOLDER))
def test_its_conversations_go_along_every_edge_in_both_languages(name: Slug) -> None:
    program = load_program(FOLDER, name).program
    assert program is not None
    file = file_of(FOLDER, program.main)
    conversations = load(file)
    tested = hold_all(program, conversations, str(file), ears=Ears(house=words))
    assert tested.passed, as_text(tested)
    assert tested.coverage.percent == 100, as_text(tested)
    assert {conversation.caller.language for conversation in conversations} == {"fr", "en"}
