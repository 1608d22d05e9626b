"""The far end's configuration: addresses, accounts and phones for pjsip.conf, the behaviours as a dialplan."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.config import values as v
from engine.config.asterisk import AsteriskSettings
from engine.config.modules import MODULES
from engine.config.render import Files, base_files
from engine.errors import InvalidValue
from engine.sandbox.behaviours import TABLE, UNTIL_TOLD

PARIS, LYON, OPERATOR, PHONES = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"
ADDRESSES = {PARIS: "paris", LYON: "lyon", OPERATOR: "operator", PHONES: "phones"}
AMI_USER = "farend"
ENCRYPTED = "-srtp"  # behind the name of an endpoint: the same one, and its calls want SRTP
WHEN_OFFERED = {"media_encryption": "sdes", "media_encryption_optimistic": "yes"}
EXTRA_MODULES = ("app_userevent.so", "app_while.so", "func_env.so")

_LABELLED = re.compile(r"([a-z]+):(.*)")
_SAFE = re.compile(r"[A-Za-z0-9_.,+@:~*!-]{1,200}", re.ASCII)


@dataclass(frozen=True)
class Account:
    """What a Yeastar or an operator gives us to register with."""

    user: str
    secret: str


@dataclass(frozen=True)
class PhoneAccount:
    """One device of an agent; `contact` is the user part of its contact: its last eight digits are its behaviour."""

    name: str  # of this device here
    user: str
    secret: str
    contact: str
    options: tuple[tuple[str, str], ...] = ()  # of its endpoint, besides the usual ones


@dataclass(frozen=True)
class Pair:
    """A certificate and its key: PEM files."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class FarTls:
    """Everybody of the far end speaks SIP by TLS: each address shows a certificate of its own, and all of them believe
    `authorities`. `engine_port` is the TLS port of the Asterisk under test.
    """

    port: int
    engine_port: int
    authorities: Path
    shown: Mapping[str, Pair]  # by address


@dataclass(frozen=True)
class FarEndSettings:
    """Ports and secrets. `engine` is the Asterisk under test, host and port of its UDP."""

    asterisk: AsteriskSettings
    ami_port: int
    ami_secret: str
    sip_port: int
    behind_port: int  # where the trunks' UDP transports are: their doors have `sip_port`
    engine: tuple[str, int]
    heard: Path  # where recordings go
    tls: FarTls | None = None  # None: by UDP, or by TCP

    @property
    def by(self) -> str:
        """What its parties call by."""
        return "tls" if self.tls else "udp"

    def engine_uri(self, user: str | None = None) -> v.ConfigValue:
        """Where the Asterisk under test is called."""
        host, port = self.engine
        if self.tls is not None:
            return v.sip_uri(host, self.tls.engine_port, user=user, transport="tls")
        return v.sip_uri(host, port, user=user)


def _checked(value: object) -> str:
    if isinstance(value, v.ConfigValue):
        return v.escaped(value)
    text = str(value)
    if not _SAFE.fullmatch(text):
        raise InvalidValue(f"{text!r} cannot stand in the far end's files")
    return text


def _block(name: str, **options: object) -> str:
    lines = [f"{key.strip('_')} = {_checked(value)}" for key, value in options.items()]
    return "\n".join([f"[{_checked(name)}]", *lines]) + "\n\n"


def static_files(settings: FarEndSettings) -> Files:
    """Everything but the accounts and phones, which change while it runs."""
    modules = "".join(f"load = {name}\n" for name in (*MODULES, *EXTRA_MODULES))
    return {
        **base_files(settings.asterisk),
        "modules.conf": f"[modules]\nautoload = no\n{modules}",
        "http.conf": "[general]\nenabled = no\n",
        "cel.conf": "[general]\nenable = no\n",
        "stasis.conf": "[declined_message_types]\ndecline = ast_channel_varset_type\n",
        "manager.conf": _manager(settings),
        "pjsip.conf": _pjsip(settings),
        "extensions.conf": _dialplan(settings),
    } | account_files((), (), settings)


