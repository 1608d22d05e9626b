"""YAML read strictly: every scalar is the text that was written, and everything knows its line and column.

Plain YAML would turn the extension 0123 into 83, `on` into true and 12:30 into 750, take the second of two equal keys
in silence, and let a few aliases grow into gigabytes. None of that happens here: types are the model's business, not
the notation's.
"""

import difflib
from collections.abc import Collection, Iterator
from pathlib import Path

import yaml

from engine.errors import BadFile

MAX_BYTES = 16 * 1024 * 1024  # 10,000 agents are about 3 MB
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


class _StrictLoader(yaml.SafeLoader):
    """SafeLoader without aliases."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases are not read here: write the value again", problem_mark=mark)
        return super().compose_node(parent, index)


def read(path: Path) -> str:
    """The text of a file; raises BadFile when it is not there, not UTF-8 or far too big."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadFile(f"{path}: larger than {MAX_BYTES} bytes, so hardly a directory")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: cannot be read: {error}") from error


def compose(text: str, file: str) -> yaml.Node | None:
    """The tree of a file, None when it is empty; raises BadFile with line and column."""
    try:
        loader = _StrictLoader(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise BadFile(f"{file}:{at}: {error.problem or error.context}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise BadFile(f"{file}: not YAML: {error}") from error


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
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _NULL


def unknown_key(key: str, known: Collection[str]) -> str:
    """The message for a key that means nothing, with the nearest one that does."""
    near = difflib.get_close_matches(key, known, n=1)
    return f"unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known))}")
