"""Where Asterisk's REST interface is, and how long we wait for it."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class AriSettings:
    """One Asterisk as the engine sees it. Times are in seconds."""

    base_url: str = "http://127.0.0.1:8088"
    """Without `/ari` and without a trailing slash."""
    username: str
    password: str = field(repr=False)
    app: str = "standardiste"

    ordinary_connections: int = 28
    urgent_connections: int = 4
    """28 + 4: Asterisk serves each connection by a thread, and 100 sessions is its default limit."""

    connect_limit_s: float = 2.0
    """To open or to be given a connection; beyond it the request was never sent."""

    reconnect_first_s: float = 0.1
    reconnect_last_s: float = 2.0
    ping_every_s: float = 2.0
    pong_limit_s: float = 3.0
    """A peer that died without a word is noticed within the sum of the two (Asterisk itself sends no pings)."""

    resnapshot_every_s: float = 30.0
    """The audit: any event we missed for a reason we do not know is repaired within this time."""

    backlog_limit: int = 20_000
    """Undelivered events beyond which the socket is dropped and the state read afresh: late truth is no truth."""

    muted_events: tuple[str, ...] = (
        "ChannelVarset",
        "ChannelDialplan",
        "ChannelConnectedLine",
        "ChannelCallerId",
        "ChannelUserevent",
    )
    """Not sent to us: 36 of the 60 events of a two-leg call are variables being set."""

    @property
    def authorization(self) -> str:
        """The Basic header. Never an `api_key` in a URL: URLs end in logs."""
        return "Basic " + b64encode(f"{self.username}:{self.password}".encode()).decode()

    @property
    def websocket_url(self) -> str:
        """The event socket's address."""
        return f"{self.base_url.replace('http', 'ws', 1)}/ari/events?app={self.app}"