def _manager(settings: FarEndSettings) -> str:
    general = _block(
        "general", enabled="yes", bindaddr="127.0.0.1", port=settings.ami_port, webenabled="no", timestampevents="yes"
    )
    user = _block(AMI_USER, secret=settings.ami_secret, read="call,user,dtmf", write="all")
    kinds = ("UserEvent", "Hangup", "Newchannel", "Newstate", "DTMFEnd")
    return general + user.rstrip() + "\n" + "".join(f"eventfilter = Event: {kind}\n" for kind in kinds)


def _pjsip(settings: FarEndSettings) -> str:
    host, _ = settings.engine
    common = {
        "context": "arrive",
        "disallow": "all",
        "allow": "alaw",
        "direct_media": "no",
        "rtp_symmetric": "yes",
        "dtmf_mode": "rfc4733",
        "send_connected_line": "no",
        "trust_id_inbound": "yes",
        "send_pai": "no",
    }
    text = _block(
        "global",
        type="global",
        user_agent="farend",
        endpoint_identifier_order="username,ip",
        taskprocessor_overload_trigger="pjsip_only",
    )
    for address, name in ADDRESSES.items():
        for protocol in ("udp", "tcp"):
            port = settings.behind_port if protocol == "udp" and address != PHONES else settings.sip_port
            bind = f"{address}:{port}"
            text += _block(f"{name}-{protocol}", type="transport", protocol=protocol, bind=bind)
        text += _tls_transport(name, address, settings.tls) if settings.tls else ""
        calls = {"type": "endpoint", "transport": f"{name}-{settings.by}", "aors": name}
        text += _block(name, **calls, **common)
        text += _block(f"{name}{ENCRYPTED}", **calls, **common, media_encryption="sdes")
        text += _block(name, type="aor", contact=settings.engine_uri())
    as_offered = {**common, "allow": "alaw,ulaw", "dtmf_mode": "auto", **WHEN_OFFERED}  # keys in the voice if need be
    text += _block("under-test", type="endpoint", **as_offered)
    text += _block("under-test", type="identify", endpoint="under-test", match=host)
    return f"; the far end\n{text}#include accounts.conf\n#include phones.conf\n"


def _tls_transport(name: str, address: str, tls: FarTls) -> str:
    return _block(
        f"{name}-tls",
        type="transport",
        protocol="tls",
        bind=v.bind(address, tls.port),
        method="tlsv1_2",
        cert_file=v.path(tls.shown[address].certificate),
        priv_key_file=v.path(tls.shown[address].key),
        ca_list_file=v.path(tls.authorities),
        verify_server="yes",
    )


def account_files(accounts: tuple[Account, ...], phones: tuple[PhoneAccount, ...], settings: FarEndSettings) -> Files:
    """Accounts the engine's Asterisk may register with, and phones that register with it."""
    return {
        "accounts.conf": "; accounts\n" + "".join(_account(account, settings) for account in accounts),
        "phones.conf": "; phones\n" + "".join(_phone(phone, settings) for phone in phones),
    }


def _account(account: Account, settings: FarEndSettings) -> str:
    user = account.user
    common = {
        "type": "endpoint",
        "transport": f"operator-{settings.by}",
        "context": "arrive",
        "disallow": "all",
        "allow": "alaw,ulaw",
        "direct_media": "no",
        "rtp_symmetric": "yes",
        "dtmf_mode": "auto",
        "trust_id_inbound": "yes",
        "auth": user,
        "aors": user,
    }
    return (
        _block(user, **common, **(WHEN_OFFERED if settings.tls else {}))
        + _block(f"{user}{ENCRYPTED}", **common, media_encryption="sdes")
        + _block(user, type="auth", auth_type="userpass", username=user, password=account.secret)
        + _block(user, type="aor", max_contacts=1, remove_existing="yes")
    )


