"""The test of a scenario: conversations, in `NAME.test.yaml` beside it.

    defaults: {at: 2026-05-04T10:00+02:00, called: "+33140000001"}
    conversations:
      - name: a customer asks for sales
        caller: "+33612345678"
        language: fr
        mocks: {hours office: open}
        steps:
          - hear: Bonjour
          - press: 1
          - group sales: talked 40
        path: [hours, menu, sales]
        result: talked

Read strictly, as every file here: what is not known is a fault, with its line and column. What a step means when the
conversation is held is told in `conversing.py`, what may be answered in `answers.py`.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import get_args

import msgspec
import yaml

from engine.domain.directory import Language
from engine.domain.scenario.run import Ending
from engine.errors import InvalidValue
from engine.scenarios.answers import Answer, kind_of, parse
from engine.scenarios.simulator import YEARS, Caller
from engine.yaml_nodes import Findings, compose, entries, is_null, items, read, unknown_key

KEYS = re.compile(r"[0-9*#A-D]{1,64}", re.ASCII)
_NUMBER = re.compile(r"\+?[0-9]{0,15}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,3})?", re.ASCII)
ENDINGS: tuple[Ending, ...] = get_args(Ending)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """`line`: where it is written, counted from 1; 0 for one that is in no file."""

    line: int = 0


class Hear(Step, frozen=True, kw_only=True):
    """These words come in something that is said, which is listened to until its end."""

    text: str


class Press(Step, frozen=True, kw_only=True):
    keys: str


class Speak(Step, frozen=True, kw_only=True):
    """Say something into a recording."""

    seconds: float


class Wait(Step, frozen=True, kw_only=True):
    """Let time pass, whatever is said meanwhile."""

    seconds: float


class SayNothing(Step, frozen=True):
    """Until the scenario has waited long enough for a key, or the recording is over."""


class HangUp(Step, frozen=True):
    pass


class Told(Step, frozen=True, kw_only=True):
    """The world's answer to a question that no mock answers: `asked` is `KIND [SUBJECT]`."""

    asked: str
    answer: Answer


AnyStep = Hear | Press | Speak | Wait | SayNothing | HangUp | Told
BARE: dict[str, type[SayNothing | HangUp]] = {"say nothing": SayNothing, "hang up": HangUp}


class Conversation(msgspec.Struct, frozen=True, kw_only=True):
    """`path`: the nodes on the way, each with its outcome where that matters (`menu key 1`); None where it does not."""

    name: str
    line: int
    caller: Caller
    mocks: dict[str, tuple[Answer, ...]]
    steps: tuple[AnyStep, ...]
    path: tuple[str, ...] | None = None
    result: Ending | None = None


def load(path: Path) -> tuple[Conversation, ...]:
    """The conversations of a file; raises BadFile with `file:line:column: message` lines."""
    return parse_file(read(path), str(path))


def parse_file(text: str, file: str) -> tuple[Conversation, ...]:
    """As `load`, for text already at hand."""
    findings = Findings(file)
    found = _Reader(findings).read(compose(text, file))
    findings.raise_any()
    return found


class _Settings(msgspec.Struct, kw_only=True):
    """What conversations share: a caller's fields as texts, and mocks."""

    fields: dict[str, str] = {}
    mocks: dict[str, tuple[Answer, ...]] = {}


_CALLER = ("at", "caller", "called", "redirected_from", "language")
_OWN = ("name", "steps", "path", "result")


