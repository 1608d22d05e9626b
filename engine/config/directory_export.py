"""A directory written as a YAML file that `directory_file` reads back to the same directory."""

from typing import Any

import msgspec
import yaml

from engine.config.directory_fields import FIELDS
from engine.domain.directory import Directory, ToAgent, ToApplication, ToGroup
from engine.domain.directory_kinds import SECTIONS, Entry, Kind, entries_of, target_kind


def export(directory: Directory, *, with_secrets: bool = False) -> str:
    """The directory as a file that, read again, means the same; secrets are left out unless asked for.

    Without them it is still exact for the engine it came from, which keeps the secrets it has.
    """
    told: dict[str, Any] = {"complete": "yes"}
    for kind, section in SECTIONS.items():
        found = entries_of(directory, kind)
        told[section.name] = {str(name): _told(kind, found[name], with_secrets) for name in sorted(found)}
    return yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=120)


def _told(kind: Kind, entry: Entry, with_secrets: bool) -> dict[str, Any]:
    hidden = set() if with_secrets else {"secret"}
    fields = {f.name: f for f in msgspec.structs.fields(entry)}
    return {
        name: _plain(name, getattr(entry, name))
        for name in FIELDS[kind]
        if name not in hidden and (fields[name].required or getattr(entry, name) != fields[name].default)
    }


def _plain(name: str, value: Any) -> Any:
    if name == "extensions":
        return f"{value[0]}-{value[1]}"
    if isinstance(value, ToAgent | ToGroup | ToApplication):
        return {target_kind(value): str(value.id)}
    if isinstance(value, bool):
        return "yes" if value else "no"
    return [str(item) for item in value] if isinstance(value, tuple) else str(value)
