"""Every setting of the engine, with its unit, its default and the reason for the default.

Read from a TOML file and from the environment; the environment wins. The file is the one named by `--config`, else
`./standardiste.toml`, else `/etc/standardiste/standardiste.toml`, else none. A variable is `STANDARDISTE_`, the
section, two underscores, the name: `STANDARDISTE_HTTP__PORT=8090`. Unknown names are refused: a setting that is
misspelt and silently ignored costs a night. What is read is checked by `engine.sections`, over msgspec: a library more
would be loaded at each start (ADR 0024).
"""

import os
import re
import socket
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.domain.incidents import LABELS
from engine.errors import BadFile
from engine.fraud_settings import CreditSettings, FraudSettings
from engine.scenario_settings import ScenarioSettings
from engine.sections import Count, Label, Limit, Port, Seconds, Secret, Section, WrongSettings, like, made
from engine.settings_sources import read

PLACES = (Path("standardiste.toml"), Path("/etc/standardiste/standardiste.toml"))


def default_state_dir() -> Path:
    """`/var/lib/standardiste` for root (FHS), else the user's XDG state directory."""
    if os.geteuid() == 0:
        return Path("/var/lib/standardiste")
    base = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(base) / "standardiste"


def _node_id() -> str:
    """The host's short name, reduced to what is safe in a file, a URL and a label."""
    return re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().split(".")[0].lower()).strip("-")[:40] or "node"


def _not_everybody(source: str) -> None:
    if ip_network(source, strict=False).prefixlen == 0:
        raise ValueError(f"{source} is everybody")


_Source = Annotated[str, _not_everybody]
_WebUrl = Annotated[
    str, like(r"https?://[^/?#@\s]+", "an address such as http://127.0.0.1:8088, without path, user or password")
]
_WebsocketUrl = Annotated[
    str,
    like(r"wss?://[^/?#@\s]+(/[^?#\s]*)?", "an address such as wss://phone.example.net/ws, without user or password"),
]
_IceServer = Annotated[
    str,
    like(
        r"(stun|turn)s?:[^/?#@\s]+(\?transport=(udp|tcp))?",
        "an address such as stun:stun.example.net:3478 (RFC 7064, RFC 7065)",
    ),
]
_Account = Annotated[str, like(r"[A-Za-z0-9_-]{1,40}", "1 to 40 letters, digits, - and _")]
_NodeId = Annotated[str, like(r"[a-z0-9-]{1,40}", "1 to 40 small letters, digits and -")]


class HttpSettings(Section, frozen=True, kw_only=True):
    """The HTTP API."""

    host: Annotated[str, "Address to listen on. Loopback: others come through a TLS proxy."] = "127.0.0.1"
    port: Annotated[Port, "TCP port; 0 takes a free one. Not 8088: that is Asterisk's own."] = 8090
    body_limit_bytes: Annotated[Count, "Largest request body. The biggest honest one is 20 kB."] = 65536
    body_time_s: Annotated[Seconds, "Time a client has to send its body; slower is a fault or an attack."] = 10.0
    answer_time_s: Annotated[
        Seconds, "Time the engine has to answer (streams excepted); beyond it the asker gets a 503."
    ] = 30.0
    connections: Annotated[
        Count, "Connections open at once, websockets and idle ones with them; more are told 503."
    ] = 1000
    connections_per_address: Annotated[
        Limit,
        "Of them from one address, so that one asker cannot take all; 0 is no limit. Loopback is excepted: "
        "a proxy there speaks for everybody. For a proxy on another machine set 0.",
    ] = 400
    idle_s: Annotated[Seconds, "Time a connection may send no whole request; then it is closed."] = 75.0
    rate_per_s: Annotated[Seconds, "Requests per second each token may keep up. An application's pace."] = 50.0
    rate_burst: Annotated[Count, "Requests a token may make at once before the pace applies."] = 100
    call_links: Annotated[
        tuple[_Source, ...],
        "Addresses and networks that may call by GET /CALL&user&extension&number, without a token. Behind "
        "a proxy all come from the proxy's. Empty: nobody.",
    ] = ()
    variables_limit_bytes: Annotated[
        Count, "Business variables of one call, as JSON. They travel in every event of the call."
    ] = 16384
    variables_depth: Annotated[Count, "Nesting of the business variables. Deeper is a mistake."] = 8
    drain_s: Annotated[Seconds, "Time requests in flight have to finish when the engine stops."] = 5.0


