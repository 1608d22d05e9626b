"""A folder of scenarios, each in a folder of its own, and one of them read with all that it may lead to.

ivr_scenarios/standard/scenario.yaml
ivr_scenarios/standard/prompts/fr/welcome.wav
ivr_scenarios/satisfaction/scenario.yaml        # a subflow of `standard`, found by its name
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import msgspec

from engine.domain.directory import Language
from engine.domain.scenario.graph import File, Program, Scenario, Subflow, Transfer
from engine.domain.values import Slug
from engine.scenarios.findings import Finding, in_order
from engine.scenarios.loader import FILE, Loaded, load
from engine.scenarios.places import Way
from engine.yaml_nodes import nearest

PROMPTS = "prompts"
MAX_SCENARIOS = 200


class Sound(msgspec.Struct, frozen=True, kw_only=True):
    """A recording that a program says, in one language."""

    name: Slug
    language: Language
    sha256: str
    path: Path


class LoadedProgram(msgspec.Struct, frozen=True, kw_only=True):
    """`program` is None when there is any finding. `scenarios` are all that were found, sound or not."""

    program: Program | None
    findings: tuple[Finding, ...]
    scenarios: dict[Slug, Loaded]
    recordings: tuple[Sound, ...]


def load_program(folder: Path, name: Slug) -> LoadedProgram:
    """The scenario of this name in a folder of scenarios, with the subflows and other scenarios it leads to."""
    gathering = _Gathering(folder)
    gathering.gather(name)
    scenarios = {slug: at.scenario for slug, at in gathering.found.items() if at.scenario is not None}
    findings = in_order(gathering.findings)
    recordings = tuple(sorted(gathering.recordings.values(), key=lambda sound: (sound.name, sound.language)))
    program = None
    if not findings:
        program = Program(main=name, version=version(name, scenarios, recordings), scenarios=scenarios)
    return LoadedProgram(program=program, findings=findings, scenarios=gathering.found, recordings=recordings)


def version(main: Slug, scenarios: dict[Slug, Scenario], recordings: tuple[Sound, ...]) -> str:
    """The hash of everything a caller meets: the scenarios with the words they say, and the recordings they play.

    Neither the order of keys nor what only people read in the files (remarks, layout) is in it.
    """
    sounds = [(sound.name, sound.language, sound.sha256) for sound in recordings]
    canonical = msgspec.json.encode((main, scenarios, sounds), order="deterministic")
    return hashlib.sha256(canonical).hexdigest()


def scenario_names(folder: Path) -> list[Slug]:
    """The scenarios there are in a folder."""
    return sorted(Slug(path.parent.name) for path in folder.glob(f"*/{FILE}"))


class _Gathering:
    """What was read on the way from a scenario to all it leads to."""

    def __init__(self, folder: Path) -> None:
        self.found: dict[Slug, Loaded] = {}
        self.findings: list[Finding] = []
        self.recordings: dict[tuple[Language, Slug], Sound] = {}
        self._folder = folder

    def gather(self, main: Slug) -> None:
        waiting = [main]
        self._add(main)
        while waiting:
            loaded = self.found[waiting.pop()]
            for way, other in _led_to(loaded.scenario):
                if other not in self.found and self._is_there(loaded, way, other):
                    self._add(other)
                    waiting.append(other)

    def _is_there(self, loaded: Loaded, way: Way, other: Slug) -> bool:
        """Whether there is such a scenario, and room for it."""
        if len(self.found) >= MAX_SCENARIOS:
            self.findings.append(
                loaded.finding("S109", way, f"more than {MAX_SCENARIOS} scenarios in one", "Lead to fewer of them")
            )
        elif (self._folder / other / FILE).is_file():
            return True
        else:
            near = nearest(other, scenario_names(self._folder))
            mend = f"Did you mean `{near}`?" if near else f"Write it, as {other}/{FILE} beside this one"
            self.findings.append(loaded.finding("S115", way, f"there is no scenario `{other}`", mend))
        return False

    def _add(self, name: Slug) -> None:
        folder = self._folder / name
        loaded = self.found[name] = load(folder / FILE, name)
        self.findings += loaded.findings
        if loaded.scenario is not None and loaded.name != name:
            told = f"the scenario in the folder {name} is called {loaded.name}"
            self.findings.append(
                loaded.finding("S116", ("scenario",), told, f"Write `scenario: {name}`, or rename the folder")
            )
        for way, recording in _recordings(loaded.scenario):
            for language in get_args(Language):
                path = folder / PROMPTS / language / f"{recording}.wav"
                if path.is_file():
                    self._keep(loaded, way, recording, language, path)

    def _keep(self, loaded: Loaded, way: Way, name: Slug, language: Language, path: Path) -> None:
        """Note a recording; one name stands for one sound in everything that is published together."""
        before = self.recordings.get((language, name))
        if before is not None and before.path == path:
            return
        try:
            with path.open("rb") as file:
                sound = Sound(
                    name=name, language=language, sha256=hashlib.file_digest(file, "sha256").hexdigest(), path=path
                )
        except OSError as error:
            self.findings.append(
                loaded.finding("S117", way, f"{path} cannot be read: {error.strerror}", "Let the engine's user read it")
            )
            return
        if before is not None and before.sha256 != sound.sha256:
            told = f"`{name}` ({language}) is another recording here than in {before.path}"
            self.findings.append(loaded.finding("S118", way, told, "Rename one of the two"))
        self.recordings.setdefault((language, name), sound)


def _led_to(scenario: Scenario | None) -> Iterator[tuple[Way, Slug]]:
    """The other scenarios that one names, and where."""
    for name, node in scenario.nodes.items() if scenario else ():
        if isinstance(node, Subflow | Transfer) and node.scenario is not None:
            yield ("nodes", name, "scenario"), node.scenario


def _recordings(scenario: Scenario | None) -> Iterator[tuple[Way, Slug]]:
    """The recordings a scenario says, and where."""
    for name, node in scenario.nodes.items() if scenario else ():
        for field in node.__struct_fields__:
            items = getattr(node, field)
            for number, item in enumerate(items if isinstance(items, tuple) else ()):
                if isinstance(item, File):
                    yield ("nodes", name, field, number), item.file
