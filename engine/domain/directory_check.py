"""What must hold between the entries of a directory, whoever wrote it: a file, the API or a rollback."""

import re
from collections.abc import Iterable, Iterator

import msgspec

from engine.domain import calendar
from engine.domain.dialstring import MAX_ACCOUNT, web_account
from engine.domain.directory import Application, Directory, Number, Site, Trunk
from engine.domain.directory_kinds import Kind, entries_of, target_kind
from engine.domain.emergency import dialled_at
from engine.domain.routing import may_present
from engine.domain.values import Extension, Slug

MIN_SECRET = 12  # characters of what opens our door from outside; generated ones have 20
UNCOMPRESSED = frozenset({"alaw", "ulaw"})
_SHORT, _OUTSIDE = re.compile("[0-9]{2,6}", re.ASCII), re.compile("[0-9]{0,3}", re.ASCII)


class Problem(msgspec.Struct, frozen=True):
    """One thing that does not hold, and the field that says so."""

    kind: Kind
    id: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id}: {self.field}: {self.message}"


def problems(directory: Directory) -> tuple[Problem, ...]:
    """Everything that keeps this directory from being used, all at once; empty when it can be."""
    return (
        *_unknown_sites(directory),
        *_ranges(directory),
        *_trunks(directory),
        *_extensions(directory),
        *_sip_users(directory),
        *_agents(directory),
        *_groups(directory),
        *_applications(directory),
        *_numbers(directory),
        *_emergency(directory),
        *_external_addresses(directory),
        *_calendars(directory),
    )


def _unknown_sites(directory: Directory) -> Iterator[Problem]:
    kinds: tuple[Kind, ...] = ("trunk", "agent", "group", "application", "calendar")
    for kind in kinds:
        for entry in entries_of(directory, kind).values():
            if entry.site is not None and entry.site not in directory.sites:
                yield Problem(kind, entry.id, "site", f"there is no site {entry.site!r}")


def _ranges(directory: Directory) -> Iterator[Problem]:
    for site in directory.sites.values():
        first, last = site.extensions
        if not 10 <= first <= last <= 999999:
            yield Problem("site", site.id, "extensions", f"{first}-{last} is not a range of numbers of 2 to 6 digits")


def _trunks(directory: Directory) -> Iterator[Problem]:
    peers: dict[str, Slug] = {}
    for trunk in directory.trunks.values():
        yield from (Problem("trunk", trunk.id, *what) for what in _trunk(trunk, directory.sites.get(trunk.site)))
        if trunk.kind == "peer" and trunk.enabled:
            if other := peers.get(trunk.host):
                message = f"trunk {other!r} is at {trunk.host} too: calls from there could belong to either"
                yield Problem("trunk", trunk.id, "host", message)
            peers[trunk.host] = trunk.id


def _trunk(trunk: Trunk, site: Site | None) -> Iterator[tuple[str, str]]:
    """What is wrong with a trunk by itself: field and message."""
    if trunk.kind != "account" and not trunk.host:
        yield "host", "an IP address or a name is needed, unless the far side signs in to us (kind account)"
    if trunk.kind == "register" and not (trunk.username and trunk.secret):
        yield "username", "a trunk that registers needs a username and a secret"
    if trunk.kind == "account" and trunk.username not in (None, f"trunk-{trunk.id}"):
        yield "username", f"an account trunk signs in as trunk-{trunk.id}, whatever is wanted here"
    if trunk.kind == "account" and len(trunk.secret or "") < MIN_SECRET:
        yield "secret", f"whoever has it calls at our expense: at least {MIN_SECRET} characters, in the Yeastar too"
    if trunk.dtmf == "inband" and (unfit := set(trunk.codecs) - UNCOMPRESSED):
        yield "dtmf", f"digits in the voice are not understood with {', '.join(sorted(unfit))}: alaw and ulaw only"
    for number in trunk.caller_ids:
        if site and not may_present(number, trunk, site.country):
            yield "caller_ids", f"{number} is a French mobile number, which only a GSM gateway may show (answers_early)"


def _extensions(directory: Directory) -> Iterator[Problem]:
    """An extension is one agent's, group's or application's, whatever their sites: between sites it is dialled too."""
    owners: dict[str, str] = {}
    for kind, name, extension, site in _taken_extensions(directory):
        if other := owners.get(extension):
            yield Problem(kind, name, "extension", f"{extension!r} belongs to {other} already")
        owners[extension] = f"{kind} {name!r}"
        if kind != "agent":
            yield from _in_range(kind, name, extension, directory.sites.get(site))


def _in_range(kind: Kind, name: str, extension: Extension, site: Site | None) -> Iterator[Problem]:
    if site and not site.extensions[0] <= int(extension) <= site.extensions[1]:
        where = "{}-{}".format(*site.extensions)
        yield Problem(kind, name, "extension", f"{extension} is not one of site {site.id}'s extensions, {where}")


