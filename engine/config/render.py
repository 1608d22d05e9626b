"""Asterisk's files from typed values: Jinja in, parsed back and compared before anybody sees them.

`base_files` is what belongs to the machine (ports, secrets, modules); `directory_files` is what follows from the
directory and changes while Asterisk runs. Together they are all of a private Asterisk's `etc` directory.
"""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from engine.config import values as v
from engine.config.asterisk import Ami, AsteriskSettings
from engine.config.emergency import emergency_sections
from engine.config.ini import Parsed, Section, parse, section
from engine.config.modules import MODULES, WEBRTC
from engine.config.pjsip import pjsip_groups
from engine.config.pjsip_objects import GENERATION_VARIABLE
from engine.config.pjsip_transports import behind_nat, transport_groups
from engine.config.queues import queue_sections
from engine.domain.directory import EMPTY, Directory
from engine.errors import InvalidValue, ProgrammingError

if TYPE_CHECKING:
    from jinja2 import Environment

Files = dict[str, str]  # path below Asterisk's etc directory -> text

_HOME = Path(__file__).resolve().parents[2]
TEMPLATES = _HOME / "config_templates"
COMFORT = _HOME / "engine" / "sounds"  # the tone of agents who wait
DIALPLAN = _HOME / "dialplan" / "standardiste.conf"

FOLDER = "standardiste"  # below `etc`: the files that follow from the directory, and nobody else's
PJSIP, QUEUES, GLOBALS, STATIC_DIALPLAN, EMERGENCY = (
    f"{FOLDER}/{name}.conf" for name in ("pjsip", "queues", "globals", "dialplan", "emergency")
)


def base_files(settings: AsteriskSettings) -> Files:
    """A complete `etc` for a private Asterisk: the machine's own files, and those of an empty directory."""
    context = _base_context(settings)
    names = sorted(p.name.removesuffix(".j2") for p in (TEMPLATES / "base").glob("*.j2"))
    files = {name: _base_file(name, context) for name in names}
    return files | directory_files(EMPTY, settings)


def directory_files(directory: Directory, settings: AsteriskSettings) -> Files:
    """The files that follow from the directory; raises InvalidValue when a value cannot stand in them."""
    groups = (
        *transport_groups(directory, settings),
        *pjsip_groups(directory, settings.transports, webrtc=settings.webrtc),
    )
    pjsip_text = _render("pjsip.conf.j2", {"groups": groups})
    _expect(PJSIP, pjsip_text, [s for group in groups for s in group.sections])
    emergency = emergency_sections(directory)
    emergency_text = _render("emergency.conf.j2", {"sections": emergency})
    _expect(EMERGENCY, emergency_text, emergency)
    queues = queue_sections(directory)
    queues_text = _render("queues.conf.j2", {"sections": queues})
    _expect(QUEUES, queues_text, queues)
    dialplan_text = DIALPLAN.read_text(encoding="utf-8")
    globals_section = _globals(settings, dialplan_text + emergency_text)
    globals_text = _render("globals.conf.j2", {"sections": [globals_section]})
    _expect(GLOBALS, globals_text, [globals_section])
    return {
        PJSIP: pjsip_text,
        QUEUES: queues_text,
        GLOBALS: globals_text,
        STATIC_DIALPLAN: dialplan_text,
        EMERGENCY: emergency_text,
    }


def beside_file(name: str, sections: Sequence[Section], included: Sequence[str]) -> str:
    """A file of the engine's that an administrator's file includes: what it extends, what it adds, what it includes."""
    text = _render("beside.conf.j2", {"sections": sections, "included": [v.ConfigValue(file) for file in included]})
    if parse(text, name) != Parsed(tuple(sections), tuple(included)):
        raise ProgrammingError(f"{name} does not read back as what was to be written")
    return text


def generation(files: Files) -> str:
    """The stamp of the dialplan, as Asterisk answers it for the global variable once these files are loaded."""
    for found in parse(files[GLOBALS], GLOBALS).sections:
        for option in found.options:
            if option.key == GENERATION_VARIABLE:
                return option.value
    raise ProgrammingError(f"{GLOBALS} carries no {GENERATION_VARIABLE}")


def _globals(settings: AsteriskSettings, dialplan: str) -> Section:
    """Stamped with what the dialplan consists of, and nothing else: another agent does not reload it."""
    options = {
        "STANDARDISTE_APP": v.word(settings.app),
        "STANDARDISTE_TRIES": v.number(settings.handover_wait_s * 2),  # one try each half second
    }
    digest = hashlib.sha256((dialplan + repr(options)).encode()).hexdigest()[:16]
    made = section(v.word("globals"), **{GENERATION_VARIABLE: v.word(digest)}, **options)
    return made if settings.beside is None else msgspec.structs.replace(made, flags=v.EXTENDS)


