"""The proof against calls: whatever callers and the world do, no simulated call is longer than it says."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.domain.scenario import talk
from engine.domain.scenario.graph import Program
from engine.domain.scenario.run import Listening
from engine.scenarios.answers import KINDS, Answer, Asked
from engine.scenarios.check import check
from engine.scenarios.check.proof import Bound, Proof
from engine.scenarios.house import UNKNOWN
from engine.scenarios.simulator import Caller, Over, Simulation
from tests.scenarios.check.nowhere import Nowhere
from tests.scenarios.check.programs import CODED, ONCE_TOO_LONG, programs
from tests.scenarios.checking import checked

STRAIGHT = """\
scenario: main
start: menu
on_error: sorry
nodes:
  menu: {type: menu, prompt: Tapez 1., keys: {1: message}, on: {no_input: message, no_match: message}}
  message: {type: voicemail, mailbox: sales, prompt: Parlez !!, max_s: 60, on: {left: bye, empty: bye}}
  sorry: {type: play, prompt: Désolé, next: bye}
  bye: {type: hangup}
"""
CLEARED = 'type: collect, prompt: Tapez 1., into: code, clear_key: "*", next: message'
CODE = "vars: {code: {type: text}}\nnodes:"
COUNTED = """\
scenario: main
start: menu
on_error: bye
vars: {tries: {type: number, default: 0}}
nodes:
  menu: {type: menu, prompt: Tapez 1., keys: {1: menu}, on: {no_input: count, no_match: count}}
  count: {type: set, values: {tries: tries + 1}, next: enough}
  enough: {type: switch, cases: [{when: tries <= 2, to: menu}], next: bye}
  bye: {type: hangup}
"""
MONDAY = Caller(at=datetime(2026, 5, 4, 8, tzinfo=UTC))


class Chance:
    """A world in which anything may be, and whoever talks to the caller is quick."""

    def __init__(self, random_: random.Random) -> None:
        self._random = random_

    def answer(self, asked: Asked, order: talk.AnyQuestion | talk.AnyWhom | None) -> Answer | None:
        outcome = self._random.choice(KINDS[asked.kind])
        return Answer(outcome=outcome, seconds=0 if outcome in ("talked", "after") else None)


def proof_of(program: Program) -> Proof:
    proofs = {proof.scenario: proof for proof in check(program, UNKNOWN, Nowhere()).proof}
    return proofs[program.main]


def called(program: Program, random_: random.Random, *, idle: bool) -> Simulation:
    """A call to its end; an idle caller presses but a key that is no input, and says nothing."""
    call = Simulation(program, Chance(random_), MONDAY)
    while not call.over:
        if call.wants_caller and random_.random() < 0.7:
            if call.recording and not idle:
                call.speak(random_.choice([1.0, 5.0, 20.0]))
            elif isinstance(call.run.phase, Listening) and not call.run.phase.keys:
                call.waits(random_.choice([0.0, 4.9]))
                if call.wants_caller:
                    call.press("#" if idle else random_.choice(["1", "2", "22", "12", "#", "*", "0", "123#"]))
            elif not call.passes():
                break
        elif not call.passes():
            break
    assert call.over
    return call


def held(call: Simulation, bound: Bound) -> None:
    assert len(call.run.path) <= bound.steps
    assert isinstance(over := call.story[-1], Over)
    assert over.at <= bound.seconds + 0.001


@settings(max_examples=100, deadline=None)
@given(program=programs(), seed=st.integers(0, 2**32))
def test_no_caller_is_kept_longer_than_is_proved(program: Program, seed: int) -> None:
    proof = proof_of(program)
    for number in range(3):
        held(called(program, random.Random(seed + number), idle=False), proof.anyone)


@settings(max_examples=100, deadline=None)
@given(program=programs(), seed=st.integers(0, 2**32))
@example(program=CODED, seed=0)  # 0 is right where any code is, and whoever is right is not idle
def test_nor_is_one_who_says_nothing_or_is_wrong(program: Program, seed: int) -> None:
    proof = proof_of(program)
    for number in range(3):
        held(called(program, random.Random(seed + number), idle=True), proof.idle)


@pytest.mark.parametrize("program", ONCE_TOO_LONG)
@pytest.mark.parametrize("seed", range(5))
def test_nobody_is_led_out_longer_than_is_proved(program: Program, seed: int) -> None:
    proof = proof_of(program)
    held(called(program, random.Random(seed), idle=True), proof.idle)
    held(called(program, random.Random(seed), idle=False), proof.anyone)


def test_the_worst_of_a_scenario_without_circles_is_exact(tmp_path: Path) -> None:
    report = checked(tmp_path, STRAIGHT)

    (proof,) = report.proof
    assert report.findings == ()
    assert proof.idle == proof.anyone
    assert proof.idle.limits == ()
    assert proof.idle.way == ("menu", "message", "sorry", "bye")
    # five rounds of words, silence and a key; the announcement, the message and its filing; and the word of regret
    rounds = 5 * (0.5 + 8 * 0.08 + 5 + 3)
    assert proof.idle.seconds == pytest.approx(rounds + (0.5 + 9 * 0.08) + 60 + 2 + 5 + (0.5 + 6 * 0.08))


def test_a_counter_bounds_a_circle_and_its_caller_needs_no_limits(tmp_path: Path) -> None:
    (proof,) = checked(tmp_path, COUNTED).proof

    assert (proof.idle.steps, proof.idle.limits) == (13, ())  # three steps round, three times and once more; the end
    assert proof.anyone.limits == ("visits",)
    assert set(proof.anyone.because) == {"menu", "count", "enough"}


def test_the_proof_is_said_in_words(tmp_path: Path) -> None:
    (proof,) = checked(tmp_path, COUNTED).proof

    first, second, third = str(proof).splitlines()
    assert first.startswith("main: every caller reaches a person, a message or an end within")
    assert first.endswith("by the limits alone (visits), because of count, enough, menu;")
    assert second.startswith("  who says nothing or presses wrong keys, within 13 steps and")
    assert third == "  at worst by menu -> count -> enough -> bye"


def test_a_clear_key_lets_a_caller_stay_as_long_as_the_limits(tmp_path: Path) -> None:
    text = STRAIGHT.replace("type: menu, prompt: Tapez 1., keys: {1: message}", CLEARED).replace("nodes:", CODE)

    (proof,) = checked(tmp_path, text).proof

    assert (proof.idle.limits, proof.anyone.limits, proof.anyone.because) == ((), ("duration_s",), ("menu",))
