"""An old revision of the directory as a new one. What was taken away from somebody since does not come back with it."""

from typing import TypeVar

import msgspec

from engine.config.accounts import SECRET_LENGTH, Random, new_account, random_text
from engine.domain.directory import Agent, Directory, Trunk
from engine.domain.values import Slug

E = TypeVar("E", Agent, Trunk)


def rolled_back(old: Directory, current: Directory, last: Directory, random: Random = random_text) -> Directory:
    """`old`, with today's secrets and without the accounts that were disabled since.

    `last` has the agents and trunks of `old` that are gone today, as they were when they went. They come back with a
    new secret; a trunk's secret is the far side's to give, so a registering trunk comes back disabled.
    """
    agents = {
        name: _agent(agent, current.agents.get(name), last.agents.get(name), random)
        for name, agent in old.agents.items()
    }
    trunks = {
        name: _trunk(trunk, current.trunks.get(name), last.trunks.get(name), random)
        for name, trunk in old.trunks.items()
    }
    return msgspec.structs.replace(old, revision=current.revision, agents=agents, trunks=trunks)


def missing(old: Directory, current: Directory) -> tuple[list[Slug], list[Slug]]:
    """Trunks and agents of `old` that are gone today."""
    return sorted(old.trunks.keys() - current.trunks), sorted(old.agents.keys() - current.agents)


def _agent(agent: Agent, now: Agent | None, last: Agent | None, random: Random) -> Agent:
    enabled = _enabled(agent, now, last)
    if now is None:  # another SIP user too: telephones that were registered then mean nothing now
        return msgspec.structs.replace(agent, enabled=enabled, **new_account(agent.id, random))
    return msgspec.structs.replace(agent, enabled=enabled, secret=now.secret, sip_user=now.sip_user)


def _trunk(trunk: Trunk, now: Trunk | None, last: Trunk | None, random: Random) -> Trunk:
    enabled = _enabled(trunk, now, last)
    if trunk.secret is None:
        return msgspec.structs.replace(trunk, enabled=enabled)
    if now is not None and now.secret is not None:
        return msgspec.structs.replace(trunk, enabled=enabled, secret=now.secret)
    return msgspec.structs.replace(trunk, enabled=False, secret=random(SECRET_LENGTH))


def _enabled(old: E, now: E | None, last: E | None) -> bool:
    """Disabled today, or when it was last seen, stays disabled; so does what nobody remembers."""
    known = now or last
    return old.enabled and known is not None and known.enabled
