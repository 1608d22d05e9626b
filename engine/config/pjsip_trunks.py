"""A trunk as PJSIP objects, in the three ways a Yeastar offers.

    peer      both sides know each other by address
    register  we sign in to the far side, which sends its calls to where we signed in from
    account   the far side signs in to us as `trunk-<id>`, from wherever it is, and signs each of its calls

The endpoint's name is what an account trunk signs in with: Asterisk finds the endpoint by that name, while From carries
the caller's number.
"""

import hashlib
from collections.abc import Mapping

from engine.config import values as v
from engine.config.ini import Section, section
from engine.config.pjsip_objects import NO, YES, Group, manners, media, stamped
from engine.domain.directory import Site, Trunk
from engine.errors import InvalidValue


def trunk_group(trunk: Trunk, site: Site, *, identify: bool, transports: Mapping[str, str]) -> Group:
    """All objects of a trunk; `identify`: its calls are known by their address."""
    name = v.word(f"trunk-{trunk.id}")
    if trunk.transport not in transports:
        wants = trunk.transport.upper()
        remedy = " (setting tls_port)" if trunk.transport == "tls" else ""
        raise InvalidValue(f"trunk {trunk.id} wants {wants}, and this Asterisk has no {wants} transport{remedy}")
    transport = v.word(transports[trunk.transport])
    endpoint = section(
        name,
        type=v.word("endpoint"),
        context=v.word("from-trunks" if trunk.receive else "from-trunks-ignored"),
        transport=transport,
        **media(trunk.codecs, trunk.dtmf),
        **_how_media_travels(trunk),
        aors=name,
        accountcode=name,
        language=v.word(site.language),
        send_pai=v.yes_no(trunk.pai),
        device_state_busy_at=v.number(trunk.channels),
        **_known_by(trunk, name),
        **manners(),
        timers=v.word(trunk.session_timers),
        timers_sess_expires=v.number(trunk.session_expires_s),
    )
    known_by_address = (_by_address(trunk, name),) if identify and trunk.kind != "account" else ()
    others = (_aor(trunk, name), *known_by_address, *_signing_in(trunk, name, transport))
    return stamped(v.word(trunk.id), endpoint, *others, variables=_number_called(trunk))


def _how_media_travels(trunk: Trunk) -> dict[str, v.ConfigValue]:
    return {
        "media_encryption": v.word("sdes" if trunk.media_encryption == "sdes" else "no"),
        "rtp_timeout": v.number(trunk.rtp_timeout_s),
        "rtp_timeout_hold": v.number(trunk.rtp_timeout_hold_s),
    }


def _known_by(trunk: Trunk, name: v.ConfigValue) -> dict[str, v.ConfigValue]:
    """How its calls are known, and what ours say of themselves."""
    user, domain = trunk.from_user, trunk.from_domain
    if trunk.kind == "account":
        told = {"identify_by": v.word("auth_username"), "auth": name}
    elif trunk.kind == "register":
        told = {"identify_by": v.word("ip"), "outbound_auth": name}
        user, domain = user or trunk.username, domain or trunk.host
    else:
        told = {"identify_by": v.word("ip")}
    if user:
        told["from_user"] = v.word(user)
    if domain:
        told["from_domain"] = v.host(domain)
    return told


def _by_address(trunk: Trunk, name: v.ConfigValue) -> Section:
    return section(name, type=v.word("identify"), endpoint=name, match=v.host(trunk.host), srv_lookups=NO)


def _number_called(trunk: Trunk) -> dict[str, v.ConfigValue]:
    """What the dialplan makes of the number the far side calls."""
    told = {}
    if trunk.did_strip:
        told["STANDARDISTE_DID_STRIP"] = v.number(trunk.did_strip)
    if trunk.did_prefix:
        told["STANDARDISTE_DID_PREFIX"] = v.number_prefix(trunk.did_prefix)
    return told


def _aor(trunk: Trunk, name: v.ConfigValue) -> Section:
    if trunk.kind == "account":
        return section(
            name,
            type=v.word("aor"),
            max_contacts=v.number(1),
            remove_existing=YES,  # a Yeastar that moved to another address replaces itself
            remove_unavailable=YES,
            minimum_expiration=v.number(60),
            default_expiration=v.number(300),
            maximum_expiration=v.number(3600),
            qualify_frequency=v.number(trunk.qualify_s),
        )
    return section(
        name,
        type=v.word("aor"),
        contact=v.sip_uri(trunk.host, trunk.port, transport=_via(trunk)),
        qualify_frequency=v.number(trunk.qualify_s),
    )


def _via(trunk: Trunk) -> str | None:
    return None if trunk.transport == "udp" else trunk.transport


def _auth(name: v.ConfigValue, user: v.ConfigValue, trunk: Trunk) -> Section:
    if trunk.secret is None:
        raise InvalidValue(f"trunk {trunk.id} signs in, so it needs a username and a secret")
    password = v.secret(trunk.secret)
    return section(name, type=v.word("auth"), auth_type=v.word("digest"), username=user, password=password)


def _signing_in(trunk: Trunk, name: v.ConfigValue, transport: v.ConfigValue) -> tuple[Section, ...]:
    if trunk.kind == "peer":
        return ()
    if trunk.kind == "account":
        return (_auth(name, name, trunk),)
    if trunk.username is None:
        raise InvalidValue(f"trunk {trunk.id} registers, so it needs a username and a secret")
    return _auth(name, v.word(trunk.username), trunk), _registration(trunk, name, transport)


def _told_apart(trunk: Trunk) -> int:
    """Up to a minute that depends on the secret: Asterisk registers anew at once when it changes, not after minutes.

    It compares the registration alone, and keeps waiting after a refusal when only the password beside it was mended.
    """
    return hashlib.sha256(f"{trunk.id}:{trunk.secret}".encode()).digest()[0] % 60


def _registration(trunk: Trunk, name: v.ConfigValue, transport: v.ConfigValue) -> Section:
    """We register to the far side; `line` marks its calls, so that they are known even from another address."""
    user = v.word(trunk.username or "")
    return section(
        name,
        type=v.word("registration"),
        transport=transport,
        outbound_auth=name,
        server_uri=v.sip_uri(trunk.host, trunk.port, transport=_via(trunk)),
        client_uri=v.sip_uri(trunk.host, trunk.port, user=user, transport=_via(trunk)),
        contact_user=user,
        endpoint=name,
        line=YES,
        expiration=v.number(300 + _told_apart(trunk)),
        retry_interval=v.number(20),
        forbidden_retry_interval=v.number(300),  # a password mended over there works again without anyone here
        fatal_retry_interval=v.number(300),
        auth_rejection_permanent=NO,
        max_retries=v.number(100000),
        max_random_initial_delay=v.number(2),
    )