def _base_context(settings: AsteriskSettings) -> dict[str, Any]:
    first, last = settings.rtp_ports
    if not 1024 <= first < last <= 65535:
        raise InvalidValue(f"RTP ports {first}-{last}: the first below the last, both from 1024 to 65535")
    paths = msgspec.structs.asdict(settings.paths)
    return {
        **{f"dir_{name}": v.path(value) for name, value in paths.items()},
        "modules": [v.word(name) for name in (MODULES + WEBRTC if settings.webrtc else MODULES)],
        "ari_port": v.number(settings.ari_port),
        "wss": _websockets_by_tls(settings),
        "ari_user": v.word(settings.ari_user),
        "ari_secret": v.secret(settings.ari_secret),
        "ami": [] if settings.ami is None else [ami_account(settings.ami)],
        "language": v.word(settings.language),
        "tones": v.word(settings.tones),
        "music": v.path(settings.music or settings.paths.data / "moh"),
        "comfort": v.path(settings.comfort or COMFORT),
        "rtp_first": v.number(first),
        "rtp_last": v.number(last),
        "ice": v.yes_no(settings.webrtc),
        "ice_hosts": _seen_from_outside(settings),
        "transports": _transports(settings),
    }


def ami_account(ami: Ami) -> dict[str, v.ConfigValue]:
    """Port, user and secret of the manager interface."""
    return {"port": v.number(ami.port), "user": v.word(ami.user), "secret": v.secret(ami.secret)}


def _transports(settings: AsteriskSettings) -> list[dict[str, Any]]:
    ports = {"udp": settings.sip_port, "tcp": settings.sip_port, "tls": settings.tls_port}
    return [
        {
            "name": v.word(f"transport-{protocol}"),
            "protocol": v.word(protocol),
            "bind": v.bind(settings.sip_address, port),
            "extras": [*_behind_nat(settings), *(_certificate(settings) if protocol == "tls" else [])],
        }
        for protocol, port in ports.items()
        if port is not None
    ]


def _websockets_by_tls(settings: AsteriskSettings) -> list[tuple[v.ConfigValue, v.ConfigValue]]:
    if settings.wss_port is None:
        return []
    files = {"tlscertfile": settings.tls_certificate, "tlsprivatekey": settings.tls_key}
    return [
        (v.word("tlsenable"), v.yes_no(True)),
        (v.word("tlsbindaddr"), v.bind(settings.sip_address, settings.wss_port)),
        *((v.word(key), v.path(file)) for key, file in files.items() if file is not None),
        *((v.word(old), v.yes_no(True)) for old in ("tlsdisablev1", "tlsdisablev11")),
    ]


def _seen_from_outside(settings: AsteriskSettings) -> list[tuple[v.ConfigValue, v.ConfigValue]]:
    """Our own address and what browsers outside know it by; those inside are told both."""
    if not settings.webrtc or settings.external_address is None or settings.own_address is None:
        return []
    both = f"{v.host(settings.external_address)},include_local_address"
    return [(v.host(settings.own_address), v.ConfigValue(both))]


def _behind_nat(settings: AsteriskSettings) -> list[tuple[v.ConfigValue, v.ConfigValue]]:
    if settings.external_address is None:
        return []
    return behind_nat(settings.external_address, settings.local_networks)


def _certificate(settings: AsteriskSettings) -> list[tuple[v.ConfigValue, v.ConfigValue]]:
    files = {
        "cert_file": settings.tls_certificate,
        "priv_key_file": settings.tls_key,
        "ca_list_file": settings.tls_authorities,
    }
    given = [(v.word(key), v.path(file)) for key, file in files.items() if file is not None]
    verified = v.yes_no(settings.tls_verify)
    return [(v.word("method"), v.word("tlsv1_2")), (v.word("verify_server"), verified), *given]


def _base_file(name: str, context: Mapping[str, Any]) -> str:
    """One of the machine's files, shown to have the shape that harmless values give it."""
    text = _render(f"base/{name}.j2", context)
    harmless = _render(f"base/{name}.j2", _harmless(context))
    if _shape(parse(text, name)) != _shape(parse(harmless, name)):
        raise ProgrammingError(f"{name}: a value changes the shape of the file")
    return text


def _harmless(context: Any) -> Any:
    if isinstance(context, v.ConfigValue):
        return v.ConfigValue("x")
    if isinstance(context, Mapping):
        return {key: _harmless(value) for key, value in context.items()}
    return [_harmless(value) for value in context]


def _shape(parsed: Parsed) -> tuple[tuple[int, ...], tuple[str, ...]]:
    return tuple(len(found.options) for found in parsed.sections), parsed.includes


def _expect(name: str, text: str, sections: Sequence[Section]) -> None:
    """The file holds exactly these sections, keys and values, in this order."""
    parsed = parse(text, name)
    if parsed.sections != tuple(sections) or parsed.includes:
        raise ProgrammingError(f"{name} does not read back as what was to be written")


def _typed(value: object) -> str:
    """Jinja's gate: what is not a ConfigValue never reaches a file."""
    if not isinstance(value, v.ConfigValue):
        raise ProgrammingError(f"a {type(value).__name__} reached a template of Asterisk's files: {value!r}")
    return v.escaped(value)


def _render(template: str, context: Mapping[str, Any]) -> str:
    return _environment().get_template(template).render({**context, "notice": v.NOTICE})


@functools.cache  # compiling the templates costs more than filling them
def _environment() -> "Environment":
    import jinja2  # an engine that starts takes its calls back first, and writes files then

    return jinja2.Environment(  # noqa: S701 - not HTML; every value passes `_typed` instead
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        finalize=_typed,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
