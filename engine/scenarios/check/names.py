"""What a scenario names, and whether the deployment has it."""

from collections.abc import Iterator
from typing import NamedTuple

from engine.domain.scenario.graph import (
    AnyNode,
    File,
    Group,
    Hours,
    Incident,
    Lookup,
    NodeName,
    Ring,
    Say,
    Sound,
    Subflow,
    Transfer,
    Voicemail,
)
from engine.scenarios.check.reporting import Part
from engine.scenarios.check.subject import Subject
from engine.scenarios.check.uses import items_of

_CODES = {
    "groups": "S301",
    "agents": "S302",
    "calendars": "S303",
    "flags": "S304",
    "tables": "S305",
    "mailboxes": "S307",
    "extensions": "S311",
}
CONTACTS = "contacts"  # a table that every deployment has


class _Named(NamedTuple):
    kind: str  # a field of House
    part: Part
    name: str


def check(subject: Subject) -> None:
    unknown: dict[str, str] = {}
    for name, node in subject.scenario.nodes.items():
        for named in _named(node):
            have = getattr(subject.house, named.kind)
            if have is None:
                unknown.setdefault(named.kind, named.name)
            elif named.kind in _CODES and named.name not in have and named.name != CONTACTS:
                told = f"{named.name!r} is not among the {named.kind} of this deployment"
                subject.find(_CODES[named.kind], named.part, told, name)
            elif named.kind == "calendars":
                _doubts(subject, named, name)
        _scenario(subject, name, node)
        _columns(subject, name, node)
        _targets(subject, name, node)
    for kind, example in unknown.items():
        subject.find("S390", (), f"{kind} of the deployment: not known here, so {example!r} was not checked")


def _doubts(subject: Subject, calendar: _Named, name: NodeName) -> None:
    for doubt in subject.house.doubts.get(calendar.name, ()):
        subject.find("S314", calendar.part, f"{calendar.name}: {doubt}", name)


def _named(node: AnyNode) -> Iterator[_Named]:
    match node:
        case Ring(agents=agents):
            yield from (_Named("agents", ("agents", number), agent) for number, agent in enumerate(agents))
        case Group(group=str(group)):
            yield _Named("groups", ("group",), group)
        case Transfer(extension=str(extension)):
            yield _Named("extensions", ("extension",), extension)
        case Hours(calendar=calendar):
            yield _Named("calendars", ("calendar",), calendar)
        case Incident(flags=flags):
            yield from (_Named("flags", ("flags", number), flag) for number, flag in enumerate(flags))
        case Lookup(table=table):
            yield _Named("tables", ("table",), table)
        case Voicemail(mailbox=mailbox):
            yield _Named("mailboxes", ("mailbox",), mailbox)
        case _:
            pass
    yield from _heard(node)


def _heard(node: AnyNode) -> Iterator[_Named]:
    for part, item in items_of(node):
        match item:
            case File(file=recording):
                yield _Named("recordings", part, recording)
            case Sound(sound=sound):
                yield _Named("sounds", part, sound)
            case Say():
                yield _Named("speech", part, "say")
            case _:
                pass


def _scenario(subject: Subject, name: NodeName, node: AnyNode) -> None:
    other = node.scenario if isinstance(node, Subflow | Transfer) else None
    if other is not None and other not in subject.program.scenarios:
        subject.find("S308", ("scenario",), f"there is no scenario {other!r}", name)


def _columns(subject: Subject, name: NodeName, node: AnyNode) -> None:
    if not isinstance(node, Lookup) or subject.house.tables is None:
        return
    columns = subject.house.tables.get(node.table)
    if columns is None:  # no such table, which is told already, or one whose rows may have any
        return
    for variable, column in node.into.items():
        if column not in columns:
            told = f"{node.table} has no column {column!r}: it has {', '.join(sorted(columns))}"
            subject.find("S306", ("into", variable), told, name)


def _targets(subject: Subject, name: NodeName, node: AnyNode) -> None:
    match node:
        case Ring(agents=(), numbers=()):
            subject.find("S312", (), "it rings nobody", name)
        case Group():
            _exactly_one(subject, name, {"group": node.group, "named_by": node.named_by})
        case Transfer():
            ways = {"extension": node.extension, "number": node.number, "scenario": node.scenario}
            _exactly_one(subject, name, {**ways, "switchboard": node.switchboard or None})
        case _:
            pass


def _exactly_one(subject: Subject, name: NodeName, targets: dict[str, object]) -> None:
    given = [target for target, value in targets.items() if value is not None]
    if len(given) != 1:
        told = f"it has {' and '.join(given)}" if given else f"it has none of {', '.join(targets)}"
        subject.find("S312", (), told, name)
