"""A scenario's file, read: the model's value, or everything that is wrong with it, and where all of it stands.

    scenario: bonjour
    start: greet
    on_error: bye
    nodes:
      greet: {type: play, prompt: Bonjour, next: bye}
      bye: {type: hangup}

The format is `docs/scenarios.md`. What a scenario needs beyond being well written (edges that lead somewhere, variables
that have a value) is the checker's to prove.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import yaml

from engine.domain.scenario.graph import Scenario
from engine.errors import BadFile
from engine.scenarios import notation
from engine.scenarios.findings import Finding, in_order
from engine.scenarios.places import Places, Way
from engine.scenarios.reading import Reader
from engine.scenarios.shapes import SCENARIO
from engine.yaml_nodes import Fault, items, read, tree_of

FILE = "scenario.yaml"


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds. `scenario` is None when there is any finding; `places` then still tells where things stand."""

    file: str
    name: str  # the scenario's, as far as it was read
    scenario: Scenario | None
    findings: tuple[Finding, ...]
    places: Places

    def finding(self, code: str, way: Way, message: str, mend: str) -> Finding:
        """An error at the end of a way through the model."""
        line, column = self.places.at(*way)
        return Finding(
            code=code,
            file=self.file,
            line=line,
            column=column,
            scenario=self.name,
            node=str(way[1]) if way[:1] == ("nodes",) else "",
            message=message,
            mend=mend,
        )


def load(path: Path, name: str = "") -> Loaded:
    """Read a scenario's file. `name` is what findings call it while it says no name itself."""
    try:
        text = read(path)
    except BadFile as error:
        return _unread(str(path), name, "S101", Fault(1, 1, error.message), "Put a readable file there, in UTF-8")
    return load_text(text, str(path), name)


def load_text(text: str, file: str, name: str = "") -> Loaded:
    """As `load`, for text already at hand."""
    with _no_collecting():
        return _loaded(text, file, name)


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Do not look for garbage: a long file is a million small objects that all stay, searched again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _loaded(text: str, file: str, name: str) -> Loaded:
    tree = tree_of(text)
    if isinstance(tree, Fault):
        return _unread(file, name, "S102", tree, notation.mend(tree.problem))
    if not isinstance(tree, yaml.MappingNode):
        nothing = Fault(1, 1, "no scenario: `scenario:`, `start:` and `nodes:` are expected")
        return _unread(file, name, "S106", nothing, "Begin with `scenario: <name>`")
    name = _first(tree, "scenario", (name,))[0]
    reader = Reader(file, name, _first(tree, "languages", ("fr",)))
    scenario = reader.read(tree, SCENARIO, "the scenario")
    findings = in_order(reader.findings)
    return Loaded(file=file, name=name, scenario=None if findings else scenario, findings=findings, places=Places(tree))


def _unread(file: str, name: str, code: str, fault: Fault, mend: str) -> Loaded:
    line, column, problem = fault
    finding = Finding(code=code, file=file, line=line, column=column, scenario=name, message=problem, mend=mend)
    return Loaded(file=file, name=name, scenario=None, findings=(finding,), places=Places(None))


def _first(tree: yaml.MappingNode, key: str, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """The texts at a key of the file, which are needed before it is read."""
    found = (below for at, below in tree.value if isinstance(at, yaml.ScalarNode) and at.value == key)
    texts = items(below) if (below := next(found, None)) else None
    return tuple(texts) if texts else otherwise
