"""The engine beside an Asterisk that is somebody else's: what is added to it, and what stands in the way.

Each of the administrator's files that matters gets one line at its end, which includes `standardiste/beside-NAME`; all
that is ours lies there. A section he has is gone on with (`[general](+)`, since a second `[general]` is passed over in
silence and a second `[global]` makes Asterisk reject the file); one he has not is made. What he has set stays as it is.
"""

import ipaddress
import os
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.config import foreign
from engine.config import values as v
from engine.config.asterisk import AsteriskSettings, Beside
from engine.config.beside_wants import PJSIP_GLOBAL, Want, manager_wants, wants
from engine.config.foreign import Foreign, Found, is_true
from engine.config.ini import Section, parse, section
from engine.config.modules import NEEDED, NEEDED_BY_BROWSERS
from engine.config.render import (
    COMFORT,
    DIALPLAN,
    FOLDER,
    GLOBALS,
    PJSIP,
    QUEUES,
    STATIC_DIALPLAN,
    Files,
    ami_account,
    beside_file,
    directory_files,
)
from engine.domain.directory import EMPTY
from engine.errors import BadFile

FACTS = f"{FOLDER}/beside.json"
CEL_FILE = "standardiste-hangups.csv"
COMFORT_CLASS = "standardiste-comfort"
INCLUDING = ("pjsip", "extensions", "queues", "ari", "http", "manager", "musiconhold", "cel", "cel_custom")
_PROTOCOLS = {"udp": 5060, "tcp": 5060, "tls": 5061}


def wrapper(name: str) -> str:
    """What the administrator's `NAME.conf` includes."""
    return f"{FOLDER}/beside-{name}.conf"


class Remark(msgspec.Struct, frozen=True):
    """Something of the administrator's that the engine minds."""

    where: str
    what: str
    why: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what} ({self.why})" + (f"; {self.remedy}" if self.remedy else "")


class Plan(msgspec.Struct, frozen=True):
    """What is to be there. `lines`: the administrator's files that include one of ours; `made`: those he does not have.

    With `conflicts` nothing may be done; `notes` are what works less well.
    """

    files: Files
    lines: tuple[str, ...]
    made: frozenset[str]
    conflicts: tuple[Remark, ...]
    notes: tuple[Remark, ...]


def facts(etc: Path) -> Beside | None:
    """What was found out when the engine was put beside this Asterisk; None when it was not."""
    try:
        return msgspec.json.decode((etc / FACTS).read_bytes(), type=Beside)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as wrong:
        raise BadFile(f"{etc / FACTS}: {wrong}", what_next="engine asterisk beside --apply") from wrong


def is_own(etc: Path) -> bool:
    """Whether the files are those of the engine's own Asterisk."""
    own = etc / "asterisk.conf"
    return own.exists() and os.access(own, os.R_OK) and v.NOTICE.encode() in own.read_bytes()[:500]


class _Look:
    """One look at all of his files; gathers remarks and our files on the way."""

    def __init__(self, etc: Path, settings: AsteriskSettings, ari_host: str) -> None:
        self.etc, self.settings, self.ari_host = etc, settings, ari_host
        self.conflicts: list[Remark] = []
        self.notes: list[Remark] = []
        self._read: dict[str, Foreign] = {}

    def file(self, name: str) -> Foreign:
        if name not in self._read:
            try:
                self._read[name] = foreign.read(self.etc, name, ours=[wrapper(known) for known in INCLUDING])
            except BadFile as wrong:
                self.conflict(name, wrong.message, "it must be known what it says", wrong.what_next)
                self._read[name] = Foreign(name, True)
        return self._read[name]

    def conflict(self, where: str, what: str, why: str, remedy: str = "") -> None:
        self.conflicts.append(Remark(where, what, why, remedy))

    def note(self, where: str, what: str, why: str, remedy: str = "") -> None:
        self.notes.append(Remark(where, what, why, remedy))

    def missing(self, found: Found | None, wanted: Sequence[Want]) -> dict[str, v.ConfigValue]:
        """The options that he leaves to us; those he has set otherwise become remarks."""
        left: dict[str, v.ConfigValue] = {}
        for want in wanted:
            given = found.values(want.key) if found else []
            if not given:
                left[want.key] = v.ConfigValue(want.value)
            elif not want.suits(given):
                say = self.conflict if want.vital else self.note
                ours = f"{want.key} = {given[-1]}, the engine wants {want.value}"
                say(f"{want.file} [{found.name if found else want.section}]", ours, want.why, want.remedy)
        return left

    def extension(self, found: Found | None, name: str, options: dict[str, v.ConfigValue]) -> list[Section]:
        """The section that adds these options to his, or is made; none when there is nothing to add."""
        if not options:
            return []
        if found is None:
            return [section(v.word(name), **options)]
        return [msgspec.structs.replace(section(v.word(found.name), **options), flags=v.EXTENDS)]

    def ours_alone(self, file: str, names: set[str], why: str) -> None:
        """He has no section of these names."""
        for name in sorted(names & self.file(file).names()):
            self.conflict(file, f"there is a [{name}] already", why, "give it another name")


