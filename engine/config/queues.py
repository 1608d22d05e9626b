"""The directory's groups as queues of app_queue, for the time when no engine is there to ring them itself.

Asterisk tells a queue's members and nothing else of it, takes a new strategy at its next start only, and keeps a linear
queue's old order. So a queue's name carries a digest of all it consists of: another group is another queue, and a name
that is there means all of it.
"""

import hashlib

import msgspec

from engine.config import values as v
from engine.config.ini import Option, Section, section
from engine.domain.dialstring import accounts
from engine.domain.directory import Agent, Directory, Group
from engine.domain.values import Slug

_STRATEGIES = {"ring_all": "ringall", "one_by_one": "linear"}
RETRY_S = 1  # between one round and the next


def queue_sections(directory: Directory) -> tuple[Section, ...]:
    """A queue for each group, by id. Members are the telephones of those who are enabled, never their mobiles.

    An agent's telephones and browsers are a member each: for app_queue there are no agents, only endpoints.
    """
    return tuple(_queue(group, directory.agents) for _, group in sorted(directory.groups.items()))


def members_of(queue: Section) -> frozenset[str]:
    """The members of a queue, as Asterisk names them."""
    return frozenset(option.value for option in queue.options if option.key == "member")


def _queue(group: Group, agents: dict[Slug, Agent]) -> Section:
    rung = [agents[member] for member in group.members if agents[member].enabled]
    made = section(
        v.word(group.id),
        strategy=v.word(_STRATEGIES[group.strategy]),
        timeout=v.number(group.ring_s),
        retry=v.number(RETRY_S),
        ringinuse=v.yes_no(False),
    )
    members = (v.telephones(account) for agent in rung for account in accounts(agent))
    options = (*made.options, *(Option(v.word("member"), member) for member in members))
    digest = hashlib.sha256("\n".join(f"{o.key}={o.value}" for o in options).encode()).hexdigest()[:8]
    return msgspec.structs.replace(made, name=v.word(f"{group.id}.{digest}"), options=options)
