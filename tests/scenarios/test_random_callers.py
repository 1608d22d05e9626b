"""Whatever callers do and the world answers, a call ends, one thing is said at a time and every key is noted once."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.scenario.graph import Program
from engine.domain.values import Slug
from engine.scenarios.answers import KINDS, Answer, Mocks
from engine.scenarios.program import load_program, scenario_names
from engine.scenarios.simulator import Pressed, Said, Simulation
from tests.scenarios.calls import MONDAY

FOLDER = Path(__file__).resolve().parents[2] / "ivr_scenarios"
LONGEST_S = 7_200.0  # four times what a scenario keeps a caller for, with some talk
ACTIONS = st.one_of(
    st.tuples(st.just("press"), st.text("0123456789*#", min_size=1, max_size=12)),
    st.tuples(st.sampled_from(["wait", "speak"]), st.floats(0.0, 40.0)),
    st.tuples(st.just("hang up"), st.none()),
)
ANSWERS = {
    kind: st.builds(Answer, outcome=st.sampled_from(outcomes), seconds=st.none() | st.floats(0.0, 30.0))
    for kind, outcomes in KINDS.items()
}


@cache
def program_of(name: Slug) -> Program:
    program = load_program(FOLDER, name).program
    assert program is not None
    return program


def act(call: Simulation, what: str, how: object) -> None:
    match what, how:
        case "press", str(keys):
            call.press(keys)
        case "wait", float(seconds):
            call.waits(seconds)
        case "speak", float(seconds):
            call.speak(seconds)
        case _:
            call.hang_up()


def holds(call: Simulation) -> None:
    spoken = [event for event in call.story if isinstance(event, Said)]
    assert all(before.until <= after.at for before, after in pairwise(spoken)), "two things are said at once"
    pressed = [event.key for event in call.story if isinstance(event, Pressed)]
    assert "".join(visit.keys for visit in call.run.path) == "".join(pressed)
    assert call.said is None
    assert not call.recording
    assert call.open is None


@pytest.mark.parametrize("name", scenario_names(FOLDER))
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_call_ends(name: Slug, data: st.DataObject) -> None:
    call = Simulation(program_of(name), Mocks({}), MONDAY)
    for what, how in data.draw(st.lists(ACTIONS, max_size=12)):
        if call.open is not None:
            call.answer(data.draw(ANSWERS[call.open.asked.kind]))
        act(call, what, how)
    while not call.over:
        if call.open is not None:
            call.answer(data.draw(ANSWERS[call.open.asked.kind]))
        assert call.passes(), f"stuck at {call.run.node}"
    assert call.now < LONGEST_S
    holds(call)
