"""The far end's configuration: addresses, accounts and phones for pjsip.conf, the behaviours as a dialplan."""

import re
from dataclasses import dataclass
from pathlib import Path

from engine.config.asterisk import AsteriskSettings
from engine.config.modules import MODULES
from engine.config.render import Files, base_files
from engine.errors import InvalidValue
from engine.sandbox.behaviours import TABLE, UNTIL_TOLD

PARIS, LYON, OPERATOR, PHONES = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"
ADDRESSES = {PARIS: "paris", LYON: "lyon", OPERATOR: "operator", PHONES: "phones"}
AMI_USER = "farend"
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
class FarEndSettings:
    """Ports and secrets. `engine` is the Asterisk under test, host and port."""

    asterisk: AsteriskSettings
    ami_port: int
    ami_secret: str
    sip_port: int
    behind_port: int  # where the trunks' UDP transports are: their doors have `sip_port`
    engine: tuple[str, int]
    heard: Path  # where recordings go


def _checked(value: object) -> str:
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
    host, engine_port = settings.engine
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
        text += _block(name, type="endpoint", transport=f"{name}-udp", aors=name, **common)
        text += _block(name, type="aor", contact=f"sip:{host}:{engine_port}")
    encrypted = {"media_encryption": "sdes", "media_encryption_optimistic": "yes"}  # when it is offered
    text += _block("under-test", type="endpoint", **common, **encrypted)
    text += _block("under-test", type="identify", endpoint="under-test", match=host)
    return f"; the far end\n{text}#include accounts.conf\n#include phones.conf\n"


def account_files(accounts: tuple[Account, ...], phones: tuple[PhoneAccount, ...], settings: FarEndSettings) -> Files:
    """Accounts the engine's Asterisk may register with, and phones that register with it."""
    return {
        "accounts.conf": "; accounts\n" + "".join(_account(account) for account in accounts),
        "phones.conf": "; phones\n" + "".join(_phone(phone, settings) for phone in phones),
    }


def _account(account: Account) -> str:
    user = account.user
    return (
        _block(
            user,
            type="endpoint",
            transport="operator-udp",
            context="arrive",
            disallow="all",
            allow="alaw",
            direct_media="no",
            rtp_symmetric="yes",
            dtmf_mode="rfc4733",
            trust_id_inbound="yes",
            auth=user,
            aors=user,
        )
        + _block(user, type="auth", auth_type="userpass", username=user, password=account.secret)
        + _block(user, type="aor", max_contacts=1, remove_existing="yes")
    )


def _phone(phone: PhoneAccount, settings: FarEndSettings) -> str:
    host, port = settings.engine
    name = phone.name
    return (
        _block(
            name,
            type="registration",
            transport="phones-udp",
            outbound_auth=name,
            server_uri=f"sip:{host}:{port}",
            client_uri=f"sip:{phone.user}@{host}:{port}",
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
            transport="phones-udp",
            context="arrive",
            disallow="all",
            allow="alaw",
            direct_media="no",
            dtmf_mode="rfc4733",
            outbound_auth=name,
            aors=name,
            **dict(phone.options),
        )
        + _block(name, type="aor", contact=f"sip:{host}:{port}")
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
        + _context("caller", record, "Playtones(${TONE})", heard, "Wait(86400)")
    )


def _context(name: str, *steps: str, pattern: str = "s") -> str:
    """One context with one extension; a step may carry a label in front: `label:application(...)`."""
    lines = [f"[{name}]"]
    for number, step in enumerate(steps):
        label, application = found.groups() if (found := _LABELLED.fullmatch(step)) else (None, step)
        where = f"exten => {pattern},1" if not number else f" same => n({label})" if label else " same => n"
        lines.append(f"{where},{application}")
    return "\n".join(lines) + "\n\n"
