"""Which extension an agent or a group gets: the one given, else the one it had, else its site's lowest free one."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import yaml

from engine.domain.directory import Agent, Group, Site
from engine.domain.directory_check import reserved_extensions
from engine.domain.directory_kinds import Kind
from engine.domain.values import Extension
from engine.yaml_nodes import Findings


class Unnumbered(msgspec.Struct, frozen=True):
    """An agent or a group as it was given, maybe without an extension; `site_node` is where a fault is shown."""

    kind: Kind
    id: str
    site_node: yaml.Node
    fields: dict[str, Any]
    before: Agent | Group | None

    @property
    def extension(self) -> Extension | None:
        found: Extension | None = self.fields.get("extension")
        return found or (self.before.extension if self.before else None)


def with_extensions(
    waiting: list[Unnumbered], others: Mapping[Kind, Mapping[str, Any]], findings: Findings
) -> Iterator[tuple[Kind, str, dict[str, Any]]]:
    """Kind, id and fields of each, an extension among them. `others` are the entries there already, by kind."""
    taken = _taken(waiting, others)
    for one in waiting:
        site = others["site"].get(one.fields["site"])
        allotted = one.extension or (_free(site, taken) if site else None)
        if allotted is None:
            why = f"no extension is free at site {site.id}" if site else f"there is no site {one.fields['site']!r}"
            findings.add(one.site_node, f"{one.kind} {one.id}: {why}")
            continue
        taken.add(allotted)
        yield one.kind, one.id, one.fields | {"extension": allotted}


def _taken(waiting: list[Unnumbered], others: Mapping[Kind, Mapping[str, Any]]) -> set[Extension]:
    """What nobody new may get: emergency numbers, and the extensions of who stays as they are or asks for one."""
    renewed = {(one.kind, one.id) for one in waiting}
    kinds: tuple[Kind, ...] = ("agent", "group", "application")
    kept = {e.extension for kind in kinds for name, e in others[kind].items() if (kind, name) not in renewed} - {None}
    reserved = {Extension(number) for number in reserved_extensions(others["site"].values())}
    return kept | reserved | {one.extension for one in waiting if one.extension}


def _free(site: Site, taken: set[Extension]) -> Extension | None:
    first, last = site.extensions
    return next((Extension(str(n)) for n in range(first, last + 1) if str(n) not in taken), None)
