"""The only place that builds what Asterisk is asked to dial.

A dial string is a small language: `&` adds a second destination, `,` starts options, `Local/` enters the dialplan,
`@` names another trunk. So each one is put together here, from parts that are checked here.
"""

import re
from typing import NamedTuple

from engine.domain.directory import Agent, Directory, Trunk
from engine.domain.numbers import as_dialled_in
from engine.domain.values import E164, Dialstring, Slug, e164, slug
from engine.errors import InvalidValue

MAX_CONTACT = 255  # a SIP contact's address; Asterisk itself stores no longer one
MAX_ACCOUNT = 64  # longer, and Asterisk cuts the number off the channel's name
WEB = ".web"  # of a browser's account; no SIP user has the dot, so it is never another agent's

_SIP_USER = re.compile(r"[a-z0-9][a-z0-9-]{1,62}[a-z0-9]", re.ASCII)
_TRUNK_CHANNEL = re.compile(r"PJSIP/trunk-(.+)-[0-9a-f]{8}", re.ASCII)
_PREFIX = re.compile(r"[0-9]{0,8}", re.ASCII)
# RFC 3261 section 25.1, less every character that Asterisk's dial string gives a meaning to. `%`, `~`, `*` and `!`
# occur in real phones' contacts and mean nothing to it; brackets only around an IPv6 address.
_CONTACT = re.compile(
    r"sips?:[A-Za-z0-9_.!~*%+=-]{1,80}@(?:[A-Za-z0-9.-]{1,100}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
    r"(?:;[A-Za-z0-9_.%+-]{1,60}(?:=[A-Za-z0-9_.!~*%+:-]{0,120})?){0,12}",
    re.ASCII,
)


def sip_user(text: str) -> str:
    """The name a phone registers with; it is the endpoint's name too, so it never looks like a trunk's."""
    if not _SIP_USER.fullmatch(text) or text.startswith("trunk-"):
        raise InvalidValue(f"{text!r} is not a SIP user: 3 to 64 of a-z, 0-9 and inner hyphens, not 'trunk-...'")
    return text


class Phone(NamedTuple):
    """Something an agent is rung at: the account it signed in to, and the SIP address it did so with."""

    account: str
    contact: str


def web_account(agent: Agent) -> str:
    """The name the agent's browsers sign in with: what WebRTC speaks, no telephone understands, and the other way."""
    return f"{agent.sip_user}{WEB}"


def accounts(agent: Agent) -> tuple[str, ...]:
    """The agent's accounts; each is the name of a PJSIP endpoint, its address of record and its credentials."""
    return (agent.sip_user, web_account(agent)) if agent.webrtc else (agent.sip_user,)


def agent_at(endpoint: str, directory: Directory) -> Agent | None:
    """Whose account it is."""
    return next((agent for agent in directory.agents.values() if endpoint in accounts(agent)), None)


def trunk_endpoint(trunk: Slug) -> str:
    """The name of the trunk's PJSIP endpoint."""
    return f"trunk-{slug(trunk)}"


def trunk_of_channel(name: str) -> Slug | None:
    """The trunk a channel is on, by Asterisk's name of it: `PJSIP/trunk-paris-1-0000002a`; None for any other's."""
    found = _TRUNK_CHANNEL.fullmatch(name)
    return Slug(found[1]) if found else None


def to_trunk(number: E164, trunk: Trunk, country: str) -> Dialstring:
    """`PJSIP/33612345678@trunk-paris-1`: the number as this trunk wants it.

    `country` is the trunk's site's (ISO 3166), for trunks that take numbers in national form.
    """
    if not _PREFIX.fullmatch(trunk.dial_prefix):
        raise InvalidValue(f"trunk {trunk.id}: the dial prefix {trunk.dial_prefix!r} is not up to 8 digits")
    dialled = _stripped(_in_format(e164(number), trunk, country), trunk)
    return Dialstring(f"PJSIP/{trunk.dial_prefix}{dialled}@{trunk_endpoint(trunk.id)}")


def _stripped(dialled: str, trunk: Trunk) -> str:
    """Without the plus sign when anything is taken off; never without the last digit."""
    digits = dialled.lstrip("+")
    if not 0 <= trunk.dial_strip < len(digits):
        raise InvalidValue(
            f"trunk {trunk.id}: nothing of {dialled} is left when {trunk.dial_strip} digits are taken off"
        )
    return digits[trunk.dial_strip :] if trunk.dial_strip else dialled


def _in_format(number: E164, trunk: Trunk, country: str) -> str:
    if trunk.number_format == "national":
        return as_dialled_in(number, country)
    return number if trunk.number_format == "e164" else number[1:]


def to_phone(account: str, contact: str) -> Dialstring:
    """`PJSIP/<endpoint>/<contact>`: one registered phone.

    `contact` is the SIP address the phone registered with, as Asterisk tells it; a phone chooses it, so it is as
    hostile as anything from outside. Raises InvalidValue for what could mean more than an address.
    """
    sip_user(account.removesuffix(WEB))
    if len(contact) > MAX_CONTACT or not _CONTACT.fullmatch(contact):
        raise InvalidValue(f"{contact!r} is not the contact of a phone that can be rung")
    return Dialstring(f"PJSIP/{account}/{contact}")
