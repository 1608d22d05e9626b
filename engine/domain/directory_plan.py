"""What would change between two directories, for a person to read before it is done.

Additions and changes come before what names them, removals after it, so that the list can be carried out in its order.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from engine.domain.directory import Directory, ToAgent, ToApplication, ToGroup
from engine.domain.directory_kinds import SECTIONS, Entry, Kind, entries_of, target_kind

Action = Literal["add", "change", "remove"]

SECRET_FIELDS = frozenset({"secret"})
HIDDEN = "(hidden)"
_SIGNS: dict[Action, str] = {"add": "+", "change": "~", "remove": "-"}
_WORDS: dict[Action, str] = {"add": "to add", "change": "to change", "remove": "to remove"}


class FieldChange(msgspec.Struct, frozen=True):
    """One field before and after; a secret's values are hidden already."""

    name: str
    before: Any
    after: Any


class Change(msgspec.Struct, frozen=True):
    """One entry to add, change or remove. For an addition, `fields` are those that differ from the defaults."""

    action: Action
    kind: Kind
    id: str
    fields: tuple[FieldChange, ...] = ()


def plan(current: Directory, wanted: Directory) -> list[Change]:
    """The changes that lead from `current` to `wanted`; empty when nothing would change. Revisions do not count."""
    kinds = [(kind, entries_of(current, kind), entries_of(wanted, kind)) for kind in SECTIONS]
    kept = [change for kind, old, new in kinds for change in _kept(kind, old, new)]
    removed = [Change("remove", kind, gone) for kind, old, new in reversed(kinds) for gone in sorted(old.keys() - new)]
    return kept + removed


def _kept(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted(new):
        if name not in old:
            yield Change("add", kind, name, _chosen(new[name]))
        elif old[name] != new[name]:
            yield Change("change", kind, name, _differences(old[name], new[name]))


def _chosen(entry: Entry) -> tuple[FieldChange, ...]:
    defaults = {f.name: f.default for f in msgspec.structs.fields(entry)}
    given = [(name, getattr(entry, name)) for name in defaults if name != "id"]
    return tuple(_change(name, None, value) for name, value in given if value != defaults[name])


def _differences(old: Entry, new: Entry) -> tuple[FieldChange, ...]:
    pairs = [(name, getattr(old, name), getattr(new, name)) for name in old.__struct_fields__]
    return tuple(_change(name, before, after) for name, before, after in pairs if before != after)


def _change(name: str, before: Any, after: Any) -> FieldChange:
    if name in SECRET_FIELDS:
        before, after = (None if value is None else HIDDEN for value in (before, after))
    return FieldChange(name, before, after)


def as_text(changes: list[Change]) -> str:
    """The plan as lines for a terminal: `+` added, `~` changed, `-` removed; ends with a count."""
    if not changes:
        return "Nothing to change."
    return "\n".join([*as_lines(changes), "", _count(changes)])


def as_lines(changes: list[Change]) -> list[str]:
    """The plan's lines without the count: one for each entry, an indented one for each of its fields."""
    return [line for change in changes for line in _lines(change)]


def _lines(change: Change) -> Iterator[str]:
    yield f"{_SIGNS[change.action]} {change.kind} {change.id}"
    for field in change.fields:
        if change.action == "add":
            yield f"    {field.name}: {_shown(field.after)}"
        elif field.before == field.after == HIDDEN:
            yield f"    {field.name}: changed {HIDDEN}"
        else:
            yield f"    {field.name}: {_shown(field.before)} -> {_shown(field.after)}"


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, ToAgent | ToGroup | ToApplication):
        return f"{target_kind(value)} {value.id}"
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value) or "-"
    return str(value)


def _count(changes: list[Change]) -> str:
    counts = {action: sum(1 for change in changes if change.action == action) for action in _WORDS}
    return ", ".join(f"{count} {_WORDS[action]}" for action, count in counts.items() if count) + "."