def plan(etc: Path, settings: AsteriskSettings, ari_host: str) -> Plan:
    """What to do so that the engine can work beside the Asterisk whose files are in `etc`; changes nothing."""
    look = _Look(etc, settings, ari_host)
    _foundations(look)
    beside = Beside(_transports(look))
    settings = msgspec.structs.replace(settings, beside=beside)
    wrappers = {
        **_singletons(look),
        **_manager(look),
        "pjsip": beside_file(wrapper("pjsip"), _global(look), [PJSIP]),
        "extensions": _extensions(look),
        "queues": beside_file(wrapper("queues"), [], [QUEUES]),
        "musiconhold": beside_file(wrapper("musiconhold"), [_comfort(look)], []),
        "cel_custom": beside_file(wrapper("cel_custom"), [_hangups(look)], []),
    }
    _objects(look)
    for name in INCLUDING:
        if look.file(f"{name}.conf").open_comment:
            look.conflict(f"{name}.conf", "a comment begun with ;-- is never ended", "what follows is not read")
    kept = {name: text for name, text in directory_files(EMPTY, settings).items() if not (etc / name).exists()}
    files = {wrapper(name): text for name, text in wrappers.items()} | kept
    files[FACTS] = msgspec.json.format(msgspec.json.encode(beside)).decode() + "\n"
    lines = tuple(f"{name}.conf" for name in INCLUDING if name in wrappers)
    made = frozenset(name for name in lines if not look.file(name).exists)
    return Plan(files, lines, made, tuple(look.conflicts), tuple(look.notes))


def _foundations(look: _Look) -> None:
    """What is not in the files we extend: where Asterisk looks for them, and which modules it loads."""
    if is_own(look.etc):
        look.conflict("asterisk.conf", "it is of the engine's own Asterisk", "engine asterisk writes all of its files")
    options = look.file("asterisk.conf")
    directories = options.named("directories")
    told = directories.value("astetcdir") if directories else None
    if told and Path(told).resolve() != look.etc.resolve():
        look.conflict("asterisk.conf", f"astetcdir = {told}", f"that is not {look.etc}", "set [asterisk] config_dir")
    found = options.named("options")
    if found and is_true(found.value("live_dangerously")):
        look.note(
            "asterisk.conf [options]", "live_dangerously = yes", "who may use ARI may run programs", "set it to no"
        )
    _modules(look)
    _browsers(look)
    _stored_elsewhere(look)


def _modules(look: _Look) -> None:
    file = look.file("modules.conf")
    found = file.named("modules")
    if found is None:
        look.conflict("modules.conf", "no [modules] in it" if file.exists else "missing", "Asterisk loads nothing")
        return
    named = {
        word: {value.removesuffix(".so") for value in found.values(word)} for word in ("noload", "load", "require")
    }
    needed = NEEDED + NEEDED_BY_BROWSERS if look.settings.webrtc else NEEDED
    asked_for = named["load"] | named["require"] | {m.removesuffix(".so") for m in found.values("preload")}
    if is_true(found.value("autoload") or "yes"):
        absent = [module for module in needed if module in named["noload"]]
    else:
        absent = [module for module in needed if module in named["noload"] or module not in asked_for]
    if absent:
        words = " ".join(absent)
        look.conflict("modules.conf", f"not loaded: {words}", "the engine cannot work without", "load them")


