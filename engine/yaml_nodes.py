"""YAML read strictly: every scalar is the text that was written, and everything knows its line and column.

Plain YAML would turn the extension 0123 into 83, `on` into true and 12:30 into 750, take the second of two equal keys
in silence, and let a few aliases grow into gigabytes. None of that happens here: types are the model's business, not
the notation's.
"""

import difflib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yaml.reader import ReaderError

from engine.errors import BadFile

MAX_BYTES = 16 * 1024 * 1024  # 10,000 agents are about 3 MB
MAX_DEPTH = 50
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C library, ten times as fast, where PyYAML has it
_IN_QUOTES = "while scanning a quoted scalar"
_NULL = frozenset({"", "~", "null"})


class Findings:
    """The faults of one file, collected so that all can be shown at once."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[tuple[int, int, str, yaml.Node | None]] = []

    def __bool__(self) -> bool:
        """Whether there is any fault."""
        return bool(self._found)

    def add(self, node: yaml.Node | None, message: str) -> None:
        """Remember a fault at the place of `node` (the beginning of the file when there is none)."""
        mark = node.start_mark if node is not None else None
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        self._found.append((line, column, message, node))

    def told(self) -> list[tuple[str, yaml.Node | None]]:
        """Each fault's message and the node it is about, in the order they were found."""
        return [(message, node) for _, _, message, node in self._found]

    def raise_any(self) -> None:
        """Raise BadFile with one `file:line:column: message` per line, in the file's order, if there is any fault."""
        if self._found:
            found = sorted(self._found, key=lambda fault: fault[:3])
            lines = [f"{self._file}:{line}:{column}: {message}" for line, column, message, _ in found]
            raise BadFile("\n".join(lines), what_next="Nothing was changed. Mend these lines and try again.")


class Fault(NamedTuple):
    """Why a text is not YAML as it is read here, and where, counted from 1."""

    line: int
    column: int
    problem: str


def read(path: Path) -> str:
    """The text of a file; raises BadFile when it is not there, not UTF-8 or far too big."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadFile(f"{path}: larger than {MAX_BYTES} bytes, which is too much")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: cannot be read: {error}") from error


def compose(text: str, file: str) -> yaml.Node | None:
    """The tree of a file, None when it is empty; raises BadFile with line and column."""
    tree = tree_of(text)
    if isinstance(tree, Fault):
        raise BadFile(f"{file}:{tree.line}:{tree.column}: {tree.problem}")
    return tree


def tree_of(text: str) -> yaml.Node | Fault | None:
    """The tree of a text, None when it is empty."""
    try:
        return _document(_PARSER(text).get_event)
    except _Refused as refused:
        mark, problem = refused.args
        return Fault(mark.line + 1, mark.column + 1, problem)
    except yaml.MarkedYAMLError as error:
        return _fault(error, text)
    except ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")
        return Fault(before.count("\n") + 1, len(before) - before.rfind("\n"), f"not YAML: {error.reason}")
    except UnicodeEncodeError as error:
        return Fault(text.count("\n", 0, error.start) + 1, 1, f"not text: {error.reason}")


class _Refused(Exception):  # never leaves this module
    """Well-formed, and not read here: the mark, and why."""


def _fault(error: yaml.MarkedYAMLError, text: str) -> Fault:
    """What the parser says; the end of the text is on its last line, where one would look for it."""
    mark, problem = error.problem_mark or error.context_mark, ", ".join(filter(None, (error.context, error.problem)))
    if error.context == _IN_QUOTES and error.context_mark is not None:  # they swallow all that follows
        problem += f"; the quotes were opened in line {error.context_mark.line + 1}"
    lines = text.splitlines() or [""]
    if mark is None or mark.line >= len(lines):
        return Fault(len(lines), len(lines[-1]) + 1, problem)
    return Fault(mark.line + 1, mark.column + 1, problem)


def _document(next_event: Callable[[], yaml.Event]) -> yaml.Node | None:
    """The root of the only document."""
    root = None
    while not isinstance(event := next_event(), yaml.StreamEndEvent):
        if isinstance(event, yaml.DocumentStartEvent):
            if root is not None:
                raise _Refused(event.start_mark, "a second document, after `---`: write it into another file")
            root = _node(next_event(), next_event, 0)
    return root


def _node(event: yaml.Event, next_event: Callable[[], yaml.Event], depth: int) -> yaml.Node:
    """The node that begins with an event.

    Made here, not by PyYAML's own composer: that one resolves tags, which nobody here asks for and which takes most of
    its time, and the one in C crashes on a text of thousands of open brackets.
    """
    mark: Any = event.start_mark  # the C library's marks have the same lines and columns, and another type
    if isinstance(event, yaml.ScalarEvent):
        return yaml.ScalarNode("", event.value, mark, style=event.style)
    if isinstance(event, yaml.AliasEvent):
        raise _Refused(mark, "aliases are not read here: write the value again")
    if depth >= MAX_DEPTH:
        raise _Refused(mark, f"nested deeper than {MAX_DEPTH} levels, which is too much")
    values: list[Any] = []
    if isinstance(event, yaml.SequenceStartEvent):
        while not isinstance(inner := next_event(), yaml.SequenceEndEvent):
            values.append(_node(inner, next_event, depth + 1))
        return yaml.SequenceNode("", values, mark)
    while not isinstance(inner := next_event(), yaml.MappingEndEvent):
        key = _node(inner, next_event, depth + 1)
        values.append((key, _node(next_event(), next_event, depth + 1)))
    return yaml.MappingNode("", values, mark)


def entries(node: yaml.Node | None, where: str, findings: Findings) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    """The (key, key's node, value's node) of a mapping; equal keys and keys that are no words are findings."""
    if node is None or is_null(node):
        return
    if not isinstance(node, yaml.MappingNode):
        findings.add(node, f"{where}: expected `key: value` lines")
        return
    seen: set[str] = set()
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            findings.add(key_node, f"{where}: a key must be a word")
        elif key_node.value in seen:
            findings.add(key_node, f"{where}: {key_node.value!r} stands here twice")
        else:
            seen.add(key_node.value)
            yield key_node.value, key_node, value_node


def items(node: yaml.Node) -> list[str] | None:
    """The texts of a list of scalars, a lone scalar being a list of one; None when it is anything else."""
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    return [n.value for n in nodes] if all(isinstance(n, yaml.ScalarNode) for n in nodes) else None


def is_null(node: yaml.Node) -> bool:
    """Whether nothing, `~` or `null` was written, without quotes."""
    return isinstance(node, yaml.ScalarNode) and not node.style and node.value in _NULL


def unknown_key(key: str, known: Collection[str]) -> str:
    """The message for a key that means nothing, with the nearest one that does."""
    near = nearest(key, known)
    return f"unknown key {key!r}" + (f"; did you mean {near!r}?" if near else f"; known: {', '.join(sorted(known))}")


def nearest(word: str, known: Collection[str]) -> str | None:
    """The word that was probably meant."""
    return next(iter(difflib.get_close_matches(word, known, n=1)), None)
