"""The kinds of entries a directory has, in one table: what each is called, and what is known of it.

The order is that of reference: an entry names only entries of kinds before its own.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from engine.domain.directory import (
    Agent,
    Application,
    Calendar,
    Directory,
    DispositionCode,
    Group,
    Number,
    Site,
    Target,
    ToAgent,
    ToApplication,
    ToGroup,
    Trunk,
)
from engine.domain.values import code, e164, slug

Kind = Literal["site", "trunk", "agent", "group", "application", "number", "disposition", "calendar"]
Entry = Site | Trunk | Agent | Group | Application | Number | DispositionCode | Calendar


class Section(NamedTuple):
    """Where a kind's entries are. `name` is the field of `Directory`, and the word in files and addresses."""

    name: str
    table: str
    model: type[Entry]
    key: Callable[[str], str]  # an entry's id from what was typed; raises InvalidValue


SECTIONS: Mapping[Kind, Section] = {
    "site": Section("sites", "sites", Site, slug),
    "trunk": Section("trunks", "trunks", Trunk, slug),
    "agent": Section("agents", "agents", Agent, slug),
    "group": Section("groups", "groups", Group, slug),
    "application": Section("applications", "applications", Application, slug),
    "number": Section("numbers", "numbers", Number, e164),
    "disposition": Section("dispositions", "disposition_codes", DispositionCode, code),
    "calendar": Section("calendars", "calendars", Calendar, slug),
}


_LED_TO: Mapping[type[Target], Kind] = {ToAgent: "agent", ToGroup: "group", ToApplication: "application"}


def entries_of(directory: Directory, kind: Kind) -> Mapping[str, Any]:
    """A directory's entries of one kind, by id."""
    found: Mapping[str, Any] = getattr(directory, SECTIONS[kind].name)
    return found


def entry(kind: Kind, name: str, fields: Mapping[str, Any]) -> Entry:
    """An entry of these fields, which are of the model's types already; raises InvalidValue for a name that is none."""
    section = SECTIONS[kind]
    model: Any = section.model
    made: Entry = model(id=section.key(name), **fields)
    return made


def users_of(directory: Directory, kind: Kind, name: str) -> list[str]:
    """The entries that name this one, such as `number +33140000001`: it cannot be removed before they are."""
    everything = [(user, found) for user in SECTIONS for found in entries_of(directory, user).values()]
    return [f"{user} {found.id}" for user, found in everything if (kind, name) in named_by(found)]


def named_by(user: Entry) -> list[tuple[Kind, str]]:
    """The entries this one names."""
    match user:
        case Trunk() | Agent():
            return [("site", user.site)]
        case Group():
            return [("site", user.site), *(("agent", member) for member in user.members)]
        case Application():
            return [("site", user.site), *(("trunk", trunk) for trunk in user.any_number_of)]
        case Calendar(site=str(site)):
            return [("site", site)]
        case Number():
            return [("trunk", user.trunk), (target_kind(user.target), user.target.id)]
        case _:
            return []


def target_kind(target: Target) -> Kind:
    """Of what kind the entry is that a number leads to."""
    return _LED_TO[type(target)]