class _Reader:
    """Every method tells its faults and gives what could be read; `parse_file` raises if there is any."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def read(self, root: yaml.Node | None) -> tuple[Conversation, ...]:
        shared, listed = _Settings(), None
        for key, key_node, value in entries(root, "the file", self._findings):
            match key:
                case "defaults":
                    shared = self._settings(value, _Settings(), "defaults")
                case "conversations":
                    listed = value
                case _:
                    self._findings.add(key_node, unknown_key(key, ("defaults", "conversations")))
        if not isinstance(listed, yaml.SequenceNode):
            self._findings.add(listed or root, "`conversations:` and a list of them are expected")
            return ()
        read = [self._conversation(node, shared) for node in listed.value]
        return tuple(conversation for conversation in read if conversation is not None)

    def _conversation(self, node: yaml.Node, shared: _Settings) -> Conversation | None:
        parts = {key: value for key, _, value in entries(node, "a conversation", self._findings)}
        for needed in ("name", "steps"):
            if needed not in parts:
                self._findings.add(node, f"a conversation without `{needed}`")
        own = self._settings(node, shared, "a conversation", _OWN)
        caller = self._caller(own.fields, node)
        steps = self._steps(parts.get("steps"))
        path = self._path(parts.get("path"))
        result = self._result(parts.get("result"))
        if caller is None:
            return None
        return Conversation(
            name=self._text(parts["name"]) if "name" in parts else "",
            line=node.start_mark.line + 1,
            caller=caller,
            mocks=own.mocks,
            steps=steps,
            path=path,
            result=result,
        )

    # -- who calls, and what the world answers -----------------------------------------------------------------------

    def _settings(self, node: yaml.Node, shared: _Settings, where: str, others: tuple[str, ...] = ()) -> _Settings:
        """The shared ones, and over them what stands here."""
        own = _Settings(fields=dict(shared.fields), mocks=dict(shared.mocks))
        for key, key_node, value in entries(node, where, self._findings):
            if key == "mocks":
                own.mocks.update(self._mocks(value))
            elif key in _CALLER:
                own.fields[key] = self._field(key, value)
            elif key not in others:
                self._findings.add(key_node, unknown_key(key, (*_CALLER, "mocks", *others)))
        return own

    def _field(self, key: str, node: yaml.Node) -> str:
        text = self._text(node)
        if key == "at":
            fault = None if _moment(text) else "a time with its offset, such as 2026-05-01T10:00+02:00"
        elif key == "language":
            fault = None if text in get_args(Language) else f"one of {', '.join(get_args(Language))}"
        else:
            fault = None if _NUMBER.fullmatch(text) else "a number such as +33612345678, or nothing"
        if fault:
            self._findings.add(node, f"{key}: {text!r} is not {fault}")
        return text

    def _caller(self, fields: dict[str, str], node: yaml.Node) -> Caller | None:
        at = _moment(fields.get("at", ""))
        if "at" not in fields:
            self._findings.add(node, "a conversation without `at`, here or in `defaults`: calendars need to know")
        if at is None or fields.get("language", "fr") not in get_args(Language):
            return None
        return msgspec.convert({**fields, "at": at}, Caller)

    def _mocks(self, node: yaml.Node) -> dict[str, tuple[Answer, ...]]:
        found = {}
        for key, key_node, value in entries(node, "mocks", self._findings):
            texts = items(value)
            if texts is None:
                self._findings.add(value, f"{key}: an answer, or a list of answers, is expected")
            else:
                answers = [self._answer(key, text, key_node) for text in texts]
                found[key] = tuple(answer for answer in answers if answer is not None)
        return found

    def _answer(self, asked: str, text: str, node: yaml.Node) -> Answer | None:
        try:
            return parse(text, kind_of(asked))
        except InvalidValue as wrong:
            self._findings.add(node, wrong.message)
            return None

    # -- steps -------------------------------------------------------------------------------------------------------

    def _steps(self, node: yaml.Node | None) -> tuple[AnyStep, ...]:
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode):
            self._findings.add(node, "steps: a list is expected")
            return ()
        return tuple(step for inner in node.value if (step := self._step(inner)) is not None)

    def _step(self, node: yaml.Node) -> AnyStep | None:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode):
            if node.value in BARE:
                return BARE[node.value](line=line)
            self._findings.add(node, f"{node.value!r} is no step: {', '.join(BARE)}, or `hear:`, `press:` and the like")
            return None
        found = list(entries(node, "a step", self._findings)) if isinstance(node, yaml.MappingNode) else []
        if len(found) != 1:
            self._findings.add(node, "a step is one thing: `- press: 1`")
            return None
        key, key_node, value = found[0]
        return self._doing(key, key_node, self._text(value), line)

    def _doing(self, key: str, node: yaml.Node, text: str, line: int) -> AnyStep | None:
        match key:
            case "hear" if text.strip():
                return Hear(line=line, text=text)
            case "press" if KEYS.fullmatch(text):
                return Press(line=line, keys=text)
            case "wait" if _SECONDS.fullmatch(text):
                return Wait(line=line, seconds=float(text))
            case "speak" if _SECONDS.fullmatch(text):
                return Speak(line=line, seconds=float(text))
            case "hear" | "press" | "wait" | "speak":
                wanted = {"hear": "some words", "press": "keys: 0-9 * # A-D"}.get(key, "a number of seconds")
                self._findings.add(node, f"{key}: {text!r} is not {wanted}")
                return None
            case _:
                answer = self._answer(key, text, node)
                return Told(line=line, asked=key, answer=answer) if answer is not None else None

    # -- what is expected --------------------------------------------------------------------------------------------

    def _path(self, node: yaml.Node | None) -> tuple[str, ...] | None:
        if node is None or is_null(node):
            return None
        texts = items(node)
        if texts is None:
            self._findings.add(node, "path: a list of nodes is expected, such as [hours, menu key 1, sales]")
        return tuple(texts or ())

    def _result(self, node: yaml.Node | None) -> Ending | None:
        if node is None:
            return None
        text = self._text(node)
        found = next((ending for ending in ENDINGS if ending == text), None)
        if found is None:
            self._findings.add(node, f"result: {text!r} is none of {', '.join(ENDINGS)}")
        return found

    def _text(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        self._findings.add(node, "a text is expected here")
        return ""


def _moment(text: str) -> datetime | None:
    """A time that knows its offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None and found.year in YEARS else None