def _phone(phone: PhoneAccount, settings: FarEndSettings) -> str:
    name = phone.name
    return (
        _block(
            name,
            type="registration",
            transport=f"phones-{settings.by}",
            outbound_auth=name,
            server_uri=settings.engine_uri(),
            client_uri=settings.engine_uri(phone.user),
            contact_user=phone.contact,
            expiration=300,
            retry_interval=2,
            forbidden_retry_interval=2,
            auth_rejection_permanent="no",
            max_random_initial_delay=0,
        )
        + _block(name, type="auth", auth_type="userpass", username=phone.user, password=phone.secret)
        + _block(
            name,
            type="endpoint",
            transport=f"phones-{settings.by}",
            context="arrive",
            disallow="all",
            direct_media="no",
            outbound_auth=name,
            aors=name,
            **{"allow": "alaw", "dtmf_mode": "rfc4733", **dict(phone.options)},
        )
        + _block(name, type="aor", contact=settings.engine_uri())
    )


def _dialplan(settings: FarEndSettings) -> str:
    return (
        "[general]\nstatic = yes\nautofallthrough = no\n\n"
        + _context("arrive", *_ARRIVE, pattern="_[+0-9p]!")
        + _subroutines(f"MixMonitor(,r({settings.heard}/${{NUMBER}}_${{TRUNK}}_${{UNIQUEID}}.sln))")
        + "".join(_context(f"behave-{each.code}", f"NoOp({each.says})", *each.steps) for each in TABLE)
    )


_ARRIVE = (
    "Set(NUMBER=${FILTER(+0-9,${EXTEN})})",
    "Set(HOST=${CUT(CHANNEL(pjsip,request_uri),@,2)})",
    "Set(TRUNK=${CUT(HOST,:,1)})",
    "UserEvent(Invite,Number: ${NUMBER},Trunk: ${TRUNK},CallId: ${CHANNEL(pjsip,call-id)})",
    "Set(CODED=${NUMBER:-8})",
    'GotoIf($["${DIALPLAN_EXISTS(behave-${CODED:0:2},s,1)}" = "1" & ${LEN(${CODED})} = 8]?coded)',
    "Set(CODED=10053001)",  # a short number, or a behaviour that does not exist: answers like an ordinary telephone
    "coded:Set(RING_TIME=${CODED:2:2})",
    "Set(RING_S=$[0${RING_TIME} / 10])",
    "Set(TONE=$[400 + 20 * 0${CODED:4:2}])",
    "Goto(behave-${CODED:0:2},s,1)",
)


def _subroutines(record: str) -> str:
    """What the behaviours are made of; see there."""
    heard = "UserEvent(Answered,Number: ${NUMBER},Trunk: ${TRUNK})"
    until_told = f'GotoIf($["${{RING_TIME}}" = "{UNTIL_TOLD}"]?told)'
    return (
        _context("ring", "Ringing()", "Goto(wait,s,1)")
        + _context("wait", until_told, "Wait(${RING_S})", "Return()", "told:Wait(86400)")
        # "i": do not wait for the other side's first audio before going on
        + _context("talk", "Answer(,i)", record, "Playtones(${TONE})", heard, "Return()")
        + _context("listen", "Answer(,i)", record, heard, "Return()")
        + _context("caller", record, "tone:Playtones(${TONE})", heard, "Wait(86400)")
    )


def _context(name: str, *steps: str, pattern: str = "s") -> str:
    """One context with one extension; a step may carry a label in front: `label:application(...)`."""
    lines = [f"[{name}]"]
    for number, step in enumerate(steps):
        label, application = found.groups() if (found := _LABELLED.fullmatch(step)) else (None, step)
        where = f"exten => {pattern},1" if not number else f" same => n({label})" if label else " same => n"
        lines.append(f"{where},{application}")
    return "\n".join(lines) + "\n\n"