def _browsers(look: _Look) -> None:
    """Asterisk offers ICE unless it is told not to; its TLS port, if browsers come by it, is his to open."""
    found = look.file("rtp.conf").named("general")
    told = found.value("icesupport") if found and look.settings.webrtc else None
    if told is not None and not is_true(told):
        look.conflict(
            "rtp.conf [general]",
            f"icesupport = {told}",
            "[asterisk] webrtc_url is set, and the media of browsers travels by ICE only",
            "set it to yes",
        )


def _stored_elsewhere(look: _Look) -> None:
    """Files that Asterisk was told to take from a database instead: ours would never be read."""
    settings = look.file("extconfig.conf").named("settings")
    for name in INCLUDING:
        if settings and (value := settings.value(f"{name}.conf")):
            look.conflict("extconfig.conf", f"{name}.conf => {value}", "the file is not read then")
    sorcery = look.file("sorcery.conf").named("res_pjsip")
    for kind in ("endpoint", "auth", "aor", "global"):
        given = sorcery.values(kind) if sorcery else []
        if given and not any(value.replace(" ", "").startswith("config,pjsip.conf") for value in given):
            look.conflict("sorcery.conf [res_pjsip]", f"{kind} = {given[-1]}", "those of pjsip.conf are not read then")


def _singletons(look: _Look) -> dict[str, str]:
    made: dict[str, str] = {}
    wanted = wants(look.ari_host, look.settings.ari_port)
    for name in ("http", "ari", "cel"):
        found = look.file(f"{name}.conf").named("general")
        left = look.missing(found, [want for want in wanted if want.file == f"{name}.conf"])
        sections = look.extension(found, "general", left)
        if name == "ari":
            sections.append(_ari_user(look))
        if sections:
            made[name] = beside_file(wrapper(name), sections, [])
    prefix = (found.value("prefix") if (found := look.file("http.conf").named("general")) else None) or ""
    if prefix.strip("/"):
        look.conflict("http.conf [general]", f"prefix = {prefix}", "the engine asks for /ari", "leave prefix empty")
    return made


def _ari_user(look: _Look) -> Section:
    user = look.settings.ari_user
    look.ours_alone("ari.conf", {user}, "the engine signs in to ARI by this name")
    return section(
        v.word(user),
        type=v.word("user"),
        read_only=v.yes_no(False),
        password_format=v.word("plain"),  # a crypt hash costs 1.1 ms of CPU for every request
        password=v.secret(look.settings.ari_secret),
    )


def _manager(look: _Look) -> dict[str, str]:
    """Our account of his manager interface, which is switched on for this machine alone if he says nothing of it."""
    ami = look.settings.ami
    found = look.file("manager.conf").named("general")
    if ami is None or (found and not is_true(found.value("enabled") or "yes")):
        if ami is not None:
            why = "incidents are known to scenarios, and not to his dialplan"
            look.note("manager.conf [general]", "enabled = no", why, "set it to yes; or set [ami] enabled = false")
        return {}
    look.ours_alone("manager.conf", {ami.user}, "the engine signs in to the manager interface by this name")
    account = ami_account(ami)
    loopback = {"deny": v.ConfigValue("0.0.0.0/0.0.0.0"), "permit": v.ConfigValue("127.0.0.1/255.255.255.255")}
    ours = section(account["user"], secret=account["secret"], **loopback, write=v.word("system"))
    general = look.extension(found, "general", look.missing(found, manager_wants(ami.port)))
    return {"manager": beside_file(wrapper("manager"), [*general, ours], [])}


def _global(look: _Look) -> list[Section]:
    """His [global], whatever he calls it, gone on with; [system] stays his: it changes the timers of his trunks too."""
    every = look.file("pjsip.conf").of_type("global")
    found = every[0] if every else None
    left = look.missing(found, PJSIP_GLOBAL)
    if left and found is None:
        return [section(v.word("standardiste-global"), type=v.word("global"), **left)]
    sections = look.extension(found, "global", left)
    return [msgspec.structs.replace(one, flags=v.EXTENDS_GLOBAL) for one in sections]