def _taken_extensions(directory: Directory) -> Iterator[tuple[Kind, str, Extension, Slug]]:
    kinds: tuple[Kind, ...] = ("agent", "group", "application")
    for kind in kinds:
        for entry in entries_of(directory, kind).values():
            if entry.extension is not None:
                yield kind, entry.id, entry.extension, entry.site


def _sip_users(directory: Directory) -> Iterator[Problem]:
    owners: dict[str, Slug] = {}
    for agent in directory.agents.values():
        if other := owners.get(agent.sip_user):
            yield Problem("agent", agent.id, "sip_user", f"{agent.sip_user!r} belongs to agent {other!r} already")
        if agent.webrtc and (over := len(web_account(agent)) - MAX_ACCOUNT) > 0:
            yield Problem("agent", agent.id, "sip_user", f"too long by {over} to have a browser's account beside it")
        owners[agent.sip_user] = agent.id


def _agents(directory: Directory) -> Iterator[Problem]:
    for agent in directory.agents.values():
        if agent.mode == "mobile" and agent.mobile is None:
            yield Problem("agent", agent.id, "mobile", "works in mobile mode, so a mobile number is needed")


def _groups(directory: Directory) -> Iterator[Problem]:
    for group in directory.groups.values():
        for position, member in enumerate(group.members):
            if member not in directory.agents:
                yield Problem("group", group.id, "members", f"there is no agent {member!r}")
            if member in group.members[:position]:
                yield Problem("group", group.id, "members", f"agent {member!r} is named twice")


def _applications(directory: Directory) -> Iterator[Problem]:
    """Each trunk's other numbers lead to one of them at most."""
    takers: dict[Slug, Slug] = {}
    for application in directory.applications.values():
        for trunk in application.any_number_of:
            if trunk not in directory.trunks:
                yield Problem("application", application.id, "any_number_of", f"there is no trunk {trunk!r}")
            if other := takers.get(trunk):
                message = f"any number of trunk {trunk!r} leads to application {other!r} already"
                yield Problem("application", application.id, "any_number_of", message)
            takers[trunk] = application.id
        yield from _days("application", application)


def _days(kind: Kind, entry: Application | Number) -> Iterator[Problem]:
    if entry.valid_from and entry.valid_until and entry.valid_until < entry.valid_from:
        message = f"{entry.valid_until} is before valid_from, {entry.valid_from}"
        yield Problem(kind, entry.id, "valid_until", message)


def _numbers(directory: Directory) -> Iterator[Problem]:
    for number in directory.numbers.values():
        if number.trunk not in directory.trunks:
            yield Problem("number", number.id, "trunk", f"there is no trunk {number.trunk!r}")
        kind = target_kind(number.target)
        if number.target.id not in entries_of(directory, kind):
            yield Problem("number", number.id, "target", f"there is no {kind} {number.target.id!r}")
        yield from _days("number", number)


def _emergency(directory: Directory) -> Iterator[Problem]:
    """No telephone ever rings a colleague instead of the fire brigade."""
    for site in directory.sites.values():
        if wrong := [number for number in site.emergency_numbers if not _SHORT.fullmatch(number)]:
            yield Problem("site", site.id, "emergency_numbers", f"{wrong[0]!r} is not a short number")
        if not _OUTSIDE.fullmatch(site.outside_prefix):
            yield Problem("site", site.id, "outside_prefix", f"{site.outside_prefix!r} is not up to 3 digits")
    reserved = reserved_extensions(directory.sites.values())
    for kind, name, extension, _ in _taken_extensions(directory):
        if site_id := reserved.get(extension):
            message = f"{extension} is what is dialled for an emergency at site {site_id!r}"
            yield Problem(kind, name, "extension", message)


def _external_addresses(directory: Directory) -> Iterator[Problem]:
    """A socket says one address of itself, so a site with another has a socket, and a port, of its own."""
    owners: dict[int, Slug] = {}
    for site in directory.sites.values():
        if site.external_address and not site.sip_port:
            message = "an external address of its own needs a SIP port of its own, which its trunks call"
            yield Problem("site", site.id, "sip_port", message)
        if site.sip_port:
            if not site.external_address:
                message = "a SIP port of its own is for a site with an external address of its own"
                yield Problem("site", site.id, "external_address", message)
            if other := owners.get(site.sip_port):
                yield Problem("site", site.id, "sip_port", f"{site.sip_port} is site {other!r}'s")
            owners[site.sip_port] = site.id


def reserved_extensions(sites: Iterable[Site]) -> dict[str, Slug]:
    """What no agent's extension may be -> a site where it is an emergency number."""
    return {dialled: site.id for site in sites for dialled in dialled_at(site)}


def _calendars(directory: Directory) -> Iterator[Problem]:
    for found in directory.calendars.values():
        site = directory.sites.get(found.site) if found.site else None
        yield from (Problem("calendar", found.id, *what) for what in calendar.wrong(found, site))
