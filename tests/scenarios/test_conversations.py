"""The files of conversations: read strictly, every fault at its place."""

from datetime import datetime
from pathlib import Path

import pytest

from engine.errors import BadFile
from engine.scenarios.answers import Answer
from engine.scenarios.conversations import (
    Conversation,
    HangUp,
    Hear,
    Press,
    SayNothing,
    Speak,
    Told,
    Wait,
    load,
    parse_file,
)
from engine.scenarios.simulator import Caller

FILE = """\
defaults:
  at: 2026-05-04T10:00+02:00
  called: "+33140000001"
  mocks: {hours office: open}
conversations:
  - name: a customer asks for sales
    caller: "+33612345678"
    language: en
    mocks:
      lookup contacts: [none, found name=Ana]
    steps:
      - hear: Hello
      - say nothing
      - wait: 2.5
      - press: 0123#
      - speak: 8
      - group sales: after 40
      - hang up
    path: [hours, menu key 1, sales]
    result: hung_up
  - name: a night owl
    at: 2026-05-04T23:00+02:00
    steps: []
"""


def test_a_file_is_read() -> None:
    first, second = parse_file(FILE, "company.test.yaml")
    assert first == Conversation(
        name="a customer asks for sales",
        line=6,
        caller=Caller(
            at=datetime.fromisoformat("2026-05-04T10:00+02:00"),
            caller="+33612345678",
            called="+33140000001",
            language="en",
        ),
        mocks={
            "hours office": (Answer(outcome="open"),),
            "lookup contacts": (Answer(outcome="none"), Answer(outcome="found", values={"name": "Ana"})),
        },
        steps=(
            Hear(line=12, text="Hello"),
            SayNothing(line=13),
            Wait(line=14, seconds=2.5),
            Press(line=15, keys="0123#"),
            Speak(line=16, seconds=8.0),
            Told(line=17, asked="group sales", answer=Answer(outcome="after", seconds=40.0)),
            HangUp(line=18),
        ),
        path=("hours", "menu key 1", "sales"),
        result="hung_up",
    )
    assert second.caller.at.hour == 23
    assert second.path is None


def test_it_is_read_from_its_place(tmp_path: Path) -> None:
    file = tmp_path / "company.test.yaml"
    file.write_text(FILE, encoding="utf-8")
    assert len(load(file)) == 2


FAULTS = [
    ("", "1:1: `conversations:` and a list of them are expected"),
    ("conversations: {}", "1:16: `conversations:` and a list of them are expected"),
    ("calls: []", "1:1: unknown key 'calls'"),
    ("defaults: {steps: []}\nconversations: []", "1:12: unknown key 'steps'"),
    ("conversations:\n  - name: x\n    steps: []", "2:5: a conversation without `at`"),
    ("conversations:\n  - at: 2026-05-04T10:00+02:00", "2:5: a conversation without `name`"),
]
STEPS = [
    ("at: tomorrow", "3:9: at: 'tomorrow' is not a time with its offset"),
    ("at: 2026-05-04T10:00", "3:9: at: '2026-05-04T10:00' is not a time with its offset"),
    ("caller: Ana", "3:13: caller: 'Ana' is not a number"),
    ("language: de", "3:15: language: 'de' is not one of fr, en"),
    ("languages: de", "3:5: unknown key 'languages'; did you mean 'language'?"),
    ("mocks: {weather: fine}", "3:13: 'weather' is nothing a scenario asks"),
    ("mocks: {hours: {office: open}}", "3:20: hours: an answer, or a list of answers"),
    ("mocks: {hours: fine}", "3:13: 'fine' is no answer to hours"),
    ("path: {a: b}", "3:11: path: a list of nodes"),
    ("result: happy", "3:13: result: 'happy' is none of ended, hung_up"),
    ("name: [a]", "3:11: a text is expected here"),
    ("steps: hear", "3:12: steps: a list is expected"),
    ("steps: [listen]", "3:13: 'listen' is no step: say nothing, hang up"),
    ("steps: [[]]", "3:13: a step is one thing"),
    ("steps: [{hear: a, press: 1}]", "3:13: a step is one thing"),
    ("steps: [{hear: ' '}]", "3:14: hear: ' ' is not some words"),
    ("steps: [{press: one}]", "3:14: press: 'one' is not keys"),
    ("steps: [{wait: long}]", "3:14: wait: 'long' is not a number of seconds"),
    ("steps: [{speak: loud}]", "3:14: speak: 'loud' is not a number of seconds"),
    ("steps: [{hours: late}]", "3:14: 'late' is no answer to hours"),
    ("steps: [{hums: a song}]", "3:14: 'hums' is nothing a scenario asks"),
]


@pytest.mark.parametrize(("text", "told"), FAULTS)
def test_a_fault_is_told_at_its_place(text: str, told: str) -> None:
    with pytest.raises(BadFile) as fault:
        parse_file(text, "t.yaml")
    assert f"t.yaml:{told}" in fault.value.message


@pytest.mark.parametrize(("line", "told"), STEPS)
def test_a_fault_in_a_conversation_is_told_at_its_place(line: str, told: str) -> None:
    key = line.split(":", maxsplit=1)[0]
    filled = {"name": "x", "at": "2026-05-04T10:00+02:00", "steps": "[]"}
    rest = "".join(f"    {name}: {value}\n" for name, value in filled.items() if name != key)
    with pytest.raises(BadFile) as fault:
        parse_file(f"conversations:\n  -\n    {line}\n{rest}", "t.yaml")
    assert fault.value.message.startswith(f"t.yaml:{told}")