def _extensions(look: _Look) -> str:
    file = look.file("extensions.conf")
    ours = {found.name for found in parse(DIALPLAN.read_text(encoding="utf-8")).sections} - {"default"}
    ours |= {name for name in file.names() if name.startswith(("from-agents-", "standardiste-"))}
    look.ours_alone("extensions.conf", ours, "both would become one context")
    globals_ = [] if file.named("globals") else [section(v.word("globals"))]
    return beside_file(wrapper("extensions"), globals_, [GLOBALS, STATIC_DIALPLAN])


def _comfort(look: _Look) -> Section:
    look.ours_alone("musiconhold.conf", {COMFORT_CLASS}, "what agents hear while they wait")
    if look.file("musiconhold.conf").named("default") is None:
        look.note("musiconhold.conf", "no [default]", "agents for whom `notice: music` is set hear nothing")
    place = v.path(look.settings.comfort or COMFORT)
    return section(v.word(COMFORT_CLASS), mode=v.word("files"), directory=place)


def _hangups(look: _Look) -> Section:
    file = look.file("cel_custom.conf")
    look.ours_alone("cel_custom.conf", {CEL_FILE}, "Asterisk writes how calls ended to this file")
    mappings = file.named("mappings")
    if mappings and mappings.values(CEL_FILE):
        look.conflict("cel_custom.conf [mappings]", f"{CEL_FILE} is written already", "two would write one file")
    fields = ("eventtime", "uniqueid", "linkedid", "channame", "eventextra", "eventtype", "userfield")
    return section(
        v.word(CEL_FILE),
        format=v.word("dsv"),
        separator_character=v.ConfigValue(","),
        quote_character=v.ConfigValue('"'),
        quote_escape_character=v.ConfigValue('"'),
        quoting_method=v.word("all"),
        fields=v.words(*fields),
    )


def _objects(look: _Look) -> None:
    """What the directory made is there once only: Asterisk rejects pjsip.conf when two objects share type and name."""
    for file, ours in (("pjsip.conf", PJSIP), ("queues.conf", QUEUES)):
        if (look.etc / ours).exists():
            names = {found.name for found in parse((look.etc / ours).read_text(encoding="utf-8"), ours).sections}
            look.ours_alone(file, names, "the directory has one of this name")


def _transports(look: _Look) -> dict[str, str]:
    """His transport for each protocol: the one where the engine's settings say that SIP is."""
    taken: dict[str, str] = {}
    wanted = {"udp": look.settings.sip_port, "tcp": look.settings.sip_port, "tls": look.settings.tls_port}
    every = look.file("pjsip.conf").of_type("transport")
    for protocol, standard in _PROTOCOLS.items():
        port = wanted[protocol]
        bound = [(found, *_bound(found, standard)) for found in every if _protocol(found) == protocol]
        fitting = [found for found, host, at in bound if at == port and _reaches(host, look.settings.sip_address)]
        if len(fitting) == 1:
            taken[protocol] = str(v.word(fitting[0].name))
        elif protocol == "udp":
            told = ", ".join(f"[{found.name}] bind = {host}:{at}" for found, host, at in bound) or "none"
            look.conflict(
                "pjsip.conf",
                f"{'several UDP transports' if fitting else 'no UDP transport'} at "
                f"{look.settings.sip_address}:{port} (there: {told})",
                "trunks and telephones need one, and which one must be plain",
                "set [asterisk] sip_host and sip_port to its address and port",
            )
    return taken


def _protocol(found: Found) -> str:
    return (found.value("protocol") or "udp").lower()


def _bound(found: Found, standard: int) -> tuple[str, int]:
    """Address and port of `10.0.0.1`, `10.0.0.1:5060`, `[::]:5060`, `::`."""
    told = found.value("bind") or ""
    split = re.fullmatch(r"(?:\[(?P<six>.*)\]|(?P<four>[^:]*))(?::(?P<port>[0-9]+))?", told, re.ASCII)
    if split is None:
        return told, standard
    return split["six"] or split["four"] or "", int(split["port"] or standard)


def _reaches(bound: str, wanted: str) -> bool:
    """Whether a socket at `bound` is where `wanted` says; one that listens everywhere is."""
    try:
        return bound == wanted or ipaddress.ip_address(bound).is_unspecified
    except ValueError:
        return False