class AriSettings(Section, frozen=True, kw_only=True):
    """Asterisk's REST interface."""

    url: Annotated[_WebUrl, "Where Asterisk's HTTP server is, without /ari."] = "http://127.0.0.1:8088"
    user: Annotated[str, "User in ari.conf, written by the engine."] = "standardiste"
    secret: Annotated[
        Secret | None, "Its password. Unset: generated at first start into the state directory, mode 0600."
    ] = None
    app: Annotated[_Account, "Stasis application. Change it only to run two engines on one Asterisk."] = "standardiste"


class AmiSettings(Section, frozen=True, kw_only=True):
    """Asterisk's manager interface, for what ARI cannot do: incidents in Asterisk's own database."""

    enabled: Annotated[bool, "Speak to it. Otherwise incidents are known to scenarios, and not to your dialplan."] = (
        True
    )
    port: Annotated[int, Meta(ge=1, le=65535), "TCP port, on 127.0.0.1."] = 5038
    user: Annotated[_Account, "User in manager.conf, by the engine."] = "standardiste"
    secret: Annotated[
        Secret | None, "Its password. Unset: generated at first start into the state directory, mode 0600."
    ] = None


class AsteriskSettings(Section, frozen=True, kw_only=True):
    """The Asterisk beside the engine, and its files."""

    config_dir: Annotated[Path, "Directory of Asterisk's files the engine owns."] = Path("/etc/asterisk")
    cel_path: Annotated[
        Path, "Hang-ups as Asterisk wrote them: causes of legs that ended while the engine was away."
    ] = Path("/var/log/asterisk/cel-custom/standardiste-hangups.csv")
    sip_host: Annotated[str, "Address SIP is bound to. Loopback until you name the phones' network."] = "127.0.0.1"
    sip_port: Annotated[Port, "UDP and TCP port of SIP."] = 5060
    phones_host: Annotated[str | None, "Address told to whoever sets up an agent's telephone. Unset: sip_host."] = None
    tls_port: Annotated[Port | None, "TCP port of SIP over TLS. Unset: none."] = None
    tls_certificate: Annotated[Path | None, "PEM file of the certificate TLS shows."] = None
    tls_key: Annotated[Path | None, "PEM file of its key, readable by Asterisk's account."] = None
    tls_authorities: Annotated[
        Path,
        "PEM file of who may have signed the certificates of TLS trunks we call; a Yeastar's own may "
        "stand in it. The default is what Debian's ca-certificates trusts.",
    ] = Path("/etc/ssl/certs/ca-certificates.crt")
    tls_verify: Annotated[
        bool,
        "Whether a trunk by TLS must show a certificate of theirs, in the name of its host. False: anybody "
        "in between can listen.",
    ] = True
    webrtc_url: Annotated[
        _WebsocketUrl | None,
        "Websocket address told to agents' browsers: wss://phone.example.net/ws, ending in /ws unless a "
        "proxy says otherwise. Unset: no WebRTC.",
    ] = None
    webrtc_port: Annotated[
        Port | None,
        "TCP port where Asterisk itself takes those websockets by TLS, with tls_certificate. Unset: a "
        "proxy on this machine brings them to /ws of ari.url.",
    ] = None
    ice_servers: Annotated[
        tuple[_IceServer, ...],
        "STUN and TURN servers told to browsers: stun:stun.example.net:3478. Needed only where browsers "
        "cannot send UDP to rtp_host.",
    ] = ()
    turn_user: Annotated[str | None, "User name for the turn: ones."] = None
    turn_secret: Annotated[Secret | None, "Its password, told to every browser."] = None
    rtp_host: Annotated[
        str | None, "Address others reach us at from outside, put in SIP and SDP behind NAT. Unset: our own by route."
    ] = None
    local_networks: Annotated[
        tuple[str, ...], "Networks that are not behind that NAT: 192.168.0.0/16, VPNs to sites."
    ] = ()
    rtp_first: Annotated[Port, "First UDP port of media; a call takes four."] = 10000
    rtp_last: Annotated[Port, "Last UDP port of media."] = 20000
    data_dir: Annotated[
        Path | None,
        "Asterisk's astdatadir, whose sounds scenarios may say: they are checked against it. Unset: "
        "/usr/share/asterisk or /var/lib/asterisk.",
    ] = None
    sounds_dir: Annotated[
        Path | None,
        "Directory of the prompts (fr/ and en/ below) as Asterisk sees it. Unset: the engine's own, which "
        "Asterisk must be able to read.",
    ] = None

    def __post_init__(self) -> None:
        if self.rtp_last <= self.rtp_first:
            raise ValueError("rtp_last must be above rtp_first")
        if self.webrtc_port is not None and None in (self.webrtc_url, self.tls_certificate, self.tls_key):
            raise ValueError("webrtc_port needs webrtc_url, tls_certificate and tls_key")
        if any(s.startswith("turn") for s in self.ice_servers) and None in (self.turn_user, self.turn_secret):
            raise ValueError("a TURN server in ice_servers needs turn_user and turn_secret")


