"""Every setting of the engine, with its unit, its default and the reason for the default.

Read from a TOML file and from the environment; the environment wins. The file is the one named by `--config`, else
`./standardiste.toml`, else `/etc/standardiste/standardiste.toml`, else none. A variable is `STANDARDISTE_`, the
section, two underscores, the name: `STANDARDISTE_HTTP__PORT=8090`. Unknown names are refused: a setting that is
misspelt and silently ignored costs a night.
"""

import os
import re
import socket
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from engine.domain import tariff
from engine.domain.incidents import LABELS
from engine.errors import BadFile
from engine.scenario_settings import ScenarioSettings
from engine.settings_sources import read

PLACES = (Path("standardiste.toml"), Path("/etc/standardiste/standardiste.toml"))

Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Money = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Limit = Annotated[int, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


def default_state_dir() -> Path:
    """`/var/lib/standardiste` for root (FHS), else the user's XDG state directory."""
    if os.geteuid() == 0:
        return Path("/var/lib/standardiste")
    base = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    return Path(base) / "standardiste"


def _node_id() -> str:
    """The host's short name, reduced to what is safe in a file, a URL and a label."""
    return re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().split(".")[0].lower()).strip("-")[:40] or "node"


class Section(BaseModel):
    """A group of settings; unknown names are errors, and nothing changes after start."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HttpSettings(Section):
    """The HTTP API."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on. Loopback: others come through a TLS proxy."
    )
    port: Port = Field(default=8090, description="TCP port; 0 takes a free one. Not 8088: that is Asterisk's own.")
    body_limit_bytes: Count = Field(default=65536, description="Largest request body. The biggest honest one is 20 kB.")
    body_time_s: Seconds = Field(
        default=10.0, description="Time a client has to send its body; slower is a fault or an attack."
    )
    answer_time_s: Seconds = Field(
        default=30.0, description="Time the engine has to answer (streams excepted); beyond it the asker gets a 503."
    )
    connections: Count = Field(
        default=1000,
        description="Connections open at once, websockets and idle ones with them; more are told 503.",
    )
    connections_per_address: Limit = Field(
        default=400,
        description="Of them from one address, so that one asker cannot take all; 0 is no limit. Loopback is excepted: "
        "a proxy there speaks for everybody. For a proxy on another machine set 0.",
    )
    idle_s: Seconds = Field(default=75.0, description="Time a connection may send no whole request; then it is closed.")
    rate_per_s: Seconds = Field(
        default=50.0, description="Requests per second each token may keep up. An application's pace."
    )
    rate_burst: Count = Field(default=100, description="Requests a token may make at once before the pace applies.")
    call_links: tuple[str, ...] = Field(
        default=(),
        description="Addresses and networks that may call by GET /CALL&user&extension&number, without a token. Behind "
        "a proxy all come from the proxy's. Empty: nobody.",
    )
    variables_limit_bytes: Count = Field(
        default=16384, description="Business variables of one call, as JSON. They travel in every event of the call."
    )
    variables_depth: Count = Field(default=8, description="Nesting of the business variables. Deeper is a mistake.")
    drain_s: Seconds = Field(default=5.0, description="Time requests in flight have to finish when the engine stops.")

    @field_validator("call_links")
    @classmethod
    def _networks(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        for source in sources:
            if ip_network(source, strict=False).prefixlen == 0:
                raise ValueError(f"{source} is everybody")
        return sources


class AriSettings(Section):
    """Asterisk's REST interface."""

    url: str = Field(default="http://127.0.0.1:8088", description="Where Asterisk's HTTP server is, without /ari.")
    user: str = Field(default="standardiste", description="User in ari.conf, written by the engine.")
    secret: SecretStr | None = Field(
        default=None, description="Its password. Unset: generated at first start into the state directory, mode 0600."
    )
    app: str = Field(
        default="standardiste",
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
        description="Stasis application. Change it only to run two engines on one Asterisk.",
    )

    @field_validator("url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^/?#@\s]+", url):
            raise ValueError("an address such as http://127.0.0.1:8088, without path, user or password")
        return url


class AmiSettings(Section):
    """Asterisk's manager interface, for what ARI cannot do: incidents in Asterisk's own database."""

    enabled: bool = Field(
        default=True, description="Speak to it. Otherwise incidents are known to scenarios, and not to your dialplan."
    )
    port: Annotated[int, Field(ge=1, le=65535)] = Field(default=5038, description="TCP port, on 127.0.0.1.")
    user: str = Field(
        default="standardiste", pattern=r"^[A-Za-z0-9_-]{1,40}$", description="User in manager.conf, by the engine."
    )
    secret: SecretStr | None = Field(
        default=None, description="Its password. Unset: generated at first start into the state directory, mode 0600."
    )


class AsteriskSettings(Section):
    """The Asterisk beside the engine, and its files."""

    config_dir: Path = Field(
        default=Path("/etc/asterisk"), description="Directory of Asterisk's files the engine owns."
    )
    cel_path: Path = Field(
        default=Path("/var/log/asterisk/cel-custom/standardiste-hangups.csv"),
        description="Hang-ups as Asterisk wrote them: causes of legs that ended while the engine was away.",
    )
    sip_host: str = Field(
        default="127.0.0.1", description="Address SIP is bound to. Loopback until you name the phones' network."
    )
    sip_port: Port = Field(default=5060, description="UDP and TCP port of SIP.")
    phones_host: str | None = Field(
        default=None, description="Address told to whoever sets up an agent's telephone. Unset: sip_host."
    )
    tls_port: Port | None = Field(default=None, description="TCP port of SIP over TLS. Unset: none.")
    tls_certificate: Path | None = Field(default=None, description="PEM file of the certificate TLS shows.")
    tls_key: Path | None = Field(default=None, description="PEM file of its key, readable by Asterisk's account.")
    tls_authorities: Path = Field(
        default=Path("/etc/ssl/certs/ca-certificates.crt"),
        description="PEM file of who may have signed the certificates of TLS trunks we call; a Yeastar's own may "
        "stand in it. The default is what Debian's ca-certificates trusts.",
    )
    tls_verify: bool = Field(
        default=True,
        description="Whether a trunk by TLS must show a certificate of theirs, in the name of its host. False: anybody "
        "in between can listen.",
    )
    webrtc_url: str | None = Field(
        default=None,
        description="Websocket address told to agents' browsers: wss://phone.example.net/ws, ending in /ws unless a "
        "proxy says otherwise. Unset: no WebRTC.",
    )
    webrtc_port: Port | None = Field(
        default=None,
        description="TCP port where Asterisk itself takes those websockets by TLS, with tls_certificate. Unset: a "
        "proxy on this machine brings them to /ws of ari.url.",
    )
    ice_servers: tuple[str, ...] = Field(
        default=(),
        description="STUN and TURN servers told to browsers: stun:stun.example.net:3478. Needed only where browsers "
        "cannot send UDP to rtp_host.",
    )
    turn_user: str | None = Field(default=None, description="User name for the turn: ones.")
    turn_secret: SecretStr | None = Field(default=None, description="Its password, told to every browser.")
    rtp_host: str | None = Field(
        default=None,
        description="Address others reach us at from outside, put in SIP and SDP behind NAT. Unset: our own by route.",
    )
    local_networks: tuple[str, ...] = Field(
        default=(), description="Networks that are not behind that NAT: 192.168.0.0/16, VPNs to sites."
    )
    rtp_first: Port = Field(default=10000, description="First UDP port of media; a call takes four.")
    rtp_last: Port = Field(default=20000, description="Last UDP port of media.")
    data_dir: Path | None = Field(
        default=None,
        description="Asterisk's astdatadir, whose sounds scenarios may say: they are checked against it. Unset: "
        "/usr/share/asterisk or /var/lib/asterisk.",
    )
    sounds_dir: Path | None = Field(
        default=None,
        description="Directory of the prompts (fr/ and en/ below) as Asterisk sees it. Unset: the engine's own, which "
        "Asterisk must be able to read.",
    )

    @field_validator("webrtc_url")
    @classmethod
    def _websocket(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"wss?://[^/?#@\s]+(/[^?#\s]*)?", url):
            raise ValueError("an address such as wss://phone.example.net/ws, without user or password")
        return url

    @field_validator("ice_servers")
    @classmethod
    def _ice(cls, servers: tuple[str, ...]) -> tuple[str, ...]:
        for server in servers:
            if not re.fullmatch(r"(stun|turn)s?:[^/?#@\s]+(\?transport=(udp|tcp))?", server):
                raise ValueError(f"{server} is not an address such as stun:stun.example.net:3478 (RFC 7064, RFC 7065)")
        return servers

    @model_validator(mode="after")
    def _browsers(self) -> "AsteriskSettings":
        if self.webrtc_port is not None and None in (self.webrtc_url, self.tls_certificate, self.tls_key):
            raise ValueError("webrtc_port needs webrtc_url, tls_certificate and tls_key")
        if any(s.startswith("turn") for s in self.ice_servers) and None in (self.turn_user, self.turn_secret):
            raise ValueError("a TURN server in ice_servers needs turn_user and turn_secret")
        return self


class JournalSettings(Section):
    """The local journal, from which calls outlive a crash."""

    path: Path | None = Field(
        default=None, description="SQLite file on a local disk. Unset: journal.sqlite in the state directory."
    )
    keep_h: Seconds = Field(default=72.0, description="Hours a finished call stays for replay, once PostgreSQL has it.")
    ballast_mb: Annotated[int, Field(ge=0)] = Field(
        default=64, description="Disk space kept in reserve so that live calls end in good order when the disk fills."
    )


class PostgresSettings(Section):
    """The queryable truth: directory and history."""

    dsn: SecretStr | None = Field(
        default=None,
        description="postgresql://user:password@host/base. Unset: a private PostgreSQL in the state directory.",
    )
    pool_size: Count = Field(
        default=8, description="Connections. Calls never wait for one: the journal stands between."
    )
    query_time_s: Seconds = Field(default=5.0, description="Longest time of one query of the API.")
    audit_keep_days: Annotated[int, Field(ge=0, le=36_500)] = Field(
        default=365,
        description="Days a row of the audit is kept; 0 is for ever. It names people: the CNIL allows such logs six "
        "months to a year, and fraud is often seen on a bill months later.",
    )


class LimitSettings(Section):
    """What the engine refuses, so that what it accepted goes well."""

    seats: Count = Field(default=500, description="Enabled agents. Enrolling one more is refused.")
    live_calls: Count = Field(
        default=300, description="Calls alive at once. Two cores carry about this many with audio."
    )
    calls_per_minute_per_agent: Count = Field(
        default=20, description="Calls one agent may start in a minute. A stuck key repeats."
    )
    setups_per_s: Seconds = Field(
        default=20.0, description="New calls per second; Asterisk runs away past its edge, near 200."
    )
    beat_max_age_s: Seconds = Field(
        default=3.0,
        description="Age of the engine's last beat beyond which Asterisk answers callers without the engine.",
    )
    loop_lag_s: Seconds = Field(default=0.25, description="Lag of the event loop beyond which new calls are refused.")


class FraudSettings(Section):
    """What may be called and spent before calls are cut: docs/fraud.md. Money as in your rates; 0 is no limit."""

    rates: tuple[str, ...] = Field(
        default=(), description="Price of a minute by prefix, such as +44=0.02; the longest prefix counts."
    )
    home_rate: Money = Field(
        default=0.01, description="Ordinary numbers of the site's country, where rates say nothing. Often a flat rate."
    )
    other_rate: Money = Field(default=1.0, description="Everything else that rates say nothing of: dear, to be safe.")
    warning_share: Share = Field(default=0.8, description="Share of a limit from which on people are told.")
    closed_share: Share = Field(
        default=0.25, description="Share of each limit that holds outside a site's open_hours: fraud comes at night."
    )
    house_calls_per_minute: Limit = Field(default=0, description="Calls of the whole house in any 60 seconds.")
    house_concurrent_calls: Limit = Field(
        default=0, description="Calls alive at once; limits.live_calls stops earlier."
    )
    house_spend_per_hour: Money = Field(default=300.0, description="Twenty agents at home spend about 24.")
    house_spend_per_day: Money = Field(default=1200.0, description="The most a bad night costs.")
    agent_calls_per_minute: Limit = Field(
        default=0, description="Of one agent; limits.calls_per_minute_per_agent refuses earlier, without locking."
    )
    agent_concurrent_calls: Limit = Field(default=0, description="An agent is in one call at a time anyway.")
    agent_spend_per_hour: Money = Field(
        default=20.0, description="Twenty minutes to a number nobody knows the price of."
    )
    agent_spend_per_day: Money = Field(default=60.0, description="Three such hours.")
    token_calls_per_minute: Limit = Field(
        default=1200, description="By one token: what limits.setups_per_s allows for a whole minute."
    )
    token_concurrent_calls: Limit = Field(default=0, description="Calls alive at once by one token.")
    token_spend_per_hour: Money = Field(default=150.0, description="A stolen token is no better than this.")
    token_spend_per_day: Money = Field(default=600.0, description="Four such hours.")
    trunk_calls_per_minute: Limit = Field(default=0, description="By one trunk.")
    trunk_concurrent_calls: Limit = Field(default=0, description="The trunk's channels stop earlier.")
    trunk_spend_per_hour: Money = Field(default=150.0, description="By one trunk.")
    trunk_spend_per_day: Money = Field(default=600.0, description="Four such hours.")
    prefix_calls_per_minute: Limit = Field(
        default=60, description="To one prefix of rates, or to all that rates say nothing of; not to home numbers."
    )
    prefix_concurrent_calls: Limit = Field(default=30, description="Fraud calls one place with many lines at once.")
    prefix_spend_per_hour: Money = Field(default=50.0, description="Fifty minutes to numbers of unknown price.")
    prefix_spend_per_day: Money = Field(default=200.0, description="Four such hours.")

    @field_validator("rates")
    @classmethod
    def _rates(cls, rates: tuple[str, ...]) -> tuple[str, ...]:
        prefixes = [tariff.rate(text)[0] for text in rates]
        twice = {prefix for prefix in prefixes if prefixes.count(prefix) > 1}
        if twice:
            raise ValueError(f"two rates for +{', +'.join(sorted(twice))}")
        return rates


class CreditSettings(Section):
    """An outside program that is asked before each call: docs/fraud.md."""

    url: str | None = Field(default=None, description="Where to ask, by POST. Unset: nobody is asked.")
    secret: SecretStr | None = Field(
        default=None, description="Signs the question, as webhooks are signed: whsec_ and base64 of at least 24 bytes."
    )
    time_s: Annotated[float, Field(gt=0, le=10)] = Field(
        default=2.0, description="Time it has to answer; the application waits for its own answer meanwhile."
    )
    when_away: Literal["refuse", "allow"] = Field(
        default="refuse", description="What becomes of calls while it does not answer, or not as it should."
    )
    private_addresses: bool = Field(
        default=False, description="Let it be on loopback or a private address, and plain http."
    )

    @field_validator("secret")
    @classmethod
    def _signing(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and not re.fullmatch(r"whsec_[A-Za-z0-9+/]{32,}={0,2}", secret.get_secret_value()):
            raise ValueError("whsec_ and base64 of at least 24 bytes; make one: echo whsec_$(openssl rand -base64 32)")
        return secret

    @model_validator(mode="after")
    def _both(self) -> "CreditSettings":
        if (self.url is None) != (self.secret is None):
            raise ValueError("url and secret belong together: set both, or none")
        return self


class CallSettings(Section):
    """Defaults of a call, where neither request, agent nor site says otherwise."""

    ring_agent_s: Annotated[int, Field(ge=5, le=120)] = Field(
        default=25, description="Ringing at the agent's: four to five rings, shorter than most voicemails."
    )
    ring_customer_s: Annotated[int, Field(ge=5, le=180)] = Field(default=45, description="Ringing at the customer's.")
    longest_s: Annotated[int, Field(ge=60)] = Field(
        default=14400, description="A call is cut after this: four hours is no conversation but a leg nobody hung up."
    )
    warn_s: Annotated[int, Field(ge=0, le=600)] = Field(
        default=60,
        description="The agent alone is told so long before a call is cut for its length or its credit; 0: not told. "
        "Where no more than this is allowed nothing is said.",
    )


class IncidentSettings(Section):
    """Flags of the whole house that scenarios and dialplans can test: docs/incidents.md."""

    flags: tuple[Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")], ...] = Field(
        default=tuple(LABELS), min_length=1, max_length=50, description="The flags there are, in their order."
    )
    several: bool = Field(
        default=False, description="Several may be set at once. Otherwise one takes the place of another."
    )


class WebhookSettings(Section):
    """Events sent to other people's programs."""

    private_addresses: bool = Field(
        default=False,
        description="Let webhooks go to loopback and private addresses, and by plain http. Only where everybody "
        "who may set a webhook may also reach whatever this machine reaches.",
    )


class LogSettings(Section):
    """The log, on standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="Least level written.")
    format: Literal["json", "console"] = Field(default="json", description="json for machines, console for eyes.")


class Settings(Section):
    """Everything; built by `load`, handed to the composition root, read by nobody else."""

    state_dir: Path = Field(
        default_factory=default_state_dir,
        description="Where the engine keeps what it must not lose: journal, secrets, last good directory.",
    )
    node_id: str = Field(
        default_factory=_node_id,
        pattern=r"^[a-z0-9-]{1,40}$",
        description="Name of this engine in records and metrics. Default: the host's name.",
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
        return Settings.model_validate(read(file, os.environ))
    except ValidationError as wrong:
        raise BadFile(_all_wrongs(file, wrong), what_next="engine settings example shows every setting") from wrong
    except (ValueError, OSError) as wrong:  # not TOML at all, or not to be read
        raise BadFile(f"{file}: {wrong}") from wrong


def _all_wrongs(file: Path | None, wrong: ValidationError) -> str:
    where = f"{file} and environment" if file else "environment"
    lines = (f"  {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong.errors(include_input=False))
    return f"settings ({where}):\n" + "\n".join(lines)
