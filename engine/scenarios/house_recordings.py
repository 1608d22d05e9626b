"""The recordings of the whole house, for scenarios that have none of their own of that name."""

from collections.abc import Mapping
from typing import get_args

from engine.domain.directory import Language
from engine.domain.scenario.graph import File
from engine.domain.values import Slug
from engine.scenarios.bundles import Bundle
from engine.scenarios.check.uses import items_of
from engine.scenarios.loader import FILE, load_text
from engine.scenarios.program import PROMPTS


def lacking(bundle: Bundle) -> dict[str, frozenset[Slug]]:
    """The recordings each scenario of a bundle says and has not itself in every language, by its folder."""
    found = {}
    for path, text in bundle.files.items():
        folder, _, file = path.partition("/")
        if file != FILE:
            continue
        scenario = load_text(text, path).scenario
        nodes = scenario.nodes.values() if scenario is not None else ()
        said = {item.file for node in nodes for _, item in items_of(node) if isinstance(item, File)}
        found[folder] = frozenset(name for name in said if not _has_all(bundle, folder, name))
    return {folder: names for folder, names in found.items() if names}


def completed(
    bundle: Bundle, wanted: Mapping[str, frozenset[Slug]], house: Mapping[tuple[Language, Slug], bytes]
) -> Bundle:
    """With the house's recordings where a scenario has none of its own; what it has stays."""
    added = {
        _path(folder, language, name): sound
        for folder, names in wanted.items()
        for (language, name), sound in house.items()
        if name in names
    }
    return Bundle(bundle.files, {**added, **bundle.recordings})


def _has_all(bundle: Bundle, folder: str, name: Slug) -> bool:
    return all(_path(folder, language, name) in bundle.recordings for language in get_args(Language))


def _path(folder: str, language: Language, name: Slug) -> str:
    return f"{folder}/{PROMPTS}/{language}/{name}.wav"
