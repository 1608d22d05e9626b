"""What the engine decides about one Asterisk: where its directories are, what it listens on, the secrets it shares.

Everything has a safe default: loopback only, no manager interface unless one is asked for, secrets given by the caller
(generated at first start by whoever owns the installation, never by a template).
"""

from pathlib import Path
from typing import Self

import msgspec


class AsteriskPaths(msgspec.Struct, frozen=True, kw_only=True):
    """Every directory of asterisk.conf; all absolute, blanks allowed."""

    etc: Path
    modules: Path
    var_lib: Path
    db: Path
    keys: Path
    data: Path
    agi: Path
    spool: Path
    run: Path  # short: the control socket's path has at most 107 characters
    log: Path

    @classmethod
    def under(cls, home: Path, *, modules: Path, data: Path, run: Path | None = None) -> Self:
        """A private Asterisk: all that is written lies under `home`, programs and sounds stay where they are."""
        return cls(
            etc=home / "etc",
            modules=modules,
            var_lib=home / "lib",
            db=home / "lib",
            keys=home / "lib",
            data=data,
            agi=home / "agi",
            spool=home / "spool",
            run=run or home / "run",
            log=home / "log",
        )

    def writable(self) -> tuple[Path, ...]:
        """The directories that must exist, and that Asterisk writes to; without the last CEL writes nothing at all."""
        return (
            *(self.etc, self.var_lib, self.db, self.keys / "keys", self.agi, self.spool, self.run, self.log),
            self.spool / "recording",
            self.log / "cel-custom",
        )

    @property
    def hangups(self) -> Path:
        """What CEL appends hang-ups to: eventtime (epoch, microseconds), uniqueid, linkedid, channel, extra."""
        return self.log / "cel-custom" / "standardiste-hangups.csv"


class Ami(msgspec.Struct, frozen=True, kw_only=True):
    """The manager interface, on loopback, and the engine's account there."""

    port: int
    user: str
    secret: str


class Beside(msgspec.Struct, frozen=True):
    """What the engine's files say differently in an Asterisk that is somebody else's (see `beside.py`)."""

    transports: dict[str, str]  # protocol -> the name his transport has


class AsteriskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Ports, addresses and secrets of the Asterisk that the engine owns."""

    paths: AsteriskPaths
    ari_port: int
    ari_secret: str
    ari_user: str = "standardiste"
    app: str = "standardiste"  # the Stasis application
    ami: Ami | None = None  # None: no manager interface
    sip_address: str = "127.0.0.1"
    sip_port: int = 5060
    tls_port: int | None = None  # None: no TLS transport, and trunks that want TLS are refused
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_authorities: Path | None = None  # who may have signed the certificates of those we call; None: nobody
    tls_verify: bool = True
    webrtc: bool = False  # browsers may register: SIP over websockets, at /ws beside ARI
    wss_port: int | None = None  # where it takes them by TLS itself; None: only from this machine, from a proxy
    own_address: str | None = None  # what `external_address` leads to
    beside: Beside | None = None  # the Asterisk is an administrator's; None: it is the engine's own
    external_address: str | None = None  # what the far side sees when we stand behind NAT
    local_networks: tuple[str, ...] = ()  # addresses that are not behind that NAT
    rtp_ports: tuple[int, int] = (10000, 20000)  # two ports per leg
    language: str = "fr"
    tones: str = "fr"  # country of the tones a caller hears
    music: Path | None = None  # None: the `moh` directory of `data`
    comfort: Path | None = None  # directory with the tone of agents who wait; None: the one shipped with the engine
    handover_wait_s: int = 5  # how long a caller hears ringing while the engine is being restarted

    @property
    def transports(self) -> dict[str, str]:
        """The names of Asterisk's SIP transports, by protocol."""
        if self.beside is not None:
            return self.beside.transports
        protocols = ("udp", "tcp") if self.tls_port is None else ("udp", "tcp", "tls")
        return {protocol: f"transport-{protocol}" for protocol in protocols}
