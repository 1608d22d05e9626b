"""From the tree of a file to the model's types, by their shapes, with every fault told and none raised."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import yaml

from engine.domain.scenario.graph import Node
from engine.scenarios.findings import Finding
from engine.scenarios.places import place_of
from engine.scenarios.shapes import (
    ITEMS,
    SAID,
    SAY,
    Decimal,
    Kinds,
    Many,
    Map,
    OneOf,
    Prompt,
    Record,
    Scalar,
    Shape,
    Text,
    Whole,
    Words,
    YesNo,
    fault,
    first_outcome,
    outcomes,
    value,
)
from engine.yaml_nodes import is_null, nearest

MAX_ENTRIES = 20_000  # nodes of a scenario, or anything else in one map or list
Entry = tuple[str, yaml.Node, yaml.Node]  # the key, and where it and its value stand


class Reader:
    """Reads one file. What could not be read has been told, and is None or has holes: with any finding, throw it away.

    `languages` are those of the scenario, which a text without a language is in, if it is one.
    """

    def __init__(self, file: str, scenario: str, languages: tuple[str, ...]) -> None:
        self.findings: list[Finding] = []
        self._file = file
        self._scenario = scenario
        self._languages = languages
        self._node = ""
        self._how: dict[type, Callable[[yaml.Node, Any, str], Any]] = {
            Record: self._record,
            Kinds: self._kind,
            Map: self._map,
            Many: self._many,
            Prompt: self._prompt,
            Words: self._words,
        }

    def tell(self, code: str, at: yaml.Node | None, message: str, mend: str) -> None:
        line, column = place_of(at)
        self.findings.append(
            Finding(
                code=code,
                file=self._file,
                line=line,
                column=column,
                scenario=self._scenario,
                node=self._node,
                message=message,
                mend=mend,
            )
        )

    def read(self, at: yaml.Node, shape: Shape, name: str) -> Any:
        """What stands there; `name` is what the file calls it."""
        how: Callable[[yaml.Node, Any, str], Any] = self._how.get(type(shape), self.scalar)
        return how(at, shape, name)

    def scalar(self, at: yaml.Node, shape: Scalar, name: str, code: str = "S107") -> Any:
        if not isinstance(at, yaml.ScalarNode):
            return self.tell("S106", at, f"{name}: one value is expected here", "Write it on the same line")
        wanted = fault(at.value, shape)
        if wanted is None:
            return value(at.value, shape)
        return self.tell(code, at, f"{name}: {_short(at.value)!r} is not {wanted}", _mended(at.value, shape))

    # -- maps ----------------------------------------------------------------------------------------------------------

    def _entries(self, at: yaml.Node, name: str) -> Iterator[Entry]:
        """The (key, key's node, value's node) of a map, each key once."""
        if is_null(at):
            return
        if not isinstance(at, yaml.MappingNode):
            self.tell("S106", at, f"{name}: `key: value` lines are expected here", "Write one on each line, indented")
            return
        if len(at.value) > MAX_ENTRIES:
            self.tell("S109", at, f"{name}: more than {MAX_ENTRIES} entries", "Make several scenarios of it")
            return
        seen: dict[str, yaml.Node] = {}
        for key, below in at.value:
            if not isinstance(key, yaml.ScalarNode):
                self.tell("S106", key, f"{name}: a key must be a word", "Write a word before the colon")
            elif key.value in seen:
                first = place_of(seen[key.value]).line
                mend = f"It stands in line {first} too: keep one of them"
                self.tell("S103", key, f"{name}: `{key.value}` stands here twice", mend)
            else:
                seen[key.value] = key
                yield key.value, key, below

    def _record(self, at: yaml.Node, shape: Record, name: str) -> Any:
        return self._made(at, shape, list(self._entries(at, name)), name)

    def _made(self, at: yaml.Node, shape: Record, entries: list[Entry], name: str) -> Any:
        """The record that these entries make."""
        values: dict[str, Any] = {}
        meant = set()  # by a key that is misspelt: it is not missing too
        for key, key_at, below in entries:
            if key not in shape.fields:
                meant.add(nearest(key, shape.fields))
                self._unknown("S104", key_at, f"{name}: unknown key `{_short(key)}`", key, shape.fields)
            elif not is_null(below):
                values[key] = self.read(below, shape.fields[key].shape, key)
        missing = [field for field, told in shape.fields.items() if told.required and field not in values]
        for field in set(missing) - meant:
            self.tell("S105", at, f"{name}: `{field}` is missing", f"Add `{field}:`")
        return None if missing else shape.model(**values)

    def _unknown(self, code: str, at: yaml.Node, message: str, word: str, known: Collection[str]) -> None:
        near = nearest(word, known)
        mend = f"Known here: {', '.join(known)}" if known else "Remove it"
        self.tell(code, at, message, f"Did you mean `{near}`?" if near else mend)

    def _map(self, at: yaml.Node, shape: Map, name: str) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, key_at, below in self._entries(at, name):
            if isinstance(shape.value, Kinds) and shape.value.what == "node":
                self._node = key
            named = self.scalar(key_at, shape.key, name, "S110")
            if is_null(below):
                self.tell("S105", key_at, f"{name}: nothing is written for `{key}`", "Write what it is, or remove it")
            else:
                found[named] = self.read(below, shape.value, key)
            self._node = ""
        return found

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def _kind(self, at: yaml.Node, shape: Kinds, name: str) -> Any:
        entries = list(self._entries(at, name))
        kind_at = next((below for key, _, below in entries if key == "type"), None)
        if kind_at is None:
            return self.tell(
                "S105", at, f"{name}: `type` is missing", f"Add `type:`, one of {', '.join(shape.records)}"
            )
        kind = kind_at.value if isinstance(kind_at, yaml.ScalarNode) else ""
        if kind not in shape.records:
            message = f"{name}: there is no type of {shape.what} {_short(kind)!r}"
            return self._unknown("S108", kind_at, message, kind, shape.records)
        record = shape.records[kind]
        if issubclass(record.model, Node):
            self._outcomes(entries, record.model, kind)
        fields = [entry for entry in entries if entry[0] != "type" or "type" in record.fields]
        return self._made(at, record, fields, name)

    def _outcomes(self, entries: list[Entry], model: type[Node], kind: str) -> None:
        """Tell of edges from outcomes that such a node does not have, or has by `next` already."""
        written = {key: (key_at, below) for key, key_at, below in entries}
        first, known = first_outcome(model), outcomes(model)
        if first is None and "next" in written:
            mend = "Write the outcomes under `on:`" if known is None else "Remove it"
            self.tell("S113", written["next"][0], f"a {kind} node has no `next`", mend)
        if known is None or "on" not in written:
            return
        for key in _words_before_colons(written["on"][1]):
            if key.value not in known:
                message = f"a {kind} node has no outcome {_short(key.value)!r}"
                self._unknown("S113", key, message, key.value, known)
            elif key.value == first and "next" in written:
                self.tell("S114", key, f"`next` and `{first}` are the same edge", "Keep one of them")

    # -- lists and prompts ---------------------------------------------------------------------------------------------

    def _many(self, at: yaml.Node, shape: Many, name: str) -> Any:
        lone = isinstance(at, yaml.ScalarNode) and isinstance(shape.one, Scalar)
        if not lone and not isinstance(at, yaml.SequenceNode):
            return self.tell("S106", at, f"{name}: a list is expected here", "Begin each thing with `- `")
        items = self._items(at, name)
        if len(items) < shape.least:
            return self.tell("S105", at, f"{name}: the list is empty", "Write what belongs in it, or remove the line")
        return tuple(self.read(item, shape.one, name) for item in items)

    def _items(self, at: yaml.Node, name: str) -> list[yaml.Node]:
        """The things in a list, of which one may stand without a list."""
        items = at.value if isinstance(at, yaml.SequenceNode) else [at]
        if len(items) <= MAX_ENTRIES:
            return items
        self.tell("S109", at, f"{name}: more than {MAX_ENTRIES} things in a list", "Leave some out")
        return []

    def _prompt(self, at: yaml.Node, _shape: Prompt, name: str) -> Any:
        return tuple(self._item(item, name) for item in self._items(at, name))

    def _item(self, at: yaml.Node, name: str) -> Any:
        """One thing said: the key that is one of the kinds says what; without one it is words."""
        if not isinstance(at, yaml.MappingNode):
            return SAY.model(say=self._words(at, SAID, name))
        entries = list(self._entries(at, name))
        kinds = [key for key, _, _ in entries if key in ITEMS]
        if len(kinds) == 1:
            return self._made(at, ITEMS[kinds[0]], entries, name)
        if kinds:
            mend = "Write each as an item of its own, begun with `- `"
            return self.tell("S111", at, f"{name}: one item is {' and '.join(kinds)} at once", mend)
        languages = [(key_at, below) for key, key_at, below in entries if key in SAID.languages.words]
        others = [entry for entry in entries if entry[0] not in SAID.languages.words]
        if not languages:
            kinds_known = ", ".join(f"`{kind}:`" for kind in ITEMS)
            mend = f"Write a text, a map of languages, or one of {kinds_known}"
            return self.tell("S111", at, f"{name}: nothing that can be said", mend)
        return self._made(at, SAY, [("say", at, yaml.MappingNode("", languages, at.start_mark)), *others], name)

    def _words(self, at: yaml.Node, shape: Words, name: str) -> Any:
        if isinstance(at, yaml.MappingNode) and not at.value:
            return self.tell("S105", at, f"{name}: no words in any language", "Write them, as in `{fr: Bonjour}`")
        if not isinstance(at, yaml.ScalarNode):
            return self._map(at, Map(shape.languages, shape.text), name)
        if len(self._languages) == 1:
            return {self._languages[0]: self.scalar(at, shape.text, name)}
        wanted = ", ".join(f"{language}: ..." for language in self._languages)
        return self.tell("S112", at, f"{name}: a text that does not say its language", f"Write {{{wanted}}}")


def _words_before_colons(at: yaml.Node) -> list[yaml.ScalarNode]:
    pairs = at.value if isinstance(at, yaml.MappingNode) else []
    return [key for key, _ in pairs if isinstance(key, yaml.ScalarNode)]


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _mended(text: str, shape: Scalar) -> str:
    """How to write it instead."""
    match shape:
        case Text(example=example):
            return f"Write it like `{example}`"
        case OneOf(words=words):
            near = nearest(text, words)
            return f"Did you mean `{near}`?" if near else f"Write `{words[0]}`, for example"
        case YesNo():
            return "Write `yes` or `no`"
        case Whole(low=low, high=high):
            return f"Write a number such as {min(max(low, 3), high)}, without a unit"
        case Decimal():
            return "Write a number such as 2.5, without a unit"