class JournalSettings(Section, frozen=True, kw_only=True):
    """The local journal, from which calls outlive a crash."""

    path: Annotated[Path | None, "SQLite file on a local disk. Unset: journal.sqlite in the state directory."] = None
    keep_h: Annotated[Seconds, "Hours a finished call stays for replay, once PostgreSQL has it."] = 72.0
    ballast_mb: Annotated[
        Limit, "Disk space kept in reserve so that live calls end in good order when the disk fills."
    ] = 64


class PostgresSettings(Section, frozen=True, kw_only=True):
    """The queryable truth: directory and history."""

    dsn: Annotated[
        Secret | None, "postgresql://user:password@host/base. Unset: a private PostgreSQL in the state directory."
    ] = None
    pool_size: Annotated[Count, "Connections. Calls never wait for one: the journal stands between."] = 8
    query_time_s: Annotated[Seconds, "Longest time of one query of the API."] = 5.0
    audit_keep_days: Annotated[
        int,
        Meta(ge=0, le=36_500),
        "Days a row of the audit is kept; 0 is for ever. It names people: the CNIL allows such logs six "
        "months to a year, and fraud is often seen on a bill months later.",
    ] = 365


class LimitSettings(Section, frozen=True, kw_only=True):
    """What the engine refuses, so that what it accepted goes well."""

    seats: Annotated[Count, "Enabled agents. Enrolling one more is refused."] = 500
    live_calls: Annotated[Count, "Calls alive at once. Two cores carry about this many with audio."] = 300
    calls_per_minute_per_agent: Annotated[Count, "Calls one agent may start in a minute. A stuck key repeats."] = 20
    setups_per_s: Annotated[Seconds, "New calls per second; Asterisk runs away past its edge, near 200."] = 20.0
    beat_max_age_s: Annotated[
        Seconds, "Age of the engine's last beat beyond which Asterisk answers callers without the engine."
    ] = 3.0
    loop_lag_s: Annotated[Seconds, "Lag of the event loop beyond which new calls are refused."] = 0.25


class CallSettings(Section, frozen=True, kw_only=True):
    """Defaults of a call, where neither request, agent nor site says otherwise."""

    ring_agent_s: Annotated[
        int, Meta(ge=5, le=120), "Ringing at the agent's: four to five rings, shorter than most voicemails."
    ] = 25
    ring_customer_s: Annotated[int, Meta(ge=5, le=180), "Ringing at the customer's."] = 45
    longest_s: Annotated[
        int, Meta(ge=60), "A call is cut after this: four hours is no conversation but a leg nobody hung up."
    ] = 14400
    warn_s: Annotated[
        int,
        Meta(ge=0, le=600),
        "The agent alone is told so long before a call is cut for its length or its credit; 0: not told. "
        "Where no more than this is allowed nothing is said.",
    ] = 60


