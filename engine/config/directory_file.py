"""A directory as a YAML file, read with every fault shown at once.

    complete: yes            # what is not named here is removed; without it, nothing ever is
    sites:   {paris: {name: Paris}}
    trunks:  {paris-1: {site: paris, kind: peer, host: 192.0.2.10}}
    agents:  {marie: {name: Marie, site: paris, mobile: 06 12 34 56 78}}
    groups:  {sales: {name: Sales, site: paris, members: [marie]}}
    numbers: {+33140000001: {trunk: paris-1, target: {group: sales}}}

An entry says all there is to say about itself: a field left out has its default. Only what the engine makes itself
stays as it was when it is left out: secrets, SIP users and extensions.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from engine.config.accounts import Random, new_account, random_text
from engine.config.directory_fields import FIELDS, OneOf, Several
from engine.config.extensions import Unnumbered, with_extensions
from engine.domain.directory import EMPTY, Agent, Directory, Trunk
from engine.domain.directory_check import problems
from engine.domain.directory_kinds import SECTIONS, Kind, entries_of
from engine.domain.directory_kinds import entry as make
from engine.domain.values import Slug
from engine.errors import InvalidValue
from engine.yaml_nodes import Findings, compose, entries, is_null, items, read, unknown_key

FieldValue = str | int | bool | list[str] | Mapping[str, str] | None

_TOP = (*(section.name for section in SECTIONS.values()), "complete")


class _Entry(msgspec.Struct, frozen=True):
    """One entry as the file has it: the fields that were given, and where."""

    kind: Kind
    id: str
    node: yaml.Node
    nodes: dict[str, yaml.Node]


def load_directory_file(path: Path, current: Directory, random: Random = random_text) -> Directory:
    """The directory this file wants, given the current one; its revision is the current one's.

    Raises BadFile with one line `file:line:column: what is wrong` for every fault of the file.
    """
    return read_directory(read(path), str(path), current, random)


def read_directory(text: str, file: str, current: Directory, random: Random = random_text) -> Directory:
    """As `load_directory_file`, for text already at hand."""
    findings = Findings(file)
    top = {key: (key_node, node) for key, key_node, node in entries(compose(text, file), "the file", findings)}
    for key in top.keys() - set(_TOP):
        findings.add(top[key][0], unknown_key(key, _TOP))
    sections = [(kind, top[name][1]) for kind, (name, *_) in SECTIONS.items() if name in top]
    given = [entry for kind, node in sections for entry in _entries(kind, node, findings)]
    complete = "complete" in top and _is_yes(top["complete"][1], findings)
    wanted = _assemble(given, _base(current, complete), current, findings, random)
    _check(wanted, given, findings)
    findings.raise_any()
    return wanted


def with_entry(
    kind: Kind, name: str, fields: Mapping[str, FieldValue], current: Directory, random: Random = random_text
) -> Directory:
    """The current directory with one entry as these fields say, by the rules of a file; the API's way in.

    A field that is None counts as left out. Raises InvalidValue with every fault, pointing at the first one's field.
    """
    nodes = {field: _node(value) for field, value in fields.items() if value is not None}
    entry, findings = _Entry(kind, SECTIONS[kind].key(name), yaml.ScalarNode("", name), nodes), Findings(name)
    wanted = _assemble([entry], current, current, findings, random)
    _check(wanted, [entry], findings)
    if told := findings.told():
        pointer = next((f"/{field}" for field, node in nodes.items() if node is told[0][1]), None)
        raise InvalidValue("; ".join(message for message, _ in told), pointer=pointer)
    return wanted


def _node(value: FieldValue) -> yaml.Node:
    """A value as a file would have it: text in quotes, which means only itself."""
    if isinstance(value, list):
        return yaml.SequenceNode("", [_node(item) for item in value])
    if isinstance(value, Mapping):
        return yaml.MappingNode("", [(_node(key), _node(item)) for key, item in value.items()])
    text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
    return yaml.ScalarNode("", text, style='"')


def _is_yes(node: yaml.Node, findings: Findings) -> bool:
    try:
        return bool(FIELDS["agent"]["enabled"](node.value, ""))  # type: ignore[operator] # the one parser of yes and no
    except (InvalidValue, AttributeError):
        findings.add(node, "complete: yes or no")
        return False


def _entries(kind: Kind, node: yaml.Node, findings: Findings) -> list[_Entry]:
    found = []
    for key, key_node, value in entries(node, f"{kind}s", findings):
        fields = {name: (name_node, v) for name, name_node, v in entries(value, f"{kind} {key}", findings)}
        for name in fields.keys() - FIELDS[kind].keys():
            findings.add(fields[name][0], f"{kind} {key}: {unknown_key(name, FIELDS[kind])}")
        try:
            named = SECTIONS[kind].key(key)
        except InvalidValue as error:
            findings.add(key_node, f"{kind}: {error}")
            continue
        known = {name: v for name, (_, v) in fields.items() if name in FIELDS[kind] and not is_null(v)}
        found.append(_Entry(kind, named, key_node, known))
    return found


def _base(current: Directory, complete: bool) -> Directory:
    """What stays although the file does not name it."""
    return msgspec.structs.replace(EMPTY, revision=current.revision) if complete else current


def _assemble(
    given: list[_Entry], base: Directory, current: Directory, findings: Findings, random: Random
) -> Directory:
    made: dict[Kind, dict[str, Any]] = {kind: dict(entries_of(base, kind)) for kind in SECTIONS}
    waiting: list[Unnumbered] = []
    for entry in sorted(given, key=lambda entry: entry.kind != "site"):  # the others need their countries
        fields = _fields(entry, _country(entry, made["site"]), findings)
        if fields is None:
            continue
        before = entries_of(current, entry.kind).get(entry.id)
        if entry.kind in ("agent", "group"):
            fields = _generated(entry.id, fields, before, random) if entry.kind == "agent" else fields
            waiting.append(Unnumbered(entry.kind, entry.id, entry.nodes["site"], fields, before))
        elif entry.kind == "trunk":
            made["trunk"][entry.id] = _trunk(Slug(entry.id), fields, before)
        else:
            made[entry.kind][entry.id] = make(entry.kind, entry.id, fields)
    for kind, name, fields in with_extensions(waiting, made, findings):
        made[kind][name] = make(kind, name, fields)
    return msgspec.structs.replace(base, **{section.name: made[kind] for kind, section in SECTIONS.items()})


def _country(entry: _Entry, sites: Mapping[str, Any]) -> str:
    """The country of the entry's site; France's plan when there is no such site, which is a fault of its own."""
    node = entry.nodes.get("site")
    site = sites.get(node.value) if isinstance(node, yaml.ScalarNode) else None
    return site.country if site else "FR"


def _fields(entry: _Entry, country: str, findings: Findings) -> dict[str, Any] | None:
    """The given fields as values; None when one is faulty or a required one is missing."""
    sound = True
    parsed: dict[str, Any] = {}
    for name, node in entry.nodes.items():
        try:
            parsed[name] = _parse(entry.kind, name, node, country)
        except InvalidValue as error:
            sound = False
            findings.add(node, f"{entry.kind} {entry.id}: {name}: {error}")
    for name in _required(entry.kind) - entry.nodes.keys():
        sound = False
        findings.add(entry.node, f"{entry.kind} {entry.id}: {name} is missing")
    return parsed if sound else None


def _parse(kind: Kind, name: str, node: yaml.Node, country: str) -> Any:
    field = FIELDS[kind][name]
    if isinstance(field, OneOf):
        word, text = _pair(field, node)
        return field.words[word](text, country)
    texts = items(node)
    if texts is None or (not isinstance(field, Several) and not isinstance(node, yaml.ScalarNode)):
        raise InvalidValue("expected " + ("a list of values" if isinstance(field, Several) else "one value"))
    if isinstance(field, Several):
        return tuple(field.one(text, country) for text in texts)
    return field(texts[0], country)


def _pair(field: OneOf, node: yaml.Node) -> tuple[str, str]:
    """The one `word: value` a node holds."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    match pairs:
        case [(yaml.ScalarNode(value=word), yaml.ScalarNode(value=text))] if word in field.words:
            return word, text
    raise InvalidValue("expected one of " + ", ".join(f"{{{word}: ...}}" for word in field.words))


def _required(kind: Kind) -> set[str]:
    made_here = {"id", "extension", "secret", "sip_user"}
    return {f.name for f in msgspec.structs.fields(SECTIONS[kind].model) if f.required} - made_here


def _trunk(name: Slug, fields: dict[str, Any], before: Trunk | None) -> Trunk:
    kept = {"secret": before.secret} if before and fields["kind"] == before.kind != "peer" else {}
    return Trunk(id=name, **(kept | fields))


def _generated(name: str, fields: dict[str, Any], before: Agent | None, random: Random) -> dict[str, Any]:
    """Secret and SIP user: as given, else as before, else new."""
    if before:
        return {"secret": before.secret, "sip_user": before.sip_user} | fields
    return new_account(name, random) | fields


def _check(wanted: Directory, given: list[_Entry], findings: Findings) -> None:
    """Add the faults between entries, at the place of the field they are about."""
    places = {(entry.kind, entry.id): entry for entry in given}
    for problem in () if findings else problems(wanted):
        entry = places.get((problem.kind, problem.id))
        findings.add(entry.nodes.get(problem.field, entry.node) if entry else None, str(problem))
