"""What the PJSIP objects of agents and trunks have in common: media, manners, and the stamp they are known by."""

import hashlib
from collections.abc import Mapping

import msgspec

from engine.config import values as v
from engine.config.ini import Option, Section

GENERATION_VARIABLE = "STANDARDISTE_GENERATION"  # set on every channel of an endpoint; read back after a reload
YES, NO = v.yes_no(True), v.yes_no(False)


class Group(msgspec.Struct, frozen=True):
    """The objects of one agent or trunk, under one comment."""

    title: v.ConfigValue
    sections: tuple[Section, ...]


def media(codecs: tuple[str, ...], dtmf: str = "rfc4733") -> dict[str, v.ConfigValue]:
    """Codecs in order of preference; RFC 4733 for digits unless told otherwise; no trust in addresses behind NAT."""
    return {
        "disallow": v.word("all"),
        "allow": v.words(*codecs),
        "dtmf_mode": v.word(dtmf),
        "direct_media": NO,  # the engine must hear digits, mix and record
        "rtp_symmetric": YES,
        "force_rport": YES,
        "rewrite_contact": YES,
    }


def manners() -> dict[str, v.ConfigValue]:
    """What no endpoint may do by itself: transfers, subscriptions, caller ids of its own making."""
    return {
        "allow_transfer": NO,
        "allow_subscribe": NO,
        "allow_overlap": NO,
        "send_connected_line": NO,
        "trust_connected_line": NO,
        "inband_progress": NO,
        "_100rel": NO,
    }


def stamped(
    title: v.ConfigValue, endpoint: Section, *others: Section, variables: Mapping[str, v.ConfigValue] | None = None
) -> Group:
    """The endpoint carries a digest of all its objects, so that Asterisk can be asked which version it has.

    `variables` are set on each of its channels, as the digest is.
    """
    given = tuple(Option(v.word("set_var"), v.assignment(name, value)) for name, value in (variables or {}).items())
    endpoint = msgspec.structs.replace(endpoint, options=(*endpoint.options, *given))
    told = [f"{s.name}/{o.key}={o.value}" for s in (endpoint, *others) for o in s.options]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    stamp = Option(v.word("set_var"), v.assignment(GENERATION_VARIABLE, digest))
    return Group(title, (msgspec.structs.replace(endpoint, options=(*endpoint.options, stamp)), *others))