class IncidentSettings(Section, frozen=True, kw_only=True):
    """Flags of the whole house that scenarios and dialplans can test: docs/incidents.md."""

    flags: Annotated[tuple[Label, ...], Meta(min_length=1, max_length=50), "The flags there are, in their order."] = (
        tuple(LABELS)
    )
    several: Annotated[bool, "Several may be set at once. Otherwise one takes the place of another."] = False


class WebhookSettings(Section, frozen=True, kw_only=True):
    """Events sent to other people's programs."""

    private_addresses: Annotated[
        bool,
        "Let webhooks go to loopback and private addresses, and by plain http. Only where everybody "
        "who may set a webhook may also reach whatever this machine reaches.",
    ] = False


class LogSettings(Section, frozen=True, kw_only=True):
    """The log, on standard error."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], "Least level written."] = "INFO"
    format: Annotated[Literal["json", "console"], "json for machines, console for eyes."] = "json"


class Settings(Section, frozen=True, kw_only=True):
    """Everything; built by `load`, handed to the composition root, read by nobody else."""

    state_dir: Annotated[
        Path, "Where the engine keeps what it must not lose: journal, secrets, last good directory."
    ] = msgspec.field(default_factory=default_state_dir)
    node_id: Annotated[_NodeId, "Name of this engine in records and metrics. Default: the host's name."] = (
        msgspec.field(default_factory=_node_id)
    )
    http: HttpSettings = HttpSettings()
    ari: AriSettings = AriSettings()
    ami: AmiSettings = AmiSettings()
    asterisk: AsteriskSettings = AsteriskSettings()
    journal: JournalSettings = JournalSettings()
    postgres: PostgresSettings = PostgresSettings()
    limits: LimitSettings = LimitSettings()
    fraud: FraudSettings = FraudSettings()
    credit: CreditSettings = CreditSettings()
    calls: CallSettings = CallSettings()
    incidents: IncidentSettings = IncidentSettings()
    scenarios: ScenarioSettings = ScenarioSettings()
    webhooks: WebhookSettings = WebhookSettings()
    log: LogSettings = LogSettings()

    @property
    def journal_path(self) -> Path:
        """Where the journal is, set or derived."""
        return self.journal.path or self.state_dir / "journal.sqlite"

    @property
    def ari_secret_path(self) -> Path:
        """Where the secret made for ARI is kept, when none is set (see `secret_file`)."""
        return self.state_dir / "ari.secret"

    @property
    def ami_secret_path(self) -> Path:
        """Where the secret made for the manager interface is kept, when none is set."""
        return self.state_dir / "ami.secret"

    @property
    def listens_beyond_loopback(self) -> bool:
        """Whether the API is reachable from other machines (then without TLS: the doctor says so)."""
        try:
            return not ip_address(self.http.host).is_loopback
        except ValueError:
            return self.http.host != "localhost"


def config_file(path: Path | None = None) -> Path | None:
    """The file `load` reads: the one given (it must exist), else the first of `PLACES` that exists, else none."""
    if path is not None:
        if not path.is_file():
            raise BadFile(f"{path}: no such settings file", what_next="Write one: engine settings example > FILE")
        return path
    return next((place for place in PLACES if place.is_file()), None)


def load(path: Path | None = None) -> Settings:
    """Settings from file and environment. Raises BadFile that names the file and every wrong setting at once."""
    file = config_file(path)
    try:
        return made(Settings, read(file, os.environ))
    except WrongSettings as wrong:
        where = f"{file} and environment" if file else "environment"
        raise BadFile(
            f"settings ({where}):\n{wrong}", what_next="engine settings example shows every setting"
        ) from wrong
    except (ValueError, OSError) as wrong:  # not TOML at all, or not to be read
        raise BadFile(f"{file}: {wrong}") from wrong
