"""The transports of sites whose trunks see us elsewhere than others do: one socket more for each, see ADR 0021.

Asterisk's external address belongs to a transport, and two transports cannot share a port.
"""

from collections.abc import Iterator, Mapping

import msgspec

from engine.config import values as v
from engine.config.asterisk import AsteriskSettings
from engine.config.ini import Option, Section, section
from engine.config.pjsip_objects import YES, Group
from engine.domain.directory import Directory, Site
from engine.errors import InvalidValue

PROTOCOLS = ("udp", "tcp")  # TLS is the machine's, for all sites


def own_transports(site: Site) -> Mapping[str, str]:
    """What this site's transports are called, by protocol; none where it has no port of its own.

    The port is in the name: Asterisk opens a new transport at once, and moves no old one to another port.
    """
    if site.sip_port is None:
        return {}
    return {protocol: f"transport-{protocol}-{site.id}-{site.sip_port}" for protocol in PROTOCOLS}


def transport_groups(directory: Directory, settings: AsteriskSettings) -> Iterator[Group]:
    """All of them; raises InvalidValue when a port is the machine's own."""
    for _, site in sorted(directory.sites.items()):
        if site.external_address is None or site.sip_port is None:
            continue
        if site.sip_port in (settings.sip_port, settings.tls_port):
            raise InvalidValue(f"site {site.id}: sip_port {site.sip_port} is the machine's own; take another")
        networks = site.local_networks or settings.local_networks
        if not networks:  # Asterisk puts the external address into SDP in place of a local one only
            raise InvalidValue(f"site {site.id}: local_networks: at least the one our own address is in")
        nat = behind_nat(site.external_address, networks)
        bind = v.bind(settings.sip_address, site.sip_port)
        yield Group(v.word(site.id), tuple(_transport(*pair, bind, nat) for pair in own_transports(site).items()))


def behind_nat(address: str, networks: tuple[str, ...]) -> list[tuple[v.ConfigValue, v.ConfigValue]]:
    """What a transport says of itself to whoever is not in these networks: keys and values."""
    outside = v.host(address)
    return [
        (v.word("external_media_address"), outside),
        (v.word("external_signaling_address"), outside),
        *((v.word("local_net"), v.network(net)) for net in networks),
    ]


def _transport(
    protocol: str, name: str, bind: v.ConfigValue, nat: list[tuple[v.ConfigValue, v.ConfigValue]]
) -> Section:
    made = section(
        v.word(name),
        type=v.word("transport"),
        protocol=v.word(protocol),
        bind=bind,
        symmetric_transport=YES,  # a telephone that registered by this socket is called by it
    )
    return msgspec.structs.replace(made, options=(*made.options, *(Option(*pair) for pair in nat)))
