"""A conversation written down as a file of tests has it: what was tried once at a terminal is proved ever after."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.errors import BadFile
from engine.scenarios.answers import OF_ITSELF, Answer, names
from engine.scenarios.conversations import (
    BARE,
    AnyStep,
    Conversation,
    HangUp,
    Hear,
    Press,
    SayNothing,
    Speak,
    Told,
    Wait,
    parse_file,
)
from engine.scenarios.conversing import places
from engine.scenarios.simulator import Answered, Caller, Simulation
from engine.yaml_nodes import read

HEAD = "conversations:\n"


def append(path: Path, conversation: Conversation) -> None:
    """Add a conversation to a file, which is made when there is none; raises BadFile where it would not be read."""
    before = read(path) if path.exists() else HEAD
    text = before + ("" if before.endswith("\n") else "\n") + as_yaml(conversation)
    if parse_file(text, str(path))[-1].name != conversation.name:
        raise BadFile(f"{path}: its conversations are not the last thing in it, so none can be added at its end")
    path.write_text(text, encoding="utf-8")


def recorded(
    call: Simulation, caller: Caller, mocks: Mapping[str, tuple[Answer, ...]], steps: Sequence[AnyStep]
) -> Conversation:
    """A call that is over as a conversation. What the house answered is written down too: it may answer otherwise."""
    of_house: dict[str, tuple[Answer, ...]] = {}
    for event in call.story:
        if isinstance(event, Answered) and not event.told and event.asked.kind not in OF_ITSELF:
            asked = str(event.asked)
            if not any(name in mocks for name in names(event.asked)):
                of_house[asked] = (*of_house.get(asked, ()), event.answer)
    return Conversation(
        name=f"tried: {' > '.join(visit.node for visit in call.run.path)}",
        line=0,
        caller=caller,
        mocks={**mocks, **of_house},
        steps=tuple(steps),
        path=places(call.run),
        result=getattr(call.run.phase, "ending", None),
    )


def as_yaml(conversation: Conversation) -> str:
    """An item of the list `conversations`."""
    caller = conversation.caller
    lines = [f"  - name: {_quoted(conversation.name)}", f"    at: {caller.at.isoformat()}"]
    lines += [f"    {name}: {_quoted(getattr(caller, name))}" for name in ("caller", "called", "redirected_from")]
    lines.append(f"    language: {caller.language}")
    if conversation.mocks:
        lines.append("    mocks:")
        for asked, answers in conversation.mocks.items():
            lines.append(f"      {_quoted(asked)}: [{', '.join(_quoted(str(answer)) for answer in answers)}]")
    lines.append("    steps:" if conversation.steps else "    steps: []")
    lines += [f"      - {_step(step)}" for step in conversation.steps]
    if conversation.path is not None:
        lines.append(f"    path: [{', '.join(_quoted(place) for place in conversation.path)}]")
    if conversation.result is not None:
        lines.append(f"    result: {conversation.result}")
    return "\n".join(lines) + "\n"


def _step(step: AnyStep) -> str:
    match step:
        case Hear(text=text):
            return f"hear: {_quoted(text)}"
        case Press(keys=keys):
            return f"press: {_quoted(keys)}"
        case Speak(seconds=seconds):
            return f"speak: {seconds:g}"
        case Wait(seconds=seconds):
            return f"wait: {seconds:g}"
        case Told(asked=asked, answer=answer):
            return f"{_quoted(asked)}: {_quoted(str(answer))}"
        case SayNothing() | HangUp():
            return next(words for words, kind in BARE.items() if isinstance(step, kind))


def _quoted(text: str) -> str:
    """JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)
