"""The directory as PJSIP objects: which sections pjsip.conf has, and every key of them.

An agent's endpoint, auth and aor share one name, the SIP user, because that is what a phone sends in REGISTER (To),
INVITE (From) and its credentials, and Asterisk looks all three up by it. The agent's browsers have three of their own
under the name of `dialstring.web_account`, with the same secret. A trunk's objects are named `trunk-<id>`; a SIP user
never starts with `trunk-` (see domain/directory.py), so the two never meet.
"""

from collections.abc import Mapping

from engine.config import values as v
from engine.config.emergency import agents_context
from engine.config.ini import section
from engine.config.pjsip_objects import YES, Group, manners, media, stamped
from engine.config.pjsip_transports import own_transports
from engine.config.pjsip_trunks import trunk_group
from engine.domain.dialstring import web_account
from engine.domain.directory import Agent, Directory, Site, Trunk
from engine.errors import InvalidValue

OWN_TRANSPORTS = {"udp": "transport-udp", "tcp": "transport-tcp"}
AGENT_CODECS = ("alaw", "ulaw")  # in-band digits and recording need them; nothing here needs to be transcoded
_BROWSERS = {"webrtc": YES}
"""ICE, DTLS-SRTP and one port for all media; a certificate of its own for each call, so there is none to be stolen."""


def pjsip_groups(
    directory: Directory, transports: Mapping[str, str] = OWN_TRANSPORTS, *, webrtc: bool = False
) -> tuple[Group, ...]:
    """All that the directory puts into pjsip.conf, trunks first; disabled agents and trunks are not there at all.

    `transports`: what Asterisk's transports are called, by protocol. `webrtc`: it takes websockets.
    """
    trunks = [t for _, t in sorted(directory.trunks.items()) if t.enabled]
    agents = [a for _, a in sorted(directory.agents.items()) if a.enabled]
    shared = _hosts_of_several(trunks)
    return (
        *(_trunk(t, directory.sites[t.site], identify=t.host not in shared, transports=transports) for t in trunks),
        *(group for a in agents for group in _agent(a, directory.sites[a.site], webrtc=webrtc)),
    )


def _trunk(trunk: Trunk, site: Site, *, identify: bool, transports: Mapping[str, str]) -> Group:
    """By its site's own transports, where it has any."""
    return trunk_group(trunk, site, identify=identify, transports={**transports, **own_transports(site)})


def _hosts_of_several(trunks: list[Trunk]) -> set[str]:
    hosts = [t.host for t in trunks if t.host]
    peers = [t.host for t in trunks if t.kind == "peer"]
    for twice in {host for host in peers if peers.count(host) > 1}:
        raise InvalidValue(f"two peer trunks at {twice}: calls that come from there could belong to either")
    return {host for host in hosts if hosts.count(host) > 1} - set(peers)


def _agent(agent: Agent, site: Site, *, webrtc: bool) -> tuple[Group, ...]:
    if not agent.webrtc:
        return (_account(agent, site, agent.sip_user),)
    if not webrtc:
        raise InvalidValue(f"agent {agent.id} wants WebRTC, and this Asterisk takes no websockets (setting webrtc_url)")
    return (_account(agent, site, agent.sip_user), _account(agent, site, web_account(agent), **_BROWSERS))


def _account(agent: Agent, site: Site, account: str, **media_of: v.ConfigValue) -> Group:
    """One of the agent's accounts; `media_of` are options that only telephones of its kind understand."""
    name = v.word(account)
    endpoint = section(
        name,
        type=v.word("endpoint"),
        context=agents_context(site),
        **media(AGENT_CODECS),
        **media_of,
        aors=name,
        auth=name,
        identify_by=v.words("auth_username", "username"),
        callerid=v.caller_id(agent.name, agent.extension),
        accountcode=v.word(agent.id),
        language=v.word(agent.language or site.language),
        **manners(),
        timers=YES,
    )
    auth = section(
        name, type=v.word("auth"), auth_type=v.word("digest"), username=name, password=v.secret(agent.secret)
    )
    aor = section(
        name,
        type=v.word("aor"),
        max_contacts=v.number(agent.devices),
        remove_existing=YES,  # a phone that restarts on another port replaces itself instead of being refused
        remove_unavailable=YES,
        minimum_expiration=v.number(60),
        default_expiration=v.number(300),
        maximum_expiration=v.number(3600),
        qualify_frequency=v.number(60),
    )
    return stamped(v.word(agent.id), endpoint, auth, aor)
