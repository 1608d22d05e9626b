"""The telephone made of lines, and what is recorded of it."""

from pathlib import Path

import pytest

from engine.domain.scenario.graph import Hangup, NodeName, Record
from engine.errors import BadFile
from engine.scenarios.answers import Answer, Asked, Mocks
from engine.scenarios.conversations import (
    AnyStep,
    Conversation,
    HangUp,
    Hear,
    Press,
    SayNothing,
    Speak,
    Told,
    Wait,
    load,
)
from engine.scenarios.conversing import hold
from engine.scenarios.simulator import Simulation
from engine.scenarios.telephone import HELP, Telephone
from engine.scenarios.writing import append, as_yaml, recorded
from tests.domain.scenario.caller import of, say
from tests.scenarios.calls import MONDAY, call, company, written


class Lines:
    """A keyboard and a screen."""

    def __init__(self, *typed: str) -> None:
        self.typed = list(typed)
        self.prompts: list[str] = []
        self.shown: list[str] = []

    def ask(self, prompt: str) -> str | None:
        self.prompts.append(prompt)
        return self.typed.pop(0) if self.typed else None


def talk(simulation: Simulation, *typed: str) -> tuple[Lines, list[AnyStep]]:
    lines = Lines(*typed)
    phone = Telephone(simulation, lines.ask, lines.shown.append)
    phone.talk()
    return lines, phone.steps


def test_a_call_reads_like_a_conversation() -> None:
    lines, steps = talk(call(company(), {"agents": "nobody"}), "open", "1")
    assert lines.prompts == ["hours office? open closed holiday error > ", "keys > "]
    assert lines.shown == [
        "  0:00  “Bonjour”",
        "  0:00  hours office: open",
        "  0:00  “Ventes, tapez 1. Support, tapez 2.”",
        "  0:02  you press 1",
        "  0:02  group sales: nobody",
        "  0:03  “Au revoir”",
        "  0:04  over: ended",
    ]
    assert [type(step) for step in steps] == [Hear, Told, Hear, Press, Hear]


def test_no_more_lines_is_hanging_up() -> None:
    lines, steps = talk(call(company(), {"hours": "open"}))
    assert lines.shown[-2:] == ["  0:02  you hang up", "  0:02  over: hung_up"]
    assert steps[-1] == HangUp()
    assert talk(call(company()), "h")[1][-1] == HangUp()


def test_what_means_nothing_is_explained() -> None:
    lines, _ = talk(call(company()), "perhaps", "open", "one")
    assert any("'perhaps' is no answer to hours" in line for line in lines.shown)
    assert HELP in lines.shown


def test_silence_time_and_speech() -> None:
    record = Record(prompt=say("Après le bip"), on={"recorded": NodeName("bye"), "empty": NodeName("bye")})
    lines, steps = talk(call(of({"record": record, "bye": Hangup()})), "w 1", "s 8", ".")
    assert lines.prompts == ["message > "] * 3
    assert steps[1:] == [Wait(seconds=1), Speak(seconds=8), SayNothing()]
    assert "  0:01  you speak for 8 s" in lines.shown
    silent, _ = talk(call(company(), {"hours": "open"}), ".", ".")
    assert sum("you say nothing" in line for line in silent.shown) == 2


def tried(*typed: str) -> Conversation:
    answers: dict[str, str | list[str]] = {"agents": ["nobody", "busy"]}
    simulation = call(company(), answers)
    _, steps = talk(simulation, *typed)
    return recorded(simulation, MONDAY, written(answers), steps)


def test_what_was_tried_is_proved_ever_after(tmp_path: Path) -> None:
    file = tmp_path / "company.test.yaml"
    append(file, tried("open", "w 1", ".", "1"))
    append(file, tried("closed"))
    read = load(file)
    assert [conversation.name for conversation in read][1] == "tried: welcome > hours > regret"
    assert [hold(company(), conversation).failure for conversation in read] == [None, None]


def test_what_the_house_answered_is_written_down() -> None:
    class House:
        def answer(self, asked: Asked, order: object) -> Answer | None:
            return Answer(outcome="closed") if asked.kind == "hours" else None

    simulation = Simulation(company(), Mocks({}, House()), MONDAY)
    _, steps = talk(simulation)
    assert recorded(simulation, MONDAY, {}, steps).mocks == {"hours office": (Answer(outcome="closed"),)}
    assert recorded(simulation, MONDAY, {"hours": ()}, steps).mocks == {"hours": ()}


def test_every_step_is_written_and_read_again(tmp_path: Path) -> None:
    file = tmp_path / "company.test.yaml"
    steps = (Hear(text="a: b"), Press(keys="#"), Speak(seconds=1.5), Wait(seconds=2), SayNothing(), HangUp())
    append(file, Conversation(name="x", line=0, caller=MONDAY, mocks={}, steps=steps))
    (read,) = load(file)
    assert [type(step) for step in read.steps] == [type(step) for step in steps]
    assert read.caller == MONDAY
    assert "steps: []" in as_yaml(Conversation(name="x", line=0, caller=MONDAY, mocks={}, steps=()))


def test_nothing_is_added_where_it_would_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "company.test.yaml"
    file.write_text("conversations: []\ndefaults: {language: fr}", encoding="utf-8")
    with pytest.raises(BadFile):
        append(file, tried("closed"))
    assert file.read_text(encoding="utf-8").startswith("conversations: []")
