"""A company with a site for every situation of its trunks, and as many agents as a test wants.

Each trunk has a loopback address of its own, so that every table row can run at the same time as the others.
"""

from collections.abc import Iterable
from typing import NamedTuple

from engine.domain.directory import Agent, Directory, Language, Mode, Notice, Site, Trunk
from engine.domain.values import E164, Extension, Slug
from engine.sandbox.farend import FarEnd
from engine.sandbox.farend_files import LYON, PARIS
from engine.sandbox.gate import SILENT


class Door(NamedTuple):
    """A trunk of the company: where it is, what it does, and how it is set up. `refuses` None: it works."""

    trunk: str
    site: str
    address: str
    priority: int
    refuses: int | None = None
    channels: int = 200
    answers_early: bool = False
    dies: bool = False  # falls silent once Asterisk has seen it alive


DOORS = (
    Door("paris-1", "paris", PARIS, 1),  # the first of everybody's who may borrow
    Door("lyon-1", "lyon", LYON, 100),
    Door("open-1", "open", "127.0.2.7", 100),
    Door("gsm-1", "gsm", "127.0.1.1", 100, answers_early=True),
    Door("refused-1", "refused", "127.0.1.2", 10, refuses=503),
    Door("refused-2", "refused", "127.0.1.3", 20, refuses=403),
    Door("refused-3", "refused", "127.0.1.4", 30, refuses=500),
    Door("refused-4", "refused", "127.0.1.5", 40),
    Door("alone-1", "alone", "127.0.1.6", 10, refuses=503),
    Door("borrow-1", "borrow", "127.0.1.7", 10, refuses=503),
    Door("full-1", "full", "127.0.1.8", 10, channels=1),
    Door("full-2", "full", "127.0.1.9", 20),
    Door("small-1", "small", "127.0.2.1", 10, channels=1),
    Door("tight-1", "tight", "127.0.2.2", 10, channels=1),
    Door("dying-1", "dying", "127.0.2.3", 10, dies=True),
    Door("dying-2", "dying", "127.0.2.4", 20),
    Door("dead-1", "dead", "127.0.2.5", 10, refuses=SILENT),  # known to be down
    Door("dead-2", "dead", "127.0.2.6", 20),
)
BORROWING = {"borrow", "small"}


class Member(NamedTuple):
    """An agent to be. `number`: of the mobile; None: works with telephones only. `confirm` as in the directory."""

    id: str
    site: str
    number: str | None
    mode: Mode = "mobile"
    language: Language | None = None
    notice: Notice | None = None
    confirm: bool | None = None
    permitted: bool = True
    enabled: bool = True


def _site(name: str) -> Site:
    return Site(
        id=Slug(name),
        name=name.capitalize(),
        language="en" if name == "lyon" else "fr",
        allow_other_sites=name in BORROWING,
        confirm=False if name == "open" else None,
    )


def _trunk(door: Door, index: int, port: int) -> Trunk:
    return Trunk(
        id=Slug(door.trunk),
        site=Slug(door.site),
        kind="peer",
        host=door.address,
        port=port,
        channels=door.channels,
        priority=door.priority,
        answers_early=door.answers_early,
        caller_ids=(E164(f"+3314000{index:04d}"),),
        qualify_s=5 if door.refuses == SILENT else 3600,
    )


def agent(index: int, member: Member) -> Agent:
    """The directory's entry of the member at this place of the list."""
    return Agent(
        id=Slug(member.id),
        name=f"Agent {index}",
        site=Slug(member.site),
        extension=Extension(str(2000 + index)),
        secret=f"a-long-secret-{index:04d}",
        sip_user=f"{member.id}-sip",
        mode=member.mode,
        mobile=E164(member.number) if member.number else None,
        mobile_permitted=member.permitted,
        language=member.language,
        notice=member.notice,
        confirm=member.confirm,
        enabled=member.enabled,
    )


def directory(farend: FarEnd, members: Iterable[Member]) -> Directory:
    """Everything by id, ready to be imported."""
    sites = [_site(name) for name in dict.fromkeys(door.site for door in DOORS)]
    trunks = [_trunk(door, index, farend.sip_port) for index, door in enumerate(DOORS)]
    agents = [agent(index, member) for index, member in enumerate(members)]
    return Directory(
        revision=1,
        sites={site.id: site for site in sites},
        trunks={trunk.id: trunk for trunk in trunks},
        agents={entry.id: entry for entry in agents},
    )


async def open_doors(farend: FarEnd) -> None:
    """Let every trunk be where the directory says it is."""
    for door in DOORS:
        if door.address not in (PARIS, LYON):
            await farend.open_trunk(door.address, refuses=door.refuses)
